"""When which touch is due: laws of the rhythm, and what a change of the plan rewrites."""

import itertools
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from allocation.engine.facts.touches import (
    ActivityFacts,
    GoalSpan,
    RhythmKey,
    StoredTouch,
    TouchChanges,
    TouchedCustomer,
)
from allocation.engine.touches import (
    EPOCH,
    PARTS,
    due_day,
    phase_of,
    rewrite_touches,
    slots_between,
    wanted_touches,
)
from tests.engine.test_docs import DOCS, number, table

PAGE = (DOCS / "touches.md").read_text(encoding="utf-8")
DAY, YEAR = timedelta(days=1), timedelta(days=365)
ON = date(2026, 11, 27)  # a Friday
HORIZON = ON + timedelta(days=92)

DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))
PHASES = st.integers(0, PARTS - 1)
TIMES = st.decimals(0, 1000, places=2)
NAMES = st.text(min_size=1, max_size=8)


def slots(times, phase, first, days=365):
    return list(
        slots_between(
            times_a_year=Decimal(times), phase=phase, first=first, before=first + timedelta(days=days)
        )
    )


@given(st.integers(0, 365), PHASES, DAYS)
def test_any_365_days_hold_exactly_as_many_slots_as_the_plan_says(times, phase, first):
    assert len(slots(times, phase, first)) == times


@given(TIMES, PHASES, DAYS)
def test_a_day_holds_one_slot_at_most_and_the_days_ascend(times, phase, first):
    found = slots(times, phase, first)
    assert found == sorted(set(found))
    assert len(found) <= min(times + 1, 365)
    assert len(found) >= min(int(times), 365) - (1 if times > 365 else 0)


@given(TIMES, PHASES, DAYS, st.integers(0, 400), st.integers(0, 400))
def test_asking_in_two_parts_gives_what_asking_at_once_gives(times, phase, first, one, two):
    both = slots(times, phase, first, one) + slots(times, phase, first + timedelta(days=one), two)
    assert both == slots(times, phase, first, one + two)


@given(st.decimals("0.01", 365, places=2), PHASES, DAYS)
def test_two_slots_lie_a_step_apart_to_the_day(times, phase, first):
    found = slots(times, phase, first, days=1200)
    step = 365 / float(times)
    assert all(abs((later - one).days - step) < 1 for one, later in itertools.pairwise(found))


def test_the_first_slot_lies_at_its_phase():
    # (0 + 1/2) × 365 ÷ 4 = 45.625 days after the epoch
    assert slots(4, PARTS // 2, EPOCH)[0] == EPOCH + timedelta(days=45)
    assert slots(4, 0, EPOCH)[0] == EPOCH
    assert slots(1, PARTS - 1, EPOCH) == [EPOCH + timedelta(days=364)]


@pytest.mark.parametrize(
    "row", table(PAGE, "times a year", "days between two slots", "slots in any 365 days")
)
def test_the_table_of_rhythms_is_what_the_engine_gives(row):
    times, gaps, counts = Decimal(row["times a year"]), set(), set()
    for start in range(0, 731, 5):
        phase = phase_of(external_id=str(start), rhythm=RhythmKey("QBR"))
        found = slots(times, phase, ON, days=365 * 5)
        gaps |= {(later - one).days for one, later in itertools.pairwise(found)}
        counts.add(len(slots(times, phase, ON + timedelta(days=start))))
    assert gaps == {number(cell) for cell in row["days between two slots"].split(" or ")}
    assert counts == {number(cell) for cell in row["slots in any 365 days"].split(" or ")}


@given(DAYS)
def test_what_falls_on_a_weekend_is_due_on_the_monday_after(day):
    due = due_day(slot_on=day, times_a_year=Decimal(12), phase=0)
    assert due.weekday() < 5
    assert due == day if day.weekday() < 5 else (due.weekday() == 0 and timedelta() < due - day < 3 * DAY)


@given(st.decimals(20, 52, places=2), PHASES, DAYS)
def test_a_weekly_or_fortnightly_rhythm_keeps_its_weekday_one_touch_a_slot_and_the_order(times, phase, first):
    days = slots(times, phase, first, days=1200)
    due = [due_day(slot_on=day, times_a_year=times, phase=phase) for day in days]
    assert {day.weekday() for day in due} == {phase % 5}
    assert due == sorted(set(due))
    assert all(timedelta() <= late - day < 7 * DAY for day, late in zip(days, due, strict=True))
    assert all(late < after for late, after in zip(due, days[1:], strict=False))


@pytest.mark.parametrize(("times", "kept"), [("19.99", False), ("20", True), ("52", True), ("52.01", False)])
def test_from_twenty_to_fifty_two_times_a_year_the_weekday_is_kept(times, kept):
    due = {
        due_day(slot_on=day, times_a_year=Decimal(times), phase=3).weekday()
        for day in slots(times, 3, ON, days=1200)
    }
    assert (len(due) == 1) == kept


def test_the_frequent_activities_of_a_customer_do_not_all_keep_the_same_weekday():
    names = ("Weekly account meeting", "Health and usage review", "Success plan review")
    days = {phase_of(external_id="C1", rhythm=RhythmKey(name)) % 5 for name in names}
    assert len(days) > 1


def test_the_days_of_a_customer_are_the_same_on_every_machine():
    """Written out once: a change of the hash would move every calendar."""
    assert phase_of(external_id="C-0001", rhythm=RhythmKey("QBR")) == 1930845339
    assert phase_of(external_id="C-0001", rhythm=RhythmKey("QBR", "risk-mitigation")) == 2965906444


def test_the_customers_of_a_book_are_spread_over_the_period():
    """100 customers with 4 reviews a year: of 13 weeks none holds more than twice its share."""
    weeks = Counter(
        (slots(4, phase_of(external_id=f"C{n}", rhythm=RhythmKey("QBR")), EPOCH)[0] - EPOCH).days // 7
        for n in range(1000)
    )
    assert set(weeks) >= set(range(13))
    assert max(weeks.values()) < 2 * 1000 / 13


QBR = ActivityFacts(1, "QBR", Decimal(4), Decimal("4.5"))
MEETING = ActivityFacts(2, "Fortnightly meeting", Decimal(26), Decimal(1))
SAVE = ActivityFacts(3, "Save plan review", Decimal(12), Decimal(1), "risk-mitigation")
HIGH = (QBR, MEETING, SAVE)
CHECK_IN = ActivityFacts(4, "Check-in", Decimal(4), Decimal("0.5"))
LOW = (CHECK_IN,)


def customer(*activities, external_id="C1", since=None, goals=()):
    return TouchedCustomer(external_id, since, activities, tuple(goals))


def stored_after(changes, before=(), first_key=1):
    """The rows once the changes are made; added ones get keys from first_key on."""
    becomes = dict(changes.becomes)
    kept = [
        replace(one, activity=becomes[one.key].key, name=becomes[one.key].name, hours=becomes[one.key].hours,
                rhythm=becomes[one.key].rhythm) if one.key in becomes else one
        for one in before if one.key not in changes.drop
    ]  # fmt: skip
    added = [
        StoredTouch(key, touch.activity.key, touch.activity.rhythm, touch.activity.name,
                    touch.activity.hours, touch.slot_on, touch.due_on, is_open=True)
        for key, touch in enumerate(changes.add, first_key)
    ]  # fmt: skip
    return [*kept, *added]


def planned(who, on=ON, before=None, stored=()):
    changes = rewrite_touches(customer=who, stored=stored, on=on, before=before or on + timedelta(days=92))
    return stored_after(changes, stored, first_key=1 + max((one.key for one in stored), default=0))


PLANS = st.lists(
    st.builds(
        ActivityFacts,
        key=st.integers(1, 9),
        name=st.sampled_from(["QBR", "Meeting", "Flow"]),
        times_a_year=st.decimals(0, 60, places=1),
        hours=st.decimals(0, 9, places=1),
        goal_kind=st.sampled_from(["", "risk"]),
    ),
    unique_by=(lambda one: one.key, lambda one: one.rhythm),
    max_size=4,
).map(tuple)
GOALS = st.lists(
    st.builds(
        lambda start, days: GoalSpan("risk", ON + timedelta(days=start), days and ON + timedelta(days=start + days)),
        st.integers(-60, 90),
        st.one_of(st.none(), st.integers(1, 90)),
    ),
    max_size=2,
)  # fmt: skip
CUSTOMERS = st.builds(
    TouchedCustomer, st.text(max_size=5), st.one_of(st.none(), DAYS), PLANS, GOALS.map(tuple)
)


@given(CUSTOMERS)
def test_planning_a_second_time_changes_nothing(who):
    stored = planned(who)
    assert rewrite_touches(customer=who, stored=stored, on=ON, before=HORIZON) == TouchChanges()


@given(CUSTOMERS, st.integers(1, 200))
def test_planning_further_coming_only_adds(who, more):
    stored = planned(who)
    changes = rewrite_touches(customer=who, stored=stored, on=ON, before=HORIZON + timedelta(days=more))
    assert (changes.drop, changes.becomes) == ((), ())
    assert all(touch.slot_on >= HORIZON for touch in changes.add)


FORTY_A_YEAR = ActivityFacts(
    key=1, name="QBR", times_a_year=Decimal("42.8"), hours=Decimal(0), goal_kind="risk"
)
ENDS_BEFORE_IT_IS_DUE = GoalSpan(
    "risk", ON, ON + timedelta(days=22)
)  # a slot the day before, due after the weekend


@example(TouchedCustomer("", None, (FORTY_A_YEAR,), (ENDS_BEFORE_IT_IS_DUE,)), 23)
@given(CUSTOMERS, st.integers(0, 60))
def test_planning_every_day_leaves_what_planning_once_leaves(who, days):
    """A plan that does not change gets no touch twice and loses none, whatever the day of planning."""
    by_day = planned(who)
    for day in range(days):
        by_day = planned(who, on=ON + day * DAY, before=HORIZON + days * DAY, stored=by_day)
    once = planned(who, before=HORIZON + days * DAY)
    places = [(one.activity, one.slot_on) for one in by_day]
    assert sorted(places) == sorted((one.activity, one.slot_on) for one in once)


@given(CUSTOMERS, st.randoms())
def test_the_order_of_plan_and_rows_does_not_matter(who, chance):
    stored = planned(who)
    other = replace(who, activities=tuple(chance.sample(who.activities, len(who.activities))))
    rows = chance.sample(stored, len(stored))
    assert planned(other) == stored
    assert rewrite_touches(customer=other, stored=rows, on=ON, before=HORIZON) == TouchChanges()


@given(CUSTOMERS, CUSTOMERS, st.data())
def test_only_open_touches_that_are_due_later_change_and_then_the_plan_is_met(old, new, data):
    new = replace(new, external_id=old.external_id)
    stored = [
        replace(one, is_open=data.draw(st.booleans()), due_on=data.draw(st.dates(ON - YEAR, ON + YEAR)))
        for one in planned(old)
    ]
    changes = rewrite_touches(customer=new, stored=stored, on=ON, before=HORIZON)
    free = {one.key for one in stored if one.is_open and one.due_on > ON}
    assert {*changes.drop, *(key for key, _ in changes.becomes)} <= free
    after = stored_after(changes, stored, first_key=1000)
    there = {(one.rhythm, one.slot_on) for one in after}
    wanted = {(one.activity.rhythm, one.slot_on) for one in wanted_touches(customer=new, first=ON, before=HORIZON)}  # fmt: skip
    assert wanted <= there
    assert len(there) == len(after), "a slot has one touch"
    left_over = [one for one in after if one.key in free and (one.rhythm, one.slot_on) not in wanted]
    assert all(one.slot_on < (new.since or ON) for one in left_over)
    assert rewrite_touches(customer=new, stored=after, on=ON, before=HORIZON) == TouchChanges()


def names(touches):
    return Counter(getattr(one, "name", None) or one.activity.name for one in touches)


def test_four_reviews_and_fortnightly_meetings_a_year():
    found = wanted_touches(customer=customer(QBR, MEETING, SAVE), first=ON, before=ON + YEAR)
    assert names(found) == {"QBR": 4, "Fortnightly meeting": 26}


def test_what_is_for_a_goal_is_planned_while_such_a_goal_is_open():
    first, end = ON + timedelta(days=40), ON + timedelta(days=200)
    spans = [GoalSpan("risk-mitigation", first, end), GoalSpan("adoption", ON)]
    found = wanted_touches(customer=customer(SAVE, goals=spans), first=ON, before=ON + YEAR)
    everything = wanted_touches(customer=customer(replace(SAVE, goal_kind="adoption"), goals=spans), first=ON, before=ON + YEAR)  # fmt: skip
    assert len(everything) == 12
    assert len(found) in (5, 6)  # 160 days of 30.4
    assert all(first <= one.slot_on < end for one in found)
    assert wanted_touches(customer=customer(SAVE), first=ON, before=ON + YEAR) == ()


@pytest.mark.parametrize(
    ("starts", "ends", "open_on"), [(0, None, True), (0, 1, True), (1, None, False), (-9, 0, False), (0, 0, False)]
)  # fmt: skip
def test_a_goal_is_open_from_its_first_day_to_the_day_before_it_ends(starts, ends, open_on):
    span = GoalSpan("risk", ON + starts * DAY, None if ends is None else ON + ends * DAY)
    assert span.is_open_on(ON) is open_on


def test_nothing_is_planned_before_the_customer_got_its_tier():
    since = ON + timedelta(days=100)
    found = wanted_touches(customer=customer(MEETING, since=since), first=ON, before=ON + YEAR)
    assert found == wanted_touches(customer=customer(MEETING), first=since, before=ON + YEAR)


def test_nought_times_a_year_and_no_plan_give_nothing():
    assert wanted_touches(customer=customer(replace(QBR, times_a_year=Decimal(0))), first=ON, before=ON + YEAR) == ()  # fmt: skip
    assert wanted_touches(customer=customer(), first=ON, before=ON + YEAR) == ()


def at_first(who):
    """The customer's first touch that is due after today, among its rows."""
    stored = planned(who)
    return stored, next(one for one in stored if one.due_on > ON)


def test_a_touch_that_a_person_moved_stays_where_it_is():
    stored, one = at_first(customer(MEETING))
    moved = [replace(each, due_on=each.due_on + 3 * DAY) if each == one else each for each in stored]
    assert rewrite_touches(customer=customer(MEETING), stored=moved, on=ON, before=HORIZON) == TouchChanges()


def test_a_late_touch_moved_into_the_future_stays_while_its_activity_is_wanted():
    slot = slots(26, phase_of(external_id="C1", rhythm=MEETING.rhythm), ON - 30 * DAY)[0]
    moved = StoredTouch(
        900, MEETING.key, MEETING.rhythm, MEETING.name, MEETING.hours, slot, ON + 5 * DAY, is_open=True
    )
    assert rewrite_touches(customer=customer(MEETING), stored=[moved], on=ON, before=HORIZON).drop == ()
    assert rewrite_touches(customer=customer(QBR), stored=[moved], on=ON, before=HORIZON).drop == (900,)


def test_one_for_a_goal_that_was_moved_goes_when_the_goal_is_closed():
    rhythm = phase_of(external_id="C1", rhythm=SAVE.rhythm)
    slot = slots(12, rhythm, ON - 40 * DAY)[0]
    moved = StoredTouch(900, SAVE.key, SAVE.rhythm, SAVE.name, SAVE.hours, slot, ON + 5 * DAY, is_open=True)
    still = customer(SAVE, goals=[GoalSpan("risk-mitigation", ON - 90 * DAY)])
    assert rewrite_touches(customer=still, stored=[moved], on=ON, before=HORIZON).drop == ()
    assert rewrite_touches(customer=customer(SAVE), stored=[moved], on=ON, before=HORIZON).drop == (900,)


@pytest.mark.parametrize(("due", "is_open", "goes"), [(1, True, True), (0, True, False), (-1, True, False), (1, False, False)])  # fmt: skip
def test_what_is_due_today_late_done_or_skipped_stays(due, is_open, goes):
    _stored, one = at_first(customer(MEETING))
    row = replace(one, due_on=ON + due * DAY, is_open=is_open)
    changes = rewrite_touches(customer=customer(), stored=[row], on=ON, before=HORIZON)
    assert changes.drop == ((row.key,) if goes else ())


def test_a_slot_that_is_done_or_skipped_is_not_made_again():
    stored, one = at_first(customer(MEETING))
    done = [replace(each, is_open=False) if each == one else each for each in stored]
    assert rewrite_touches(customer=customer(MEETING), stored=done, on=ON, before=HORIZON) == TouchChanges()


def test_hours_that_changed_are_brought_into_what_is_due_later():
    stored = planned(customer(MEETING))
    longer = replace(MEETING, hours=Decimal(2))
    changes = rewrite_touches(customer=customer(longer), stored=stored, on=ON, before=HORIZON)
    assert (changes.add, changes.drop) == ((), ())
    assert [key for key, _ in changes.becomes] == [one.key for one in stored if one.due_on > ON]


def test_the_same_activity_of_another_tier_keeps_days_and_moves():
    stored, one = at_first(customer(MEETING))
    moved = [replace(each, due_on=each.due_on + DAY) if each == one else each for each in stored]
    other = replace(MEETING, key=77)
    changes = rewrite_touches(customer=customer(other), stored=moved, on=ON, before=HORIZON)
    assert (changes.add, changes.drop) == ((), ())
    assert dict(changes.becomes)[one.key] == other


def test_a_slot_done_in_the_old_tier_is_not_made_again_in_the_new_one():
    stored, _one = at_first(customer(MEETING))
    done = [replace(each, is_open=False) for each in stored]
    changes = rewrite_touches(customer=customer(replace(MEETING, key=77)), stored=done, on=ON, before=HORIZON)
    assert changes == TouchChanges()


def test_of_two_touches_in_one_slot_that_of_the_plan_stays():
    """Two plannings that saw two tiers: the next one puts it right."""
    stored, one = at_first(customer(MEETING))
    twin = replace(one, key=one.key + 1000, activity=77)
    changes = rewrite_touches(
        customer=customer(replace(MEETING, key=77)), stored=[*stored, twin], on=ON, before=HORIZON
    )
    assert changes.drop == (one.key,)


def test_the_worked_example_comes_out_as_told():
    low, high = (customer(one, external_id="C-0038") for one in (CHECK_IN, QBR))
    rows = planned(low, on=date(2026, 11, 1), before=HORIZON)
    assert [one.due_on for one in rows] == [date(2026, 11, 11), date(2027, 2, 10)]
    late, coming = rows
    rows = [late, replace(coming, due_on=date(2027, 2, 5))]
    up = rewrite_touches(customer=high, stored=rows, on=ON, before=HORIZON)
    assert up.drop == (coming.key,)
    assert [(one.activity.name, one.due_on) for one in up.add] == [("QBR", date(2027, 1, 29))]
    rows = planned(high, stored=rows)
    rows = planned(low, on=ON + DAY, stored=rows)
    assert [(one.name, one.due_on) for one in rows] == [
        ("Check-in", date(2026, 11, 11)),
        ("Check-in", date(2027, 2, 10)),
    ]
