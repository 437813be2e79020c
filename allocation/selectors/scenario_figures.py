"""The stored answer of a scenario as figures that a page can lay beside today's (docs/scenarios.md, "The answer")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.models import Tier
from allocation.engine.facts.ways import Way, way_between

NO_TIER = ""


@dataclass(frozen=True, slots=True)
class FlowNow:
    """So many customers go from a tier to a tier; "" is no tier. Both ends alike: they stay."""

    source: str
    target: str
    customers: int
    arr_cents: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a scenario, or of today. By tier: slug → value, "" for no tier. Minutes are of a month, heads whole where needed."""

    customers: Mapping[str, int] = field(default_factory=dict)
    arr_cents: Mapping[str, int] = field(default_factory=dict)
    minutes: Mapping[str, int] = field(default_factory=dict)
    moves: int = 0
    minutes_asked: int = 0
    minutes_there: int = 0
    heads: int | None = None
    heads_there: float | None = None
    cost_cents: int | None = None
    balance: Mapping[str, float | None] = field(default_factory=dict)
    flows: tuple[FlowNow, ...] = ()
    books: Mapping[str, Any] | None = None

    @property
    def minutes_left(self) -> int:
        """Hours there less hours asked; negative: so much is lacking."""
        return self.minutes_there - self.minutes_asked

    @property
    def arr_in_all(self) -> int:
        return sum(self.arr_cents.values())

    @property
    def everybody(self) -> int:
        return sum(self.customers.values())


def figures_of(answer: Mapping[str, Any]) -> Figures:
    """The figures of a stored answer, or of the `today` within it; an empty one is all zeros."""
    flows = tuple(
        FlowNow(
            str(row.get("from") or NO_TIER),
            str(row.get("to") or NO_TIER),
            int(row.get("customers", 0)),
            int(row.get("arr_cents", 0)),
            int(row.get("minutes", 0)),
        )
        for row in answer.get("flows", ())
    )
    minutes: Counter[str] = Counter()
    for flow in flows:
        minutes[flow.target] += flow.minutes
    return Figures(
        customers=answer.get("tiers", {}),
        arr_cents=answer.get("arr_cents_by_tier", {}),
        minutes=dict(minutes),
        moves=int(answer.get("moves", 0)),
        minutes_asked=int(answer.get("minutes_asked", 0)),
        minutes_there=int(answer.get("minutes_there", 0)),
        heads=answer.get("heads"),
        heads_there=answer.get("heads_there"),
        cost_cents=answer.get("cost_cents"),
        balance=answer.get("balance") or {},
        flows=flows,
        books=answer.get("books"),
    )


@dataclass(frozen=True, slots=True)
class TierNames:
    """Tiers by slug, in the order of their rank; one that is no longer there goes by its slug."""

    tiers: Mapping[str, Tier]

    def name(self, slug: str) -> str:
        tier = self.tiers.get(slug)
        return tier.name if tier else slug or "No tier"

    def rank(self, slug: str) -> int | None:
        tier = self.tiers.get(slug)
        return tier.shown_rank if tier else None

    def way(self, flow: FlowNow) -> Way:
        return way_between(self.tiers.get(flow.source), self.tiers.get(flow.target))

    def place(self, slug: str) -> int:
        """For sorting: the highest first, what is unknown after it, no tier last."""
        if not slug:
            return len(self.tiers) + 1
        return list(self.tiers).index(slug) if slug in self.tiers else len(self.tiers)

    def used(self, figures: Sequence[Figures]) -> list[str]:
        """Slugs that hold somebody in any of these, and every tier in use, in order."""
        held = {
            slug
            for each in figures
            for slug in (*each.customers, *(f.source for f in each.flows), *(f.target for f in each.flows))
        }
        in_use = {slug for slug, tier in self.tiers.items() if not tier.retired}
        counted = {slug for slug in held if slug in in_use or any(_holds(each, slug) for each in figures)}
        return sorted(in_use | counted, key=lambda slug: (self.place(slug), slug))


def _holds(figures: Figures, slug: str) -> bool:
    flows = any(slug in (flow.source, flow.target) and flow.customers for flow in figures.flows)
    return bool(figures.customers.get(slug)) or flows


def tier_names() -> TierNames:
    """One query."""
    return TierNames({tier.slug: tier for tier in Tier.objects.order_by("rank", "pk")})
