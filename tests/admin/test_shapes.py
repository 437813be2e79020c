"""Shapes are format_html: what is put into one is escaped unless it is markup already."""

import pytest
from django.template.defaultfilters import linebreaksbr
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin import badges
from accounts.admin.shapes import Shape, joined, lines
from allocation.charts.svg import Markup

NAUGHTY = "<script>alert('x')</script> & \"quoted\""
VALUES = [NAUGHTY, "plain", "", 7, 1.5, None, format_html("<b>{}</b>", NAUGHTY), Markup("<svg/>"), ("<", 1)]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_shown_as_format_html_shows_it(value):
    shape = '<td title="{}">{}</td>'
    made = Shape(shape)(value, value)
    assert made == format_html(shape, value, value)
    assert isinstance(made, SafeString)
    assert joined([value, "<"], " ") == format_html("{} {}", value, "<")


def test_what_a_shape_gives_is_not_escaped_again():
    assert Shape("<i>{}</i>")(Shape("<b>{}</b>")("<")) == "<i><b>&lt;</b></i>"


@pytest.mark.parametrize("values", [(), ("a",), ("a", "b", "c")])
def test_a_value_too_many_or_too_few_is_refused(values):
    with pytest.raises(ValueError, match="zip"):
        Shape("<i>{}</i>{}")(*values)


@pytest.mark.parametrize("words", ["one", "one\ntwo", "a\r\nb\rc", NAUGHTY + "\n" + NAUGHTY, ""])
def test_lines_are_those_of_linebreaksbr(words):
    assert lines(words) == linebreaksbr(words)


def test_words_of_how_a_number_came_are_escaped_in_title_and_popover():
    made = badges.traced(value=NAUGHTY, words=NAUGHTY, label=NAUGHTY, number=3)
    assert "<script" not in made
    assert made.count("&lt;script&gt;") == 4
