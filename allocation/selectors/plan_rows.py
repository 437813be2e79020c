"""The moves of a plan as its page shows them: what the planner said, and what people made of it since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.utils.timezone import localtime

from accounts.models import CSM, Tier
from allocation.models import BookPlan, Move, RowStatus
from allocation.selectors import wording
from allocation.selectors.objections import ObjectionLine
from allocation.selectors.plan_answers import proof_answer

HIDDEN = "someone in another team"
# Moves of these states say so; proposed and applied ones say it with the plan.
TOLD_APART = frozenset({RowStatus.REFUSED, RowStatus.SKIPPED, RowStatus.KEPT})


@dataclass(frozen=True, slots=True)
class MoveRow:
    """``planned``: whom the planner had named, where a person named another; ``history``: who did what when, and why.

    ``approval``: "" no approval is needed, else what became of it. ``decides``: this person may approve or decline it. ``answers``: this person may answer an objection to it.
    """

    pk: int
    customer_id: int
    name: str
    external_id: str
    tier: Tier | None
    from_csm: CSM | None
    to_csm: CSM | None
    planned: str
    runner_up: str
    kind: str
    pool: str
    reason: str
    status: str
    standing: str
    history: tuple[str, ...]
    approval: str
    waits: bool
    decides: bool
    objections: tuple[ObjectionLine, ...]
    answers: bool
    is_open: bool
    now: str


def move_rows(
    rows: Sequence[Move],
    *,
    seen: frozenset[int] | None,
    decides: frozenset[int] = frozenset(),
    answers: frozenset[int] = frozenset(),
    objections: Mapping[int, Sequence[ObjectionLine]] | None = None,
) -> list[MoveRow]:
    """A page of moves as strings.

    ``seen``: ids of CSMs whose names the person may read as alternatives (None: all); ``decides``: ids of the moves the
    person may approve, ``answers`` of those with an objection the person may answer; ``objections``: as of `objections_of`.
    """
    return [
        MoveRow(
            pk=row.pk,
            customer_id=row.customer_id,
            name=row.customer.name,
            external_id=row.customer.external_id,
            tier=row.tier,
            from_csm=row.from_csm,
            to_csm=row.to_csm,
            planned=_planned(row, seen),
            runner_up=_said(row.runner_up, seen),
            kind="first CSM" if row.from_csm_id is None else "forced" if row.forced else "chosen",
            pool=row.pool,
            reason=row.reason,
            status=row.status,
            standing=str(row.get_status_display()) if row.status in TOLD_APART else "",
            history=_history(row),
            approval=_approval(row),
            waits=row.waits_for_approval,
            decides=row.waits_for_approval and row.pk in decides,
            objections=tuple((objections or {}).get(row.pk, ())),
            answers=row.pk in answers,
            is_open=row.status in {RowStatus.PROPOSED, RowStatus.REFUSED},
            now=_said(row.customer.csm, seen) or "nobody",
        )
        for row in rows
    ]


def _said(csm: CSM | None, seen: frozenset[int] | None) -> str:
    if csm is None:
        return ""
    return str(csm.name) if seen is None or csm.pk in seen else HIDDEN


def _planned(row: Move, seen: frozenset[int] | None) -> str:
    if row.repointed_by_id is None:
        return ""
    return _said(row.planned_csm, seen) or "nobody"


def _history(row: Move) -> tuple[str, ...]:
    """The newest first; what the program says of a skipped or kept row stands alone."""
    steps: list[tuple[datetime | None, str]] = []
    if row.repointed_by is not None:
        steps.append(
            (row.repointed_at, _step("Re-pointed", row.repointed_by, row.repointed_at, row.repoint_words))
        )
    if row.refused_by is not None:
        steps.append((row.refused_at, _step("Refused", row.refused_by, row.refused_at, row.words)))
    if row.approved_by is not None:
        steps.append(
            (row.approved_at, _step("Approved", row.approved_by, row.approved_at, row.approval_words))
        )
    told = [words for _, words in sorted(steps, key=lambda step: str(step[0]), reverse=True)]
    if row.words and row.refused_by is None:
        told.insert(0, row.words)
    return tuple(told)


def _step(what: str, who: Any, at: datetime | None, words: str) -> str:
    day = f" on {wording.day(localtime(at).date())}" if at else ""
    return f"{what} by {who}{day}: {words}" if words else f"{what} by {who}{day}"


def _approval(row: Move) -> str:
    if not row.needs_approval:
        return ""
    if row.waits_for_approval:
        return "Waits for approval"
    return "Approved" if row.approved_by_id else "Largest customer"


@dataclass(frozen=True, slots=True)
class ProofLine:
    """One group of customers and CSMs that nothing links to another: how far its part of the plan is from the best."""

    pools: str
    customers: str
    csms: str
    objective: str
    bound: str
    gap: str
    how: str


HOW = {"relaxation": "proven by prices", "search_tree": "proven by search"}
POOLS = 3  # named in a line; the rest is counted


def proof_lines(*, plan: BookPlan) -> list[ProofLine]:
    """How good the plan is, by pool; empty where nothing was proven."""
    return [
        ProofLine(
            pools=_pools(group.get("pools") or ()),
            customers=wording.grouped(group.get("customers", 0)),
            csms=wording.grouped(group.get("csms", 0)),
            objective=_points(group.get("objective")),
            bound=_points(group.get("bound")),
            gap=_gap(group.get("objective"), group.get("bound")),
            how="no bound" if group.get("bound") is None else HOW.get(group.get("how", ""), ""),
        )
        for group in proof_answer(plan=plan)
    ]


def _pools(names: Sequence[str]) -> str:
    more = len(names) - POOLS
    return ", ".join(names[:POOLS]) + (f" and {more} more" if more > 0 else "")


def _points(value: float | None) -> str:
    return wording.DASH if value is None else wording.grouped(Decimal(str(value)), places=2)


def _gap(objective: float | None, bound: float | None) -> str:
    if objective is None or bound is None:
        return wording.DASH
    if objective <= 0:
        return within(Decimal(0))
    return within(Decimal(str(max(0.0, 100 * (objective - bound) / objective))))


def within(gap: Decimal) -> str:
    """A gap is never rounded to less than it is: 0.0004 → "0.01 %"."""
    return f"{gap.quantize(Decimal('0.01'), rounding=ROUND_CEILING)}{wording.SPACE}%"


def gap_words(plan: BookPlan) -> str:
    """In a list of plans; a dash where no bound is proven, and of a plan that people changed."""
    return wording.DASH if plan.gap_pct is None or plan.is_changed else within(plan.gap_pct)


def proof_headline(*, plan: BookPlan) -> str:
    """How far the plan is from the best possible, in one sentence; "" where no bound is proven."""
    if plan.gap_pct is None:
        return ""
    best = "the best possible plan for these weights and rules (proven)"
    if plan.is_changed:
        return (
            f"As the planner made it, this plan was within {within(plan.gap_pct)} of {best}. "
            "Moves were changed since: that is not claimed of the plan as it stands now."
        )
    if plan.gap_pct == 0:
        return "No plan is better for these weights and rules (proven)."
    return f"Within {within(plan.gap_pct)} of {best}."
