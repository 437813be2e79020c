"""Which decision each customer stands on: written when a run is applied, given back when it is undone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from django.db import connection

from allocation.engine.facts.attributes import Kind
from allocation.engine.facts.tiering import ChoiceColumn, Integers, NumberColumn
from allocation.engine.kept import CUSTOMER, Outcomes, column_of, said_of, score_of
from allocation.engine.packing import pack, unpack
from allocation.models import Source, TierHolding, TierStanding

FIELDS = ("run", "segment", "score", "decided_by", "lifecycle", "goals")
BATCH = 500
SETTERS = "setters"


def stand_on(*, run_id: int, outcomes: Outcomes) -> None:
    """These customers stand on this run from now on; one statement for all of them."""
    _write(
        [
            outcomes.keys.tolist(),
            [run_id] * len(outcomes.keys),
            _said(outcomes.segment),
            [score_of(outcomes.score, at) for at in range(len(outcomes.keys))],
            _said(outcomes.decided_by),
            outcomes.digests["lifecycle"].tolist(),
            outcomes.digests["goals"].tolist(),
        ]
    )


def _said(column: ChoiceColumn) -> list[str]:
    words = (*column.vocabulary, "")
    return [words[code] for code in column.codes.tolist()]  # -1 reaches the last one


def _write(columns: Sequence[list[Any]]) -> None:
    """Customers, then FIELDS, as columns: every customer of every run is written, which as objects took most of applying."""
    if not columns[0]:
        return
    meta, quoted = TierStanding._meta, connection.ops.quote_name
    by_name = {field.name: field for field in meta.concrete_fields}
    fields = [by_name[name] for name in ("customer", *FIELDS)]
    names = [quoted(str(field.column)) for field in fields]
    on_postgresql = connection.vendor == "postgresql"
    # Without lengths: a cast to one would cut what the column refuses.
    kinds = [str(field.db_type(connection)).partition("(")[0] for field in fields]
    given = (
        f"SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in kinds)})"  # noqa: S608 - types are the model's
        if on_postgresql
        else f"VALUES ({', '.join(['%s'] * len(names))})"
    )
    anew = ", ".join(f"{name} = EXCLUDED.{name}" for name in names[1:])
    statement = (
        f"INSERT INTO {quoted(meta.db_table)} ({', '.join(names)}) {given} "
        f"ON CONFLICT ({names[0]}) DO UPDATE SET {anew}"
    )
    with connection.cursor() as cursor:
        if on_postgresql:
            cursor.execute(statement, list(columns))
        else:
            cursor.executemany(statement, list(zip(*columns, strict=True)))


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
        (
            key,
            runs[at],
            said_of(segment, at) or "",
            score_of(score.values, at),
            said_of(decided_by, at) or "",
            lifecycles[at],
            goals[at],
        )
        for at, key in enumerate(kept.integers[CUSTOMER].tolist())
        if key in back
    ]
    if rows:
        _write([list(column) for column in zip(*rows, strict=True)])
    nothing = sorted(back - {row[0] for row in rows})
    for start in range(0, len(nothing), BATCH):
        TierStanding.objects.filter(customer_id__in=nothing[start : start + BATCH]).delete()
