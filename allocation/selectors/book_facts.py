"""What the page of one book is worked out from, read once: leave, customers, touch plans, rates and tiers.

The figures of a book, its attention, its next hours and its list are reckoned from these rows; none of them reads them again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import DateField, DecimalField, Exists, F, OuterRef, Q, QuerySet, Value

from accounts.kept_statements import Kept
from accounts.models import CSM, Customer, Goal, Leave, Tier
from allocation.engine.next_hour import RENEWAL_DAYS, WEEK
from allocation.models import AttentionPolicy, Touch
from allocation.selectors.book_ground import BookGround, book_ground
from allocation.selectors.overrides import with_override_marks
from allocation.snapshots.books import TouchPlans
from allocation.snapshots.covers import Covers, covers_among

ROW = (
    "pk", "external_id", "name", "csm_id", "tier_id", "status", "health", "sentiment", "adoption", "reputation", "champion",
    "arr", "potential_arr", "currency", "renewal_date", "vertical_id", "vertical__name", "region_id", "region__name",
    "csm__name", "csm_since", "health_on", "sentiment_on", "sentiment_by__name", "sentiment_by__email", "overridden",
    "override_asked",
)  # fmt: skip
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BookFacts:
    """csm_ids: whose books these are: the CSM's, and those that the CSM covers on the day. rows: customers of these books,
    active and left, by name in the order of the database: ROW. leaves: everybody's of the month from the day, and all to come that concern this book. goals: names of the kinds
    of the open ones by customer, active customers only. tiers: those in use, the highest first. every_tier: by id. rates: those there are.
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
    every_tier: Mapping[int, Tier] = field(default_factory=dict)
    kinds: tuple[tuple[int, str], ...] = ()
    full_time_hours: Decimal | None = None
    policy: AttentionPolicy = field(default_factory=AttentionPolicy)
    touches: tuple[tuple[Any, ...], ...] = ()

    @property
    def row_of(self) -> Mapping[int, Row]:
        """The row of each customer by id."""
        return {row["pk"]: row for row in self.rows}

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
    """Of one book on a day; three statements at any size.

    ground: of the book and the day, where it is read already, for the page: then the touches are read too.
    """
    touches = ground is not None
    ground = ground or book_ground(csm=csm, on=on)
    covers = covers_among(ground.leaves, on=on)
    csm_ids = (csm.pk, *(one.csm_id for one in covers.covers_of(csm.pk)))
    rows = tuple(dict(zip(ROW, row, strict=True)) for row in _CUSTOMERS.rows(csm_ids=csm_ids, on=on))
    currencies = {row["currency"] for row in rows if row["status"] == Customer.Status.ACTIVE}
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
        rates={currency: ground.rates[currency] for currency in currencies if currency in ground.rates},
        tiers=ground.tiers_in_use,
        every_tier={tier.pk: tier for tier in ground.tiers},
        kinds=ground.kinds,
        full_time_hours=next((tier.full_time_hours for tier in ground.tiers), None),
        policy=ground.policy,
        touches=touched,
    )


def _customers(*, csm_ids: Collection[int], on: date) -> QuerySet[Any, Any]:
    theirs = Customer.objects.filter(csm__in=csm_ids).order_by("name", "pk")
    return with_override_marks(theirs, on=on).values_list(*ROW)


_TOUCH = ("customer_id", "pk", "name", "slot_on", "due_on", "hours", "status", "activity__channel")
_MORE = ("by_word", "kind")
_GOAL = "goal"
"""In place of a touch's channel: there is none like it."""


def _open_goals(*, csm_ids: Collection[int], on: date) -> QuerySet[Any, Any]:
    goals = Goal.objects.open_on(on).filter(**_of_active(csm_ids)).order_by("kind__name", "pk")
    return goals.values_list("customer_id", "kind_id", "kind__slug", "kind__name")


def _of_active(csm_ids: Collection[int]) -> dict[str, Any]:
    return {"customer__csm__in": csm_ids, "customer__status": Customer.Status.ACTIVE}


def _all_touches(
    *, csm_ids: Collection[int], on: date, first: date, week: date, until: date
) -> QuerySet[Any, Any]:
    """Open goals, and touches; each with a word and a kind in the end."""
    theirs = _of_active(csm_ids)
    of_these = Touch.objects.filter(**theirs).order_by().annotate(by_word=Value(""), kind=F("pk"))
    before = Touch.objects.open().filter(customer=OuterRef("customer"), due_on__lt=OuterRef("due_on"))
    before_renewal = Q(due_on__lte=until, customer__renewal_date__lte=until)
    waiting = Q(status=Touch.Status.PLANNED) & (Q(due_on__lt=week) | before_renewal | ~Exists(before))
    closed = Q(status=Touch.Status.DONE, done_on__gte=first, done_on__lte=on)
    touches = of_these.filter(waiting | closed).values_list(
        *_TOUCH, *_MORE
    )  # both in one look at each customer's
    goals = Goal.objects.open_on(on).filter(**theirs).order_by()
    as_touches = goals.annotate(
        by_word=F("kind__name"),
        slug=F("kind__slug"),
        no_day=Value(None, DateField()),
        no_hours=Value(None, DecimalField(max_digits=6, decimal_places=2)),
        of_goal=Value(_GOAL),
    ).values_list(
        "customer_id", "pk", "slug", "no_day", "no_day", "no_hours", "slug", "of_goal", "by_word", "kind_id"
    )
    every = touches.union(as_touches, all=True)
    return every.order_by("due_on", "by_word", "pk")


_CUSTOMERS, _GOALS, _TOUCHES = Kept(_customers), Kept(_open_goals), Kept(_all_touches)


def _goals_and_touches(
    csm_ids: tuple[int, ...], *, on: date, touches: bool
) -> tuple[list[tuple[Any, ...]], tuple[tuple[Any, ...], ...]]:
    """Of their active customers, in one statement: customer, kind, slug and name of each open goal, by name; and, for the page,
    what was done this month, the next of each, what is late or due within the week, and before a renewal that is near all that is due
    in the days in which one is, by day.
    """
    if not touches:
        return _GOALS.rows(csm_ids=csm_ids, on=on), ()
    week, until = on + timedelta(days=WEEK), on + timedelta(days=RENEWAL_DAYS)
    found: list[tuple[Any, ...]] = []
    touched: list[tuple[Any, ...]] = []
    for row in _TOUCHES.rows(csm_ids=csm_ids, on=on, first=on.replace(day=1), week=week, until=until):
        if row[7] == _GOAL:
            found.append((row[0], row[9], row[2], row[8]))
        else:
            touched.append(row[:8])
    return found, tuple(touched)


def _names(goals: Sequence[tuple[Any, ...]]) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = {}
    for customer, _, _, name in goals:
        found.setdefault(customer, []).append(name)
    return {customer: tuple(names) for customer, names in found.items()}
