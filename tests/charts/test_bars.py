import pytest

from allocation.charts.bars import (
    NARROW,
    WIDE,
    ContributionBar,
    Share,
    UtilisationBar,
    axis_end,
    contribution_bars,
    mini_bar,
    share_bar,
    utilisation_bars,
)
from tests.charts.reading import marks, read, titles, words

BARS = [
    UtilisationBar("Ada", 120.0, "Ada: 120 %", outside=True),
    UtilisationBar("Ben", 60.0, "Ben: 60 %", outside=True),
    UtilisationBar("Cid", 90.0, "Cid: 90 %"),
    UtilisationBar("Dee", None, "Dee: no capacity"),
]


def width_of(node):
    return float(node.get("width"))


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_bars_are_as_long_as_their_utilisation(width):
    tree = read(utilisation_bars(BARS, mean=90.0, width=width))
    over, off, plain = (marks(tree, name)[0] for name in ("mark-bad", "mark-warn", "mark"))
    # 120 : 60 : 90, in any unit.
    assert width_of(over) / width_of(off) == pytest.approx(2, abs=0.01)
    assert width_of(plain) / width_of(off) == pytest.approx(1.5, abs=0.01)


def test_the_capacity_line_stands_where_a_bar_of_100_percent_would_end():
    tree = read(utilisation_bars([UtilisationBar("Ada", 100.0, "Ada")], mean=None))
    bar, limit = marks(tree, "mark")[0], marks(tree, "line-limit")[0]
    assert float(bar.get("x")) + width_of(bar) == pytest.approx(float(limit.get("x1")), abs=0.01)


def test_the_band_is_15_percent_of_the_mean_to_both_sides():
    tree = read(utilisation_bars(BARS, mean=80.0))
    band, bar = marks(tree, "band")[0], marks(tree, "mark-bad")[0]
    pixels_per_point = width_of(bar) / 120
    # 80 ± 12 points
    assert width_of(band) == pytest.approx(24 * pixels_per_point, abs=0.02)
    assert float(band.get("x")) - float(bar.get("x")) == pytest.approx(68 * pixels_per_point, abs=0.02)


def test_without_a_mean_there_is_no_band():
    assert marks(read(utilisation_bars(BARS, mean=None)), "band") == []


def test_a_csm_without_capacity_has_words_instead_of_a_bar():
    assert "no capacity" in words(read(utilisation_bars(BARS, mean=90.0)))


def test_over_capacity_is_said_by_a_sign_as_well_as_by_colour():
    said = words(read(utilisation_bars(BARS, mean=90.0)))
    assert "120 % !" in said
    assert "90 %" in said


def test_every_bar_says_what_it_is():
    assert set(titles(read(utilisation_bars(BARS, mean=None)))) == {bar.words for bar in BARS}


def test_a_picture_is_named_for_who_cannot_see_it():
    svg = next(read(utilisation_bars(BARS, mean=90.0)).iter("svg"))
    assert svg.get("role") == "img"
    assert "4 CSMs" in svg.get("aria-label")


def test_no_bars_make_an_empty_picture_not_an_error():
    assert read(utilisation_bars([], mean=None)) is not None


@pytest.mark.parametrize(
    ("most", "end"),
    [
        (100.0, 125.0),  # room for the label of the longest bar
        (120.0, 125.0),
        (121.0, 150.0),
        (1000.0, 1100.0),  # coarser beyond 400 %
    ],
)
def test_the_axis_ends_on_a_round_number_above_the_longest_bar(most, end):
    assert axis_end(most) == end


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_nothing_is_drawn_outside_the_picture(width):
    tree = read(utilisation_bars([*BARS, UtilisationBar("Eve", 2300.0, "Eve")], mean=90.0, width=width))
    for node in tree.iter("rect"):
        assert float(node.get("x")) + width_of(node) <= width


def test_a_contribution_fills_its_share_of_the_most_it_could_give():
    tree = read(contribution_bars([ContributionBar("ARR", 20.0, 40.0, "ARR gave 20.00")], score=20.0))
    mark, track = marks(tree, "mark")[0], marks(tree, "track")[0]
    assert width_of(mark) / width_of(track) == pytest.approx(0.5, abs=0.001)
    assert "20.00" in words(tree)


def test_a_missing_value_is_said_and_never_drawn_as_a_zero():
    tree = read(
        contribution_bars([ContributionBar("Health", 0.0, 0.0, "Health: missing", missing=True)], score=None)
    )
    assert "missing" in words(tree)
    assert "0.00" not in words(tree)
    assert marks(tree, "mark") == []


def test_contributions_without_a_score_are_drawn_all_the_same():
    assert "no score" in next(read(contribution_bars([], score=None)).iter("svg")).get("aria-label")


def test_shares_fill_the_whole_bar():
    tree = read(share_bar([Share("Global", 1, "tier-1"), Share("Scale", 3, "tier-3")], label="Tiers"))
    first, second = marks(tree, "tier-1")[0], marks(tree, "tier-3")[0]
    assert float(second.get("x")) == 250
    assert width_of(first) == 248  # a gap of 2
    assert titles(tree) == ["Global: 1 (25 %)", "Scale: 3 (75 %)"]


def test_shares_of_nothing_are_no_picture():
    assert share_bar([], label="Tiers") == ""
    assert share_bar([Share("Global", 0, "tier-1")], label="Tiers") == ""


@pytest.mark.parametrize(("pct", "filled"), [(-5, 0), (0, 0), (50, 50), (250, 100)])
def test_a_small_bar_stays_inside_its_box(pct, filled):
    rect = next(read(mini_bar(pct, tone="bad", words=f"{pct} %")).iter("rect"))
    assert width_of(rect) == filled
