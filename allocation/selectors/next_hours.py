"""The best use of a CSM's next hour, over the customers that the CSM serves on a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from django.conf import settings

from accounts.models import CSM, TouchActivity
from allocation.engine.attention import whole
from allocation.engine.facts.next_hour import NextHour, OpenTouch, WorkFacts
from allocation.engine.next_hour import RENEWAL_DAYS, rank_next_hours
from allocation.models import Touch
from allocation.selectors.attention import BookCare, book_care, done_minutes

__all__ = ["NextHour", "next_hours", "open_touch"]


def next_hours(
    *,
    csm: CSM,
    on: date,
    care: BookCare | None = None,
    done: Mapping[int, int] | None = None,
    touches: Mapping[int, list[OpenTouch]] | None = None,
) -> Mapping[int, NextHour]:
    """The best piece of work with each customer of the own book and of those covered, by the customer's id, the best hour first.

    care, done, touches: of the same CSM and day, where they are read already. The same number of statements at any size.
    """
    care = care or book_care(csm=csm, as_of=on)
    ids = [one.pk for one in care.customers]
    if not ids:
        return {}
    done = done_minutes(customer_ids=ids, on=on) if done is None else done
    touches = _open_touches(customer_ids=ids, on=on) if touches is None else touches
    shares = {share.external_id: share for share in care.found.shares}
    found = rank_next_hours(
        customers=[
            WorkFacts(
                care=one.facts,
                weight=shares[one.facts.external_id].weight,
                attention_minutes=shares[one.facts.external_id].minutes,
                done_minutes=done.get(one.pk, 0),
                touches=tuple(touches.get(one.pk, ())),
                goals=one.goals,
            )
            for one in care.customers
        ],
        currency=settings.BASE_CURRENCY,
    )
    pks = {one.facts.external_id: one.pk for one in care.customers}
    return {pks[external_id]: hour for external_id, hour in found.items()}


def _open_touches(*, customer_ids: list[int], on: date) -> Mapping[int, list[OpenTouch]]:
    """Late ones and those of the days in which a renewal counts as near; one statement."""
    rows = Touch.objects.open().filter(
        customer__in=customer_ids, due_on__lte=on + timedelta(days=RENEWAL_DAYS)
    )
    found: dict[int, list[OpenTouch]] = defaultdict(list)
    for customer_id, name, due_on, hours, channel in rows.order_by("due_on", "pk").values_list(
        "customer_id", "name", "due_on", "hours", "activity__channel"
    ):
        found[customer_id].append(open_touch(name=name, due_on=due_on, hours=hours, channel=channel, on=on))
    return found


def open_touch(*, name: str, due_on: date, hours: Decimal, channel: str | None, on: date) -> OpenTouch:
    """An open touch as the ranking takes it; channel None: of no activity."""
    internal = channel == TouchActivity.Channel.INTERNAL
    return OpenTouch(name, (due_on - on).days, _minutes(hours), internal)


@lru_cache(maxsize=1024)
def _minutes(hours: Decimal) -> int:
    """Touches take the same few times over and over."""
    return whole(Fraction(hours) * 60)
