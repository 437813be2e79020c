"""When work is due: each time once, whatever the clock does."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocation.engine.timetable import Timing, due_between, next_due

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # puts the clock on by half an hour
ZONES = (
    ZoneInfo("UTC"),
    BERLIN,
    NEW_YORK,
    LORD_HOWE,
    ZoneInfo("Asia/Kathmandu"),  # 5:45 ahead
    ZoneInfo("America/Santiago"),  # puts the clock on at midnight
    ZoneInfo("Pacific/Apia"),
)
# Days on which the clock changes somewhere, the leap day, the ends of years, week 53.
ODD_DAYS = (
    date(2026, 3, 8),
    date(2026, 3, 29),
    date(2026, 4, 5),
    date(2026, 9, 6),
    date(2026, 10, 4),
    date(2026, 10, 25),
    date(2026, 11, 1),
    date(2027, 1, 1),
    date(2026, 12, 31),
    date(2028, 2, 28),
    date(2028, 2, 29),
    date(2028, 3, 1),
    date(2021, 1, 3),
)


def timing(rhythm="daily", at=time(2, 30), zone=BERLIN, **days):
    return Timing(rhythm=rhythm, at=at, zone=zone, **days)


def minute_by_minute(asked, start, days):
    """What a person would see who looks every minute: the names that fell due since the minute before."""
    found, last = [], start
    for minute in range(1, days * 24 * 60 + 1):
        now = start + timedelta(minutes=minute)
        found.extend(due.slot for due in due_between(timing=asked, after=last, upto=now))
        last = now
    return found


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("day", ODD_DAYS, ids=str)
def test_a_daily_time_comes_once_on_each_day_looked_at_minute_by_minute(zone, day):
    asked = timing(zone=zone, at=time(2, 30))
    start = datetime.combine(day - timedelta(days=1), time(12), tzinfo=zone).astimezone(UTC)
    found = minute_by_minute(asked, start, 2)
    assert found == [f"{day:%Y-%m-%d} 02:30", f"{day + timedelta(days=1):%Y-%m-%d} 02:30"]


@pytest.mark.parametrize(
    "at", [time(0, 0), time(0, 30), time(1, 59), time(2, 0), time(2, 15), time(3, 0), time(23, 59)]
)
@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_a_year_has_as_many_daily_times_as_days_in_every_zone(zone, at):
    asked = timing(zone=zone, at=at)
    start = datetime(2028, 1, 1, tzinfo=zone) - timedelta(minutes=1)
    end = datetime(2029, 1, 1, tzinfo=zone) - timedelta(minutes=1)
    found = due_between(timing=asked, after=start, upto=end)
    names = [due.slot for due in found]
    assert names == [f"{date(2028, 1, 1) + timedelta(days=n):%Y-%m-%d} {at:%H:%M}" for n in range(366)]
    instants = [due.at for due in found]
    assert instants == sorted(set(instants))


def test_a_time_that_the_clock_leaps_over_is_due_as_much_later_as_it_leaps():
    (due,) = due_between(
        timing=timing(),  # 02:30 is not there on this night: 01:59 is followed by 03:00
        after=datetime(2026, 3, 29, tzinfo=BERLIN),
        upto=datetime(2026, 3, 29, 12, tzinfo=BERLIN),
    )
    assert due.slot == "2026-03-29 02:30"
    assert due.at == datetime(2026, 3, 29, 3, 30, tzinfo=BERLIN)


def test_of_a_time_that_comes_twice_the_first_counts():
    (due,) = due_between(
        timing=timing(),
        after=datetime(2026, 10, 25, tzinfo=BERLIN),
        upto=datetime(2026, 10, 25, 12, tzinfo=BERLIN),
    )
    assert due.at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 in summer time


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_hourly_work_follows_the_hours_as_they_pass(day, hours):
    start = datetime.combine(day, time(), tzinfo=BERLIN)
    end = datetime.combine(day + timedelta(days=1), time(), tzinfo=BERLIN)
    found = due_between(
        timing=timing("hourly", time(17, 5)),
        after=start.astimezone(UTC) - timedelta(minutes=1),
        upto=end.astimezone(UTC) - timedelta(minutes=1),
    )
    assert len(found) == len({due.slot for due in found}) == hours
    gaps = {later.at - earlier.at for earlier, later in itertools.pairwise(found)}
    assert gaps == {timedelta(hours=1)}


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_the_names_of_hourly_work_never_repeat_in_a_year(zone):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found = due_between(
        timing=timing("hourly", time(0, 5), zone), after=start, upto=start + timedelta(days=365)
    )
    assert len({due.slot for due in found}) == len(found)
    # One zone of half an hour leaps over a minute or has it twice; never more than that.
    assert abs(len(found) - 365 * 24) <= 1


RHYTHMS = [
    ("weekly", {"weekday": 0}, 52, {"2028-01-03", "2028-12-25"}),  # 2028 begins on a Saturday
    ("monthly", {"day": 28}, 12, {"2028-02-28", "2028-12-28"}),
    ("monthly", {"day": 1}, 12, {"2028-01-01", "2028-12-01"}),
    ("yearly", {"month": 2, "day": 28}, 1, {"2028-02-28"}),
    ("yearly", {"month": 12, "day": 28}, 1, {"2028-12-28"}),
]


@pytest.mark.parametrize(("rhythm", "days", "times", "among"), RHYTHMS)
def test_a_leap_year_has_each_rhythm_so_many_times(rhythm, days, times, among):
    found = due_between(
        timing=timing(rhythm, **days),
        after=datetime(2028, 1, 1, tzinfo=BERLIN),
        upto=datetime(2029, 1, 1, tzinfo=BERLIN),
    )
    names = {due.slot[:10] for due in found}
    assert len(found) == times
    assert among <= names


def test_a_day_that_not_every_month_has_is_refused():
    with pytest.raises(ValueError, match="1 to 28"):
        timing("monthly", day=29)


@given(
    rhythm=st.sampled_from(["hourly", "daily", "weekly", "monthly", "yearly"]),
    zone=st.sampled_from(ZONES),
    at=st.times(),
    start=st.integers(0, 5 * 365 * 24 * 60),
    hours=st.lists(st.integers(0, 24 * 60), min_size=1, max_size=8),
)
def test_however_often_one_looks_nothing_comes_twice_and_nothing_is_left_out(rhythm, zone, at, start, hours):
    asked = Timing(
        rhythm=rhythm, at=at.replace(second=0, microsecond=0), zone=zone, day=5, month=3, weekday=2
    )
    begin = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=start)
    looks = [begin]
    for n in hours:
        looks.append(looks[-1] + timedelta(hours=n))
    piecewise = [
        due
        for earlier, later in itertools.pairwise(looks)
        for due in due_between(timing=asked, after=earlier, upto=later)
    ]
    assert piecewise == due_between(timing=asked, after=begin, upto=looks[-1])
    following = next_due(timing=asked, after=begin)
    assert following.at > begin
    assert due_between(timing=asked, after=begin, upto=following.at) == [following]
