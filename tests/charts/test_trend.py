from datetime import date

import pytest

from allocation.charts.trend import NARROW, WIDE, Panel, Reading, trend_panels
from tests.charts.reading import marks, read, titles, words

DAYS = [date(2026, 9, 30), date(2026, 10, 31), date(2026, 11, 22)]
VALUES = [80.0, 60.0, 120.0]


def panel(**more):
    readings = [
        Reading(day, value, f"{value:g} on {day}", low=value - 10, high=value + 10, hollow=day.month == 9)
        for day, value in zip(DAYS, VALUES, strict=True)
    ]
    return Panel(**{"label": "Utilisation", "readings": readings, "last": "120 %", **more})


def drawn(*panels, width=WIDE):
    return read(trend_panels(panels or [panel()], label="Over time", width=width))


def dots(tree):
    return list(tree.iter("circle"))


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_points_stand_at_their_days_and_values(width):
    tree = drawn(width=width)
    xs = [float(dot.get("cx")) for dot in dots(tree)]
    ys = [float(dot.get("cy")) for dot in dots(tree)]
    # 31 of 53 days.
    assert (xs[1] - xs[0]) / (xs[2] - xs[0]) == pytest.approx(31 / 53, abs=0.01)
    # From 80 down to 60, then up to 120.
    assert (ys[1] - ys[0]) / (ys[1] - ys[2]) == pytest.approx(20 / 60, abs=0.01)


def test_the_axis_begins_at_nothing_so_that_a_small_change_looks_small():
    tree = drawn(panel(limit=100.0, limit_words="capacity"))
    base = max(float(node.get("y1")) for node in marks(tree, "grid"))
    (limit,) = marks(tree, "line-limit")
    last = float(dots(tree)[-1].get("cy"))
    assert (base - last) / (base - float(limit.get("y1"))) == pytest.approx(1.2, abs=0.01)


def test_the_band_goes_from_the_least_to_the_most():
    (band,) = marks(drawn(), "band")
    assert band.get("d").count("L") == 5  # three points above, three below
    bare = panel(readings=[Reading(day, 1.0, "one") for day in DAYS])
    assert marks(drawn(bare), "band") == []


def test_what_was_worked_out_later_is_hollow_and_every_point_says_its_figure():
    tree = drawn()
    assert [dot.get("class") for dot in dots(tree)] == ["dot-before", "mark ringed", "mark ringed"]
    assert titles(tree) == [f"{value:g} on {day}" for day, value in zip(DAYS, VALUES, strict=True)]


def test_the_newest_value_and_the_newest_day_are_written():
    said = words(drawn())
    assert "120 %" in said
    assert "22 Nov 26" in said


def test_a_day_without_a_figure_leaves_a_gap_and_breaks_nothing():
    tree = drawn(
        panel(
            readings=[
                Reading(DAYS[0], None, "none"),
                Reading(DAYS[1], 5.0, "five"),
                Reading(DAYS[2], None, "none"),
            ]
        )
    )
    assert len(dots(tree)) == 1
    assert len(dots(drawn(panel(readings=[Reading(day, None, "none") for day in DAYS])))) == 0


def test_nothing_but_zeros_can_be_drawn():
    tree = drawn(panel(readings=[Reading(day, 0.0, "0") for day in DAYS]))
    assert len({dot.get("cy") for dot in dots(tree)}) == 1


def test_everything_stays_inside_the_picture():
    for width in (WIDE, NARROW):
        tree = drawn(panel(), panel(label="<b>&"), width=width)
        (svg,) = tree.iter("svg")
        _, _, wide, tall = map(float, svg.get("viewBox").split())
        for dot in dots(tree):
            assert 0 < float(dot.get("cx")) < wide
            assert 0 < float(dot.get("cy")) < tall
        assert "<b>&" in words(tree)
