"""What applying asks of the rows of a chunk, and writes of them and of the chunk; each statement made once in a process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from django.db.models import Subquery
from django.db.models.functions import Coalesce

from accounts.kept_statements import Kept, KeptChange
from allocation.engine.facts.tiering import Integers
from allocation.models import Override, RowStatus, RunChunk, TierDecision
from allocation.services.retiering.walking import among, parts


class Row(NamedTuple):
    """What is asked of a decision row."""

    pk: int
    customer_id: int
    status: str
    previous_id: int | None
    effective_id: int | None


def rows_waiting(chunk: RunChunk) -> list[Row]:
    """Of the chunk those to be applied and those refused, in the order of customers."""
    return [Row(*row) for row in _WAITING.rows(**_span(chunk))]


def rows_are_applied(chunk: RunChunk) -> None:
    """Whatever of it still was to be."""
    _APPLIED.run(**_span(chunk))


def chunk_is_applied(chunk: RunChunk, *, stood_on: bytes, left_out: bytes | None) -> None:
    """The last of all that were, so far."""
    _DONE.run(pk=chunk.pk, stood_on=stood_on, left_out=left_out)


def overrides_holding(*, since: date, customer_ids: Integers) -> Iterator[tuple[int, int]]:
    """Customer and tier of overrides `holding_since` the day; of these customers (rising keys) and perhaps of some between them."""
    for part in parts(customer_ids):
        yield from _HOLDING.rows(day=since, **part)


def _span(chunk: RunChunk) -> dict[str, int]:
    return {"run_id": chunk.run_id, "first": chunk.first_customer_id, "last": chunk.last_customer_id}


def _within(*, run_id: int, first: int, last: int) -> Any:
    return TierDecision.objects.filter(run_id=run_id, customer_id__gte=first, customer_id__lte=last)


def _done(*, pk: int, stood_on: bytes, left_out: bytes | None) -> tuple[Any, Mapping[str, Any]]:
    last = RunChunk.objects.filter(turn__isnull=False).order_by("-turn").values("turn")[:1]
    turn = Coalesce(Subquery(last), 0) + 1
    changed = {"status": RowStatus.APPLIED, "stood_on": stood_on, "turn": turn, "left_out": left_out}
    return RunChunk.objects.filter(pk=pk), changed


_WAITING = Kept(
    lambda **span: (
        _within(**span)
        .filter(status__in=[RowStatus.PROPOSED, RowStatus.REFUSED])
        .order_by("customer_id")
        .values_list(*Row._fields)
    )
)
_APPLIED = KeptChange(
    lambda **span: (
        _within(**span).filter(status=RowStatus.PROPOSED),
        {"status": RowStatus.APPLIED, "words": ""},
    )
)
_DONE = KeptChange(_done)
_HOLDING = Kept(
    lambda *, day, **part: (
        Override.objects.holding_since(day)
        .filter(among("customer_id", **part))
        .values_list("customer_id", "tier_id")
    )
)
