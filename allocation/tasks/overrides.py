"""Overrides by the calendar: those whose day has come begin, those whose time is over end, askers are told before."""

from collections.abc import Iterable
from datetime import date, datetime

from django.utils import timezone

from allocation.models import Override, RetierRun
from allocation.services import overrides
from allocation.tasks.bell import ring
from allocation.tasks.notices import send_notices
from allocation.tasks.retiering import ask_for_goals_run


def follow(changed: Iterable[Override], *, on: date, at: datetime, actor_id: int | None) -> RetierRun | None:
    """What follows from overrides that people asked for, decided or ended, once that is committed.

    Their mail goes out; and where one gave its customer a tier, now or before it ended, a goals run is asked for. The
    one door of pages, admin and command.
    """
    ring(send_notices)
    held = [one.customer_id for one in changed if one.begun_at is not None]
    if not held:
        return None
    return ask_for_goals_run(as_of=on, at=at, actor_id=actor_id, customer_ids=held)


def keep_overrides() -> tuple[int, int]:
    """Begin, end and warn; where a customer's override began or ended, a goals run proposes what follows. How many did.

    On the timetable every hour, and safe at any time: what is done is done once. If it stops between the ending and the
    asking, the goals run of the timetable finds what ended.
    """
    today, now = timezone.localdate(), timezone.now()
    begun = overrides.begin_overrides(on=today, at=now)
    ended = overrides.expire_overrides(on=today, at=now)
    overrides.warn_of_ending(on=today, at=now)
    ring(send_notices)
    if begun or ended:
        ask_for_goals_run(as_of=today, at=now, actor_id=None, customer_ids=(*begun, *ended))
    return len(begun), len(ended)
