"""Renewals by calendar quarter: every customer in one period, every cent too."""

from datetime import date, timedelta

import pytest

from allocation.selectors.renewals import all_renewals, periods, renewals_answer, renewals_by_csm

ON = date(2026, 11, 22)  # in the fourth quarter


def place(day, on=ON):
    found = renewals_by_csm(csm=["a"], cents=[1], dates=[day], on=on)["a"]
    return [one.key for one, number in zip(periods(on), found.customers, strict=True) if number]


@pytest.mark.parametrize(
    ("day", "period"),
    [
        (None, "no_date"),
        (date(2001, 1, 1), "past"),
        (date(2026, 10, 1), "past"),  # in this quarter, and gone by
        (ON - timedelta(days=1), "past"),
        (ON, "2026-Q4"),
        (date(2026, 12, 31), "2026-Q4"),
        (date(2027, 1, 1), "2027-Q1"),
        (date(2027, 9, 30), "2027-Q3"),
        (date(2027, 10, 1), "later"),
        (date(9999, 12, 31), "later"),
    ],
)
def test_a_day_belongs_to_one_period(day, period):
    assert place(day) == [period]


@pytest.mark.parametrize("on", [date(2027, 1, 1), date(2028, 2, 29), date(2026, 12, 31), date(1, 1, 1)])
def test_today_is_in_the_first_quarter_shown_on_any_day(on):
    keys = [one.key for one in periods(on)]
    assert len(keys) == len(set(keys)) == 7
    assert place(on, on) == [keys[1]] == [f"{on.year}-Q{(on.month + 2) // 3}"]


def test_sums_lose_nobody_and_no_cent():
    days = [None, ON, ON - timedelta(days=900), *(ON + timedelta(days=40 * n) for n in range(12))]
    cents = [n * 7 + 1 for n in range(len(days))]
    found = renewals_by_csm(csm=["a", "b", "c"] * 5, cents=cents, dates=days, on=ON)
    total = all_renewals(found.values())
    assert (sum(total.customers), sum(total.arr_cents)) == (15, sum(cents))
    answer = renewals_answer(found=found.values(), on=ON)
    assert sum(line["customers"] for line in answer) == 15
    assert sum(round(100 * line["arr"]) for line in answer) == sum(cents)
