import pytest

from allocation.charts.attention import NARROW, WIDE, DotRow, HoursBar, basis_dots, hours_bars, legend_mark
from tests.charts.reading import marks, read, titles, words

BARS = [
    HoursBar("Alba", base=120, share=480, done=300, words="Alba: 10:00 hours", value="10:00"),
    HoursBar("Borg", base=60, share=0, done=0, words="Borg: 1:00 hours", value="1:00"),
]


def size(node, name="width"):
    return float(node.get(name))


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_base_and_share_stand_end_to_end_in_proportion(width):
    tree = read(hours_bars(BARS, width=width))
    base, other = marks(tree, "hours-base")
    share, none = marks(tree, "hours-share")
    assert size(base) / size(other) == pytest.approx(2, abs=0.01)
    assert size(share) / size(base) == pytest.approx(4, abs=0.01)
    assert size(none) == 0
    assert size(base, "x") + size(base) == pytest.approx(size(share, "x"), abs=0.02)


def test_a_tick_stands_where_the_hours_done_end_and_none_where_nothing_was_done():
    tree = read(hours_bars(BARS))
    base, (tick,) = marks(tree, "hours-base")[0], marks(tree, "hours-done")
    # 300 minutes done are two and a half times the base of 120.
    assert size(tick, "x1") - size(base, "x") == pytest.approx(2.5 * size(base), abs=0.05)


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("minutes", [0, 1, 59, 60, 481, 7_200, 99_999])
def test_bars_of_any_length_and_the_figure_behind_them_stay_inside(width, minutes):
    bar = HoursBar("Long", base=minutes, share=minutes, done=0, words="long", value="1,666:39")
    tree = read(hours_bars([bar], width=width))
    share = marks(tree, "hours-share")[0]
    assert size(share, "x") + size(share) <= width - 50
    assert len(marks(tree, "tick")) <= 10


def test_marks_say_their_words_and_names_are_escaped():
    naughty = HoursBar("<b>Alba</b>", 1, 1, 0, words='"<script>"', value="0:02")
    markup = hours_bars([naughty])
    assert "<script>" not in markup and "<b>" not in markup
    assert '"<script>"' in titles(read(markup))
    assert "10:00" in words(read(hours_bars(BARS)))


def test_each_basis_has_its_own_place_shape_and_the_one_in_force_is_drawn_last_and_larger():
    markup = basis_dots([DotRow("Alba", dots=[60, 120, 180, 240, 300], words="Alba: …")], in_force=1)
    tree = read(markup)
    circle = marks(tree, "basis-2")[0]
    assert circle.tag.endswith("circle") and size(circle, "r") == 7
    shapes = [marks(tree, f"basis-{place}")[0].get("points") for place in (1, 3, 4, 5)]
    assert len(set(shapes)) == 4 and all(shapes)
    assert markup.rindex("basis-2") > max(markup.rindex(f"basis-{place}") for place in (1, 3, 4, 5))


def test_the_line_of_a_customer_goes_from_the_least_to_the_most():
    tree = read(basis_dots([DotRow("Alba", dots=[100, 400], words="")], in_force=0))
    (line,) = marks(tree, "leader")
    circle = marks(tree, "basis-2")[0]
    assert size(line, "x2") == pytest.approx(size(circle, "cx"), abs=0.02)
    assert size(line, "x1") < size(line, "x2")


def test_a_mark_of_the_legend_is_decoration():
    assert 'aria-hidden="true"' in legend_mark(0)
    assert "aria-label" not in legend_mark(0)
