"""Planning touches ahead: what the touch plans of the tiers want is there, what they no longer want is not.

Only open touches that are due after the day of planning are rewritten (docs/engine/touches.md): what is due today or late
stays for people to do or to skip, and what is done, skipped or logged is history. Nothing of it changes a tier or a CSM.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from accounts.models import Customer
from allocation.engine.facts.touches import ActivityFacts, PlannedTouch, TouchChanges, TouchOfBook
from allocation.engine.touch_days import LATER_AT_MOST, spread_touches
from allocation.engine.touches import rewrite_touches
from allocation.models import Touch
from allocation.snapshots.touches import TouchState, minutes_by_day, touch_states

BATCH = 500  # customers in a transaction, and keys in a statement


@dataclass(frozen=True, slots=True)
class PlannedTouches:
    """What planning did: touches that were added, taken away, and given another activity, name or hours."""

    customers: int = 0
    added: int = 0
    dropped: int = 0
    changed: int = 0


def plan_touches(*, on: date, customer_ids: Collection[int] | None = None) -> PlannedTouches:
    """Bring the touches of these customers (None: of all) in line with their touch plans, up to the horizon.

    Safe to repeat and to run in many places at once: a second time changes nothing, and a slot has one touch. One
    transaction for every 500 customers, so what stops in between has kept what it did.
    """
    found = PlannedTouches()
    for ids in _batches(customer_ids):
        with transaction.atomic():
            found = _plan(ids, on, found)
    return found


def _batches(customer_ids: Collection[int] | None) -> Iterator[list[int]]:
    """Ids, so many at a time: book by book, so that the days of a CSM are filled at once and not by halves."""
    rows = Customer.objects.order_by(F("csm_id").asc(nulls_last=True), "pk")
    if customer_ids is not None and len(customer_ids) <= BATCH:
        rows = rows.filter(pk__in=customer_ids)
    asked = None if customer_ids is None else set(customer_ids)
    ordered = [pk for pk in rows.values_list("pk", flat=True) if asked is None or pk in asked]
    yield from (ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH))


def _plan(ids: list[int], on: date, before: PlannedTouches) -> PlannedTouches:
    """The customers are held first: of two plannings at once, the second sees what the first did, and the same tiers."""
    customers = Customer.objects.filter(pk__in=ids)
    _hold(customers)
    horizon = on + timedelta(days=settings.TOUCH_HORIZON_DAYS)
    states = touch_states(customers=customers, on=on)
    changes = [
        (state, rewrite_touches(customer=state.facts, stored=state.stored, on=on, before=horizon))
        for state in states
    ]
    dropped = _drop([key for _, change in changes for key in change.drop], on)
    changed = _change([pair for _, change in changes for pair in change.becomes], on)
    return PlannedTouches(
        customers=before.customers + len(changes),
        added=before.added + _add(changes, on),
        dropped=before.dropped + dropped,
        changed=before.changed + changed,
    )


def _hold(customers: QuerySet[Customer]) -> None:
    list(customers.select_for_update(no_key=True, of=("self",)).order_by("pk").values_list("pk"))


def _drop(keys: list[int], on: date) -> int:
    """Whom a person did, skipped or moved to today in this moment stays."""
    gone = 0
    for start in range(0, len(keys), BATCH):
        rows = Touch.objects.open().filter(pk__in=keys[start : start + BATCH], due_on__gt=on)
        gone += rows.delete()[0]  # one statement that looks again: nothing hangs on a touch
    return gone


def _change(pairs: list[tuple[int, ActivityFacts]], on: date) -> int:
    """A statement for each activity and 500 touches."""
    changed = 0
    facts = {activity.key: activity for _, activity in pairs}
    keyed = sorted((activity.key, key) for key, activity in pairs)
    for activity_id, group in groupby(keyed, key=itemgetter(0)):
        keys, activity = [key for _, key in group], facts[activity_id]
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            changed += (
                Touch.objects.open()
                .filter(pk__in=batch, due_on__gt=on)
                .update(activity_id=activity.key, name=activity.name, hours=activity.hours)
            )
    return changed


def _add(changes: list[tuple[TouchState, TouchChanges]], on: date) -> int:
    """After what goes is gone and what changes has changed: by then the days of the CSMs hold what they will hold."""
    added = [(state, touch) for state, change in changes for touch in change.add]
    rows = [
        Touch(
            customer_id=state.pk,
            activity_id=touch.activity.key,
            name=touch.activity.name,
            slot_on=touch.slot_on,
            due_on=day,
            hours=touch.activity.hours,
        )
        for (state, touch), day in zip(added, _due_days(added, on), strict=True)
    ]
    # A slot that somebody else filled in this moment is filled.
    Touch.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
    return len(rows)


def _due_days(added: list[tuple[TouchState, PlannedTouch]], on: date) -> Iterator[date]:
    """The day of each; touches of nobody's customers take nobody's day."""
    of_books = [
        TouchOfBook(state.csm, state.external_id, touch) for state, touch in added if state.csm is not None
    ]
    if of_books:
        last = max(one.touch.due_on for one in of_books) + LATER_AT_MOST
        held = minutes_by_day(csm_ids={one.csm for one in of_books}, first=on, last=last)
        spread = iter(spread_touches(touches=of_books, held=held))
    for state, touch in added:
        yield touch.due_on if state.csm is None else next(spread)
