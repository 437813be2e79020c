"""Slots: each time at which work was due is written once, and carried out once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, Max, OuterRef, Q

from accounts.leases import lease_kept
from allocation.engine.timetable import Due, due_between
from allocation.models import Schedule, Slot
from allocation.selectors.timetable import timing_of

# Further back nobody asks what was missed.
LOOK_BACK = timedelta(days=400)
# Of a timetable that stood still for months the newest are listed; the rest says no more than they do.
MISSED_LISTED = 50
MISSED = "Nobody kept the timetable at this time; what was due is made up for by the next one."
SKIPPED = "The one before was still under way at this time."

# Slots of the hourly and daily kinds tell nothing after a while; those that failed or were missed are kept longer.
KEEP_DONE = timedelta(days=60)
KEEP = timedelta(days=800)


class UnableToCarryOut(Exception):
    """The work of a slot cannot be done, now or by trying again; the message says why and what to do."""


class UnableToAskNow(ValueError):
    """The work is under way or was just done; the message says which."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a slot: a sentence, and the run or plan that was asked for."""

    words: str
    run_id: int | None = None
    plan_id: int | None = None


def note_due(*, at: datetime) -> list[int]:
    """Write down what is due by now and was not written yet; returns the ids of slots that wait for a runner.

    Of several times that went by unnoticed the newest is queued and the others are marked as missed. While a slot of the
    same work is open nothing is added: what falls due meanwhile is noted when that one is done. Safe to call at any time,
    as often as one likes, by many at once.
    """
    last, ended = _last_of_each()
    busy = set(Slot.objects.open().order_by().values_list("work", flat=True))
    queued = []
    for schedule in Schedule.objects.filter(enabled=True).order_by("work"):
        if schedule.work in busy:
            continue
        since = max(schedule.since, last.get(schedule.work, schedule.since), at - LOOK_BACK)
        found = due_between(timing=timing_of(schedule=schedule), after=since, upto=at)
        if found:
            queued.extend(_note(schedule, found, at, ended.get(schedule.work)))
    return queued


def ask_now(*, work: str, actor_id: int | None, at: datetime) -> Slot:
    """A slot besides the times of the schedule, because a person wants it. Raises UnableToAskNow.

    Also where the schedule is switched off: the person knows why.
    """
    note_due(at=at)  # what is due by itself comes first, and then is not due once more
    wall = at.astimezone(ZoneInfo(settings.TIME_ZONE))
    try:
        with transaction.atomic():
            return Slot.objects.create(
                work=work,
                slot=f"{wall:%Y-%m-%d %H:%M} now",
                due_at=at,
                queued_at=at,
                requested_by_id=actor_id,
            )
    except IntegrityError:
        open_one = Slot.objects.open().filter(work=work).first()
        if open_one is None:
            raise UnableToAskNow(
                "It was done in this very minute already; what came of it is listed."
            ) from None
        raise UnableToAskNow(f"It is {open_one.get_status_display().lower()} already.") from None


def _last_of_each() -> tuple[dict[str, datetime], dict[str, datetime]]:
    """When the newest slot of each work was due, and when the newest that was carried out ended."""
    rows = Slot.objects.order_by().values("work").annotate(
        due=Max("due_at"), ended=Max("finished_at", filter=~Q(status=Slot.Status.MISSED))
    )  # fmt: skip
    found = list(rows)
    return {row["work"]: row["due"] for row in found}, {
        row["work"]: row["ended"] for row in found if row["ended"] is not None
    }


def _note(schedule: Schedule, found: list[Due], at: datetime, last_ended: datetime | None) -> list[int]:
    *older, newest = found
    try:
        with transaction.atomic():
            slot = Slot.objects.create(work=schedule.work, slot=newest.slot, due_at=newest.at, queued_at=at)
            Slot.objects.bulk_create(
                [
                    Slot(
                        work=schedule.work,
                        slot=due.slot,
                        due_at=due.at,
                        queued_at=at,
                        finished_at=at,
                        status=Slot.Status.MISSED,
                        message=_why_missed(due, last_ended),
                    )
                    for due in older[-MISSED_LISTED:]
                ],
                ignore_conflicts=True,
            )
    except IntegrityError:  # somebody else noted it, in this moment
        return []
    return [slot.pk]


def _why_missed(due: Due, last_ended: datetime | None) -> str:
    """Because the one before took so long, or because nobody was there."""
    return SKIPPED if last_ended is not None and due.at <= last_ended else MISSED


def carry_out_slot(
    *,
    slot_id: int,
    owner: str,
    do: Callable[[Slot], Outcome],
    at_once: bool,
) -> bool:
    """Claim a slot, do its work, keep what came of it. False: it is done, or somebody else has it.

    at_once: the work and the note that it is done are one transaction, so that a crash between the two cannot ask for
    something twice. Otherwise `do` must be safe to repeat. A refusal (UnableToCarryOut) is kept on the slot; any other
    error goes on to the caller, who decides whether it is tried again.
    """
    fence = Slot.objects.claim(
        slot_id, owner=owner, waiting=[Slot.Status.QUEUED], working=Slot.Status.WORKING
    )
    if fence is None:
        return False
    slot = Slot.objects.get(pk=slot_id)
    try:
        if at_once:
            with transaction.atomic():
                return _keep(slot, fence, do(slot))
        with lease_kept(Slot, slot_id, fence=fence):  # a slow mail or rates server outlasts a lease
            return _keep(slot, fence, do(slot))
    except UnableToCarryOut as refused:
        Slot.objects.finish(slot_id, fence=fence, status=Slot.Status.FAILED, message=str(refused))
        return True
    except _ClaimLost:
        return False


class _ClaimLost(Exception):
    """Somebody else has the slot: what was done here in one transaction is taken back."""


def _keep(slot: Slot, fence: int, outcome: Outcome) -> bool:
    kept = Slot.objects.finish(
        slot.pk,
        fence=fence,
        status=Slot.Status.DONE,
        message=outcome.words,
        run_id=outcome.run_id,
        plan_id=outcome.plan_id,
    )
    if not kept:
        raise _ClaimLost
    return True


def forget_old_slots(*, at: datetime) -> int:
    """Drop what nobody looks at any more: slots done 60 days ago that asked for nothing, all others after two years."""
    later = Slot.objects.filter(work=OuterRef("work"), due_at__gt=OuterRef("due_at"))
    plain = Q(status=Slot.Status.DONE, run__isnull=True, plan__isnull=True, due_at__lt=at - KEEP_DONE)
    ended = ~Q(status__in=(Slot.Status.QUEUED, Slot.Status.WORKING)) & Q(due_at__lt=at - KEEP)
    # The newest of each work stays: it says from when on something is due.
    gone, _ = Slot.objects.filter(Exists(later)).filter(plain | ended).delete()
    return gone
