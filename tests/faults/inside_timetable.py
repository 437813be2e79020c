"""What a fleet's console does with the timetable: many schedulers at the same slots, hours that pass at once."""

import time
from datetime import date, datetime, timedelta
from datetime import time as clock
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count
from django.utils import timezone

from allocation.models import RetierRun, Schedule, Slot, TieringModel, Work
from allocation.services import timetable
from allocation.services.timetable import Outcome
from allocation.tasks.timetable import propose_full_run

HOUR = timedelta(hours=1)


def make_hourly(since: str) -> None:
    """The full run is due at every full hour after `since`."""
    Schedule.objects.filter(work=Work.FULL_RUN).update(
        enabled=True, rhythm=Schedule.Rhythm.HOURLY, at_time=clock(0, 0), since=datetime.fromisoformat(since)
    )


def keep_slots(first: str, count: int, starts: float, every: float) -> int:
    """Be one of many schedulers: at the same moments as the others look what is due, and carry out what is open.

    first: the hour of the first slot; starts, every: seconds since 1970, and from slot to slot. Gives what it noted itself.
    """
    noted = 0
    for number in range(count):
        time.sleep(max(0.0, starts + number * every - time.time()))
        at = datetime.fromisoformat(first) + number * HOUR
        noted += len(timetable.note_due(at=at))
        for pk in list(Slot.objects.open().order_by("pk").values_list("pk", flat=True)):
            timetable.carry_out_slot(slot_id=pk, owner=f"scheduler at {number}", do=_ask_anew, at_once=True)
    return noted


def _ask_anew(slot: Slot) -> Outcome:
    """The run of the slot before is put aside, so that this one asks for its own."""
    put_runs_aside()
    return propose_full_run(timezone.localdate(), timezone.now())


def put_runs_aside() -> int:
    waiting = RetierRun.objects.filter(scope="full").exclude(status__in=["applied", "discarded"])
    return int(waiting.update(status="discarded", claimed_by="", lease_until=None))


def keep_slots_naively(count: int, starts: float, every: float) -> int:
    """The control: look whether there is a run for the hour, and if not, write one."""
    model = TieringModel.objects.get(status="published")
    for number in range(count):
        time.sleep(max(0.0, starts + number * every - time.time()))
        day = date(2000, 1, 1) + timedelta(days=number)
        if not RetierRun.objects.filter(as_of=day).exists():
            time.sleep(0.005)  # as long as looking at a schedule may take
            RetierRun.objects.create(as_of=day, tiering_model=model, status="discarded")
    return RetierRun.objects.filter(as_of__lt=date(2001, 1, 1)).count()


def an_hour_passes() -> None:
    """What was due this hour was due the hour before: the next look finds this hour due again."""
    for slot in Slot.objects.filter(work=Work.FULL_RUN).order_by("due_at"):
        due = slot.due_at - HOUR
        Slot.objects.filter(pk=slot.pk).update(due_at=due, slot=f"-{slot.slot}"[:20])
    put_runs_aside()


def slots() -> dict[str, Any]:
    """{"slots", "done", "missed", "failed", "open", "runs": runs asked for by them, "asked": full runs nobody asked for}."""
    rows = Slot.objects.filter(work=Work.FULL_RUN)
    counts = dict(rows.order_by().values_list("status").annotate(n=Count("pk")))
    return {
        "slots": rows.count(),
        "done": counts.get("done", 0),
        "missed": counts.get("missed", 0),
        "failed": counts.get("failed", 0),
        "open": counts.get("queued", 0) + counts.get("working", 0),
        "runs": rows.exclude(run=None).order_by().values("run").distinct().count(),
        "asked": RetierRun.objects.filter(scope="full", requested_by=None).count(),
    }


def refuses_a_second_slot() -> bool:
    """Whether the database itself refuses a second slot of the same time."""
    one = Slot.objects.filter(work=Work.FULL_RUN, status="done").earliest("pk")
    try:
        with transaction.atomic():
            Slot.objects.create(work=one.work, slot=one.slot, due_at=one.due_at)
    except IntegrityError:
        return True
    return False
