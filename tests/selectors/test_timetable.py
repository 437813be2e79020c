"""What the landing page and the list of schedules say of the timetable."""

from datetime import UTC, datetime, time, timedelta

import pytest

from allocation.models import (
    AllocationPolicy,
    BookPlan,
    Freeze,
    Pulse,
    RetierRun,
    Schedule,
    Slot,
    TieringModel,
    Work,
)
from allocation.selectors.timetable import next_times, timetable_todos, troubles, when_words

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
TODAY = NOW.date()
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def everybody_breathes():
    for part in ("worker", "beat"):
        Pulse.objects.create(part=part, at=NOW)


def slot(work, days_ago, status, message="Words."):
    at = NOW - days_ago * DAY
    return Slot.objects.create(
        work=work,
        slot=f"{at:%Y-%m-%d %H:%M}",
        due_at=at,
        queued_at=at,
        finished_at=at,
        status=status,
        message=message,
    )


def titles(found):
    return [line.title for line in found]


def test_nothing_is_said_while_all_is_well():
    slot(Work.RATES, 1, "done")
    assert timetable_todos(at=NOW, on=TODAY) == []


def test_what_failed_is_said_until_the_same_work_went_well_later():
    slot(Work.RATES, 3, "failed", "The address answered 500.")
    (line,) = timetable_todos(at=NOW, on=TODAY)
    assert (line.kind, line.tone, line.title) == ("slots", "bad", "Exchange rates of the timetable failed")
    assert "06 Mar 2026 12:00" in line.words
    assert "The address answered 500." in line.words
    slot(Work.DIGESTS, 2, "done")  # other work makes up for nothing
    slot(Work.RATES, 2, "missed")  # nor does a time at which nothing was done
    assert "Exchange rates of the timetable failed" in titles(troubles(at=NOW))
    slot(Work.RATES, 1, "done")
    assert "Exchange rates of the timetable failed" not in titles(troubles(at=NOW))


def test_of_several_failures_the_newest_is_said():
    slot(Work.RATES, 3, "failed", "Old.")
    slot(Work.RATES, 2, "failed", "New.")
    (line,) = troubles(at=NOW)
    assert "New." in line.words


@pytest.mark.parametrize(("days_ago", "shown"), [(1, True), (7, True), (8, False)])
def test_what_was_missed_is_said_for_a_week(days_ago, shown):
    slot(Work.BOOK_PLAN, days_ago, "missed")
    assert titles(troubles(at=NOW)) == (["Book plan: 1 time missed"] if shown else [])


def test_many_missed_times_are_one_line():
    for days_ago in (1, 2, 3):
        slot(Work.GOALS_RUN, days_ago, "missed")
    (line,) = troubles(at=NOW)
    assert line.title == "Goals run: 3 times missed"
    assert line.words.startswith("From 06 Mar 2026 12:00 to 08 Mar 2026 12:00 nobody kept the timetable")


def test_a_run_that_failed_is_said_until_another_of_its_scope_follows():
    model = TieringModel.objects.draft(name="M", definition={}, created_by_id=None)

    def run(scope, status):
        return RetierRun.objects.create(
            scope=scope, status=status, as_of=TODAY, tiering_model=model, message="No rate for GBP."
        )

    failed = run("full", "failed")
    run("goals", "applied")
    (line,) = timetable_todos(at=NOW, on=TODAY)
    assert (line.kind, line.pk, line.words) == ("run", failed.pk, "No rate for GBP.")
    run("full", "applied")
    assert timetable_todos(at=NOW, on=TODAY) == []


def test_a_plan_that_failed_is_said_until_another_follows():
    policy = AllocationPolicy.objects.create(name="P")
    failed = BookPlan.objects.create(as_of=TODAY, policy=policy, status="failed", message="No rate.")
    (line,) = timetable_todos(at=NOW, on=TODAY)
    assert (line.kind, line.pk) == ("plan", failed.pk)
    BookPlan.objects.create(as_of=TODAY, policy=policy, status="applied")
    assert timetable_todos(at=NOW, on=TODAY) == []


def test_work_that_failed_is_said_no_more_once_it_is_switched_off():
    slot(Work.FULL_RUN, 1, "failed")
    Schedule.objects.update_or_create(work=Work.FULL_RUN, defaults={"enabled": False, "since": NOW})
    assert troubles(at=NOW) == []


@pytest.mark.parametrize(("work", "scope"), [(Work.FULL_RUN, "full"), (Work.GOALS_RUN, "goals")])
def test_a_run_that_was_asked_for_later_makes_up_for_the_slot_that_failed(work, scope):
    """What is due once a year would otherwise be said for a year."""
    model = TieringModel.objects.draft(name="M", definition={}, created_by_id=None)
    slot(work, 3, "failed")

    def run(**given):
        return RetierRun.objects.create(as_of=TODAY, tiering_model=model, **given)

    other = "goals" if scope == "full" else "full"
    run(scope=scope, queued_at=NOW - 4 * DAY, status="applied")  # before it was due
    run(scope=other, queued_at=NOW - DAY, status="applied")
    run(scope=scope, queued_at=NOW - DAY, status="failed")
    assert len(troubles(at=NOW)) == 1
    run(scope=scope, queued_at=NOW - DAY, status="applied")
    assert troubles(at=NOW) == []


def test_a_plan_that_was_asked_for_later_makes_up_for_the_slot_that_failed():
    policy = AllocationPolicy.objects.create(name="P")
    slot(Work.BOOK_PLAN, 3, "failed")
    slot(Work.RATES, 3, "failed")

    def plan(**given):
        return BookPlan.objects.create(as_of=TODAY, policy=policy, **given)

    first = plan(queued_at=NOW - 4 * DAY, status="applied")
    plan(
        queued_at=NOW - DAY, status="proposed", compared_with=first, variant=1
    )  # a comparison is no plan of the day
    plan(queued_at=NOW - DAY, status="failed")
    assert len(troubles(at=NOW)) == 2
    plan(queued_at=NOW - DAY, status="proposed")
    assert titles(troubles(at=NOW)) == ["Exchange rates of the timetable failed"]


def test_what_a_person_stopped_is_not_said_to_have_failed():
    model = TieringModel.objects.draft(name="M", definition={}, created_by_id=None)
    stopped = {"status": "failed", "as_of": TODAY, "cancel_asked_at": NOW}
    RetierRun.objects.create(tiering_model=model, **stopped)
    BookPlan.objects.create(policy=AllocationPolicy.objects.create(name="P"), **stopped)
    assert timetable_todos(at=NOW, on=TODAY) == []


@pytest.mark.parametrize(("shift", "holds"), [(-1, False), (0, True), (9, True), (10, False)])
def test_a_freeze_is_said_on_its_days(shift, holds):
    Freeze.objects.create(name="Year end", starts_on=TODAY, ends_before=TODAY + 10 * DAY)
    on = TODAY + shift * DAY
    found = timetable_todos(at=NOW, on=on)
    assert [title.replace("\xa0", " ") for title in titles(found)] == (
        [f"Year end: nothing is applied before {TODAY + 10 * DAY:%d %b %Y}"] if holds else []
    )


def test_a_silent_worker_is_said():
    Pulse.objects.filter(part="worker").update(at=NOW - timedelta(minutes=5))
    (line,) = timetable_todos(at=NOW, on=TODAY)
    assert (line.kind, line.tone, line.title) == ("silent", "bad", "The worker is silent")
    assert "runs, plans, imports and mail wait" in line.words


WORDS = [
    ({"rhythm": "hourly", "at_time": time(9, 5)}, "every hour at 05 past"),
    ({"rhythm": "daily", "at_time": time(9, 5)}, "every day at 09:05"),
    ({"rhythm": "weekly", "weekday": 4, "at_time": time(9, 5)}, "every Friday at 09:05"),
    ({"rhythm": "monthly", "day": 28, "at_time": time(9, 5)}, "on day 28 of every month at 09:05"),
    ({"rhythm": "yearly", "month": 2, "day": 28, "at_time": time(9, 5)}, "on 28 February at 09:05"),
]


@pytest.mark.parametrize(("timing", "words"), WORDS)
def test_a_schedule_in_words(timing, words):
    assert when_words(schedule=Schedule(work=Work.RATES, **timing)) == words


def test_the_coming_times_are_the_companys(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    schedule = Schedule(work=Work.RATES, rhythm="daily", at_time=time(2, 30), enabled=True)
    found = next_times(schedule=schedule, after=datetime(2026, 3, 28, 12, tzinfo=UTC), many=2)
    assert [f"{at:%Y-%m-%d %H:%M}" for at in found] == ["2026-03-29 03:30", "2026-03-30 02:30"]
    schedule.enabled = False
    assert next_times(schedule=schedule, after=NOW, many=2) == []


def test_the_number_of_statements_does_not_grow_with_the_troubles(django_assert_num_queries):
    with django_assert_num_queries(6):
        timetable_todos(at=NOW, on=TODAY)
    for work in Work.values:
        slot(work, 1, "failed")
        for days_ago in range(2, 6):
            slot(work, days_ago, "missed")
    with django_assert_num_queries(6):
        assert len(timetable_todos(at=NOW, on=TODAY)) == 2 * len(Work.values)
