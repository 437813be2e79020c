"""Who is where, and who goes from where to where: the figures of a scenario, by tier. Whole cents and minutes throughout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocation.engine.facts.tiering import Integers, TierFacts


@dataclass(frozen=True, slots=True)
class Flow:
    """Customers of one tier today that are in one tier then; "" is no tier. Those that stay are a flow as well."""

    before: str
    after: str
    customers: int
    arr_cents: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Spread:
    """customers and arr_cents by tier slug: of every tier in use, and of one that was retired while somebody holds it.

    moves: who holds a tier today and another one then; a first tier is no move. minutes: of everybody who is served.
    """

    customers: dict[str, int]
    arr_cents: dict[str, int]
    moves: int
    minutes: int
    flows: tuple[Flow, ...]


def spread(
    *,
    before: Integers,
    after: Integers,
    minutes: Integers,
    arr_cents: Integers,
    tiers: Sequence[TierFacts],
) -> Spread:
    """Figures of active customers: positions in the tiers today and then (-1 = none), and what each asks and brings."""
    size = len(tiers) + 1
    served = np.array([False, *(tier.touch_level != "self_service" for tier in tiers)], dtype=np.bool_)
    counted = np.where(served[after + 1], minutes, 0)
    pair = (before + 1) * size + after + 1
    people = np.bincount(pair, minlength=size * size).reshape(size, size)
    money, time = (_sums(pair, values, size) for values in (arr_cents, counted))
    names = ("", *(tier.slug for tier in tiers))
    there = people.sum(axis=0)
    shown = [at for at, tier in enumerate(tiers, start=1) if not tier.retired or there[at]]
    moved = people[1:].sum() - np.trace(people[1:, 1:])
    return Spread(
        customers={names[at]: int(there[at]) for at in shown},
        arr_cents={names[at]: int(money[:, at].sum()) for at in shown},
        moves=int(moved),
        minutes=int(counted.sum()),
        flows=tuple(
            Flow(
                before=names[source],
                after=names[target],
                customers=int(people[source, target]),
                arr_cents=int(money[source, target]),
                minutes=int(time[source, target]),
            )
            for source, target in zip(*np.nonzero(people), strict=True)
        ),
    )


def _sums(pair: Integers, values: Integers, size: int) -> Integers:
    """Exact, unlike a weighted count: amounts are whole cents."""
    found = np.zeros(size * size, dtype=np.int64)
    np.add.at(found, pair, values)
    return found.reshape(size, size)
