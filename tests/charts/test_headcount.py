from datetime import date

import pytest

from allocation.charts.headcount import NARROW, WIDE, MonthMark, headcount_months
from allocation.engine.headcount_months import later
from tests.charts.reading import read, titles, words

ON = date(2026, 11, 27)


def marks_of(number, *, hires=(), asked=1000.0, there=800.0, with_hires=800.0):
    return [
        MonthMark(
            on=later(ON, month),
            asked=asked,
            there=there,
            with_hires=with_hires,
            hires=dict(hires).get(month, 0),
            words=f"Month {month}: asked",
        )
        for month in range(number)
    ]


def drawn(marks, width=WIDE):
    return read(headcount_months(marks, width=width))


def bars(tree, class_):
    return [one for one in tree.iter("rect") if one.get("class") == class_]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_hours_are_as_high_as_they_are_many(width):
    tree = drawn(marks_of(13, asked=1000, there=500, with_hires=750), width)
    (there, *_), (hired, *_) = bars(tree, "hours-there"), bars(tree, "hours-hired")
    # Half the hours asked; a quarter on top of them, less the gap between the two.
    assert float(there.get("height")) == pytest.approx(2 * (float(hired.get("height")) + 1.5), abs=0.1)
    line = float(there.get("y")) + float(there.get("height"))
    dot = next(one for one in tree.iter("circle") if one.get("class") == "asked-dot")
    assert line - float(dot.get("cy")) == pytest.approx(2 * float(there.get("height")), abs=0.1)


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("months", [2, 13, 37])
def test_nothing_lies_outside_the_picture(width, months):
    tree = drawn(marks_of(months, hires=[(0, 3)], with_hires=2000), width)
    for one in (*bars(tree, "hours-there"), *bars(tree, "hours-hired")):
        assert float(one.get("x")) >= 0
        assert float(one.get("x")) + float(one.get("width")) <= width
        assert float(one.get("y")) >= 0
    assert all(0 <= float(one.get("x")) <= width for one in tree.iter("text"))


def test_hires_are_numbers_where_there_is_room_and_marks_with_words_where_not():
    marks = marks_of(37, hires=[(5, 12)])
    assert "12" in words(drawn(marks))
    narrow = drawn(marks, NARROW)
    assert "12" not in words(narrow)
    assert "12 to begin in April 2027" in titles(narrow)


def test_each_month_says_its_words_and_the_picture_is_named():
    tree = drawn(marks_of(3))
    assert {"Month 0: asked", "Month 1: asked", "Month 2: asked"} <= set(titles(tree))
    assert "3 months" in tree.find("svg").get("aria-label")


def test_a_company_that_asks_nothing_can_be_drawn():
    assert bars(drawn(marks_of(2, asked=0, there=0, with_hires=0)), "hours-there")
