"""What the columns of the pyramid come to by tier, sheet by sheet, and how concentrated the revenue is over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from allocation.engine.concentration import Concentration, concentration
from allocation.selectors.book_sums import Nobodys
from allocation.selectors.pyramid_columns import Numbers, PyramidColumns, PyramidFacts
from allocation.snapshots.figures import UNKNOWN, CustomerFigures
from allocation.snapshots.figures_summed import Cells, added_up, cells
from allocation.snapshots.figures_worked import distinct


@dataclass(frozen=True, slots=True)
class LayerSums:
    """Of one tier, or of all: as `pyramid.Layer` has them."""

    customers: int
    cents: int
    minutes: int
    without_arr: int
    nobodys: Nobodys
    at_risk: int
    at_risk_cents: int
    low_health: int
    low_sentiment: int
    with_goal: int
    renewing: int
    renewing_cents: int
    known: int
    with_room: int
    room_cents: int
    speaking: int
    speaking_cents: int
    concentration: Concentration


@dataclass(frozen=True, slots=True)
class PyramidSums:
    """by_tier: by id, 0 without one, of the tiers that somebody has."""

    by_tier: Mapping[int, LayerSums]
    total: LayerSums


@dataclass(frozen=True, slots=True)
class PyramidPart:
    """Of one sheet: sums by tier, and what each customer brings."""

    sums: Cells
    tier: Numbers
    cents: Numbers


@dataclass(frozen=True, slots=True)
class PyramidOf:
    """What the pyramid of the present comes to."""

    facts: PyramidFacts

    def of(self, figures: CustomerFigures) -> PyramidPart:
        return part_of(self.facts.columns(figures))

    def together(self, parts: Sequence[PyramidPart]) -> PyramidSums:
        return sums_of(parts)


_AMOUNTS = 18  # beside the number of customers, in the order of `_layer`


def part_of(held: PyramidColumns) -> PyramidPart:
    """The sums of these customers."""
    at_risk, nobodys = held.at_risk, held.csm == 0
    renewing, known = at_risk & held.renews, held.room != UNKNOWN
    amounts = (
        *(held.cents, held.minutes, ~held.counts),
        *(nobodys, held.cents * nobodys, held.minutes * nobodys),
        *(at_risk, held.cents * at_risk, held.low_health, held.low_sentiment, held.has_goal),
        *(renewing, held.cents * renewing),
        *(known, held.room > 0, held.room * known),
        *(held.speaks, held.cents * held.speaks),
    )
    # A copy: the column is a view of everything that was read of the sheet, which would live as long as the answer.
    return PyramidPart(cells(held.tier, *amounts), held.tier.copy(), held.cents)


def sums_of(parts: Sequence[PyramidPart]) -> PyramidSums:
    """Of all of them."""
    tier, cents = (np.concatenate([np.zeros(0, dtype=np.int64), *each]) for each in ([part.tier for part in parts], [part.cents for part in parts]))  # fmt: skip
    sums = added_up([part.sums for part in parts], amounts=_AMOUNTS)
    return PyramidSums(
        by_tier={
            one: _layer([amounts[one] for amounts in sums], concentration(cents=cents[tier == one]))
            for one in distinct(tier)
        },
        total=_layer([sum(amounts) for amounts in sums], concentration(cents=cents)),
    )


def _layer(sums: Sequence[int], found: Concentration) -> LayerSums:
    customers, cents, minutes, without_arr, nobodys, nobodys_cents, nobodys_minutes, *rest = sums
    beside = Nobodys(nobodys, nobodys_cents, nobodys_minutes)
    return LayerSums(customers, cents, minutes, without_arr, beside, *rest, found)  # type: ignore[arg-type]


NOBODY = sums_of([]).total
