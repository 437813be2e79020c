"""The knobs of a tiering model: every number in it that somebody chose. Source: docs/engine/sensitivity.md.

A knob is turned in whole steps, so that the same number is never tried as two.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

SIZES = ("small", "middle", "large")


class KnobKind(StrEnum):
    WEIGHT = "weight"
    BOUND = "bound"
    SCALE = "scale"
    GUARD = "guard"


class Measure(StrEnum):
    """What a change is counted in."""

    PER_CENT = "per cent"
    POINTS = "points"
    DAYS = "days"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Knob:
    """One number of a model.

    place: where it stands, ("criteria", 2, "weight") or ("tiers", 0, "when", 1): the second number of the first tier rule.
    owner: whose number it is: a criterion's, segment's or tier's name. least, most: how far it can be turned, in steps
    from the value there is. sizes: the small, middle and large change, in steps.
    """

    kind: KnobKind
    place: tuple[str | int, ...]
    name: str
    owner: str
    attribute: str
    value: Decimal
    step: Decimal
    least: int
    most: int
    measure: Measure
    sizes: tuple[int, int, int]

    def at(self, steps: int) -> Decimal:
        """The number when turned by so many steps."""
        return self.value + steps * self.step

    def probes(self) -> tuple[int, ...]:
        """The six changes, in steps: large down … small down, small up … large up, cut where the knob ends."""
        downs = [max(-size, self.least) for size in reversed(self.sizes)]
        return (*downs, *(min(size, self.most) for size in self.sizes))
