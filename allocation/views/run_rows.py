"""The rows of a run on its page: the tabs, what each holds, and the filters within one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from allocation.filters.runs import DecisionFilter
from allocation.models import RetierRun, RowStatus, RunStatus
from allocation.selectors import runs as runs_selector
from allocation.selectors.runs import RunFigures
from allocation.selectors.tiers import tiers_of_run
from allocation.selectors.ways import run_ways


@dataclass(frozen=True)
class Tab:
    """One kind of rows of a run. `words`: the table's caption; `empty`: title and words when there are none."""

    key: str
    label: str
    count: int
    current: bool
    words: str
    empty: tuple[str, str]


# key → the rows it holds
HELD: Mapping[str, Q] = {
    "moves": Q(is_move=True),
    "first": Q(previous__isnull=True, effective__isnull=False),
    "held": Q(decided_by__in=runs_selector.GUARDS),
    "overridden": Q(decided_by="override"),
    "undecided": Q(decided_by__in=("undecided", "left")),
    "refused": Q(status=RowStatus.REFUSED),
    "skipped": Q(status=RowStatus.SKIPPED),
    "kept": Q(status=RowStatus.KEPT),
}
# Rows of these tabs change a tier, so they can be refused and accepted again.
REVIEWED = frozenset({"moves", "first", "held", "overridden", "refused"})


def tabs_of(*, run: RetierRun, figures: RunFigures, show: str) -> list[Tab]:
    """What people come for first; what only comes about when a run is applied or undone, once it is."""
    kinds = [
        (
            "moves",
            "Changes",
            figures.moves,
            "Customers that change tier",
            ("No customer changes tier", "Everybody keeps the tier they have."),
        ),
        (
            "first",
            "First tiers",
            figures.first_tiers,
            "Customers that get their first tier",
            ("No first tiers", "Every customer of this run had a tier before."),
        ),
        (
            "held",
            "Held back",
            figures.guarded,
            "Customers whose tier a guard decided",
            ("Nothing was held back", "No guard kept a suggested change from happening."),
        ),
        (
            "overridden",
            "Overridden",
            figures.overridden,
            "Customers whose tier an override decided",
            ("No override decided", "No approved exception was in force for a customer of this run."),
        ),
        (
            "undecided",
            "Not decided",
            figures.undecided,
            "Customers the run could not decide",
            ("Everybody was decided", "No customer misses a value the model insists on."),
        ),
        (
            "refused",
            "Refused",
            figures.refused,
            "Rows that people refused",
            ("No row is refused", "Everything this run proposes is applied with it."),
        ),
    ]
    if figures.skipped or run.status in {RunStatus.APPLIED, RunStatus.UNDONE}:
        kinds.append(
            (
                "skipped",
                "Skipped",
                figures.skipped,
                "Customers skipped when the run was applied",
                ("Nobody was skipped", "No customer's facts changed after the proposal."),
            )
        )
    if figures.kept or run.status == RunStatus.UNDONE:
        kinds.append(
            (
                "kept",
                "Not restored",
                figures.kept,
                "Customers that undoing left as they were",
                ("Every tier was restored", "Nobody changed one of these tiers after the run."),
            )
        )
    keys = [key for key, *_ in kinds]
    fallback = "first" if not figures.moves and figures.first_tiers else "moves"
    chosen = show if show in keys else fallback
    return [Tab(key, label, count, key == chosen, words, empty) for key, label, count, words, empty in kinds]


def rows_of_tab(*, run: RetierRun, user: Any, tab: str) -> QuerySet[Any]:
    """The rows of a tab that the person may see."""
    return runs_selector.decisions(run=run, user=user).filter(HELD[tab])


def filter_of_tab(query: Any, *, run: RetierRun, user: Any, tab: str) -> DecisionFilter:
    """The rows of a tab, narrowed by an address' query."""
    rows = runs_selector.with_joins(rows_of_tab(run=run, user=user, tab=tab))
    segments, ways = segments_of(run), run_ways(run=run)
    return DecisionFilter(
        query, queryset=rows, tab=tab, user=user, ways=ways, tiers=tiers_of_run(run=run), segments=segments
    )


def segments_of(run: RetierRun) -> list[str]:
    """Names of the segments of the run's own model, in their order."""
    return [rule["name"] for rule in run.tiering_model.definition.get("segments", []) if rule.get("name")]
