"""Which decision each customer stands on: written where a run found something new, given back when it is undone.

The law: a customer stands on the last applied run that decided it, as if those undone since had never been. Its row is written when
that run moved it, or found another outcome or other facts than those it stood on; a full run that found everything the same only
confirms it, and its chunk says so (allocation.snapshots.standings). A goals run writes everybody it decides: it looks only
at whom something changed of. A chunk keeps what it wrote over, so undoing it gives exactly that back. Runs, chunks and what
they keep are never deleted while somebody stands on them: nothing in the house deletes the chunks of a run that was applied.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from accounts.bulk_rows import insert_rows
from accounts.kept_statements import Kept
from allocation.engine.facts.attributes import Kind
from allocation.engine.facts.tiering import ChoiceColumn, Flags, Integers, NumberColumn
from allocation.engine.kept import CUSTOMER, Outcomes, column_of, said_of, score_of
from allocation.engine.outcome_digests import outcome_digests
from allocation.engine.packing import Pack, pack, unpack
from allocation.models import Source, TierHolding, TierStanding
from allocation.services.retiering.walking import among, in_parts, parts
from allocation.snapshots.arrays import ArrayQuery, Whole, array_query
from allocation.snapshots.customer_rows import ENDS

FIELDS = ("run", "segment", "score", "decided_by", "lifecycle", "goals", "digest")
SETTERS, WRITTEN, UNDIGESTED = "setters", "written", "undigested"

Standing: TypeAlias = tuple[Any, ...]  # run, …: the values of FIELDS


def stand_on(*, run_id: int, outcomes: Outcomes) -> None:
    """These customers stand on this run from now on; one statement for all of them."""
    columns = {
        "customer_id": outcomes.keys.tolist(),
        "segment": _said(outcomes.segment),
        "score": [score_of(outcomes.score, at) for at in range(len(outcomes.keys))],
        "decided_by": _said(outcomes.decided_by),
        "lifecycle": outcomes.digests["lifecycle"].tolist(),
        "goals": outcomes.digests["goals"].tolist(),
        "digest": outcome_digests(outcomes).tolist(),
    }
    insert_rows(TierStanding, columns, alike={"run_id": run_id}, over="customer_id")


def _said(column: ChoiceColumn) -> list[str]:
    words = (*column.vocabulary, "")
    return [words[code] for code in column.codes.tolist()]  # -1 reaches the last one


def write_standings(*, rows: Mapping[int, Standing]) -> None:
    """These customers (rising keys) stand on that from now on; one statement for all of them."""
    if rows:
        columns = dict(zip(("run_id", *FIELDS[1:]), zip(*rows.values(), strict=True), strict=True))
        insert_rows(TierStanding, {"customer_id": list(rows), **columns}, over="customer_id")


@dataclass(frozen=True, slots=True)
class Seen:
    """Who stands on anything, with the digest of it: MISSING where an earlier version kept none. Keys rise."""

    keys: Integers
    digests: Integers

    def same(self, *, keys: Integers, digests: Integers) -> Flags:
        """Of these customers, who stands on just that."""
        if not len(self.keys):
            return np.zeros(len(keys), dtype=np.bool_)
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.asarray((self.keys[at] == keys) & (self.digests[at] == digests), dtype=np.bool_)


def standings_seen(*, first: int, last: int) -> Seen:
    """Of customers from the first key to the last: one statement, two numbers each."""
    found = _of_a_span().read({ENDS.first: first, ENDS.last: last})
    keys, digests = found["customer_id"], found["digest"]
    if not (isinstance(keys, Whole) and isinstance(digests, Whole)):
        raise TypeError("a standing has no whole numbers")
    return Seen(keys.values, digests.values)


@cache
def _of_a_span() -> ArrayQuery:
    rows = TierStanding.objects.filter(customer_id__gte=ENDS.first, customer_id__lte=ENDS.last)
    return array_query(rows=rows.order_by("customer_id"), fields=("customer_id", "digest"))


def _whole(values: Iterable[int]) -> Integers:
    return np.fromiter(values, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class StoodOn:
    """What applying a chunk wrote over. written: whose standing; None: that of everybody in the chunk (an earlier version).

    before: what each of them stood on, who stood on nothing left out. setters: whose tier no run had set before it was
    changed, and what kind of decision had, which an undo gives back.
    """

    written: Integers | None
    before: Mapping[int, Standing]
    setters: Mapping[int, str]


def stood_on_before(*, written: Integers, setters: Mapping[int, str]) -> StoodOn:
    """What these customers (rising keys) stand on now."""
    wanted = set(written.tolist())
    before = {
        key: tuple(found)
        for part in parts(written)
        for key, *found in _STANDINGS.rows(**part)
        if key in wanted
    }
    return StoodOn(written, before, setters)


_STANDINGS = Kept(
    lambda **part: (
        TierStanding.objects.filter(among("customer_id", **part))
        .order_by("customer_id")
        .values_list("customer_id", "run_id", *FIELDS[1:])
    )
)


def set_otherwise(*, customer_ids: Integers) -> dict[int, str]:
    """Who of these (rising keys) holds a tier that no run had set, and what kind of decision had; in the order of keys."""
    found: dict[int, str] = {}
    wanted = set(customer_ids.tolist())
    for part in parts(customer_ids):
        for key, source, gives_back in _SET_OTHERWISE.rows(**part):
            if key in wanted:
                found[key] = gives_back or source
    return found


_SET_OTHERWISE = Kept(
    lambda **part: (
        TierHolding.objects.current()
        .filter(among("customer_id", **part))
        .exclude(source=Source.RUN)
        .order_by("customer_id")
        .values_list("customer_id", "source", "gives_back")
    )
)


def packed_stood_on(stood: StoodOn) -> bytes:
    """The bytes of it, which `unpacked_stood_on` reads."""
    rows = list(stood.before.values())
    whole = {name: _whole(row[at] for row in rows) for at, name in enumerate(FIELDS) if name in _NUMBERS}
    undigested = [key for key, row in stood.before.items() if row[-1] is None]
    scores = [None if row[2] is None else float(row[2]) for row in rows]
    return pack(
        columns={
            "segment": column_of(Kind.CHOICE, [row[1] for row in rows]),
            "score": column_of(Kind.NUMBER, scores),
            "decided_by": column_of(Kind.CHOICE, [row[3] for row in rows]),
            SETTERS: column_of(Kind.CHOICE, list(stood.setters.values())),
        },
        integers={
            CUSTOMER: _whole(stood.before),
            **whole,
            "digest": _whole(row[-1] or 0 for row in rows),
            UNDIGESTED: _whole(undigested),
            SETTERS: _whole(stood.setters),
            **({} if stood.written is None else {WRITTEN: stood.written}),
        },
    )


_NUMBERS = ("run", "lifecycle", "goals")


def unpacked_stood_on(data: bytes | memoryview) -> StoodOn:
    """What was packed, by this version or an earlier one, which knew no digests and wrote everybody."""
    kept = unpack(data)
    segment, decided_by, score = (kept.columns[name] for name in ("segment", "decided_by", "score"))
    if not (
        isinstance(segment, ChoiceColumn)
        and isinstance(decided_by, ChoiceColumn)
        and isinstance(score, NumberColumn)
    ):
        raise TypeError("no standings were packed")
    keys = kept.integers[CUSTOMER].tolist()
    runs, lifecycles, goals = (kept.integers[name].tolist() for name in _NUMBERS)
    digests: Sequence[int] = kept.integers.get("digest", _whole(())).tolist()
    unknown = set(kept.integers[UNDIGESTED].tolist() if UNDIGESTED in kept.integers else keys)
    before = {
        key: (
            runs[at],
            said_of(segment, at) or "",
            score_of(score.values, at),
            said_of(decided_by, at) or "",
            lifecycles[at],
            goals[at],
            None if key in unknown else digests[at],
        )
        for at, key in enumerate(keys)
    }
    return StoodOn(kept.integers.get(WRITTEN), before, _setters(kept))


def _setters(kept: Pack) -> dict[int, str]:
    kinds = kept.columns.get(SETTERS)
    if not isinstance(kinds, ChoiceColumn):
        return {}
    return {key: said_of(kinds, at) or Source.RUN for at, key in enumerate(kept.integers[SETTERS].tolist())}


def standing_on_run(*, run_id: int, customer_ids: Integers) -> set[int]:
    """Whose row (rising keys; perhaps of others between them) says this run."""
    found: set[int] = set()
    for part in in_parts("customer_id", customer_ids):
        rows = TierStanding.objects.filter(part, run_id=run_id)
        found.update(rows.values_list("customer_id", flat=True))
    return found


def give_back(*, customer_ids: Collection[int], stood: StoodOn) -> None:
    """These customers stand again on what they stood on before; who stood on nothing does so again."""
    back = sorted(customer_ids)
    write_standings(rows={key: stood.before[key] for key in back if key in stood.before})
    nothing = np.array([key for key in back if key not in stood.before], dtype=np.int64)
    for part in in_parts("customer_id", nothing, exactly=True):
        TierStanding.objects.filter(part).delete()
