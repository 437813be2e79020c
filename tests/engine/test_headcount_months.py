"""Months ahead: growth, churn and attrition compounded, ramp, leave, and who is to be hired when."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from allocation.engine.headcount import HeadLine
from allocation.engine.headcount_months import (
    Ahead,
    MonthAhead,
    PersonAhead,
    kept,
    later,
    months_ahead,
    ramp_of,
)
from allocation.engine.headcount_words import month_sentences

ON = date(2026, 11, 27)
HEAD = 6000  # net minutes of a month
PERSON = PersonAhead(
    hours_per_month=Decimal(160), overhead_pct=Decimal("37.5"), ramp_pct=Decimal(100)
)  # 100 h net


def line(heads: int, customers: int = 100) -> HeadLine:
    """Asks so many heads by hours."""
    return HeadLine("a", "a", customers, heads * HEAD, None, HEAD, float(heads), 0.0, heads, 0.0)


def ahead(*people: PersonAhead, heads: int = 1, besides: int = 0, **given: Any) -> tuple[MonthAhead, ...]:
    return months_ahead(
        lines=[line(heads)],
        people=people,
        full_time_minutes=160 * 60,
        head_minutes=HEAD,
        on=ON,
        ahead=Ahead(**given),
        besides=besides,
    )


def test_without_change_every_month_is_as_today() -> None:
    found = ahead(PERSON, months=36)
    assert [month.number for month in found] == list(range(37))
    for month in found:
        assert (month.customers, month.minutes_asked, month.minutes_there) == (100, HEAD, HEAD)
        assert (month.heads_there, month.heads_needed, month.hired, month.minutes_short) == (1.0, 1, 0, 0)


def test_after_twelve_months_growth_less_churn_is_exactly_that_of_a_year() -> None:
    found = ahead(PERSON, heads=10, months=24, growth_pct=30, churn_pct=10)
    assert (found[12].customers, found[24].customers) == (120, 144)
    assert (found[12].minutes_asked, found[12].heads_needed) == (12 * HEAD, 12)
    assert found[6].customers == round(100 * 1.2**0.5)


def test_when_everybody_leaves_nothing_is_asked() -> None:
    found = ahead(PERSON, months=12, churn_pct=100)
    assert (found[0].heads_needed, found[1].heads_needed, found[12].customers) == (1, 0, 0)


def test_attrition_takes_its_share_in_a_year_and_is_hired_again() -> None:
    found = ahead(*[PERSON] * 10, heads=10, months=12, attrition_pct=20)
    assert found[12].heads_there == pytest.approx(8)
    assert found[12].minutes_there == 8 * HEAD
    assert found[1].hires == 1
    assert found[12].hired >= 2
    assert all(month.minutes_with_hires >= month.minutes_asked for month in found)


def test_ramp_is_a_straight_line_from_its_start() -> None:
    given = Ahead(ramp_months=4, ramp_start_pct=40)
    assert [round(ramp_of(given, month), 6) for month in range(6)] == [0.4, 0.55, 0.7, 0.85, 1, 1]
    assert ramp_of(Ahead(ramp_months=0, ramp_start_pct=0), 0) == 1


def test_hires_begin_early_enough_that_the_ramped_hours_suffice() -> None:
    # One head more than the ten is asked from month 7 on: 10 × 1.2^(6/12) = 10.95, ^(7/12) = 11.12.
    found = ahead(*[PERSON] * 11, heads=10, months=12, growth_pct=20, ramp_months=3, ramp_start_pct=50)
    begins = [month.number for month in found if month.hires]
    assert begins == [7 - 3]
    assert not any(month.minutes_short for month in found)


def test_what_cannot_be_ramped_in_time_is_hired_now_and_its_hours_are_short_until_then() -> None:
    found = ahead(PERSON, heads=3, months=12, ramp_months=4, ramp_start_pct=50)
    assert [month.hires for month in found] == [2, *[0] * 12]
    # Two at 50 %, 62.5 %, 75 %, 87.5 %: one head is short, three quarters, …, none.
    assert [month.minutes_short for month in found[:6]] == [6000, 4500, 3000, 1500, 0, 0]


def test_a_look_shorter_than_the_ramp_still_hires_for_what_is_lacking_now() -> None:
    assert [month.hires for month in ahead(PERSON, heads=3, months=1, ramp_months=6)] == [2, 0]


def test_heads_lacking_besides_are_hired_though_the_hours_are_there() -> None:
    found = ahead(*[PERSON] * 3, heads=1, besides=2, months=3)
    assert (found[0].heads_needed, found[0].hires) == (1, 2)


def test_who_starts_or_leaves_is_here_on_the_days_known() -> None:
    starts = replace(PERSON, starts_on=later(ON, 2))
    leaves = replace(PERSON, leaves_on=later(ON, 4))
    assert [month.heads_there for month in ahead(starts, leaves, months=5)] == [1, 1, 2, 2, 1, 1]


def test_long_leave_takes_the_hours_and_short_leave_none() -> None:
    away = replace(PERSON, leaves=((later(ON, 1), later(ON, 3)),))
    brief = replace(PERSON, leaves=((later(ON, 1), date(2026, 12, 31)),))
    assert [month.heads_there for month in ahead(away, months=3)] == [1, 0, 0, 1]
    assert [month.minutes_there for month in ahead(brief, months=3)] == [HEAD] * 4


def test_who_is_on_long_leave_for_half_of_a_month_gives_half_of_a_head() -> None:
    away = replace(PERSON, leaves=((ON - timedelta(days=45), ON + timedelta(days=15)),))
    today = ahead(away)[0]
    assert (today.heads_there, today.heads_ramped) == (1.0, 0.5)


def test_leave_of_a_year_lessens_the_hours_there() -> None:
    assert ahead(PERSON, leave_days=26)[0].minutes_there == 5400


def test_who_is_new_today_rises_as_steeply_as_somebody_hired() -> None:
    fresh = replace(PERSON, ramp_pct=Decimal(50))
    found = ahead(fresh, months=6, ramp_months=5, ramp_start_pct=50)
    assert [month.minutes_there for month in found] == [3000, 3600, 4200, 4800, 5400, 6000, 6000]
    assert [month.minutes_there for month in ahead(fresh, months=2)] == [3000] * 3


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (ON, 36, date(2029, 11, 27)),
    ],
)
def test_months_end_where_the_month_ends(day: date, months: int, then: date) -> None:
    assert later(day, months) == then


def test_the_whole_company_may_leave_and_is_hired_anew_each_month() -> None:
    found = ahead(*[PERSON] * 2, heads=2, months=3, attrition_pct=100, ramp_months=2)
    assert [month.hires for month in found] == [0, 2, 2, 2]
    assert kept(Ahead(attrition_pct=100), 0) == 1


def test_each_month_says_how_its_figures_come() -> None:
    given = Ahead(months=6, growth_pct=30, churn_pct=10, attrition_pct=10, ramp_months=2, ramp_start_pct=50)
    found = ahead(*[PERSON] * 10, heads=10, **{name: getattr(given, name) for name in given.__slots__})
    said = " ".join(month_sentences(found[6], today=found[0], months=found, ahead=given))
    assert "100 customers asking 1,000 h a month today, × 1.2 to the power 6 ÷ 12" in said
    assert "10 today → 10.95 → 11 heads" in said
    assert "9.49 full-time heads are here then after attrition (10 % a year: × 0.949)" in said
    assert f"{found[6].hired} heads hired by then" in said
