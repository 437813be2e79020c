from html import unescape

import pytest
from django.template import Context, Template

from allocation.charts.bars import Share, UtilisationBar, mini_bar, share_bar, utilisation_bars
from allocation.charts.flows import Level, tier_flow
from allocation.charts.svg import element, in_two_lines, number, shortened, text
from tests.charts.reading import read

NASTY = "<script>alert(1)</script>\"' onload=x & \u202e"


@pytest.mark.parametrize(
    ("value", "written"),
    [(1, "1"), (1.0, "1"), (1.234, "1.23"), (0.001, "0"), (-0.001, "0"), (-1.5, "-1.5"), (100, "100")],
)
def test_numbers_are_short(value, written):
    assert number(value) == written


def test_attribute_values_are_escaped():
    written = element("rect", class_=NASTY)
    assert "<script" not in written
    assert unescape(written).count(NASTY) == 1


def test_texts_are_escaped():
    assert "<script" not in text(NASTY, x=0, y=0)


@pytest.mark.parametrize(
    "drawn",
    [
        utilisation_bars([UtilisationBar(NASTY, 50.0, NASTY)], mean=50.0),
        share_bar([Share(NASTY, 1, "tier-1")], label=NASTY),
        tier_flow([Level("a", NASTY, 1)], []),
        mini_bar(10, tone="", words=NASTY),
    ],
)
def test_a_name_stays_a_word_in_every_chart(drawn):
    tree = read(drawn)
    assert "script" not in {node.tag for node in tree.iter()}
    assert not [key for node in tree.iter() for key in node.attrib if key.startswith("on")]


def test_a_template_shows_a_chart_as_a_picture_and_a_name_as_words():
    drawn = share_bar([Share("A", 1, "tier-1")], label="Tiers")
    shown = Template("{{ chart }}|{{ name }}").render(Context({"chart": drawn, "name": "<b>"}))
    assert shown.startswith("<svg")
    assert shown.endswith("|&lt;b&gt;")


def test_no_chart_has_an_inline_style():
    drawn = utilisation_bars([UtilisationBar("A", 50.0, "A")], mean=50.0) + tier_flow(
        [Level("a", "A", 1)], []
    )
    assert "style=" not in drawn


@pytest.mark.parametrize(
    ("words", "room", "shown"),
    [("Ada", 100, "Ada"), ("A very long name", 60, "A very…"), ("Abcdef", 1, "Ab…")],
)
def test_labels_are_cut_to_their_room(words, room, shown):
    assert shortened(words, room) == shown


# room for 16 characters on a line, and for 11 on the last one
@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ("Enterprise", ["Enterprise"]),
        ("High touch · Enterprise", ["High touch ·", "Enterprise"]),
        ("High touch · Commercial", ["High touch ·", "Commercial"]),
        ("Low touch · Very commercial", ["Low touch · Very", "commercial"]),
        ("One two threefourfivesix", ["One two", "three…vesix"]),
        ("Abcdefghijklmnop-east", ["Abcde…-east"]),
    ],
)
def test_long_names_take_two_lines_and_lose_their_middle_last(words, lines):
    assert in_two_lines(words, 16 * 6.7 + 1, last_px=11 * 6.7 + 1) == lines
