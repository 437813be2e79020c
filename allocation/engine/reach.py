"""Which rules of an ordered list nobody can reach, because earlier ones take everyone they would take.

A rule is written as alternatives, each a region per attribute. It cannot be reached when each of its alternatives lies
within those of earlier rules: within one of them, or within several that differ from it in one attribute only. What this
does not find is not claimed; what it claims is certain.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from allocation.engine.facts.attributes import TOUCH_LEVELS, Attribute, Kind
from allocation.engine.facts.rules import Clause, Condition, Group, conditions_in
from allocation.engine.regions import Numbers, Region, Words, between, joined, meet, numbers, within

MOST_ALTERNATIVES = 64  # of one rule; beyond, nothing is claimed about it or by it
MOST_STEPS = 1_000_000  # of comparing regions, in one list of rules: enough for some five hundred plain ones
YES, NO = "yes", "no"

# By attribute; of a set by attribute and member ("has it" or not). What is not there may have any value.
Key: TypeAlias = tuple[str, str]
Alternative: TypeAlias = Mapping[Key, Region]
# What an earlier alternative has of a later one: all of it (None), or its region along the one attribute they differ in.
_Shares: TypeAlias = Sequence[tuple[Key, Region] | None]


@dataclass(frozen=True, slots=True)
class Possible:
    """What can occur at all: the segments and touch levels that some rule gives, in small letters."""

    segments: frozenset[str] = frozenset()
    touch: frozenset[str] = frozenset()

    def values(self, attribute: Attribute) -> Region:
        if attribute.kind in {Kind.NUMBER, Kind.DATE}:
            return between(attribute.low, attribute.high)
        if attribute.kind is Kind.FLAG:
            return Words(frozenset({YES, NO}), missing=True)
        known = {
            "segment": Words(self.segments),  # nobody is without one
            "touch": Words(self.touch),
            "goals_ask_for": Words(frozenset(TOUCH_LEVELS), missing=True),
        }
        return known.get(attribute.name, Words(inverted=True, missing=True))


@dataclass(frozen=True, slots=True)
class Look:
    """gone: position of each rule nobody can reach → the earlier rules that take its customers; none if it can never hold.

    looked_at: so many rules from the first on; of those after them nothing is claimed.
    """

    gone: Mapping[int, tuple[int, ...]]
    looked_at: int


def unreachable(groups: Sequence[Group], possible: Possible) -> Look:
    """Which of these rules nobody can reach.

    Every rule is compared with all earlier ones, which takes the square of their number. So the comparisons are
    counted (not timed: the same model always gets the same answer), and beyond ``MOST_STEPS`` nothing is claimed.
    """
    reach = _Reach(_everything(groups, possible))
    earlier: dict[int, Sequence[Alternative]] = {}
    found: dict[int, tuple[int, ...]] = {}
    for place, group in enumerate(groups):
        own = alternatives(group, possible)
        if own is None:
            continue
        try:
            taken_by = reach.taken_by(own, earlier)
        except _TooManySteps:
            return Look(found, place)
        if taken_by is None:
            earlier[place] = own
        else:
            found[place] = taken_by
    return Look(found, len(groups))


def _everything(groups: Sequence[Group], possible: Possible) -> dict[Key, Region]:
    """What each attribute that the rules read can be at all."""
    found: dict[Key, Region] = {}
    for condition in (condition for group in groups for condition in conditions_in(group)):
        name = condition.attribute.name
        if condition.attribute.kind is Kind.SET:
            found.update({(name, word): Words(frozenset({YES, NO})) for word in _words(condition)})
        else:
            found[(name, "")] = possible.values(condition.attribute)
    return found


class _TooManySteps(Exception):
    """More would have to be compared than is sensible."""


@dataclass(slots=True)
class _Reach:
    """everything: what is possible for an attribute that an alternative does not speak of. steps: taken so far."""

    everything: Mapping[Key, Region]
    steps: int = 0

    def taken_by(
        self, own: Sequence[Alternative], earlier: Mapping[int, Sequence[Alternative]]
    ) -> tuple[int, ...] | None:
        """The earlier rules that take all of it, as few as will do, the first ones first; None if they do not."""
        shares = [self._shares(each, earlier) for each in own]
        kept = sorted({at for share in shares for at in share})
        if not self._covered(own, shares, frozenset(kept)):
            return None
        for at in reversed(kept):
            fewer = frozenset(kept) - {at}
            if self._covered(own, shares, fewer):
                kept = sorted(fewer)
        return tuple(kept)

    def _shares(
        self, alternative: Alternative, earlier: Mapping[int, Sequence[Alternative]]
    ) -> Mapping[int, _Shares]:
        """By rule what it has of ``alternative``; rules that differ from it in more than one attribute have nothing."""
        found: dict[int, list[tuple[Key, Region] | None]] = {}
        for at, others in earlier.items():
            for other in others:
                beyond = self._beyond(alternative, other)
                if len(beyond) < 2:
                    share = (beyond[0], other[beyond[0]]) if beyond else None
                    found.setdefault(at, []).append(share)
        return found

    def _beyond(self, alternative: Alternative, other: Alternative) -> list[Key]:
        """The attributes in which ``alternative`` lets through what ``other`` does not; two are enough."""
        found: list[Key] = []
        for key, region in other.items():
            own = self._own(alternative, key)
            self._step(own.size + region.size)
            if not within(own, region):
                found.append(key)
                if len(found) > 1:
                    break
        return found

    def _covered(
        self, own: Sequence[Alternative], shares: Sequence[Mapping[int, _Shares]], using: frozenset[int]
    ) -> bool:
        return all(
            self._takes(each, [part for at, parts in share.items() if at in using for part in parts])
            for each, share in zip(own, shares, strict=True)
        )

    def _takes(self, alternative: Alternative, shares: _Shares) -> bool:
        """Within one of them, or within several of them put together along one attribute."""
        self._step(1 + len(shares))
        along: dict[Key, list[Region]] = {}
        for share in shares:
            if share is None:
                return True
            along.setdefault(share[0], []).append(share[1])
            self._step(share[1].size)
        return any(within(self._own(alternative, key), joined(regions)) for key, regions in along.items())

    def _step(self, count: int) -> None:
        self.steps += count
        if self.steps > MOST_STEPS:
            raise _TooManySteps

    def _own(self, alternative: Alternative, key: Key) -> Region:
        return alternative.get(key, self.everything[key])


def alternatives(clause: Clause, possible: Possible) -> list[Alternative] | None:
    """The clause as alternatives, those that can never hold left out; None if there are too many."""
    if isinstance(clause, Condition):
        return [each for each in _of_condition(clause, possible) if not _is_empty(each)]
    parts = [alternatives(part, possible) for part in clause.parts]
    if clause.any_of:
        return _either(parts)
    found: list[Alternative] | None = [{}]
    for part in parts:
        found = _both(found, part)
    return found


def _either(parts: Sequence[list[Alternative] | None]) -> list[Alternative] | None:
    found: list[Alternative] = []
    for part in parts:
        if part is None or len(found) + len(part) > MOST_ALTERNATIVES:
            return None
        found += part
    return found


def _both(
    first: Sequence[Alternative] | None, second: Sequence[Alternative] | None
) -> list[Alternative] | None:
    if first is None or second is None or len(first) * len(second) > MOST_ALTERNATIVES:
        return None
    found = [_met(one, other) for one in first for other in second]
    return [each for each in found if not _is_empty(each)]


def _met(one: Alternative, other: Alternative) -> Alternative:
    shared = {key: meet(region, other[key]) for key, region in one.items() if key in other}
    return {**one, **other, **shared}


def _is_empty(alternative: Alternative) -> bool:
    return any(region.is_empty for region in alternative.values())


def _of_condition(condition: Condition, possible: Possible) -> list[Alternative]:
    attribute = condition.attribute
    if attribute.kind is Kind.SET:
        return _of_set(condition)
    region = meet(possible.values(attribute), _region(condition))
    return [{(attribute.name, ""): region}]


def _of_set(condition: Condition) -> list[Alternative]:
    """Membership of each word is an attribute of its own; "has any of" is one alternative a word."""
    name, words = condition.attribute.name, _words(condition)
    has, lacks = Words(frozenset({YES})), Words(frozenset({NO}))
    if condition.op == "any_of":
        return [{(name, word): has} for word in sorted(words)]
    inside = has if condition.op == "all_of" else lacks
    return [{(name, word): inside for word in sorted(words)}]


def _region(condition: Condition) -> Region:
    attribute, op, value = condition.attribute, condition.op, condition.value
    is_number = attribute.kind in {Kind.NUMBER, Kind.DATE}
    if op == "missing":
        return Numbers((), missing=True) if is_number else Words(missing=True)
    if op == "known":
        every = between(None, None)
        return Numbers(every.spans) if is_number else Words(inverted=True)
    if attribute.kind is Kind.FLAG:
        return Words(frozenset({YES if value else NO}))
    if isinstance(value, tuple):
        return Words(frozenset(_words(condition)), inverted=op == "not_in")
    return numbers(op, float(value))


def _words(condition: Condition) -> Collection[str]:
    """In small letters: words are compared in any case."""
    if not isinstance(condition.value, tuple):
        raise TypeError(f"{condition.attribute.name} needs words")
    return {word.casefold() for word in condition.value}
