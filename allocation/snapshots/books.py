"""From rows to the facts that book planning and attention are computed from; a fixed number of queries."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

import numpy as np
from django.db.models import F, QuerySet

from accounts.models import CSM, Customer, Goal, Tier, TouchActivity
from allocation.engine.attention import base_minutes, net_minutes
from allocation.engine.facts.books import (
    BookFacts,
    BookPolicy,
    CsmFacts,
    Fit,
    IntColumn,
    Leaving,
    TierFacts,
    VerticalFit,
)
from allocation.models import AllocationPolicy, NamedTiers
from allocation.snapshots.away import LONG_LEAVE_DAYS, MONTH_DAYS, days_away
from allocation.snapshots.book_columns import (
    HOLDS,
    ROW,
    GivenCustomers,
    arr_cents_of,
    book_columns,
    hold_of,
)
from allocation.snapshots.held import active_on, csms_on, tiers_on

HANDOVER_DAYS = 90
"""A CSM who leaves within these days hands the book on now; one who leaves later takes nobody new."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Facts with the way back to the rows: ids by external id, by CSM key and by tier slug.

    ``digest`` is empty where nobody asked for it. ``renewals``: the end of each customer's contract, by position.
    """

    facts: BookFacts
    policy: BookPolicy
    customer_ids: Mapping[str, int]
    csm_ids: Mapping[str, int]
    tier_ids: Mapping[str, int]
    digest: str
    renewals: tuple[date | None, ...] = ()


def book_policy(
    *,
    policy: AllocationPolicy,
    max_moves_pct: Decimal | None,
    continuity_weight: Decimal | None = None,
) -> BookPolicy:
    """The stored policy as the engine reads it; what one plan names for itself stands in for the policy's."""
    moves = policy.max_moves_pct if max_moves_pct is None else max_moves_pct
    continuity = policy.weight_continuity if continuity_weight is None else continuity_weight
    return BookPolicy(
        name=policy.name,
        vertical_fit=cast(VerticalFit, policy.vertical_fit),
        region_fit=cast(Fit, policy.region_fit),
        language_fit=cast(Fit, policy.language_fit),
        product_fit=cast(Fit, policy.product_fit),
        country_law=policy.country_law,
        full_time_minutes=round(policy.full_time_hours * 60),
        weight_hours=float(policy.weight_hours),
        weight_arr=float(policy.weight_arr),
        weight_customers=float(policy.weight_customers),
        weight_fit=float(policy.weight_fit),
        weight_continuity=float(continuity),
        weight_background=float(policy.weight_background),
        hours_tolerance_pct=float(policy.hours_tolerance_pct),
        arr_tolerance_pct=float(policy.arr_tolerance_pct),
        max_moves_pct=float(moves),
        max_moves_arr_pct=float(policy.max_moves_arr_pct),
        seniority_follows_value=policy.seniority_follows_value,
        keep_families_together=policy.keep_families_together,
        approve_top=policy.approve_top,
        search_iterations=policy.search_iterations,
    )


def book_snapshot(
    *,
    as_of: date,
    policy: AllocationPolicy,
    max_moves_pct: Decimal | None = None,
    continuity_weight: Decimal | None = None,
    by_ledger: bool = False,
    with_digest: bool = True,
    rates_on: date | None = None,
    among: QuerySet[Customer] | None = None,
    with_seats: bool = True,
    given: GivenCustomers | None = None,
) -> Snapshot:
    """Everything a plan needs, as of a day. Raises UnknownRate where one is missing.

    ``by_ledger``: who held which tier and CSM on that day, instead of who holds them now. ``with_digest``: off where
    nothing will be applied, since it reads what may make a plan stale. ``rates_on``: the day of the exchange rates, where
    another than ``as_of``. ``among``: of a past day, these customers only. ``with_seats``: plans count with open seats; what
    tells of today does not. ``given``: customers that are not to be read again.
    """
    tiers = {tier.pk: tier for tier in Tier.objects.order_by("rank", "slug")}
    read_now = given is None and not by_ledger
    if given is None:
        read = _as_held(as_of=as_of, among=among) if by_ledger else _customer_rows(policy)
        cents = arr_cents_of(rows=read, as_of=rates_on or as_of)
        given = GivenCustomers(read, _minutes(read, as_of=as_of), cents, with_plans=True)
    rows = given.rows
    csms, keys = csm_facts(
        as_of=as_of, policy=policy, used={row["csm_id"] for row in rows}, with_seats=with_seats
    )
    facts = BookFacts(
        as_of=as_of,
        customers=book_columns(given=given, as_of=as_of, tiers=tiers, keys=keys, policy=policy),
        csms=csms,
        tiers=tier_facts(tiers.values()),
    )
    return Snapshot(
        facts=facts,
        policy=book_policy(policy=policy, max_moves_pct=max_moves_pct, continuity_weight=continuity_weight),
        customer_ids={row["external_id"]: row["pk"] for row in rows},
        csm_ids={key: pk for pk, key in keys.items()},
        tier_ids={tier.slug: pk for pk, tier in tiers.items()},
        digest=_digest(policy, as_of, _bounds(rows, facts, policy) if read_now else None)
        if with_digest
        else "",
        renewals=tuple(row["renewal_date"] for row in rows) if given.with_plans else (),
    )


def csm_facts(
    *,
    as_of: date,
    policy: AllocationPolicy,
    used: Collection[int | None],
    with_seats: bool = True,
    with_skills: bool = True,
) -> tuple[tuple[CsmFacts, ...], dict[int, str]]:
    """CSMs who are there on the day or hold a book (``used``: ids of those who do), and the key of every CSM by its id.

    with_skills: off where nobody asks whom they can serve; verticals, regions, languages and named tiers are empty then.
    """
    rows = CSM.objects.annotate(team_name=F("team__name")).order_by("pk")
    if with_skills:
        rows = rows.prefetch_related("verticals", "regions", "languages")
    csms = list(rows)
    away = days_away(as_of=as_of, at_least=LONG_LEAVE_DAYS)
    named = named_tiers(policy=policy) if with_skills else {}
    found = tuple(
        _csm_facts(
            csm,
            as_of=as_of,
            away=away.get(csm.pk, 0),
            tiers=named.get(csm.pk, frozenset()),
            skills=with_skills,
        )
        for csm in csms
        if csm.pk in used or ((with_seats or not csm.is_seat) and _is_there(csm, as_of))
    )
    return found, {csm.pk: csm.key for csm in csms}


def tier_facts(tiers: Iterable[Tier]) -> tuple[TierFacts, ...]:
    """In the order given."""
    return tuple(
        TierFacts(slug=tier.slug, name=tier.name, touch_level=tier.touch_level, cap=tier.cap)
        for tier in tiers
    )


def books_digest(*, policy: AllocationPolicy, as_of: date) -> str:
    """Fingerprint of policy, tiers and books as of a day: another one later means that the plan is stale.

    Figures that drift by themselves (ARR, health) are left out on purpose: they do not undo what was decided.
    """
    return _digest(policy, as_of, None)


def _digest(policy: AllocationPolicy, as_of: date, bounds: Bounds | None) -> str:
    """``bounds``: of the customers, where they were read already."""
    parts = [
        sorted(asdict(book_policy(policy=policy, max_moves_pct=None)).items()),
        sorted((csm_id, sorted(slugs)) for csm_id, slugs in named_tiers(policy=policy).items()),
        list(Tier.objects.order_by("slug").values_list("slug", "touch_level", "cap")),
        list(
            TouchActivity.objects.order_by("pk").values_list(
                "pk", "goal_kind_id", "times_a_year", "hours_each"
            )
        ),
        list(CSM.objects.order_by("pk").values_list(*_CSM_BOUNDS)),
        *(sorted(each.objects.values_list("csm_id", f"{word}_id")) for word, each in _SKILLS),
        sorted(days_away(as_of=as_of, at_least=LONG_LEAVE_DAYS).items()),
        _customer_bounds(policy=policy, as_of=as_of) if bounds is None else bounds,
    ]
    return hashlib.sha256(json.dumps(parts, default=str, separators=(",", ":")).encode()).hexdigest()


Bounds = list[list[Any]]
BOUNDS = ("pk", "tier_id", "csm_id", "country")
_CSM_BOUNDS = (
    "pk", "accepting", "starts_on", "leaves_on", "hours_per_month", "overhead_pct", "ramp_pct", "countries", "products",
)  # fmt: skip
_SKILLS = (
    ("vertical", CSM.verticals.through),
    ("region", CSM.regions.through),
    ("language", CSM.languages.through),
)


def _customer_bounds(*, policy: AllocationPolicy, as_of: date) -> Bounds:
    """What bounds a plan: who is where, who must stay (by hand or by the policy), and what the rules look at."""
    columns = (*BOUNDS, *_required(policy))
    rows = Customer.objects.active().order_by("pk").values(*columns, *HOLDS)
    return [[*(row[name] for name in columns), hold_of(row=row, as_of=as_of, policy=policy)] for row in rows]


def _bounds(rows: Sequence[Mapping[str, Any]], facts: BookFacts, policy: AllocationPolicy) -> Bounds:
    """The same of the rows that the facts were made of, in their order."""
    columns = (*BOUNDS, *_required(policy))
    return [
        [*(row[name] for name in columns), hold] for row, hold in zip(rows, facts.customers.hold, strict=True)
    ]


def _required(policy: AllocationPolicy) -> list[str]:
    """The customer's columns that a rule of the policy may not be broken in; a preference does not count."""
    asked = (
        ("vertical_id", policy.vertical_fit in ("specialist_first", "hard")),
        ("region_id", policy.region_fit == "hard"),
        ("language_id", policy.language_fit == "hard"),
        ("products", policy.product_fit == "hard"),
    )
    return [name for name, required in asked if required]


def named_tiers(*, policy: AllocationPolicy) -> dict[int, frozenset[str]]:
    """Slugs of the tiers that the policy names for a CSM, by the CSM's id; one query, none for an unsaved policy."""
    found: dict[int, set[str]] = defaultdict(set)
    if policy.pk is not None:
        lines = NamedTiers.objects.filter(policy=policy, tiers__isnull=False)
        for csm_id, slug in lines.values_list("csm_id", "tiers__slug"):
            found[csm_id].add(slug)
    return {csm_id: frozenset(slugs) for csm_id, slugs in found.items()}


def csm_minutes(*, csm: CSM, away: int) -> int:
    """Net minutes of the month of one CSM who is away ``away`` of its days."""
    return _net(csm.hours_per_month, csm.ramp_pct, csm.overhead_pct, away)


@lru_cache(maxsize=1024)
def _net(hours: Decimal, ramp: Decimal, overhead: Decimal, away: int) -> int:
    """Most CSMs of a company have the same; exact fractions take their time."""
    return net_minutes(
        hours_per_month=hours, ramp_pct=ramp, overhead_pct=overhead, days_away=away, days=MONTH_DAYS
    )


Among = Collection[int] | QuerySet[Any] | None


class TouchPlans:
    """Base minutes of a month by tier and open goal kinds, as of a day (two queries).

    among: ids of the customers, or a query for them, of whom it will be asked; None: of anybody. Of others no goals are read.
    goals: the open ones of that day where they are read already: customer, kind and its slug. activities: of every tier, where
    they are: tier, kind of goal, times a year and hours each.
    """

    def __init__(
        self,
        *,
        as_of: date,
        among: Among = None,
        goals: Iterable[tuple[int, int, str]] | None = None,
        activities: Iterable[tuple[int, int | None, Decimal, Decimal]] | None = None,
    ) -> None:
        lines: dict[int, list[tuple[int | None, tuple[Decimal, Decimal]]]] = defaultdict(list)
        if activities is None:
            activities = TouchActivity.objects.values_list(
                "tier_id", "goal_kind_id", "times_a_year", "hours_each"
            )
        for tier_id, kind_id, times, each in activities:
            lines[tier_id].append((kind_id, (times, each)))
        self._lines = dict(lines)  # read by several threads, so that asking for a tier must add none
        self._goals: dict[int, set[int]] = defaultdict(set)
        self._slugs: dict[int, set[str]] = defaultdict(set)
        if goals is None:
            rows = Goal.objects.open_on(as_of)
            rows = rows if among is None else rows.filter(customer_id__in=among)
            goals = rows.values_list("customer_id", "kind_id", "kind__slug")
        for customer_id, kind_id, slug in goals:
            self._goals[customer_id].add(kind_id)
            self._slugs[customer_id].add(slug)
        self._known: dict[tuple[int, frozenset[int]], int] = {}

    def goal_kinds(self, *, customer_id: int) -> frozenset[str]:
        """Slugs of the kinds of the open goals."""
        return frozenset(self._slugs.get(customer_id, ()))

    def minutes(self, *, customer_id: int, tier_id: int | None) -> int:
        """0 without a tier."""
        return self.minutes_with(tier_id=tier_id, kinds=frozenset(self._goals.get(customer_id, ())))

    @property
    def kinds(self) -> frozenset[int]:
        """Ids of the goal kinds that ask for touches in some tier."""
        return frozenset(kind for lines in self._lines.values() for kind, _ in lines if kind is not None)

    def minutes_with(self, *, tier_id: int | None, kinds: frozenset[int]) -> int:
        """Of a customer of the tier with open goals of these kinds, by their ids; 0 without a tier."""
        if tier_id is None:
            return 0
        if (tier_id, kinds) not in self._known:
            lines = [line for kind, line in self._lines.get(tier_id, ()) if kind is None or kind in kinds]
            self._known[tier_id, kinds] = base_minutes(activities=lines)
        return self._known[tier_id, kinds]


def _customer_rows(policy: AllocationPolicy) -> list[Mapping[str, Any]]:
    """Products only where the policy looks at them: to read a JSON a customer is dear."""
    columns = [name for name in ROW if name != "products" or policy.product_fit != "ignore"]
    wanted = dict.fromkeys((*columns, *_required(policy)))
    return list(Customer.objects.active().order_by("pk").values(*wanted))


def _as_held(*, as_of: date, among: QuerySet[Customer] | None) -> list[Mapping[str, Any]]:
    """The rows of who had not left on that day, with what they held then."""
    tiers, csms = tiers_on(day=as_of), csms_on(day=as_of)
    there = active_on(day=as_of)
    if among is not None:
        there = there.filter(pk__in=among.order_by().values("pk"))
    rows = there.order_by("pk").values(*ROW)
    return [{**row, "tier_id": tiers.get(row["pk"]), "csm_id": csms.get(row["pk"])} for row in rows]


def _minutes(rows: Sequence[Mapping[str, Any]], *, as_of: date) -> IntColumn:
    plans = TouchPlans(as_of=as_of)
    return np.array(
        [plans.minutes(customer_id=row["pk"], tier_id=row["tier_id"]) for row in rows], dtype=np.int64
    )


def _is_there(csm: CSM, as_of: date) -> bool:
    return _started(csm, as_of) and _leaving(csm, as_of) != "gone"


def _started(csm: CSM, as_of: date) -> bool:
    return csm.starts_on is None or csm.starts_on <= as_of


def _leaving(csm: CSM, as_of: date) -> Leaving:
    if csm.leaves_on is None or csm.leaves_on > as_of + timedelta(days=HANDOVER_DAYS):
        return "no"
    return "gone" if csm.leaves_on <= as_of else "soon"


def _csm_facts(csm: CSM, *, as_of: date, away: int, tiers: frozenset[str], skills: bool = True) -> CsmFacts:
    def names(words: str) -> frozenset[str]:
        return frozenset(word.name for word in getattr(csm, words).all()) if skills else frozenset()

    return CsmFacts(
        key=csm.key,
        name=csm.name,
        team=csm.team_name or "",  # type: ignore[attr-defined]  # annotated
        contract_minutes=round(csm.hours_per_month * 60),
        capacity_minutes=csm_minutes(csm=csm, away=away),
        seniority=csm.seniority,
        accepting=csm.accepting and _started(csm, as_of) and csm.leaves_on is None,
        leaving=_leaving(csm, as_of),
        verticals=names("verticals"),
        regions=names("regions"),
        countries=frozenset(csm.countries),
        languages=names("languages"),
        products=frozenset(csm.products),
        tiers=tiers,
        is_seat=csm.is_seat,
    )
