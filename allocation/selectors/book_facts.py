"""What the page of one book is worked out from, read once: leave, customers, touch plans, rates and tiers.

The figures of a book, its attention, its next hours and its list are reckoned from these rows; none of them reads them again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import DateField, DecimalField, Exists, F, OuterRef, Q, Value

from accounts.models import CSM, Customer, Goal, Leave, Tier
from allocation.engine.next_hour import RENEWAL_DAYS
from allocation.models import AttentionPolicy, Touch
from allocation.selectors.book_ground import BookGround, book_ground
from allocation.selectors.tiers import in_use_among
from allocation.snapshots.books import TouchPlans
from allocation.snapshots.covers import Covers, covers_among
from allocation.snapshots.money import rates_there_are

ROW = (
    "pk", "external_id", "name", "csm_id", "tier_id", "status", "health", "sentiment", "adoption", "reputation", "champion",
    "arr", "potential_arr", "currency", "renewal_date", "vertical_id", "vertical__name", "region_id", "region__name",
)  # fmt: skip
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BookFacts:
    """csm_ids: whose books these are: the CSM's, and those that the CSM covers on the day. rows: customers of these books,
    active and left, by name in the order of the database. leaves: everybody's of the month from the day, and all to come that concern this book. goals: names of the kinds
    of the open ones by customer, active customers only. tiers: those in use, the highest first. rates: those there are.
    kinds: of goals in use, by name. full_time_hours: of the policy of books in force; None where there is none.
    policy: of attention, in force; unsaved where none is. touches: as `touches_of_book` takes them; read for the page only.
    """

    csm: CSM
    on: date
    leaves: tuple[Leave, ...]
    covers: Covers
    csm_ids: tuple[int, ...]
    rows: tuple[Row, ...]
    plans: TouchPlans
    goals: Mapping[int, tuple[str, ...]]
    rates: Mapping[str, Decimal]
    tiers: tuple[Tier, ...]
    kinds: tuple[tuple[int, str], ...] = ()
    full_time_hours: Decimal | None = None
    policy: AttentionPolicy = field(default_factory=AttentionPolicy)
    touches: tuple[tuple[Any, ...], ...] = ()

    def active(self, *, csm_ids: Collection[int]) -> list[Row]:
        """The active customers of these CSMs."""
        return [row for row in self.everybody(csm_ids=csm_ids) if row["status"] == Customer.Status.ACTIVE]

    def everybody(self, *, csm_ids: Collection[int]) -> list[Row]:
        """The customers of these CSMs, those who have left too."""
        return [row for row in self.rows if row["csm_id"] in csm_ids]

    def minutes_of(self, rows: Sequence[Row]) -> dict[int, int]:
        """Base minutes of a month by customer."""
        return {row["pk"]: self.plans.minutes(customer_id=row["pk"], tier_id=row["tier_id"]) for row in rows}


def book_facts(*, csm: CSM, on: date, ground: BookGround | None = None) -> BookFacts:
    """Of one book on a day; three statements at any size, and one for rates where there are foreign amounts.

    ground: of the book and the day, where it is read already, for the page: then the touches are read too.
    """
    touches = ground is not None
    ground = ground or book_ground(csm=csm, on=on)
    covers = covers_among(ground.leaves, on=on)
    csm_ids = (csm.pk, *(one.csm_id for one in covers.covers_of(csm.pk)))
    rows = tuple(Customer.objects.filter(csm__in=csm_ids).order_by("name", "pk").values(*ROW))
    active = [row for row in rows if row["status"] == Customer.Status.ACTIVE]
    goals, touched = _goals_and_touches(csm_ids, on=on, touches=touches)
    return BookFacts(
        csm=csm,
        on=on,
        leaves=ground.leaves,
        covers=covers,
        csm_ids=csm_ids,
        rows=rows,
        plans=TouchPlans(
            as_of=on,
            goals=[(customer, kind, slug) for customer, kind, slug, _ in goals],
            activities=ground.activities,
        ),
        goals=_names(goals),
        rates=rates_there_are(
            currencies={row["currency"] for row in active}, as_of=on, base=settings.BASE_CURRENCY
        ),
        tiers=in_use_among(ground.tiers),
        kinds=ground.kinds,
        full_time_hours=next((tier.full_time_hours for tier in ground.tiers), None),
        policy=ground.policy,
        touches=touched,
    )


_TOUCH = ("customer_id", "pk", "name", "slot_on", "due_on", "hours", "status", "activity__channel")
_MORE = ("by_word", "kind")
_GOAL = "goal"
"""In place of a touch's channel: there is none like it."""


def _goals_and_touches(
    csm_ids: Collection[int], *, on: date, touches: bool
) -> tuple[list[tuple[int, int, str, str]], tuple[tuple[Any, ...], ...]]:
    """Of their active customers, in one statement: customer, kind, slug and name of each open goal, by name; and, for the page,
    what was done this month, what is late or due in the days in which a renewal counts as near, and of who has none of these the
    next, by day.
    """
    theirs = {"customer__csm__in": csm_ids, "customer__status": Customer.Status.ACTIVE}
    goals = Goal.objects.open_on(on).filter(**theirs).order_by()
    if not touches:
        named = goals.order_by("kind__name", "pk")
        return list(named.values_list("customer_id", "kind_id", "kind__slug", "kind__name")), ()
    until = on + timedelta(days=RENEWAL_DAYS)
    of_these = Touch.objects.filter(**theirs).order_by().annotate(by_word=Value(""), kind=F("pk"))
    near_ones = Touch.objects.open().filter(customer=OuterRef("customer"), due_on__lte=until)
    waiting = of_these.open().filter(Q(due_on__lte=until) | ~Exists(near_ones)).values_list(*_TOUCH, *_MORE)
    closed = of_these.done().filter(done_on__gte=on.replace(day=1), done_on__lte=on)
    as_touches = goals.annotate(
        by_word=F("kind__name"),
        slug=F("kind__slug"),
        no_day=Value(None, DateField()),
        no_hours=Value(None, DecimalField(max_digits=6, decimal_places=2)),
        of_goal=Value(_GOAL),
    ).values_list(
        "customer_id", "pk", "slug", "no_day", "no_day", "no_hours", "slug", "of_goal", "by_word", "kind_id"
    )
    every = waiting.union(closed.values_list(*_TOUCH, *_MORE), as_touches, all=True)
    found: list[tuple[int, int, str, str]] = []
    touched: list[tuple[Any, ...]] = []
    for *row, word, kind in every.order_by("due_on", "by_word", "pk"):
        if row[-1] == _GOAL:
            found.append((row[0], kind, row[2], word))
        else:
            touched.append(tuple(row))
    return found, tuple(touched)


def _names(goals: Sequence[tuple[int, int, str, str]]) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = {}
    for customer, _, _, name in goals:
        found.setdefault(customer, []).append(name)
    return {customer: tuple(names) for customer, names in found.items()}
