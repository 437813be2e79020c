"""What the ledgers can tell at all, and who had a customer last."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from django.db.models import Exists, Min, OuterRef, Q

from allocation.models import BookHolding, Move, RowStatus, Source


def books_known_since() -> date | None:
    """The first day of which it is known who had which customer; None while nobody has any."""
    found: date | None = BookHolding.objects.aggregate(first=Min("starts_on"))["first"]
    return found


def last_holders(*, customer_ids: Collection[int]) -> dict[int, int]:
    """{customer: the CSM it was taken from last}, of those that ever had one; one statement.

    What a plan gave that was undone since does not count: the customer stands as if it had never been.
    """
    undone = Move.objects.filter(
        customer=OuterRef("customer"), plan=OuterRef("source_id"), status=RowStatus.UNDONE
    )
    rows = BookHolding.objects.filter(customer_id__in=customer_ids, ends_before__isnull=False)
    counting = rows.exclude(Q(Exists(undone), source=Source.PLAN)).order_by("pk")
    return dict(counting.values_list("customer_id", "csm_id"))  # rows are added and closed in this order
