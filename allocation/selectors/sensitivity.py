"""Sensitivities as pages and the command show them: the list, one of them, its answer, which versions can be asked about."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db.models import Case, QuerySet, When

from allocation.models import Sensitivity, TieringModel
from allocation.selectors.knob_words import (
    EFFECTIVE,
    SUGGESTED,
    Change,
    KnobLine,
    knob_lines,
)

VERSIONS_OFFERED = 100


def sensitivities(*, user: Any) -> QuerySet[Sensitivity]:
    """Newest first; without the answers, which a list has no use for."""
    rows = Sensitivity.objects.visible_to(user).defer("result")
    return rows.select_related("tiering_model", "requested_by", "cancel_asked_by").order_by("-pk")


def sensitivity_of(*, user: Any, pk: int) -> Sensitivity | None:
    """One that the person may see, with its answer."""
    rows = Sensitivity.objects.visible_to(user)
    return rows.select_related("tiering_model", "requested_by", "cancel_asked_by").filter(pk=pk).first()


def versions_to_ask() -> list[TieringModel]:
    """The published version first, then drafts and versions of the past, the newest first; so many as a list can hold."""
    states = TieringModel.Status
    place = Case(When(status=states.PUBLISHED, then=0), When(status=states.DRAFT, then=1), default=2)
    return list(TieringModel.objects.defer("definition").order_by(place, "-number")[:VERSIONS_OFFERED])


def is_of_another_draft(*, this: Sensitivity) -> bool:
    """Somebody saved the draft since: the numbers may be others by now."""
    return bool(this.result) and this.result.get("digest") != this.tiering_model.digest


def guards_hold_all(*, result: Mapping[str, Any]) -> bool:
    """No change moves anybody now, but some would once guards have run out."""
    now = knob_lines(result=result, counted=EFFECTIVE)
    later = knob_lines(result=result, counted=SUGGESTED)
    return all(line.telling is None for line in now) and any(line.telling for line in later)


def sensitivity_answer(*, this: Sensitivity) -> dict[str, Any]:
    """What the `sensitivity` command prints. Amounts in the base currency."""
    result = this.result
    now = knob_lines(result=result, counted=EFFECTIVE)
    later = {line.place: line for line in knob_lines(result=result, counted=SUGGESTED)}
    return {
        "sensitivity": this.pk,
        "model_version": this.tiering_model.number,
        "as_of": this.as_of,
        "status": this.status,
        "message": this.message,
        "customers": result.get("customers", 0),
        "currency": result.get("currency", ""),
        "knobs": [_knob_answer(line, later.get(line.place)) for line in now],
    }


def _knob_answer(now: KnobLine, later: KnobLine | None) -> dict[str, Any]:
    turns = _turns(now)
    return {
        "kind": now.kind,
        "name": now.name,
        "place": list(now.place),
        "value": now.value,
        "step": now.step,
        "moves": {words: change.customers for words, change in turns.items()},
        "suggested": {words: change.customers for words, change in _turns(later).items()},
        "up": {words: change.up for words, change in turns.items()},
        "down": {words: change.down for words, change in turns.items()},
        "first_at": _ends(now.first),
        "one_pct_at": _ends(now.share),
        "suggested_first_at": _ends(later.first if later else (None, None)),
        "suggested_one_pct_at": _ends(later.share if later else (None, None)),
        "arr_moved": {words: Decimal(change.arr_cents) / 100 for words, change in turns.items()},
    }


def _turns(line: KnobLine | None) -> dict[str, Change]:
    """The changes by their words, from the largest down to the largest up; "−1 %" is written "-1 %"."""
    ordered = () if line is None else (*reversed(line.downs), *line.ups)
    return {_plain(change.words): change for change in ordered if change is not None}


def _plain(words: str) -> str:
    return words.replace("−", "-").replace("\u00a0", " ")


def _ends(ends: tuple[Change | None, Change | None]) -> dict[str, Decimal | None]:
    """The number at which so many move, turned down and up; null: nobody as far as was looked."""
    down, up = ends
    return {"down": down.value if down else None, "up": up.value if up else None}
