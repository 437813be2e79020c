"""What a thread makes of things, one ahead of whoever takes them."""

from threading import Event

import pytest

from accounts.one_ahead import one_ahead


def test_each_comes_in_its_place_with_what_was_made_of_it():
    assert [(item, made.result()) for item, made in one_ahead(range(4), lambda at: at * at)] == [
        (0, 0),
        (1, 1),
        (2, 4),
        (3, 9),
    ]
    assert list(one_ahead([], str)) == []


def test_the_next_is_made_while_this_one_is_in_hand_and_no_other():
    begun = [Event() for _ in range(4)]
    for item, made in one_ahead(range(4), lambda at: begun[at].set()):
        made.result()
        assert all(each.wait(5) for each in begun[: item + 2])
        assert not any(each.is_set() for each in begun[item + 2 :])


def test_what_fails_fails_where_it_is_taken():
    things = one_ahead([1, 0, 2], lambda by: 6 // by)
    assert next(things)[1].result() == 6
    with pytest.raises(ZeroDivisionError):
        next(things)[1].result()
