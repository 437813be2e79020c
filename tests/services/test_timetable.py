"""The timetable: what is due is written once and carried out once, whoever asks and however often."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django_celery_beat.models import PeriodicTask

from allocation.models import Schedule, Slot, Work
from allocation.services.timetable import (
    Outcome,
    UnableToAskNow,
    UnableToCarryOut,
    ask_now,
    carry_out_slot,
    change_schedule,
    ensure_schedules,
    forget_old_slots,
    note_due,
)
from allocation.tasks.timetable import DOORS

pytestmark = pytest.mark.django_db
BEGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday; the zone of the tests is UTC
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def only_daily():
    """One schedule: every day at 02:30, from BEGIN on."""
    Schedule.objects.exclude(work=Work.GOALS_RUN).update(enabled=False)
    Schedule.objects.filter(work=Work.GOALS_RUN).update(
        rhythm="daily", at_time=time(2, 30), enabled=True, since=BEGIN
    )


def slots(**wanted):
    return list(Slot.objects.filter(**wanted).order_by("due_at").values_list("slot", "status"))


def done(slot_id, at=None):
    return carry_out_slot(slot_id=slot_id, owner="test", do=lambda slot: Outcome("Done."), at_once=False)


def test_nothing_is_due_before_its_time_and_the_slot_is_there_at_its_minute():
    assert note_due(at=datetime(2026, 3, 3, 2, 29, 59, tzinfo=UTC)) == []
    (slot_id,) = note_due(at=datetime(2026, 3, 3, 2, 30, tzinfo=UTC))
    slot = Slot.objects.get(pk=slot_id)
    assert (slot.work, slot.slot, slot.status) == ("goals_run", "2026-03-03 02:30", "queued")
    assert slot.due_at == datetime(2026, 3, 3, 2, 30, tzinfo=UTC)


def test_looking_ten_times_finds_it_once():
    at = BEGIN + DAY
    found = [note_due(at=at + n * timedelta(minutes=1)) for n in range(10)]
    assert [len(one) for one in found] == [1, *[0] * 9]
    done(found[0][0])
    assert [note_due(at=at + HOUR) for _ in range(3)] == [[], [], []]


def test_what_nobody_noticed_is_missed_and_the_newest_is_made_up_for():
    (slot_id,) = note_due(at=BEGIN + 4 * DAY)
    assert slots() == [
        ("2026-03-03 02:30", "missed"),
        ("2026-03-04 02:30", "missed"),
        ("2026-03-05 02:30", "missed"),
        ("2026-03-06 02:30", "queued"),
    ]
    assert Slot.objects.get(pk=slot_id).slot == "2026-03-06 02:30"
    missed = Slot.objects.get(slot="2026-03-04 02:30")
    assert "Nobody kept the timetable" in missed.message
    assert missed.finished_at == BEGIN + 4 * DAY


def test_while_one_is_under_way_the_next_waits_and_then_says_why_one_was_left_out():
    (first,) = note_due(at=BEGIN + DAY)
    assert note_due(at=BEGIN + 3 * DAY) == []
    done(first)
    Slot.objects.filter(pk=first).update(finished_at=BEGIN + 3 * DAY)
    (second,) = note_due(at=BEGIN + 3 * DAY)
    assert Slot.objects.get(pk=second).slot == "2026-03-05 02:30"
    assert "still under way" in Slot.objects.get(slot="2026-03-04 02:30").message


def test_of_a_timetable_that_stood_still_for_long_the_newest_are_listed():
    note_due(at=BEGIN + 300 * DAY)
    assert Slot.objects.filter(status="missed").count() == 50
    assert slots(status="queued") == [(f"{date(2026, 3, 2) + 300 * DAY:%Y-%m-%d} 02:30", "queued")]


def test_what_is_switched_off_is_not_due_and_switching_on_makes_up_for_nothing():
    schedule = Schedule.objects.get(work=Work.GOALS_RUN)
    schedule.enabled = False
    change_schedule(schedule=schedule, at=BEGIN)
    assert note_due(at=BEGIN + 5 * DAY) == []
    schedule.enabled = True
    change_schedule(schedule=schedule, at=BEGIN + 5 * DAY)
    assert note_due(at=BEGIN + 5 * DAY) == []
    note_due(at=BEGIN + 6 * DAY)
    assert slots() == [("2026-03-08 02:30", "queued")]


def test_another_time_counts_from_now_on():
    schedule = Schedule.objects.get(work=Work.GOALS_RUN)
    schedule.at_time = time(9, 15)
    change_schedule(schedule=schedule, at=BEGIN)  # noon: today's 09:15 is over, and nobody's omission
    assert note_due(at=BEGIN + 9 * HOUR) == []
    note_due(at=BEGIN + DAY)
    assert slots() == [("2026-03-03 09:15", "queued")]


def test_beat_reads_what_people_changed():
    schedule = Schedule.objects.get(work=Work.GOALS_RUN)
    schedule.rhythm, schedule.weekday, schedule.at_time = "weekly", 6, time(9, 15)
    change_schedule(schedule=schedule, at=BEGIN)
    row = PeriodicTask.objects.select_related("crontab").get(name="goals_run")
    crontab = row.crontab
    assert (row.task, row.enabled) == ("allocation.keep_timetable", True)
    assert (crontab.minute, crontab.hour, crontab.day_of_week) == ("15", "9", "0")  # cron's Sunday
    schedule.enabled = False
    change_schedule(schedule=schedule, at=BEGIN)
    row.refresh_from_db()
    assert row.enabled is False


def test_an_installation_begins_with_a_schedule_for_every_kind_of_work_and_keeps_what_people_changed():
    assert set(Schedule.objects.values_list("work", flat=True)) == set(Work.values) == set(DOORS)
    assert set(Work.values) <= set(PeriodicTask.objects.values_list("name", flat=True))
    before = list(Schedule.objects.order_by("pk").values_list())
    changed = PeriodicTask.objects.order_by("pk").values_list("pk", "date_changed")
    rows = list(changed)
    ensure_schedules(at=BEGIN + DAY)
    assert list(Schedule.objects.order_by("pk").values_list()) == before
    assert [pk for pk, _ in changed] == [pk for pk, _ in rows]


def test_a_slot_is_carried_out_once_however_often_it_is_delivered():
    (slot_id,) = note_due(at=BEGIN + DAY)
    times = []

    def do(slot):
        times.append(slot.slot)
        return Outcome("All well.")

    results = [carry_out_slot(slot_id=slot_id, owner="test", do=do, at_once=False) for _ in range(3)]
    assert results == [True, False, False]
    assert times == ["2026-03-03 02:30"]
    slot = Slot.objects.get(pk=slot_id)
    assert (slot.status, slot.message, slot.claimed_by) == ("done", "All well.", "")


def test_a_refusal_is_kept_as_a_sentence_and_the_next_time_comes_all_the_same():
    (slot_id,) = note_due(at=BEGIN + DAY)

    def refuse(slot):
        raise UnableToCarryOut("No tiering model is published.")

    carry_out_slot(slot_id=slot_id, owner="test", do=refuse, at_once=True)
    assert slots() == [("2026-03-03 02:30", "failed")]
    assert Slot.objects.get().message == "No tiering model is published."
    assert len(note_due(at=BEGIN + 2 * DAY)) == 1


def test_what_was_asked_for_is_taken_back_where_the_claim_was_lost():
    """One that was overtaken has asked for nothing: its work and its note are one transaction."""
    (slot_id,) = note_due(at=BEGIN + DAY)

    def overtaken(slot):
        Schedule.objects.filter(work=Work.HOUSEKEEPING).update(day=28)  # what the work writes
        Slot.objects.filter(pk=slot_id).update(fence=99)
        return Outcome("Never seen.")

    assert carry_out_slot(slot_id=slot_id, owner="test", do=overtaken, at_once=True) is False
    assert Schedule.objects.get(work=Work.HOUSEKEEPING).day != 28


def test_a_person_may_have_it_done_now_and_twice_at_once_is_refused():
    slot = ask_now(work=Work.RATES, actor_id=None, at=BEGIN)
    assert slot.slot == "2026-03-02 12:00 now"
    with pytest.raises(UnableToAskNow, match="queued already"):
        ask_now(work=Work.RATES, actor_id=None, at=BEGIN + HOUR)
    done(slot.pk)
    with pytest.raises(UnableToAskNow, match="this very minute"):
        ask_now(work=Work.RATES, actor_id=None, at=BEGIN)


def test_asking_by_hand_leaves_no_time_out():
    """At noon by hand: the time of the night before is noted first, and the next night's comes as ever."""
    at = datetime(2026, 3, 3, 12, tzinfo=UTC)
    with pytest.raises(
        UnableToAskNow, match="queued already"
    ):  # that of the night waits, and is the same work
        ask_now(work=Work.GOALS_RUN, actor_id=None, at=at)
    done(Slot.objects.get().pk)
    ask_now(work=Work.GOALS_RUN, actor_id=None, at=at)
    done(Slot.objects.get(status="queued").pk)
    note_due(at=at + DAY)
    assert slots() == [
        ("2026-03-03 02:30", "done"),
        ("2026-03-03 12:00 now", "done"),
        ("2026-03-04 02:30", "queued"),
    ]


def test_old_lines_go_and_the_newest_stays():
    for day in range(1, 4):
        done(note_due(at=BEGIN + day * DAY)[0])
    later = BEGIN + 900 * DAY
    assert forget_old_slots(at=later) == 2
    assert slots() == [("2026-03-05 02:30", "done")]
    assert forget_old_slots(at=later) == 0


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize(
    "day",
    [
        date(2026, 3, 8),
        date(2026, 3, 29),
        date(2026, 10, 25),
        date(2026, 11, 1),
        date(2028, 2, 29),
        date(2026, 12, 31),
    ],
)
def test_on_days_on_which_the_clock_changes_each_schedule_is_carried_out_once(settings, zone, day):
    """Looked at every five minutes for three days, as the sweep does, with every kind of schedule due that night."""
    settings.TIME_ZONE = zone
    start = datetime.combine(day - DAY, time(12), tzinfo=UTC)
    Schedule.objects.update(enabled=True, since=start, rhythm="daily", at_time=time(2, 30))
    Schedule.objects.filter(work=Work.OVERRIDES).update(rhythm="hourly", at_time=time(0, 5))
    Schedule.objects.filter(work=Work.FULL_RUN).update(rhythm="yearly", month=day.month, day=min(day.day, 28))
    for minutes in range(0, 2 * 24 * 60, 5):
        for slot_id in note_due(at=start + timedelta(minutes=minutes)):
            done(slot_id)
    assert not Slot.objects.exclude(status="done").exists()
    assert Slot.objects.filter(work=Work.BOOK_PLAN).count() == 2
    assert Slot.objects.filter(work=Work.OVERRIDES).count() == 48
    assert Slot.objects.filter(work=Work.FULL_RUN).count() <= 1
