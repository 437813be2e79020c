"""Whether a plan may be asked for: the sentence that says why not, for a single one and for a comparison."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from allocation.models import BookPlan, RunStatus

UNDER_WAY = "A book plan is being computed already: wait for it or discard it."
BIGGEST_WEIGHT = 10_000


def refusal_to_plan(
    *, as_of: date, max_moves_pct: Decimal | None, continuity_weight: Decimal | None = None
) -> str:
    """Why no plan may be asked for now, as one sentence; "" when it may."""
    if max_moves_pct is not None and not 0 <= max_moves_pct <= 100:
        return "The share of customers that may move is 0 to 100 %."
    if continuity_weight is not None and not 0 <= continuity_weight <= BIGGEST_WEIGHT:
        return "The weight of continuity is 0 to 10 000 points."
    last = BookPlan.objects.filter(status=RunStatus.APPLIED).order_by("-as_of").first()
    if last is not None and as_of < last.as_of:
        return f"Book plan {last.pk} was applied as of {last.as_of.isoformat()}: plan from then on."
    # The constraint holds one request at a time; a comparison may have only some of its plans left to compute.
    if BookPlan.objects.filter(status__in=[RunStatus.QUEUED, RunStatus.COMPUTING]).exists():
        return UNDER_WAY
    return ""
