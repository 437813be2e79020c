"""A tornado: both sides by one scale, small within large, and every mark says its sentence."""

import pytest

from allocation.charts.tornado import NARROW, WIDE, Side, Turned, tornado
from tests.charts.reading import marks, read, titles, words

ROWS = [
    Turned("Weight of Revenue", Side((10, 50, 100), "down moves 100"), Side((20, 40, 50), "up moves 50")),
    Turned("Scale <b>", None, Side((0, 0, 7), "up moves 7")),
]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_bars_grow_from_the_middle_by_one_scale_and_stay_inside(width):
    tree = read(tornado(ROWS, label="Moves", width=width))
    large = marks(tree, "turn-large")
    left, right = large[0], large[1]
    assert float(left.get("x")) + float(left.get("width")) == pytest.approx(width / 2, abs=0.02)
    assert float(left.get("x")) > 0
    assert float(right.get("x")) == pytest.approx(width / 2)
    assert float(left.get("width")) == pytest.approx(2 * float(right.get("width")), rel=0.01)
    small = marks(tree, "turn-small")[0]
    assert float(small.get("width")) == pytest.approx(float(left.get("width")) / 10, rel=0.01)


def test_the_shorter_bar_lies_on_the_longer_whatever_its_size():
    row = Turned("A", Side((9, 5, 1), "more moves fewer"), None)
    order = [node.get("class") for node in read(tornado([row], label="Moves")).iter("rect")]
    assert order == ["turn-small", "turn-middle", "turn-large"]


def test_marks_say_their_sentences_and_an_end_is_said():
    tree = read(tornado(ROWS, label="Moves"))
    assert {"down moves 100", "up moves 50", "up moves 7"} <= set(titles(tree))
    assert "at its end" in words(tree)
    assert "Scale <b>" in words(tree)


def test_nobody_at_all_divides_by_nothing():
    tree = read(tornado([Turned("A", Side((0, 0, 0), "nobody"), None)], label="Moves"))
    assert not list(tree.iter("rect"))
