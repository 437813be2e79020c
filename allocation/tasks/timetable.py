"""What is done by the calendar: which door each kind of work goes through, and the two tasks that keep the timetable.

`keep_timetable` looks at the clock and writes down what is due (beat rings for each schedule at its time, and every sweep
looks again, so that a lost ring costs seconds); `carry_out_slot` does one piece of it.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from celery import shared_task
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from allocation.models import Slot, Work
from allocation.selectors.runs import dates_fell_due
from allocation.selectors.wording import counted
from allocation.services import (
    book_days,
    covering,
    digests,
    failures,
    figures,
    handovers,
    importing,
    notices,
    planning,
    rates,
    retiering,
    timetable,
    touches,
)
from allocation.services.timetable import Outcome, UnableToCarryOut
from allocation.snapshots.money import UnknownRate
from allocation.tasks.bell import ring
from allocation.tasks.importing import any_waits_for_goals_run
from allocation.tasks.notices import send_notices
from allocation.tasks.overrides import keep_overrides
from allocation.tasks.planning import propose_book_plan
from allocation.tasks.retiering import ask_for_goals_run, propose_retier_run
from allocation.tasks.runner import working

# Imports whose goals run may have been lost: looked at every day, twice to be sure.
IMPORTS_BACK = timedelta(days=2)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Door:
    """What a kind of work does. at_once: together with the note that it is done, in one transaction. of_its_day: its business
    day is the one on which it was due; a worker that comes to it after midnight still does it for the evening before.
    """

    do: Callable[[date, datetime], Outcome]
    at_once: bool = False
    of_its_day: bool = False


def propose_full_run(on: date, at: datetime) -> Outcome:
    """A full run as of today, unless people look at one already."""
    try:
        run = retiering.queue_full_run_unless_open(as_of=on, at=at)
    except retiering.RunStillOpen as waits:
        return Outcome(str(waits))
    except retiering.RunInProgress as busy:
        return Outcome(f"Run {busy.run_id} was under way already.", run_id=busy.run_id)
    except retiering.UnableToQueueRun as refused:
        raise UnableToCarryOut(str(refused)) from refused
    ring(propose_retier_run, run_id=run.pk)
    return Outcome(f"Run {run.pk} was asked for.", run_id=run.pk)


def propose_goals_run(on: date, at: datetime) -> Outcome:
    """A goals run where a day that was written down before has come, or a run that had to follow was lost."""
    if not dates_fell_due(today=on) and not any_waits_for_goals_run(since=at - IMPORTS_BACK):
        return Outcome("No goal or override began or ended, so nothing was to be looked at.")
    run = ask_for_goals_run(as_of=on, at=at, actor_id=None)
    if run is None:
        raise UnableToCarryOut("No tiering model is published: publish one, and the next goals run follows.")
    return Outcome(f"Run {run.pk} was asked for.", run_id=run.pk)


def propose_books(on: date, at: datetime) -> Outcome:
    """A book plan as of today, unless people look at one already."""
    try:
        plan = planning.queue_plan_unless_open(as_of=on)
    except planning.PlanStillOpen as waits:
        return Outcome(str(waits))
    except planning.UnableToPlanBooks as refused:
        raise UnableToCarryOut(str(refused)) from refused
    ring(propose_book_plan, plan_id=plan.pk)
    return Outcome(f"Book plan {plan.pk} was asked for.", plan_id=plan.pk)


def keep_house(on: date, at: datetime) -> Outcome:
    """Sign-ins that are over, files nobody confirmed, old lines of the timetable, old mail; and whether kept figures are true."""
    call_command("clearsessions", verbosity=0)
    files = importing.discard_abandoned_imports(before=at - importing.KEPT_UNCONFIRMED)
    lines = timetable.forget_old_slots(at=at)
    mails = notices.forget_old_notices(at=at)
    planning.forget_pieces()  # of plans that ended while their worker was dead
    said = f"{files} abandoned files, {lines} old lines and {counted(mails, 'old notice')} were put away."
    if untrue := figures.differing_sheets():
        logger.error("Kept figures: sheets %s differed from their customers.", untrue)
        said += (
            f" {counted(len(untrue), 'sheet')} of kept figures differed from the customers and will be written anew: something"
            " writes past the database's triggers."
        )
    return Outcome(said)


def keep_overrides_of_today(on: date, at: datetime) -> Outcome:
    begun, ended = keep_overrides()
    return Outcome(f"{begun} began, {ended} ended.")


def fetch_rates(on: date, at: datetime) -> Outcome:
    try:
        return Outcome(rates.fetch_rates(on=on, at=at, url=settings.RATES_URL))
    except rates.UnableToFetchRates as refused:
        raise UnableToCarryOut(str(refused)) from refused


def tell_of_leave(on: date, at: datetime) -> Outcome:
    return Outcome(covering.tell_of_leave(on=on, at=at))


def plan_touches_of_all(on: date, at: datetime) -> Outcome:
    """What is wanted up to the horizon is there; the timetable keeps the claim however long that takes."""
    done = touches.plan_touches(on=on)
    return Outcome(
        f"{counted(done.customers, 'customer')}: {counted(done.added, 'touch', 'touches')} planned, "
        f"{done.dropped} taken away, {done.changed} changed."
    )


def tell_of_late_handovers(on: date, at: datetime) -> Outcome:
    return Outcome(handovers.tell_of_late_handovers(on=on, at=at))


def write_digests(on: date, at: datetime) -> Outcome:
    return Outcome(digests.write_digests(on=on, at=at))


def keep_book_days(on: date, at: datetime) -> Outcome:
    try:
        kept = book_days.keep_book_days(on=on)
    except UnknownRate as missing:
        raise UnableToCarryOut(str(missing)) from missing
    said = f"The figures of {counted(kept.books, 'book')} were kept."
    if kept.worked_out:
        said += f" {counted(len(kept.worked_out), 'month end')} of the past came from the ledgers."
    if kept.forgotten:
        said += f" {counted(kept.forgotten, 'old day')} went; the last one of each month stays."
    return Outcome(said)


DOORS: Mapping[str, Door] = {
    Work.FULL_RUN: Door(propose_full_run, at_once=True),
    Work.GOALS_RUN: Door(propose_goals_run, at_once=True),
    Work.BOOK_PLAN: Door(propose_books, at_once=True),
    Work.OVERRIDES: Door(keep_overrides_of_today),
    Work.LEAVE: Door(tell_of_leave),
    Work.RATES: Door(fetch_rates),
    Work.TOUCHES: Door(plan_touches_of_all),
    Work.BOOK_DAYS: Door(keep_book_days, of_its_day=True),
    Work.HANDOVERS: Door(tell_of_late_handovers),
    Work.DIGESTS: Door(write_digests),
    Work.HOUSEKEEPING: Door(keep_house),
}


@shared_task(name="allocation.keep_timetable")
def keep_timetable() -> None:
    """Write down what is due by now, and have it done; tell CS ops of what failed or was missed."""
    now = timezone.now()
    for slot_id in timetable.note_due(at=now):
        ring(carry_out_slot, slot_id=slot_id)
    if failures.tell_of_failures(at=now):
        ring(send_notices)


@shared_task(name="allocation.carry_out_slot")
def carry_out_slot(*, slot_id: int) -> None:
    """Do what was due. The slot says what came of it."""

    def do(slot: Slot) -> Outcome:
        now = timezone.now()
        return door.do(timezone.localdate(slot.due_at if door.of_its_day else now), now)

    door = DOORS[Slot.objects.values_list("work", flat=True).get(pk=slot_id)]
    with working(Slot, slot_id) as owner:
        timetable.carry_out_slot(slot_id=slot_id, owner=owner, do=do, at_once=door.at_once)
    ring(send_notices)


def ensure_schedules_after_migrate(**kwargs: Any) -> None:
    """A new installation has a timetable. The tables of the library that keeps it for beat come before ours."""
    if kwargs.get("apps") is None or _has_timetable(kwargs["apps"]):
        timetable.ensure_schedules(at=timezone.now())


def _has_timetable(apps: Any) -> bool:
    """False in the middle of the history, when somebody migrates to an older state."""
    try:
        apps.get_model("allocation", "Schedule")
        apps.get_model("django_celery_beat", "PeriodicTask")
    except LookupError:
        return False
    return True
