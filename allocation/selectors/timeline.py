"""A customer's tiers, scores and reasons over time: one entry for each run that was applied to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils import timezone

from allocation.engine.kept import Outcomes, said_of, score_of, unpack_outcomes
from allocation.models import RowStatus, RunChunk, TierDecision

LONGEST = 24  # runs; older ones are in the ledger
LOOKED_AT = 1000  # chunks at most, so that a page answers soon whatever there is
STAYS = "Stays: the rules say the tier it has."


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision. tier, rank: what holds after it (no rank: no tier, or one no longer in use); suggested: what the rules said; by name on that day."""

    on: date
    run_id: int
    status: str
    tier: str
    rank: int | None
    suggested: str
    score: Decimal | None
    decided_by: str
    reason: str
    segment: str


def tier_timeline(*, customer_id: int, day: date | None = None) -> tuple[Decided, ...]:
    """The newest first, 24 at most; two queries.

    day: as of it, without runs of later days and those that were undone by then.
    """
    past = Q() if day is None else Q(run__as_of__lte=day)
    chunks = (
        RunChunk.objects.around(customer_id)
        .filter(past, status__in=[RowStatus.APPLIED, RowStatus.UNDONE])
        .select_related("run")
        .defer("facts", "stood_on", "run__population")
        .order_by("-run__as_of", "-run_id")[:LOOKED_AT]
    )
    rows = {
        row.run_id: row
        for row in TierDecision.objects.filter(customer_id=customer_id).only(
            "run_id", "reason", "status", "words"
        )
    }
    found = []
    for chunk in chunks.iterator(chunk_size=LONGEST):  # goals runs often span a customer without having it
        if day is not None and _undone_by(chunk, day):
            continue
        outcomes = unpack_outcomes(chunk.outcomes)
        place = outcomes.place(customer_id)
        if place is not None:
            found.append(_decided(chunk, outcomes, place, rows.get(chunk.run_id)))
        if len(found) == LONGEST:
            break
    return tuple(found)


def _undone_by(chunk: RunChunk, day: date) -> bool:
    at = chunk.run.undone_at
    return at is not None and timezone.localdate(at) <= day


def _decided(chunk: RunChunk, outcomes: Outcomes, place: int, row: TierDecision | None) -> Decided:
    """A row that was refused or skipped left the customer where it was; so did a run that was undone."""
    status = row.status if row else chunk.status
    held = "effective" if status in (RowStatus.APPLIED, RowStatus.KEPT) else "previous"
    tiers = {entry[0]: entry for entry in chunk.run.vocabulary.get("tiers", [])}
    tier, suggested = _tier(tiers, outcomes, held, place), _tier(tiers, outcomes, "suggested", place)
    return Decided(
        on=chunk.run.as_of,
        run_id=chunk.run_id,
        status=status,
        tier=tier[3] if tier else "No tier",
        rank=tier[1] if tier and not tier[4] else None,
        suggested=suggested[3] if suggested else "",
        score=score_of(outcomes.score, place),
        decided_by=said_of(outcomes.decided_by, place) or "",
        reason=(row.words or row.reason) if row else STAYS,
        segment=said_of(outcomes.segment, place) or "",
    )


def _tier(tiers: dict[str, list[Any]], outcomes: Outcomes, name: str, place: int) -> list[Any] | None:
    return tiers.get(said_of(getattr(outcomes, name), place) or "")
