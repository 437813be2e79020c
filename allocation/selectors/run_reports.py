"""What the `retier` and `run` commands answer, and where a run stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from accounts.models import Tier, User
from allocation.engine.facts.tiering import GUARDS
from allocation.models import RetierRun, RowStatus, RunStatus, TierDecision

MOVE_FIELDS = (
    "customer__external_id",
    "previous__slug",
    "effective__slug",
    "suggested__slug",
    "score",
    "reason",
)
COUNTS = ("customers", "decided", "undecided", "overridden")


def run_report(*, run_id: int, viewer: User | None = None) -> dict[str, Any]:
    """The JSON answer of the `retier` command; moves and lists in the order of external ids.

    With a viewer the lists name the customers that person may see, and no other; the counts are the run's.
    """
    run = RetierRun.objects.select_related("tiering_model").get(pk=run_id)
    rows = TierDecision.objects.filter(run=run).order_by("customer__external_id", "pk")
    if viewer is not None:
        rows = rows.visible_to(viewer)
    summary = {
        "customers": 0,
        "decided": 0,
        "undecided": 0,
        "guarded": {},
        "overridden": 0,
        "tiers": {},
        **run.summary,
    }
    return {
        "run": run.pk,
        "model_version": run.tiering_model.number,
        "scope": run.scope,
        "as_of": run.as_of,
        "status": run.status,
        "message": run.message,
        **{key: summary[key] for key in COUNTS},
        "guarded": _in_order(summary["guarded"], [guard.value for guard in GUARDS]),
        "tiers": _in_order(summary["tiers"], Tier.objects.order_by("rank").values_list("slug", flat=True)),
        "undecided_customers": _ids(rows.filter(decided_by="undecided")),
        "first_tiers": summary.get("first_tiers", 0),
        "moves": [
            {
                "external_id": customer,
                "from": start,
                "to": end,
                "suggested": suggested,
                "score": score,
                "reason": reason,
            }
            for customer, start, end, suggested, score, reason in rows.moves()
            .exclude(status=RowStatus.REFUSED)
            .values_list(*MOVE_FIELDS)
        ],
        "held": [
            {"external_id": customer, "tier": tier, "suggested": suggested, "guards": guards}
            for customer, tier, suggested, guards in _held(rows)
        ],
        "over_limit": run.over_limit,
        "skipped": _ids(rows.filter(status=RowStatus.SKIPPED)),
        "refused": _ids(rows.filter(status=RowStatus.REFUSED)),
    }


def _in_order(counts: Mapping[str, int], names: Iterable[str]) -> dict[str, int]:
    """JSON columns do not keep the order of keys on every database; people expect one."""
    return {name: counts[name] for name in names if name in counts}


def _ids(rows: QuerySet[TierDecision]) -> list[str]:
    return list(rows.values_list("customer__external_id", flat=True))


def _held(rows: QuerySet[TierDecision]) -> Sequence[tuple[Any, ...]]:
    """Customers whose tier some guard decided."""
    by_guard = rows.exclude(decided_by__in=["rule", "override", "undecided", "left"])
    return list(by_guard.values_list("customer__external_id", "effective__slug", "suggested__slug", "guards"))


def undo_report(*, run_id: int, viewer: User | None = None) -> dict[str, Any]:
    """The JSON answer of `undo run`: how many customers have their tier back, and who was changed since."""
    run = RetierRun.objects.get(pk=run_id)
    rows = TierDecision.objects.filter(run=run, status=RowStatus.KEPT).order_by("customer__external_id")
    if viewer is not None:
        rows = rows.visible_to(viewer)
    return {
        "run": run.pk,
        "status": run.status,
        "restored": run.summary.get("restored", 0),
        "skipped": _ids(rows),
    }


def unfinished_runs() -> list[RetierRun]:
    """Runs that were left on the way (queued, computing, applying, undoing), the oldest first."""
    busy = [RunStatus.QUEUED, RunStatus.COMPUTING, RunStatus.APPLYING, RunStatus.UNDOING]
    return list(RetierRun.objects.filter(status__in=busy).order_by("pk"))
