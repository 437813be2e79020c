"""The curve of concentration: every point where its shares are, every name inside the drawing."""

import pytest

from allocation.charts.concentration import LEFT, NARROW, RIGHT, TOP, WIDE, Mark, concentration_curve
from allocation.charts.svg import CHARACTER_PX
from tests.charts.reading import marks, read, titles, words

POINTS = [(0.0, 0.0), (10.0, 60.0), (100.0, 100.0)]


def mark(customers_pct, arr_pct):
    return Mark(customers_pct, arr_pct, f"top {customers_pct:g} %: {arr_pct:g} %", "words of it")


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_curve_goes_from_nothing_to_all(width):
    tree = read(concentration_curve(POINTS, [], width=width))
    (curve,) = marks(tree, "curve")
    first, middle, last = (tuple(map(float, pair.split(","))) for pair in curve.get("points").split())
    assert (first[0], last[0], last[1]) == (LEFT, width - RIGHT, TOP)
    assert middle[0] == pytest.approx(LEFT + (width - LEFT - RIGHT) / 10, abs=0.01)
    assert middle[1] == pytest.approx(TOP + (first[1] - TOP) * 0.4, abs=0.01)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_names_of_points_stay_inside_also_at_the_right_edge(width):
    tree = read(concentration_curve(POINTS, [mark(1, 20), mark(100, 100)], width=width))
    for node in tree.iter("text"):
        x, wide = float(node.get("x")), len(node.text) * CHARACTER_PX
        start = {"middle": x - wide / 2, "end": x - wide}.get(node.get("text-anchor"), x)
        assert start >= -1, node.text
        assert start + wide <= width + 1, node.text
    assert "top 1 %: 20 %" in words(tree)
    assert "words of it" in titles(tree)


def test_without_points_there_is_a_frame_and_no_curve():
    assert marks(read(concentration_curve([], [])), "curve") == []
