"""How the numbers of a model are turned: in what steps, counted in what, and how far."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import numpy as np

from allocation.engine.facts.attributes import Attribute, Unit
from allocation.engine.facts.knobs import Knob, KnobKind, Measure
from allocation.engine.facts.tiering import CustomerColumns, NumberColumn

MOST_DAYS = 3660
HUNDREDTH, ONE = Decimal("0.01"), Decimal(1)
LEAST_COUNT = 20  # how far a small count is looked at
NO_LIMIT = Decimal("1e15")
# The small, the middle and the large change.
_SIZES_OF: Mapping[Measure, tuple[int, int, int]] = {
    Measure.PER_CENT: (1, 5, 10),
    Measure.POINTS: (1, 2, 5),
    Measure.DAYS: (7, 30, 90),
    Measure.COUNT: (1, 2, 5),
}


def knob_of(
    kind: KnobKind,
    place: tuple[str | int, ...],
    name: str,
    *,
    owner: str,
    value: Decimal,
    step: Decimal,
    low: Decimal,
    high: Decimal,
    measure: Measure,
    base: Decimal,
    attribute: str = "",
) -> Knob:
    """low, high: the outermost numbers, both allowed. base: what a change of 100 % is."""
    of_base = base / 100 if measure is Measure.PER_CENT else ONE
    sizes = [max(1, round(size * of_base / step)) for size in _SIZES_OF[measure]]
    return Knob(
        kind=kind,
        place=place,
        name=name,
        owner=owner,
        attribute=attribute,
        value=value,
        step=step,
        least=min(0, int(((low - value) / step).to_integral_value(ROUND_CEILING))),
        most=max(0, int(((high - value) / step).to_integral_value(ROUND_FLOOR))),
        measure=measure,
        sizes=(sizes[0], sizes[1], sizes[2]),
    )


@dataclass(frozen=True, slots=True)
class KnobSize:
    """How the numbers of an attribute are turned: in what steps, counted in what, and how far."""

    attribute: Attribute
    step: Decimal
    measure: Measure
    base: Decimal

    @classmethod
    def of(
        cls, attribute: Attribute, value: Decimal, facts: CustomerColumns, *, else_base: Decimal
    ) -> "KnobSize":
        base = abs(value) or _usual(attribute, facts) or else_base
        if attribute.unit is Unit.POINTS:
            return cls(attribute, HUNDREDTH, Measure.POINTS, base)
        if attribute.unit is Unit.DAYS:
            return cls(attribute, ONE, Measure.DAYS, base)
        if attribute.unit is Unit.MONEY:
            return cls(attribute, ONE if base >= 100 else HUNDREDTH, Measure.PER_CENT, base)
        if attribute.whole:
            measure = Measure.COUNT if base < 100 else Measure.PER_CENT
            return cls(attribute, ONE, measure, base)
        return cls(attribute, Decimal(10) ** (base.adjusted() - 4), Measure.PER_CENT, base)

    def range(self, value: Decimal) -> tuple[Decimal, Decimal]:
        """The outermost numbers that are looked at."""
        far = {
            Measure.POINTS: Decimal(100),
            Measure.DAYS: Decimal(MOST_DAYS),
            Measure.PER_CENT: self.base,
            Measure.COUNT: max(self.base, Decimal(LEAST_COUNT)),
        }[self.measure]
        low, high = self.attribute.low, self.attribute.high
        least = -NO_LIMIT if low is None else exact(low) + (self.step if self.attribute.open_low else 0)
        most = NO_LIMIT if high is None else exact(high) - (self.step if self.attribute.open_high else 0)
        return max(value - far, least), min(value + far, most)

    def knob(
        self,
        kind: KnobKind,
        place: tuple[str | int, ...],
        name: str,
        owner: str,
        value: Decimal,
        low: Decimal,
        high: Decimal,
    ) -> Knob:
        return knob_of(
            kind,
            place,
            name,
            owner=owner,
            attribute=self.attribute.name,
            value=value,
            step=self.step,
            low=low,
            high=high,
            measure=self.measure,
            base=self.base,
        )


def _usual(attribute: Attribute, facts: CustomerColumns) -> Decimal:
    """The median size of an attribute among active customers; 0 where nobody has any."""
    column = facts.columns.get(attribute.name)
    if not isinstance(column, NumberColumn):
        return Decimal(0)
    sizes = np.abs(column.values[facts.active & ~np.isnan(column.values) & (column.values != 0)])
    return exact(float(np.median(sizes))) if len(sizes) else Decimal(0)


def exact(value: float) -> Decimal:
    """A number as it was written, not as it is stored in two's powers."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
