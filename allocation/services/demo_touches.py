"""Touches of the demonstration company's last weeks, so that its pages show what was done and what is late."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from accounts.models import Customer
from allocation.engine.facts.touches import PlannedTouch, TouchedCustomer
from allocation.engine.touches import wanted_touches
from allocation.models import BookHolding, Touch
from allocation.snapshots.touches import touch_states

WEEKS = timedelta(weeks=6)
# What was not done in time is skipped or made up for at last: nothing older than this is still open.
LATE_AT_MOST = timedelta(days=12)
SHARE_LATE, SHARE_SKIPPED = 0.12, 0.05
QUARTER = Decimal("0.25")
FIRST_HOUR, HOURS = 8, 9
CAME_OF_IT = (
    "Went through the open points; they are content.",
    "Two new people joined; a short introduction follows.",
    "Showed the new reports, they want them for the board.",
    "Usage is up since the training of last month.",
    "Asked for a reference; they think it over.",
    "Their roadmap changes in spring, we look at it again then.",
)
SKIPPED_SINCE = ("They are in their year-end closing.", "Spoke with them at the fair instead.")


def imagine_past_touches(*, on: date, seed: int) -> dict[str, int]:
    """What became of the touches of the six weeks before `on`: {"done": …, "skipped": …, "late": …}.

    As if customers had held their tiers already. Of those with a CSM; who had the customer until today did them. The same for the same seed. Once: where
    there is a touch already, nothing is written.
    """
    if Touch.objects.exists():
        return {"done": 0, "skipped": 0, "late": 0}
    held = Customer.objects.served().filter(csm__isnull=False)
    people = _people_before(on)
    rows = [
        _touch(state.pk, touch, people[state.pk], on, random.Random(f"{seed} {state.external_id} {touch.activity.name} {touch.slot_on}"))
        for state in touch_states(customers=held, on=on)
        if state.pk in people
        for touch in _past(state.facts, on)
        if touch.slot_on >= people[state.pk].since
    ]  # fmt: skip
    Touch.objects.bulk_create(rows, batch_size=500)
    return {
        "done": sum(row.status == Touch.Status.DONE for row in rows),
        "skipped": sum(row.status == Touch.Status.SKIPPED for row in rows),
        "late": sum(row.status == Touch.Status.PLANNED for row in rows),
    }


@dataclass(frozen=True, slots=True)
class _Person:
    """Who had a customer, and since when."""

    csm_id: int
    user_id: int | None
    since: date


def _people_before(on: date) -> dict[int, _Person]:
    """By customer, who had it on the day before: who has it since today did nothing of what was done, and whom nobody had is
    not there.
    """
    rows = BookHolding.objects.held_on(on - timedelta(days=1)).order_by("pk")
    found = rows.values_list("customer_id", "csm_id", "csm__user_id", "starts_on")
    return {pk: _Person(*person) for pk, *person in found}


def _past(customer: TouchedCustomer, on: date) -> list[PlannedTouch]:
    before = TouchedCustomer(customer.external_id, None, customer.activities, customer.goals)
    found = wanted_touches(customer=before, first=on - WEEKS, before=on)
    return [touch for touch in found if touch.due_on < on]


def _touch(customer_id: int, touch: PlannedTouch, by: _Person, on: date, chance: random.Random) -> Touch:
    row = Touch(
        customer_id=customer_id,
        activity_id=touch.activity.key,
        name=touch.activity.name,
        slot_on=touch.slot_on,
        due_on=touch.due_on,
        hours=touch.activity.hours,
    )
    if on - touch.due_on <= LATE_AT_MOST and chance.random() < SHARE_LATE:
        return row
    day = min(touch.due_on + timedelta(days=chance.choice((0, 0, 0, 1))), on - timedelta(days=1))
    skipped = chance.random() < SHARE_SKIPPED
    row.status = Touch.Status.SKIPPED if skipped else Touch.Status.DONE
    row.words = chance.choice(SKIPPED_SINCE if skipped else CAME_OF_IT)
    if not skipped:
        row.done_on, row.done_by_id = day, by.csm_id
        row.hours = max(QUARTER, touch.activity.hours + QUARTER * chance.choice((-1, 0, 0, 0, 1, 2)))
    row.closed_by_id = by.user_id
    at = datetime.combine(day, time(FIRST_HOUR), tzinfo=UTC)
    row.closed_at = at + timedelta(minutes=chance.randrange(HOURS * 60))
    return row
