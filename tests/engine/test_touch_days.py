"""On which day new touches fall due: laws of the spreading over the days of a CSM."""

import itertools
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from allocation.engine.facts.touches import ActivityFacts, PlannedTouch, TouchOfBook
from allocation.engine.touch_days import FULL_DAY_MINUTES, LATER_AT_MOST, spread_touches
from allocation.engine.touches import due_day, slots_between
from tests.engine.test_docs import DOCS

MONDAY = date(2026, 11, 30)
FRIDAY = MONDAY + timedelta(days=4)
DAY = timedelta(days=1)
ADA, BEN = 1, 2


KEYS: dict[object, int] = {}


def touch(hours="5", due_on=MONDAY, *, csm=ADA, who="C1", times=4, name="QBR"):
    activity = ActivityFacts(
        key=KEYS.setdefault((hours, times, name), len(KEYS) + 1),
        name=name,
        times_a_year=Decimal(times),
        hours=Decimal(hours),
    )
    return TouchOfBook(csm, who, PlannedTouch(activity, due_on, due_on))


def days(*touches, held=None):
    return list(spread_touches(touches=touches, held=held or {}))


def minutes_of(one):
    return round(one.touch.activity.hours * 60)


def minutes(touches, found):
    asked = Counter()
    for one, day in zip(touches, found, strict=True):
        asked[one.csm, day] += minutes_of(one)
    return asked


WORKING = st.integers(0, 40).map(lambda n: MONDAY + n * DAY).filter(lambda day: day.weekday() < 5)
TOUCHES = st.lists(
    st.builds(
        touch,
        st.decimals("0.25", 12, places=2).map(str),
        WORKING,
        csm=st.sampled_from((ADA, BEN)),
        who=st.text("ABC", min_size=1, max_size=2),
        times=st.sampled_from((1, 4, 12, 19, 20, 26, 52)),
    ),
    max_size=40,
)
HELD = st.dictionaries(st.tuples(st.sampled_from((ADA, BEN)), WORKING), st.integers(0, 600), max_size=20)


def test_two_long_touches_of_one_csm_are_not_on_one_day():
    assert days(touch(who="C1"), touch(who="C2"), touch(who="C3")) == [MONDAY, MONDAY + DAY, MONDAY + 2 * DAY]


def test_two_csms_do_not_stand_in_each_others_way():
    assert days(touch(csm=ADA), touch(csm=BEN)) == [MONDAY, MONDAY]


def test_a_day_holds_six_hours_and_not_a_minute_more():
    # One hour is on the day already: five more fill it, 5.02 do not fit.
    held = {(ADA, MONDAY): 60}
    assert days(touch("5"), held=held) == [MONDAY]
    assert days(touch("5.02"), held=held) == [MONDAY + DAY]


def test_nothing_is_put_on_a_weekend():
    held = {(ADA, FRIDAY): 300}
    assert days(touch(due_on=FRIDAY), held=held) == [MONDAY + 7 * DAY]


def test_what_fits_nowhere_is_due_on_the_day_that_holds_least_and_the_first_of_these():
    full = {(ADA, MONDAY + n * DAY): 400 for n in range(15)}
    assert days(touch(), held=full) == [MONDAY]
    assert days(touch(), held=full | {(ADA, MONDAY + 3 * DAY): 380}) == [MONDAY + 3 * DAY]
    # A touch longer than a day wants an empty one.
    assert days(touch("10"), held={(ADA, MONDAY): 30}) == [MONDAY + DAY]


def test_the_long_ones_keep_their_day_before_the_short_ones():
    assert days(touch("1", who="A"), touch("6", who="B")) == [MONDAY + DAY, MONDAY]


def test_what_is_weekly_or_fortnightly_keeps_its_weekday_and_others_give_way():
    meetings = [touch("1.5", who=f"C{n}", times=26, name="Meeting") for n in range(5)]
    assert days(touch("5"), *meetings) == [MONDAY + DAY, *[MONDAY] * 5]


@given(TOUCHES, HELD)
def test_each_is_due_on_a_working_day_from_its_own_to_two_weeks_later(touches, held):
    for one, day in zip(touches, days(*touches, held=held), strict=True):
        assert one.touch.due_on <= day <= one.touch.due_on + LATER_AT_MOST
        assert day.weekday() < 5
        if one.touch.activity.times_a_year >= 20:
            assert day == one.touch.due_on


@given(TOUCHES, HELD)
def test_whoever_is_late_found_no_day_before_with_room(touches, held):
    """Each is put on the first day with room at its turn, and days only fill up: those before have none at the end either."""
    found = days(*touches, held=held)
    asked = minutes(touches, found)
    for one, day in zip(touches, found, strict=True):
        fits = Counter(held)[one.csm, day] + asked[one.csm, day] <= FULL_DAY_MINUTES
        earlier = (one.touch.due_on + n * DAY for n in range((day - one.touch.due_on).days))
        for before in (day for day in earlier if day.weekday() < 5):
            there = Counter(held)[one.csm, before] + asked[one.csm, before]
            assert there + minutes_of(one) > FULL_DAY_MINUTES or not fits


@given(TOUCHES, HELD, st.randoms(use_true_random=False))
def test_the_order_in_which_they_are_given_does_not_matter(touches, held, chance):
    def told(some):
        pairs = zip(some, days(*some, held=held), strict=True)
        return Counter(pairs)

    mixed = list(touches)
    chance.shuffle(mixed)
    assert told(mixed) == told(touches)


@given(st.integers(1, 19), st.integers(0, 2**32 - 1))
def test_however_late_a_touch_is_due_before_the_next_place_of_its_rhythm(times, phase):
    found = list(
        slots_between(times_a_year=Decimal(times), phase=phase, first=MONDAY, before=MONDAY + 800 * DAY)
    )
    for slot, following in itertools.pairwise(found):
        assert due_day(slot_on=slot, times_a_year=Decimal(times), phase=phase) + LATER_AT_MOST < following


def test_the_page_names_the_numbers_of_the_engine():
    page = (DOCS / "touches.md").read_text(encoding="utf-8")
    assert f"**{FULL_DAY_MINUTES // 60} hours**" in page
    assert f"**{LATER_AT_MOST.days} days**" in page
