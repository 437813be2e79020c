import itertools
import re

import pytest

from allocation.charts.flows import NARROW, WIDE, Flow, Level, Shift, shifts, small_flow, tier_flow
from tests.charts.reading import marks, read, titles, words

LEVELS = [Level("g", "Global", 1), Level("e", "Enterprise", 2), Level("", "No tier", 6)]
FLOWS = [
    Flow("g", "g", 10),
    Flow("e", "g", 2, way="up"),
    Flow("g", "e", 1, way="down"),
    Flow("e", "e", 30),
    Flow("", "e", 5),
]


def test_both_sides_count_the_customers_of_each_tier():
    said = words(read(tier_flow(LEVELS, FLOWS)))
    assert "Global 11" in said
    assert "Global 12 (+1)" in said
    # 32 before (2 leave, 30 stay); 1 + 30 + 5 after
    assert "Enterprise 32" in said
    assert "Enterprise 36 (+4)" in said
    assert "No tier 0 (-5)" in said


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_names_that_begin_alike_can_be_told_apart_and_do_not_lie_on_each_other(width):
    alike = [Level(name, f"High touch · {name}", 1) for name in ("Enterprise", "Commercial", "Other")]
    tree = read(tier_flow(alike, [Flow("Enterprise", "Enterprise", 5)], width=width))
    said = words(tree)
    for line in ("Enterprise 5", "Commercial 0", "Other 0"):
        assert any(each.endswith(line) for each in said), line
    assert not [each for each in said if "…" in each]
    left = sorted(float(node.get("y")) for node in tree.iter("text") if node.get("text-anchor") == "end")
    assert min(later - earlier for earlier, later in itertools.pairwise(left)) >= 12


def test_ribbons_say_how_many_go_where():
    said = titles(read(tier_flow(LEVELS, FLOWS)))
    assert "2 from Enterprise go to Global" in said
    assert "10 from Global stay in Global" in said


def test_a_ribbon_leads_to_its_rows_where_it_has_an_address():
    tree = read(tier_flow(LEVELS, [Flow("e", "g", 2, url="/runs/1/?was=2&to=1"), Flow("g", "g", 10)]))
    assert [link.get("href") for link in tree.iter("a")] == ["/runs/1/?was=2&to=1"]
    assert len(marks(tree, "flow-stay")) == 1


def test_up_and_down_are_told_apart():
    tree = read(tier_flow(LEVELS, FLOWS))
    assert len(marks(tree, "flow-up")) == 1
    assert len(marks(tree, "flow-down")) == 1
    assert len(marks(tree, "flow-stay")) == 2
    # Out of "no tier": a first tier is neither up nor down.
    assert len(marks(tree, "flow-first")) == 1
    assert marks(tree, "flow-none") == []


def test_a_flow_that_goes_neither_way_is_neutral():
    tree = read(tier_flow(LEVELS, [Flow("e", "g", 2, way="none"), Flow("g", "e", 1, way="down")]))
    assert len(marks(tree, "flow-none")) == 1
    assert len(marks(tree, "flow-down")) == 1
    assert marks(tree, "flow-up") == []


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_ribbons_stay_inside_the_picture(width):
    tree = read(tier_flow(LEVELS, FLOWS, width=width))
    svg = next(tree.iter("svg"))
    tall = float(svg.get("viewBox").split()[3])
    for path in tree.iter("path"):
        numbers = [float(found) for found in re.findall(r"-?\d+(?:\.\d+)?", path.get("d"))]
        assert min(numbers) >= 0
        assert max(numbers) <= max(width, tall)


def test_no_flows_make_an_empty_picture_not_an_error():
    assert read(tier_flow([], [])) is not None
    assert read(tier_flow(LEVELS, [])) is not None


def test_a_flow_to_an_unknown_tier_is_not_drawn():
    assert list(read(tier_flow(LEVELS, [Flow("g", "gone", 3)])).iter("path")) == []


def test_a_shift_has_a_dot_before_and_a_dot_after():
    tree = read(
        shifts([Shift("Ada", 130.0, 95.0, "Ada: 130 % to 95 %"), Shift("Ben", None, 110.0, "Ben: new")])
    )
    assert len(marks(tree, "dot-before")) == 1
    assert len(marks(tree, "mark")) == 1
    assert len(marks(tree, "mark-bad")) == 1
    before, after = marks(tree, "dot-before")[0], marks(tree, "mark")[0]
    assert float(before.get("cx")) > float(after.get("cx"))


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_number_of_a_book_that_is_empty_now_does_not_lie_on_the_name(width):
    tree = read(shifts([Shift("Ada", 70.0, 0.0, "Ada: 70 % to 0 %")], width=width))
    (name,) = [text for text in tree.iter("text") if text.text == "Ada"]
    (value,) = [
        text for text in tree.iter("text") if text.text == "0 %" and text.get("class") == "strong value"
    ]
    assert value.get("text-anchor") is None  # begins there
    assert float(value.get("x")) > float(name.get("x"))


def test_the_sides_are_named_as_asked():
    tree = read(tier_flow(LEVELS, FLOWS, sides=("Today", "Then")))
    said = words(tree)
    assert {"Today", "Then"} <= set(said)
    assert not {"Before", "After"} & set(said)
    assert "Global: 11 today" in titles(tree)


def test_the_small_picture_has_no_words_and_says_all_in_titles():
    tree = read(small_flow(LEVELS, FLOWS, of="Caps"))
    assert list(tree.iter("text")) == []
    said = titles(tree)
    assert {"Global: 11 today", "Global: 12 then", "2 from Enterprise go to Global"} <= set(said)
    assert "“Caps”" in next(tree.iter("svg")).get("aria-label")


def test_the_small_picture_of_nobody_is_drawn_too():
    assert titles(read(small_flow([], [], of="Empty"))) == []
