"""The next renewals of a book, from the rows that its page has read already."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from accounts.models import Tier
from allocation.selectors import wording
from allocation.selectors.book_facts import BookFacts
from allocation.selectors.books import SHORT_LIST
from allocation.selectors.thresholds import SOON


@dataclass(frozen=True, slots=True)
class RenewalLine:
    """One line of `pages/_renewals.html`, as strings; it takes the rows of a customer list as well."""

    pk: int
    name: str
    tier: Tier | None
    csm: str
    renewal: str
    renewal_words: str
    arr: str
    health: Decimal | None


def renewals_of_book(*, facts: BookFacts, csm_ids: Collection[int]) -> list[RenewalLine]:
    """Active customers of these CSMs whose renewal is within 90 days, the nearest first, eight at most; no statement."""
    on = facts.on
    rows = facts.active(csm_ids=csm_ids)  # by name
    soon = [row for row in rows if row["renewal_date"] and on <= row["renewal_date"] <= on + SOON]
    return [
        RenewalLine(
            pk=row["pk"],
            name=row["name"],
            tier=facts.every_tier.get(row["tier_id"]),
            csm=row["csm__name"] or "",
            renewal=wording.day(row["renewal_date"]),
            renewal_words=wording.days_from(row["renewal_date"], today=on),
            arr=wording.money(row["arr"], row["currency"]),
            health=row["health"],
        )
        for row in sorted(soon, key=lambda row: row["renewal_date"])[:SHORT_LIST]
    ]
