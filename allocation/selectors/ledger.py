"""What the ledgers can tell at all."""

from __future__ import annotations

from datetime import date

from django.db.models import Min

from allocation.models import BookHolding


def books_known_since() -> date | None:
    """The first day of which it is known who had which customer; None while nobody has any."""
    found: date | None = BookHolding.objects.aggregate(first=Min("starts_on"))["first"]
    return found
