"""The trend: days that were kept, as they were kept, and the day itself as the page shows it."""

from datetime import date, timedelta

import pytest

from allocation.engine.balance import balance
from allocation.engine.facts.books import BookRow
from allocation.models import BookDay
from allocation.selectors.trend import trend
from tests.factories import TODAY

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def keep(csm, on, **figures):
    given = {"customers": 3, "minutes": 50, "capacity_minutes": 100, "arr_cents": 700}
    return BookDay.objects.create(csm=csm, on=on, **given | figures)


def row(minutes=60):
    return BookRow(
        csm="x", name="x", team="", customers=1, by_tier={}, cap_room={}, arr_cents=10, minutes=minutes,
        capacity_minutes=100,
    )  # fmt: skip


def days_of(user, *, on=TODAY, **more):
    found = trend(user=user, on=on, rows=[row()], **more)
    return found.every, [point.on for point in found.points]


def test_a_point_has_mean_band_evenness_and_sums(cast):
    keep(cast.csm_a.csm, TODAY - DAY, minutes=50)
    keep(cast.csm_b.csm, TODAY - DAY, minutes=90, customers=4, arr_cents=50)
    point, today = trend(user=cast.ops, on=TODAY, rows=[row()]).points
    assert (point.books, point.mean, point.least, point.most) == (2, 70.0, 50.0, 90.0)
    assert (point.customers, point.arr_cents) == (7, 750)
    assert point.cv == balance(values=[50, 90]).cv
    assert (today.on, today.mean, today.customers) == (TODAY, 60.0, 1)


def test_who_is_covered_or_has_no_hours_counts_in_sums_alone(cast):
    keep(cast.csm_a.csm, TODAY - DAY, minutes=0, covered=True)
    keep(cast.csm_b.csm, TODAY - DAY, minutes=9, capacity_minutes=0)
    point = trend(user=cast.ops, on=TODAY, rows=[row()]).points[0]
    assert (point.mean, point.least, point.cv, point.customers) == (None, None, None, 6)


def test_few_days_are_shown_each(cast):
    for n in range(1, 15):
        keep(cast.csm_a.csm, TODAY - n * DAY)
    every, days = days_of(cast.ops)
    assert (every, len(days)) == ("day", 15)
    assert days == sorted(days)


def test_more_days_are_shown_by_the_week_and_then_by_the_month(cast):
    for n in range(1, 99):
        keep(cast.csm_a.csm, TODAY - n * DAY)
    every, days = days_of(cast.ops)
    assert every == "week"
    # 22 Nov 2026 is a Sunday and stands for its own week; before it the last day of each week is a Sunday.
    assert days[-3:] == [date(2026, 11, 8), date(2026, 11, 15), TODAY]
    keep(cast.csm_a.csm, TODAY - 99 * DAY)
    every, days = days_of(cast.ops)
    assert every == "month"
    assert days == [date(2026, 8, 31), date(2026, 9, 30), date(2026, 10, 31), TODAY]


def test_a_year_is_the_most_and_the_day_itself_is_not_taken_twice(cast):
    for day in (TODAY - 366 * DAY, TODAY - 365 * DAY, TODAY, TODAY + DAY):
        keep(cast.csm_a.csm, day)
    assert days_of(cast.ops) == ("month", [TODAY - 365 * DAY, TODAY])


def test_what_came_from_the_ledgers_later_is_marked(cast):
    """Month ends before the first other day that was kept."""
    for day in (date(2026, 9, 30), date(2026, 10, 31), date(2026, 11, 12)):
        keep(cast.csm_a.csm, day)
    found = trend(user=cast.ops, on=TODAY, rows=[row()])
    assert [(point.on.day, point.worked_out) for point in found.points] == [
        (30, True),
        (31, True),
        (12, False),
        (22, False),
    ]


def test_a_person_sees_the_days_of_the_own_scope_and_a_team_has_its_own(cast):
    keep(cast.csm_a.csm, TODAY - DAY)
    keep(cast.csm_b.csm, TODAY - DAY, customers=500)
    assert trend(user=cast.manager, on=TODAY, rows=[row()]).points[0].customers == 3
    team_b = trend(user=cast.ops, on=TODAY, rows=[row()], team_ids=[cast.team_b.pk])
    assert team_b.points[0].customers == 500
    hidden = trend(user=cast.manager, on=TODAY, rows=[row()], team_ids=[cast.team_b.pk])
    assert [point.on for point in hidden.points] == [TODAY]
    assert not hidden.is_drawn


def test_on_the_first_day_of_the_calendar_there_is_no_past(cast):
    assert days_of(cast.ops, on=date(1, 1, 1)) == ("day", [date(1, 1, 1)])


@pytest.mark.parametrize("back", [3, 40, 200])  # by the day, the week, the month
def test_without_books_of_the_day_the_trend_ends_with_what_was_kept_of_it(cast, back):
    """A manager's books of a past day lack the customers that other teams have by now: that is no drop."""
    for n in range(back):
        keep(cast.csm_a.csm, TODAY - n * DAY)
    last = trend(user=cast.manager, on=TODAY, rows=None).points[-1]
    assert (last.on, last.customers, last.arr_cents) == (TODAY, 3, 700)
    assert [point.on for point in trend(user=cast.manager, on=TODAY, rows=[row()]).points].count(TODAY) == 1


def test_without_anything_kept_there_is_no_trend(cast):
    assert trend(user=cast.manager, on=TODAY, rows=None).points == ()
