"""What each kind of work of the timetable does, and that it is asked for once."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from allocation.models import BookPlan, RetierRun, Schedule, Slot, Work
from allocation.services import planning, retiering, timetable
from allocation.services.playbooks import load_playbook
from allocation.services.timetable import Outcome
from allocation.tasks.timetable import DOORS, carry_out_slot, keep_timetable
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def rung(monkeypatch):
    """Messages go nowhere: what would be rung, by task name."""
    bells = []
    for module in ("timetable", "retiering", "overrides"):
        monkeypatch.setattr(
            f"allocation.tasks.{module}.ring", lambda task, **ids: bells.append((task.name, ids))
        )
    return bells


@pytest.fixture
def due(rung):
    """`due(work)`: its time has come; returns the slot when it was carried out."""

    def carry_out(work):
        slot = timetable.ask_now(work=work, actor_id=None, at=timezone.now())
        carry_out_slot(slot_id=slot.pk)
        slot.refresh_from_db()
        return slot

    Schedule.objects.update(enabled=False)
    return carry_out


@pytest.fixture
def model():
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    CustomerFactory()


def test_the_full_run_is_proposed_and_the_slot_leads_to_it(due, rung, model):
    slot = due(Work.FULL_RUN)
    run = RetierRun.objects.get()
    assert (slot.status, slot.run_id, slot.message) == ("done", run.pk, f"Run {run.pk} was asked for.")
    assert (run.scope, run.status, run.as_of, run.requested_by) == (
        "full",
        "queued",
        timezone.localdate(),
        None,
    )
    assert run.apply_when_proposed is False
    assert ("allocation.propose_retier_run", {"run_id": run.pk}) in rung


def test_without_a_model_the_slot_failed_with_a_sentence_that_says_what_to_do(due, rung):
    slot = due(Work.FULL_RUN)
    assert slot.status == "failed"
    assert slot.message == "No tiering model is published; load a playbook or publish a draft first."
    assert not RetierRun.objects.exists()


def test_people_who_look_at_a_proposal_are_not_disturbed(due, model):
    run = retiering.queue_run(as_of=timezone.localdate(), at=timezone.now())
    retiering.propose_run(run_id=run.pk, owner="test")
    slot = due(Work.FULL_RUN)
    assert (slot.status, slot.run_id) == ("done", None)
    assert f"Run {run.pk} still waits" in slot.message
    assert RetierRun.objects.count() == 1


def test_a_run_that_is_under_way_is_the_one(due, model):
    run = retiering.queue_run(as_of=timezone.localdate(), at=timezone.now())
    slot = due(Work.FULL_RUN)
    assert (slot.status, slot.run_id) == ("done", run.pk)


def test_the_book_plan_is_proposed_and_the_slot_leads_to_it(due, rung, model):
    slot = due(Work.BOOK_PLAN)
    plan = BookPlan.objects.get()
    assert (slot.status, slot.plan_id, plan.requested_by, plan.apply_when_proposed) == (
        "done",
        plan.pk,
        None,
        False,
    )
    assert ("allocation.propose_book_plan", {"plan_id": plan.pk}) in rung


def test_a_plan_that_people_look_at_is_not_made_stale(due, model):
    plan = planning.queue_plan(as_of=timezone.localdate(), seed=0, actor=None)
    planning.propose_plan(plan_id=plan.pk, owner="test", on=timezone.localdate(), at=timezone.now())
    slot = due(Work.BOOK_PLAN)
    assert f"Book plan {plan.pk} still waits" in slot.message
    assert BookPlan.objects.count() == 1


def test_without_a_goal_that_began_or_ended_no_goals_run_is_asked_for(due, model):
    slot = due(Work.GOALS_RUN)
    assert (slot.status, slot.run_id) == ("done", None)
    assert "nothing was to be looked at" in slot.message
    assert not RetierRun.objects.exists()


@pytest.mark.parametrize(
    ("work", "day"), [(Work.BOOK_DAYS, date(2026, 11, 27)), (Work.HANDOVERS, date(2026, 11, 28))]
)
def test_figures_are_of_the_day_they_were_due_and_all_else_of_the_day_it_is_done(
    rung, monkeypatch, settings, work, day
):
    """Due at 23:30, done 40 minutes later, on the next day."""
    settings.TIME_ZONE = "Europe/Berlin"
    zone = ZoneInfo("Europe/Berlin")
    due_at = datetime(2026, 11, 27, 23, 30, tzinfo=zone)
    slot = Slot.objects.create(work=work, slot="2026-11-27 23:30", due_at=due_at, queued_at=due_at)
    seen = []
    door = replace(DOORS[work], do=lambda on, at: seen.append((on, at)) or Outcome("Done."))
    monkeypatch.setitem(DOORS, work, door)
    now = due_at + timedelta(minutes=40)
    monkeypatch.setattr("allocation.tasks.timetable.timezone.now", lambda: now)
    carry_out_slot(slot_id=slot.pk)
    assert seen == [(day, now)]


def test_the_day_and_the_moment_come_from_one_look_at_the_clock(rung, monkeypatch):
    """Between two looks midnight can pass."""
    midnight = datetime(2026, 11, 28, tzinfo=timezone.get_default_timezone())
    times = iter([midnight - timedelta(microseconds=1)])
    slot = timetable.ask_now(work=Work.HANDOVERS, actor_id=None, at=midnight)
    seen = []
    door = replace(DOORS[Work.HANDOVERS], do=lambda on, at: seen.append((on, at)) or Outcome("Done."))
    monkeypatch.setitem(DOORS, Work.HANDOVERS, door)

    class Clock:
        now = staticmethod(lambda: next(times, midnight))
        localdate = staticmethod(lambda value=None: timezone.localtime(value or next(times, midnight)).date())

    monkeypatch.setattr("allocation.tasks.timetable.timezone", Clock)
    carry_out_slot(slot_id=slot.pk)
    assert seen == [(date(2026, 11, 27), midnight - timedelta(microseconds=1))]


@pytest.mark.parametrize("work", sorted(DOORS))
def test_work_that_is_delivered_three_times_is_done_once(due, rung, model, work):
    slot = due(work)
    before = _everything()
    for _ in range(2):
        carry_out_slot(slot_id=slot.pk)
    assert _everything() == before
    assert slot.status == "done"


@pytest.mark.parametrize("work", [Work.FULL_RUN, Work.BOOK_PLAN])
def test_a_crash_between_asking_and_noting_asks_for_nothing_twice(due, rung, model, work, monkeypatch):
    """The worker dies after the run was written and before the slot says so; another takes the slot over."""
    slot = timetable.ask_now(work=work, actor_id=None, at=timezone.now())
    finish = type(Slot.objects.all()).finish

    def die(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(Slot.objects.all()), "finish", die)
    with pytest.raises(KeyboardInterrupt):
        carry_out_slot(slot_id=slot.pk)
    monkeypatch.setattr(type(Slot.objects.all()), "finish", finish)
    Slot.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    carry_out_slot(slot_id=slot.pk)
    slot.refresh_from_db()
    assert slot.status == "done"
    assert RetierRun.objects.count() + BookPlan.objects.count() == 1


def test_what_is_due_is_rung_for(rung, model):
    Schedule.objects.update(enabled=False)
    Schedule.objects.filter(work=Work.HOUSEKEEPING).update(
        enabled=True, since=timezone.now() - timedelta(days=2)
    )
    keep_timetable()
    keep_timetable()
    (slot,) = Slot.objects.exclude(status="missed")
    assert rung == [("allocation.carry_out_slot", {"slot_id": slot.pk})]


def _everything():
    """Every row of every table of ours, as it is."""
    found = {}
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            if table.startswith(("allocation_", "accounts_")):
                cursor.execute(f'SELECT * FROM "{table}" ORDER BY 1')
                found[table] = cursor.fetchall()
    return found
