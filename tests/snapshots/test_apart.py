"""Rows taken apart are each in one part, and come together in the order of their keys."""

import pytest

from allocation.snapshots.apart import Apart, conditions


def holds(condition, key):
    said = condition.replace("AND", "and").replace("OR", "or")
    return eval(said, {"key": key})


@pytest.mark.parametrize("edges", [[5], [5, 9], [5, 9, 12], [3, 4, 5, 6, 7], [5, 5, 9]])
def test_every_key_is_in_one_part(edges):
    parts = conditions("key", edges)
    assert len(parts) == -(-(len(edges) + 1) // 2)
    for key in range(15):
        assert sum(holds(part, key) for part in parts) == 1


def test_parts_come_in_the_order_of_keys_whichever_is_done_first():
    def key(number):
        return number.to_bytes(8, "big", signed=True)

    rows = [(["c"], key(300)), (None, None), (["a", "b"], key(-2) + key(1))]
    assert Apart(1, [0]).together(rows) == [["a", "b", "c"], key(-2) + key(1) + key(300)]
    assert list(Apart(1, [0]).together([(None, None), (None, None)])) == [None, None]


def test_rows_that_stay_together_are_asked_for_as_ever():
    assert Apart(0, ()).statement("SELECT 1", "c0") == ("SELECT 1", 1)
