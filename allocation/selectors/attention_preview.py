"""What putting an attention policy in force would change in all books, before it is done. Nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from allocation.engine.attention import share_attention
from allocation.models import AttentionPolicy
from allocation.selectors.attention import BookCare, all_care, policy_in_force, rules_of

MUCH = 60
"""Minutes a month from above which a customer counts as gaining or losing."""


@dataclass(frozen=True, slots=True)
class BookChange:
    """One book. Minutes; ``gain``, ``lose``: customers whose month changes by more than an hour; who gains and loses most."""

    pk: int
    name: str
    team: str
    customers: int
    moved: int
    gain: int
    lose: int
    gains: tuple[str, int] | None
    loses: tuple[str, int] | None
    over_capacity: bool
    unallocated: int


@dataclass(frozen=True, slots=True)
class AttentionPreview:
    """``books``: where most moves first. ``problem``: why amounts of some currency are not known; empty when all are."""

    in_force: AttentionPolicy
    books: tuple[BookChange, ...]
    customers: int
    moved: int
    gain: int
    lose: int
    over_capacity: int
    problem: str

    @property
    def seen(self) -> str:
        """What was in force when this was worked out."""
        return standing(self.in_force)


def standing(policy: AttentionPolicy) -> str:
    """A policy as it is saved, to be compared later."""
    rules = rules_of(policy)
    return f"{policy.pk}:{rules.basis}:{rules.floor_pct.normalize():f}:{rules.cap_pct.normalize():f}"


def attention_preview(*, policy: AttentionPolicy, as_of: date) -> AttentionPreview:
    """Every book as it is shared now and as ``policy`` would share it; the same number of statements at any size."""
    care = all_care(as_of=as_of)
    books = [_change(one, policy) for one in care]
    books.sort(key=lambda book: (-book.moved, book.name, book.pk))
    return AttentionPreview(
        in_force=care[0].policy if care else policy_in_force(),
        books=tuple(books),
        customers=sum(book.customers for book in books),
        moved=sum(book.moved for book in books),
        gain=sum(book.gain for book in books),
        lose=sum(book.lose for book in books),
        over_capacity=sum(book.over_capacity for book in books),
        problem=care[0].problem if care else "",
    )


def _change(care: BookCare, policy: AttentionPolicy) -> BookChange:
    after = share_attention(net=care.net.net, customers=care.facts, rules=rules_of(policy))
    changes = after.differences(care.found)
    told = sorted((changes[one.facts.external_id], one.name) for one in care.customers)
    (least, loser), (most, gainer) = told[0], told[-1]
    return BookChange(
        pk=care.csm.pk,
        name=care.csm.name,
        team=care.csm.team.name if care.csm.team else "",
        customers=len(care.customers),
        moved=after.moved(care.found),
        gain=sum(change > MUCH for change in changes.values()),
        lose=sum(change < -MUCH for change in changes.values()),
        gains=(gainer, most) if most > 0 else None,
        loses=(loser, least) if least < 0 else None,
        over_capacity=after.over_capacity,
        unallocated=after.unallocated_minutes,
    )
