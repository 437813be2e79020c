"""The timeline of one customer: steps stand in the lane of their tier, from day to day, scores on their own scale."""

from datetime import date
from itertools import pairwise

import pytest

from allocation.charts.timeline import NARROW, WIDE, Moment, tier_steps
from tests.charts.reading import marks, read, titles, words

UNTIL = date(2026, 11, 22)
YEAR = [
    Moment(date(2023, 11, 23), "Scale", 3, 20.0, "Scale from 23 Nov 2023"),
    Moment(date(2024, 11, 22), "Global", 1, 80.0, "Global from 22 Nov 2024"),
    Moment(date(2025, 11, 22), "Enterprise", 2, None, "Enterprise from 22 Nov 2025"),
]


def bars(tree):
    return [(float(node.get("x")), float(node.get("width"))) for node in tree.iter("rect")]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_highest_tier_has_the_highest_lane(width):
    tree = read(tier_steps(YEAR, until=UNTIL, width=width))
    lane = {node.text: float(node.get("y")) for node in tree.iter("text")}
    assert lane["Global"] < lane["Enterprise"] < lane["Scale"]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_bar_is_as_long_as_its_tier_held_and_the_last_one_goes_on_until_today(width):
    tree = read(tier_steps(YEAR, until=UNTIL, width=width))
    (a, long_a), (b, long_b), (c, long_c) = bars(tree)
    assert (a + long_a, b + long_b) == (pytest.approx(b, abs=0.02), pytest.approx(c, abs=0.02))
    assert long_a == pytest.approx(long_b, rel=0.01) == pytest.approx(long_c, rel=0.01)  # a year each
    assert c + long_c <= width


def test_each_bar_has_the_colour_of_its_tier():
    tree = read(tier_steps(YEAR, until=UNTIL))
    assert [node.get("class") for node in tree.iter("rect")] == ["tier-3", "tier-1", "tier-2"]


def test_scores_are_dots_higher_for_more_and_missing_ones_are_no_zeros():
    tree = read(tier_steps(YEAR, until=UNTIL))
    dots = [float(node.get("cy")) for node in marks(tree, "mark")]
    assert len(dots) == 2
    assert dots[1] < dots[0]
    assert "80.00 of 100 on 22 Nov 2024" in titles(tree)


def test_without_scores_there_is_no_scale_for_them():
    tree = read(tier_steps([YEAR[2]], until=UNTIL))
    assert "Score" not in words(tree)
    assert "Score" in words(read(tier_steps(YEAR, until=UNTIL)))


def test_one_decision_of_today_is_a_picture_too():
    tree = read(tier_steps([Moment(UNTIL, "No tier", None, 50.0, "No tier")], until=UNTIL))
    ((_, long),) = bars(tree)
    assert long > WIDE / 2  # it holds today, all of the picture
    assert "22 Nov 2026" in words(tree)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_days_do_not_stand_on_each_other(width):
    many = [Moment(date(2026, 1 + place // 2, 1 + place % 2), "Scale", 3, 1.0, "") for place in range(20)]
    tree = read(tier_steps(many, until=UNTIL, width=width))
    at = sorted(float(node.get("x")) for node in tree.iter("text") if (node.text or "").endswith("2026"))
    assert len(at) >= 2
    assert all(right - left >= 90 for left, right in pairwise(at))


def test_a_name_that_looks_like_markup_is_only_a_name():
    tree = read(tier_steps([Moment(UNTIL, "<b>&", 1, None, "<script>")], until=UNTIL))
    assert "<b>&" in words(tree)
    assert "<script>" in titles(tree)


def test_the_label_tells_the_tiers_in_their_order():
    tree = read(tier_steps(YEAR, until=UNTIL))
    (svg,) = tree.iter("svg")
    assert svg.get("aria-label").startswith("Tier over time: Scale, then Global, then Enterprise;")
