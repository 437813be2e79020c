"""Two amounts back to back: each side has its own scale, and nothing is drawn for what is not known."""

import pytest

from allocation.charts.sides import NARROW, WIDE, TwoSides, two_sides
from tests.charts.reading import read, titles, words

ROWS = [
    TwoSides("Only what must move", 0, "0", 500, "500.0 points"),
    TwoSides("More even", 26, "26", 250, "250.0 points"),
    TwoSides("Fewer moves", None, "–", None, "–"),
]


def drawn(rows, width=WIDE):
    return read(two_sides(rows, heads=("moves", "unevenness"), label="Moves and unevenness", width=width))


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_bars_grow_from_the_middle_and_stay_inside(width):
    bars = list(drawn(ROWS, width).iter("rect"))
    left, right = bars[0::2], bars[1::2]
    for bar in left:
        assert float(bar.get("x")) + float(bar.get("width")) == pytest.approx(width / 2 - 2)
        assert float(bar.get("x")) > 0
    for bar in right:
        assert float(bar.get("x")) == pytest.approx(width / 2 + 2)
        assert float(bar.get("x")) + float(bar.get("width")) < width
    assert float(right[0].get("width")) == pytest.approx(2 * float(right[1].get("width")), rel=0.01)


def test_each_mark_says_its_row_and_what_is_unknown_is_said():
    tree = drawn(ROWS)
    assert "More even: 26, 250.0 points" in titles(tree)
    assert "not computed" in words(tree)
    assert len(list(tree.iter("rect"))) == 4


def test_names_are_escaped_and_nothing_known_divides_by_nothing():
    tree = drawn([TwoSides("<b>", 0, "0", 0, "0")])
    assert "<b>" in words(tree)
    assert drawn([TwoSides("a", None, "–", None, "–")]) is not None
