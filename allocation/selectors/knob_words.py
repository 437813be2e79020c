"""A sensitivity in words: what a change of one number does, which numbers decide most, and which nobody is near of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from allocation.engine.explain import exact_in_words
from allocation.engine.facts.knobs import KnobKind, Measure
from allocation.selectors import wording

EFFECTIVE, SUGGESTED = "effective", "suggested"
TENTH = Decimal("0.1")
MOST = 3  # numbers named on top
FAR_NAMED = 4


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one number and whom it moves. size: small, middle, large, or "" for a smallest change."""

    size: str
    value: Decimal
    words: str
    customers: int
    up: int
    down: int
    arr_cents: int

    @property
    def short(self) -> str:
        """Without its unit, for a cell; per cent keeps its sign."""
        number, _, unit = self.words.partition(wording.SPACE)
        return self.words if unit == "%" else number

    @property
    def ways(self) -> str:
        """ "3 up, 1 down"; to or from no tier, or a retired one, is neither."""
        other = self.customers - self.up - self.down
        words = f"{wording.grouped(self.up)} up, {wording.grouped(self.down)} down"
        return f"{words}, {wording.grouped(other)} neither" if other else words


@dataclass(frozen=True, slots=True)
class KnobLine:
    """One number of a model. downs, ups: small, middle, large; None where it cannot be turned that way."""

    kind: str
    place: tuple[Any, ...]
    name: str
    value: Decimal
    step: Decimal
    measure: str
    downs: tuple[Change | None, ...]
    ups: tuple[Change | None, ...]
    first: tuple[Change | None, Change | None]
    share: tuple[Change | None, Change | None]
    looked_at: tuple[Decimal, Decimal]
    what_if: Mapping[str, str] | None

    def most(self, size: int) -> Change | None:
        """The way in which more customers move at this size (0 small, 1 middle, 2 large); down where both do as much."""
        both = [change for change in (self.downs[size], self.ups[size]) if change is not None]
        return max(both, key=lambda change: change.customers, default=None)

    def moved(self, size: int) -> int:
        most = self.most(size)
        return 0 if most is None else most.customers

    @property
    def weight(self) -> int:
        """What puts the numbers in order: who moves at the small, the middle and the large change, added up."""
        return sum(self.moved(size) for size in range(3))

    @property
    def telling(self) -> Change | None:
        """The smallest of the changes that moves anybody, that way in which more move; None: nobody is near."""
        return next((change for size in range(3) if (change := self.most(size)) and change.customers), None)


def change_in_words(*, measure: str, before: Decimal, after: Decimal) -> str:
    """ "−1 %", "+2 points", "−7 days", "+1": how far a number was turned."""
    apart = after - before
    sign = "−" if apart < 0 else "+"
    size = abs(apart)
    if measure == Measure.PER_CENT and before:
        share = (100 * size / abs(before)).quantize(TENTH, ROUND_HALF_EVEN)
        return f"{sign}{exact_in_words(share) if share else 'under 0.1'}{wording.SPACE}%"
    unit = {Measure.POINTS.value: "point", Measure.DAYS.value: "day"}.get(measure, "")
    if not unit:
        return f"{sign}{exact_in_words(size)}"
    return f"{sign}{exact_in_words(size)}{wording.SPACE}{unit if size == 1 else unit + 's'}"


def knob_lines(*, result: Mapping[str, Any], counted: str) -> tuple[KnobLine, ...]:
    """Every number as it was kept, with the customers that are ``counted``: in force, or suggested. By what moves most.

    Guards are left out where they have run out.
    """
    lines = [
        _line(knob, counted)
        for knob in result.get("knobs", [])
        if counted == EFFECTIVE or knob["kind"] != KnobKind.GUARD
    ]
    return tuple(sorted(lines, key=lambda line: (-line.weight, line.name)))


def _line(knob: Mapping[str, Any], counted: str) -> KnobLine:
    before = Decimal(knob["value"])

    def change(kept: Mapping[str, Any] | None) -> Change | None:
        if kept is None or Decimal(kept["value"]) == before:
            return None
        after = Decimal(kept["value"])
        words = change_in_words(measure=knob["measure"], before=before, after=after)
        return Change(kept.get("size", ""), after, words, **kept[counted])

    moves = [change(kept) for kept in knob["moves"]]
    ends = knob[counted]
    return KnobLine(
        kind=knob["kind"],
        place=tuple(knob["place"]),
        name=knob["name"],
        value=before,
        step=Decimal(knob["step"]),
        measure=knob["measure"],
        downs=(moves[2], moves[1], moves[0]),
        ups=(moves[3], moves[4], moves[5]),
        first=(change(ends["first"]["down"]), change(ends["first"]["up"])),
        share=(change(ends["share"]["down"]), change(ends["share"]["up"])),
        looked_at=(Decimal(knob["looked_at"]["down"]), Decimal(knob["looked_at"]["up"])),
        what_if=knob.get("what_if"),
    )


@dataclass(frozen=True, slots=True)
class Sentence:
    """ "Weight of Revenue, −1 % (3.96 instead of 4): " "23 customers" " worth 3.2 M USD move." """

    lead: str
    who: str
    rest: str
    line: KnobLine
    change: Change

    def __str__(self) -> str:
        return f"{self.lead}{self.who}{self.rest}"


def moves_in_words(*, line: KnobLine, change: Change, currency: str) -> Sentence:
    """What one change of one number does."""
    values = f"{exact_in_words(change.value)} instead of {exact_in_words(line.value)}"
    lead = f"{line.name}, {change.words} ({values}): "
    if not change.customers:
        return Sentence(lead, "nobody", " moves.", line, change)
    worth = wording.compact(wording.from_cents(change.arr_cents), currency)
    verb = "moves" if change.customers == 1 else "move"
    who = wording.counted(change.customers, "customer")
    return Sentence(lead, who, f" worth {worth} {verb}.", line, change)


def deciding(*, lines: Sequence[KnobLine], currency: str) -> tuple[Sentence, ...]:
    """A sentence for each of the numbers that decide most, three at most; none where nobody moves."""
    near = [(line, line.telling) for line in lines]
    return tuple(
        moves_in_words(line=line, change=change, currency=currency)
        for line, change in near[:MOST]
        if change is not None
    )


def far_words(*, lines: Sequence[KnobLine]) -> str:
    """Which numbers nobody is near of: none of the six changes moves anybody."""
    far = [line.name for line in lines if line.telling is None]
    if not far:
        return "Somebody is near every number of the model."
    if len(far) == len(lines):
        return "Nobody is near any number of the model."
    named, more = far[:FAR_NAMED], len(far) - FAR_NAMED
    rest = f"; and {wording.counted(more, 'other number')}" if more > 0 else ""
    return f"Nobody is near: {'; '.join(named)}{rest}."


def short_words(result: Mapping[str, Any]) -> str:
    """One sentence for a list: the number that decides most, in force or else by the rules alone."""
    turned = wording.counted(len(result["knobs"]), "number")
    for counted, after in ((EFFECTIVE, ""), (SUGGESTED, " Guards hold them all for now.")):
        found = deciding(lines=knob_lines(result=result, counted=counted), currency=result["currency"])
        if found:
            return f"{turned}. {found[0]}{after}"
    return f"{turned}. Nobody is near any of them."
