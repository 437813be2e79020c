"""What the pages of re-tiering runs show: the list, one run's figures, its rows. All scoped to who asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, QuerySet, Sum

from accounts.models import Tier
from allocation.models import RetierRun, RowStatus, RunStatus, RunTally, TierDecision
from allocation.selectors import wording

GUARD_WORDS = {
    "rule": "The rules",
    "left": "Left",
    "undecided": "Not decided: a value is missing",
    "paid_floor": "Paid floor",
    "first_year": "First year",
    "dead_band": "Dead band",
    "minimum_stay": "Minimum stay",
    "renewal_freeze": "Renewal freeze",
    "override": "Override",
}
GUARDS = ("paid_floor", "first_year", "dead_band", "minimum_stay", "renewal_freeze")


def runs(*, user: Any) -> QuerySet[RetierRun]:
    """Runs the person may see, the newest first, with what the list shows joined."""
    return (
        RetierRun.objects.visible_to(user)
        .select_related("tiering_model", "requested_by")
        .defer("population", "vocabulary", "rates", "tiering_model__definition")
        .order_by("-pk")
    )


@dataclass(frozen=True, slots=True)
class FullRun:
    """The last full run that was applied, and the day from which the next is due."""

    as_of: date
    due_on: date


def last_full_run() -> FullRun | None:
    """None before the first one is applied."""
    as_of = (
        RetierRun.objects.filter(scope=RetierRun.Scope.FULL, status=RunStatus.APPLIED)
        .order_by()
        .aggregate(last=Max("as_of"))["last"]
    )
    return None if as_of is None else FullRun(as_of, as_of + timedelta(days=settings.FULL_RUN_EVERY_DAYS))


def decisions(*, run: RetierRun, user: Any) -> QuerySet[TierDecision]:
    return TierDecision.objects.filter(run=run).visible_to(user)


def with_joins(rows: QuerySet[TierDecision]) -> QuerySet[TierDecision]:
    """Joins of a row."""
    return rows.select_related("customer", "previous", "suggested", "effective", "customer__csm").order_by(
        "-is_move", "effective__rank", "customer__name", "customer_id"
    )


@dataclass(frozen=True, slots=True)
class TierCount:
    """Customers of one tier before and after; `tier` None is "no tier"."""

    tier: Tier | None
    before: int
    after: int

    @property
    def change(self) -> int:
        return self.after - self.before

    @property
    def change_words(self) -> str:
        return f"{self.change:+d}" if self.change else "–"


@dataclass(frozen=True, slots=True)
class RunFigures:
    """Counts of the rows the person may see."""

    customers: int
    decided: int
    undecided: int
    moves: int
    ups: int
    first_tiers: int
    guarded: int
    overridden: int
    skipped: int
    by_guard: tuple[tuple[str, str, int], ...]
    tiers: tuple[TierCount, ...]
    flows: tuple[tuple[int | None, int | None, int], ...]

    @property
    def downs(self) -> int:
        return self.moves - self.ups


def run_figures(*, run: RetierRun, user: Any) -> RunFigures:
    """Two grouped statements and the tiers; the same at any size of run. Who simply stays is counted in the run's tallies."""
    rows = decisions(run=run, user=user).order_by()
    groups = list(
        rows.values_list("previous_id", "effective_id", "decided_by", "is_move", "status").annotate(
            n=Count("pk")
        )
    )
    staying = RunTally.objects.filter(run=run).visible_to(user).order_by()
    groups += [
        (tier, tier, decided_by, False, "", n)
        for tier, decided_by, n in staying.values_list("tier_id", "decided_by").annotate(n=Sum("customers"))
    ]
    tiers = {tier.pk: tier for tier in Tier.objects.order_by("rank")}
    flows: dict[tuple[int | None, int | None], int] = {}
    by_guard: dict[str, int] = {}
    moves = ups = first = skipped = 0
    for previous, effective, decided_by, is_move, status, n in groups:
        flows[previous, effective] = flows.get((previous, effective), 0) + n
        by_guard[decided_by] = by_guard.get(decided_by, 0) + n
        skipped += n if status == RowStatus.SKIPPED else 0
        first += n if previous is None and effective is not None else 0
        if is_move:
            moves += n
            ups += n if previous and effective and tiers[effective].rank < tiers[previous].rank else 0
    customers = sum(flows.values())
    undecided = by_guard.get("undecided", 0) + by_guard.get("left", 0)
    return RunFigures(
        customers=customers,
        decided=customers - undecided,
        undecided=undecided,
        moves=moves,
        ups=ups,
        first_tiers=first,
        guarded=sum(by_guard.get(guard, 0) for guard in GUARDS),
        overridden=by_guard.get("override", 0),
        skipped=skipped,
        by_guard=tuple(
            (guard, GUARD_WORDS[guard], by_guard[guard]) for guard in GUARDS if by_guard.get(guard)
        ),
        tiers=_tier_counts(tiers, flows),
        flows=tuple((source, target, n) for (source, target), n in flows.items()),
    )


def _tier_counts(
    tiers: dict[int, Tier], flows: dict[tuple[int | None, int | None], int]
) -> tuple[TierCount, ...]:
    keys: list[int | None] = [*tiers, None]
    found = []
    for key in keys:
        before = sum(n for (source, _), n in flows.items() if source == key)
        after = sum(n for (_, target), n in flows.items() if target == key)
        if before or after:
            found.append(TierCount(tiers.get(key) if key is not None else None, before, after))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class DecisionRow:
    customer_id: int
    name: str
    external_id: str
    csm: str
    previous: Tier | None
    effective: Tier | None
    suggested: Tier | None
    up: bool
    score: str
    decider: str
    reason: str
    status: str
    words: str


def decision_rows(rows: Sequence[TierDecision]) -> list[DecisionRow]:
    """A page of decisions as strings."""
    return [
        DecisionRow(
            customer_id=row.customer_id,
            name=row.customer.name,
            external_id=row.customer.external_id,
            csm=row.customer.csm.name if row.customer.csm else "",
            previous=row.previous,
            effective=row.effective,
            suggested=row.suggested,
            up=bool(row.previous and row.effective and row.effective.rank < row.previous.rank),
            score=wording.DASH if row.score is None else f"{row.score:.2f}",
            decider=GUARD_WORDS.get(row.decided_by, row.decided_by),
            reason=row.reason,
            status=row.status,
            words=row.words,
        )
        for row in rows
    ]
