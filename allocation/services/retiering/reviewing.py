"""Refuse single rows of an open run, or accept them again; the change limit is looked at anew each time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F

from allocation.engine.facts.rules import ChangeLimit
from allocation.models import OPEN_STATUSES, RetierRun, RowStatus, RunStatus, TierDecision
from allocation.selectors import wording

BATCH = 500
LONGEST_WORDS = 500
OVER = "That is over the change limit: a manager has to approve it."


class UnableToReviewRun(ValueError):
    """The run is not open any more, or the person may not review it; the message says which."""


def refuse_rows(*, run_id: int, decision_ids: Collection[int], actor: Any, words: str, at: datetime) -> int:
    """These rows are not to be applied: the customers keep their tier. Returns how many were refused now.

    Rows outside the person's scope, and rows that change nothing, are left alone. Raises UnableToReviewRun.
    """
    fault = wording.fault_of(
        words,
        if_none="Say why these rows are refused, so that the next reader understands.",
        most=LONGEST_WORDS,
    )
    if fault:
        raise UnableToReviewRun(fault)
    with transaction.atomic():
        run = _open(run_id, actor)
        changed: int = sum(
            rows.filter(status=RowStatus.PROPOSED).update(
                status=RowStatus.REFUSED, words=words.strip(), refused_by=actor, refused_at=at
            )
            for rows in _rows(run, decision_ids, actor)
        )
        _look_at_the_limit(run, more=False)
    return changed


def accept_rows(*, run_id: int, decision_ids: Collection[int], actor: Any, at: datetime) -> int:
    """Refused rows are to be applied after all. Returns how many. Raises UnableToReviewRun.

    If the run is over its limit again, an approval given before does not cover it.
    """
    with transaction.atomic():
        run = _open(run_id, actor)
        changed: int = sum(
            rows.filter(status=RowStatus.REFUSED).update(
                status=RowStatus.PROPOSED, words="", refused_by=None, refused_at=None
            )
            for rows in _rows(run, decision_ids, actor)
        )
        _look_at_the_limit(run, more=changed > 0)
    return changed


def _open(run_id: int, actor: Any) -> RetierRun:
    """The run, locked until the transaction ends."""
    if actor is None or not (actor.is_ops or actor.is_manager):
        raise UnableToReviewRun("Rows of a run are reviewed by CS ops and by managers.")
    run: RetierRun = RetierRun.objects.select_for_update().get(pk=run_id)
    if run.status not in OPEN_STATUSES:
        raise UnableToReviewRun(
            f"Run {run_id} is {run.get_status_display().lower()}; rows can be refused only before it is applied."
        )
    if run.status == RunStatus.PROPOSED and run.apply_when_proposed:
        raise UnableToReviewRun(
            f"Run {run_id} is about to be applied, so its rows cannot be changed any more."
        )
    return run


def _rows(run: RetierRun, decision_ids: Collection[int], actor: Any) -> Iterable[Any]:
    """Rows of the run that change something and that the person may see, some hundred at a time."""
    ids = sorted(decision_ids)
    visible = TierDecision.objects.filter(run=run).changes().visible_to(actor)
    for start in range(0, len(ids), BATCH):
        seen = list(visible.filter(pk__in=ids[start : start + BATCH]).values_list("pk", flat=True))
        yield TierDecision.objects.filter(pk__in=seen)


def _look_at_the_limit(run: RetierRun, *, more: bool) -> None:
    """Refusing may bring the run under its limit, accepting over it.

    Only an approval lets a wish to apply come true: a review that ends the waiting leaves the applying to CS ops, who
    may have more rows to refuse.
    """
    rows = TierDecision.objects.filter(run=run)
    moves = rows.filter(status=RowStatus.PROPOSED).moves().count()
    refused = rows.filter(status=RowStatus.REFUSED)
    counts = {"refused": refused.count(), "refused_moves": refused.moves().count()}
    over = _limit(run.summary).is_exceeded(moves=moves, tiered=int(run.summary.get("tiered", 0)))
    said = f"{wording.counted(moves, 'customer')} would change tier."
    fields: dict[str, Any] = {
        "summary": {**run.summary, **counts},
        "over_limit": over,
        "review_version": F("review_version") + 1,
    }
    if not over:
        fields |= {"status": RunStatus.PROPOSED, "apply_when_proposed": False, "message": said}
    elif run.approved_by_id is None or more:
        waits = {"status": RunStatus.AWAITING_APPROVAL, "approved_by": None, "approved_at": None}
        fields |= {**waits, "message": f"{said} {OVER}"}
    RetierRun.objects.filter(pk=run.pk).update(**fields)


def _limit(summary: Mapping[str, Any]) -> ChangeLimit:
    """The limit of the model the run was computed with."""
    kept = summary.get("limit")
    if not kept:
        return ChangeLimit()
    return ChangeLimit(percent=Decimal(kept["percent"]), customers=int(kept["customers"]))
