"""What the pages of re-tiering runs show: the list, one run's figures, its rows. All scoped to who asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet, Sum
from django.utils.timezone import localtime

from accounts.models import Goal, Tier
from allocation.engine.facts.ways import Way
from allocation.models import Override, RetierRun, RowStatus, RunStatus, RunTally, TierDecision
from allocation.selectors import wording
from allocation.selectors.ways import TierWays, run_ways

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
# What a guard does, for people who meet its name for the first time.
GUARD_REASONS = {
    "paid_floor": "Never below the tier the customer pays for.",
    "first_year": "Not into this touch level before the first renewal.",
    "dead_band": "Too close to the bound to move.",
    "minimum_stay": "The tier changed not long ago, and the goals have not changed since.",
    "renewal_freeze": "No step down this close to the renewal.",
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


def one_run(*, user: Any, pk: int) -> RetierRun | None:
    """A run the person may see, with the people who decided about it, its model's rules (names of segments) and tiers of its day."""
    people = ("approved_by", "applied_by", "undone_by", "cancel_asked_by")
    rows = runs(user=user).defer(None).defer("population", "rates").select_related(*people)
    found: RetierRun | None = rows.filter(pk=pk).first()
    return found


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


CAME_TO_NOTHING = (RunStatus.FAILED, RunStatus.DISCARDED, RunStatus.STALE, RunStatus.UNDONE)


def dates_fell_due(*, today: date) -> bool:
    """Whether a goal began or ended since the last run looked, by a day that was written down before, or the calendar
    began or ended an override and nobody asked for a run then.

    What people change is asked for when they change it; a day that simply comes is noticed by nobody. An override whose day
    has come, but which the calendar's task has not begun or ended yet, is left to that task: it asks for the one run.
    """
    # One that came to nothing has looked at nothing, but is tried again tomorrow, not every hour.
    looked = RetierRun.objects.exclude(status__in=CAME_TO_NOTHING, as_of__lt=today)
    last = looked.aggregate(last=Max("as_of"))["last"]
    if last is None:
        return False
    since = {"gt": last, "lte": today}

    def fell(field: str) -> Q:
        return Q(**{f"{field}__{lookup}": day for lookup, day in since.items()})

    goals = Goal.objects.filter(fell("starts_on") | fell("ends_before"))
    held = Override.objects.filter(begun_at__isnull=False)
    overrides = held.filter(fell("starts_on") | (fell("expires_on") & Q(status=Override.Status.EXPIRED)))
    return goals.exists() or overrides.exists()


def decisions(*, run: RetierRun, user: Any) -> QuerySet[TierDecision]:
    return TierDecision.objects.filter(run=run).visible_to(user)


def with_joins(rows: QuerySet[TierDecision]) -> QuerySet[TierDecision]:
    """Joins of a row."""
    return rows.select_related(
        "customer__tier", "customer__csm", "previous", "suggested", "effective"
    ).order_by("-is_move", "effective__rank", "customer__name", "customer_id")


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
    """Counts of the rows the person may see. moves, first_tiers: all that the run found, refused ones among them.

    from_retired: moves out of tiers no longer in use, which go neither up nor down.
    """

    customers: int
    decided: int
    undecided: int
    moves: int
    ups: int
    from_retired: int
    first_tiers: int
    guarded: int
    overridden: int
    skipped: int
    refused: int
    refused_moves: int
    refused_ups: int
    refused_from_retired: int
    kept: int
    by_guard: tuple[tuple[str, str, int], ...]
    tiers: tuple[TierCount, ...]
    flows: tuple[tuple[int | None, int | None, int], ...]

    @property
    def moves_to_apply(self) -> int:
        return self.moves - self.refused_moves

    @property
    def ups_to_apply(self) -> int:
        return self.ups - self.refused_ups

    @property
    def from_retired_to_apply(self) -> int:
        return self.from_retired - self.refused_from_retired

    @property
    def downs_to_apply(self) -> int:
        return self.moves_to_apply - self.ups_to_apply - self.from_retired_to_apply

    @property
    def directions_to_apply(self) -> str:
        return wording.directions(
            ups=self.ups_to_apply, downs=self.downs_to_apply, from_retired=self.from_retired_to_apply
        )

    @property
    def first_to_apply(self) -> int:
        """What is refused and no move is a first tier."""
        return self.first_tiers - (self.refused - self.refused_moves)


@dataclass(frozen=True, slots=True)
class _Group:
    """So many rows that are alike in all that the figures count."""

    previous: int | None
    effective: int | None
    decided_by: str
    is_move: bool
    status: str
    n: int

    @property
    def is_first(self) -> bool:
        return self.previous is None and self.effective is not None

    @property
    def after(self) -> int | None:
        """The tier it leads to: a refused row leaves the customer where it is."""
        return self.previous if self.status == RowStatus.REFUSED else self.effective


def run_figures(*, run: RetierRun, user: Any) -> RunFigures:
    """Two grouped statements and the tiers; the same at any size of run. Who simply stays is counted in the run's tallies."""
    groups = _groups(run, user)
    tiers = {tier.pk: tier for tier in Tier.objects.order_by("rank")}
    ways = run_ways(run=run)

    def count(fits: Callable[[_Group], bool]) -> int:
        return sum(group.n for group in groups if fits(group))

    def goes(group: _Group, way: Way) -> bool:
        before, now = tiers.get(group.previous or 0), tiers.get(group.effective or 0)
        return bool(group.is_move and before and now and ways.between(before, now) is way)

    def is_refused(group: _Group) -> bool:
        return group.status == RowStatus.REFUSED

    flows: Counter[tuple[int | None, int | None]] = Counter()
    by: Counter[str] = Counter()
    for group in groups:
        flows[group.previous, group.after] += group.n
        by[group.decided_by] += group.n
    customers, undecided = sum(flows.values()), by["undecided"] + by["left"]
    return RunFigures(
        customers=customers,
        decided=customers - undecided,
        undecided=undecided,
        moves=count(lambda group: group.is_move),
        ups=count(lambda group: goes(group, Way.UP)),
        from_retired=count(lambda group: goes(group, Way.NONE)),
        first_tiers=count(lambda group: group.is_first),
        guarded=sum(by[guard] for guard in GUARDS),
        overridden=by["override"],
        skipped=count(lambda group: group.status == RowStatus.SKIPPED),
        refused=count(is_refused),
        refused_moves=count(lambda group: is_refused(group) and group.is_move),
        refused_ups=count(lambda group: is_refused(group) and goes(group, Way.UP)),
        refused_from_retired=count(lambda group: is_refused(group) and goes(group, Way.NONE)),
        kept=count(lambda group: group.status == RowStatus.KEPT),
        by_guard=tuple((guard, GUARD_WORDS[guard], by[guard]) for guard in GUARDS if by[guard]),
        tiers=_tier_counts(tiers, flows),
        flows=tuple((source, target, n) for (source, target), n in flows.items()),
    )


def _groups(run: RetierRun, user: Any) -> list[_Group]:
    alike = ("previous_id", "effective_id", "decided_by", "is_move", "status")
    rows = decisions(run=run, user=user).order_by().values_list(*alike).annotate(n=Count("pk"))
    staying = RunTally.objects.filter(run=run).visible_to(user).order_by()
    tallied = staying.values_list("tier_id", "decided_by").annotate(n=Sum("customers"))
    return [_Group(*row) for row in rows] + [
        _Group(tier, tier, decided_by, False, "", n) for tier, decided_by, n in tallied
    ]


def _tier_counts(
    tiers: Mapping[int, Tier], flows: Mapping[tuple[int | None, int | None], int]
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
    """changes: a move or a first tier, so it can be refused. standing: what became of it, where that is not plain.

    now: the tier that the customer has today, whatever the run said.
    """

    pk: int
    customer_id: int
    name: str
    external_id: str
    csm: str
    previous: Tier | None
    effective: Tier | None
    suggested: Tier | None
    now: str
    way: Way
    score: str
    decider: str
    reason: str
    status: str
    words: str
    changes: bool
    standing: str
    refused: str


# Rows of these states say so; proposed and applied ones say it with the run.
TOLD_APART = frozenset({RowStatus.REFUSED, RowStatus.SKIPPED, RowStatus.UNDONE, RowStatus.KEPT})


def decision_rows(rows: Sequence[TierDecision], *, ways: TierWays) -> list[DecisionRow]:
    """A page of decisions as strings. ways: those of their run."""
    return [
        DecisionRow(
            pk=row.pk,
            customer_id=row.customer_id,
            name=row.customer.name,
            external_id=row.customer.external_id,
            csm=row.customer.csm.name if row.customer.csm else "",
            previous=row.previous,
            effective=row.effective,
            suggested=row.suggested,
            now=row.customer.tier.name if row.customer.tier else "no tier",
            way=ways.between(row.previous, row.effective),
            score=wording.DASH if row.score is None else f"{row.score:.2f}",
            decider=GUARD_WORDS.get(row.decided_by, row.decided_by),
            reason=row.reason,
            status=row.status,
            words=row.words,
            changes=_changes(row),
            standing=_standing(row),
            refused=_refused(row),
        )
        for row in rows
    ]


def _changes(row: TierDecision) -> bool:
    return row.is_move or (row.previous_id is None and row.effective_id is not None)


def _standing(row: TierDecision) -> str:
    """A row that changed nothing had nothing to be undone."""
    if row.status not in TOLD_APART or (row.status == RowStatus.UNDONE and not _changes(row)):
        return ""
    return str(row.get_status_display())


def _refused(row: TierDecision) -> str:
    """ "Refused by Mia Manager on 22 Nov 2026"."""
    if row.refused_by is None or row.refused_at is None:
        return ""
    return f"Refused by {row.refused_by} on {wording.day(localtime(row.refused_at).date())}"
