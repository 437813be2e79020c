"""Which decision each customer stands on: written when a run is applied, given back when it is undone."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from allocation.engine.facts.attributes import Kind
from allocation.engine.facts.tiering import ChoiceColumn, Integers, NumberColumn
from allocation.engine.kept import CUSTOMER, Outcomes, column_of, said_of, score_of
from allocation.engine.packing import pack, unpack
from allocation.models import Source, TierHolding, TierStanding

FIELDS = ("run", "segment", "score", "decided_by", "lifecycle", "goals")
BATCH = 500
SETTERS = "setters"


def stand_on(*, run_id: int, outcomes: Outcomes) -> None:
    """These customers stand on this run from now on; one statement for some hundred of them."""
    lifecycles, goals = outcomes.digests["lifecycle"], outcomes.digests["goals"]
    _write(
        [
            TierStanding(
                customer_id=int(key),
                run_id=run_id,
                segment=said_of(outcomes.segment, at) or "",
                score=score_of(outcomes.score, at),
                decided_by=said_of(outcomes.decided_by, at) or "",
                lifecycle=int(lifecycles[at]),
                goals=int(goals[at]),
            )
            for at, key in enumerate(outcomes.keys.tolist())
        ]
    )


def _write(rows: list[TierStanding]) -> None:
    TierStanding.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["customer"], update_fields=list(FIELDS), batch_size=BATCH
    )


def pack_standings(*, keys: Integers) -> bytes:
    """What these customers (rising keys) stand on now, as packed columns; who stands on nothing is left out.

    With what kind of decision had set the tier each holds, which an undo gives back.
    """
    wanted = set(keys.tolist())
    rows = TierStanding.objects.filter(customer_id__gte=int(keys[0]), customer_id__lte=int(keys[-1]))
    found = [
        row
        for row in rows.order_by("customer_id").values_list("customer_id", "run_id", *FIELDS[1:])
        if row[0] in wanted
    ]
    whole = {
        name: np.array([row[at] for row in found], dtype=np.int64)
        for name, at in ((CUSTOMER, 0), ("run", 1), ("lifecycle", 5), ("goals", 6))
    }
    scores = [None if row[3] is None else float(row[3]) for row in found]
    setters = [(key, kind) for key, kind in _set_otherwise(keys) if key in wanted]
    whole[SETTERS] = np.array([key for key, _ in setters], dtype=np.int64)
    return pack(
        columns={
            "segment": column_of(Kind.CHOICE, [row[2] for row in found]),
            "score": column_of(Kind.NUMBER, scores),
            "decided_by": column_of(Kind.CHOICE, [row[4] for row in found]),
            SETTERS: column_of(Kind.CHOICE, [kind for _, kind in setters]),
        },
        integers=whole,
    )


def _set_otherwise(keys: Integers) -> list[tuple[int, str]]:
    """Who holds a tier that no run had set, and what kind of decision had; rising keys."""
    rows = TierHolding.objects.current().filter(customer_id__gte=int(keys[0]), customer_id__lte=int(keys[-1]))
    found = rows.exclude(source=Source.RUN).order_by("customer_id")
    return [
        (key, gives_back or source)
        for key, source, gives_back in found.values_list("customer_id", "source", "gives_back")
    ]


def setters_before(*, stood_on: bytes | memoryview | None) -> dict[int, str]:
    """What kind of decision had set the tiers that customers held before; a run, if it does not name them."""
    kept = unpack(stood_on) if stood_on is not None else None
    kinds = kept.columns.get(SETTERS) if kept is not None else None
    if kept is None or not isinstance(kinds, ChoiceColumn):
        return {}
    keys = kept.integers[SETTERS].tolist()
    return {key: said_of(kinds, at) or Source.RUN for at, key in enumerate(keys)}


def give_back(
    *,
    run_id: int,
    keys: Integers,
    stood_on: bytes | memoryview,
    restored: Collection[int] = (),
    but: Collection[int] = (),
) -> None:
    """These customers stand again on what they stood on before `run_id`, unless another run was applied since.

    Who has the tier back (``restored``) does so even if a later run confirmed the other; those in ``but`` never do.
    """
    left_out = set(but)
    here = TierStanding.objects.filter(
        run_id=run_id, customer_id__gte=int(keys[0]), customer_id__lte=int(keys[-1])
    )
    back = {key for key in here.values_list("customer_id", flat=True) if key not in left_out} | set(restored)
    kept = unpack(stood_on)
    segment, decided_by, score = (kept.columns[name] for name in ("segment", "decided_by", "score"))
    if not (
        isinstance(segment, ChoiceColumn)
        and isinstance(decided_by, ChoiceColumn)
        and isinstance(score, NumberColumn)
    ):
        raise TypeError("no standings were packed")
    runs, lifecycles, goals = (kept.integers[name].tolist() for name in ("run", "lifecycle", "goals"))
    rows = [
        TierStanding(
            customer_id=key,
            run_id=runs[at],
            segment=said_of(segment, at) or "",
            score=score_of(score.values, at),
            decided_by=said_of(decided_by, at) or "",
            lifecycle=lifecycles[at],
            goals=goals[at],
        )
        for at, key in enumerate(kept.integers[CUSTOMER].tolist())
        if key in back
    ]
    _write(rows)
    nothing = sorted(back - {row.customer_id for row in rows})
    for start in range(0, len(nothing), BATCH):
        TierStanding.objects.filter(customer_id__in=nothing[start : start + BATCH]).delete()
