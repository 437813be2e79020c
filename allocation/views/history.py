"""A customer's tiers, scores and reasons over time, laid out for its page: a picture, and the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from allocation.charts.bars import COLUMN
from allocation.charts.svg import Markup, wide_and_narrow
from allocation.charts.timeline import NARROW, Moment, tier_steps
from allocation.models import RowStatus
from allocation.selectors import wording
from allocation.selectors.runs import GUARD_WORDS
from allocation.selectors.timeline import Decided

# What is said beside a decision that was not simply applied.
NOT_APPLIED = {
    RowStatus.REFUSED: "refused",
    RowStatus.SKIPPED: "skipped",
    RowStatus.UNDONE: "undone",
    RowStatus.KEPT: "changed before the run was undone",
}


@dataclass(frozen=True)
class HistoryLine:
    on: str
    run_id: int
    tier: str
    rank: int | None
    suggested: str
    score: str
    decider: str
    reason: str
    standing: str


@dataclass(frozen=True)
class TierHistory:
    """`chart` shows the lines in the order of time; `lines` the newest first."""

    chart: Markup
    lines: list[HistoryLine]


def tier_history(decided: Sequence[Decided], *, today: date) -> TierHistory | None:
    """None while no run has been applied to the customer."""
    if not decided:
        return None
    moments = [_moment(entry) for entry in reversed(decided)]
    return TierHistory(
        chart=wide_and_narrow(
            tier_steps(moments, until=today, width=COLUMN),
            tier_steps(moments, until=today, width=NARROW),
        ),
        lines=[history_line(entry) for entry in decided],
    )


def _moment(entry: Decided) -> Moment:
    standing = NOT_APPLIED.get(RowStatus(entry.status), "")
    return Moment(
        on=entry.on,
        tier=entry.tier,
        rank=entry.rank,
        score=None if entry.score is None else float(entry.score),
        words=f"{entry.tier} from {wording.day(entry.on)} (run {entry.run_id}{', ' if standing else ''}{standing})",
    )


def history_line(entry: Decided) -> HistoryLine:
    """One decision as strings."""
    return HistoryLine(
        on=wording.day(entry.on),
        run_id=entry.run_id,
        tier=entry.tier,
        rank=entry.rank,
        suggested=entry.suggested if entry.suggested != entry.tier else "",
        score=wording.DASH if entry.score is None else f"{entry.score:.2f}",
        decider=GUARD_WORDS.get(entry.decided_by, entry.decided_by),
        reason=entry.reason,
        standing=NOT_APPLIED.get(RowStatus(entry.status), "").capitalize(),
    )
