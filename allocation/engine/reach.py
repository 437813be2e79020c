"""Which rules of an ordered list nobody can reach, because earlier ones take everyone they would take.

A rule is written as alternatives, each a region per attribute. It cannot be reached when each of its alternatives lies
within those of earlier rules: within one of them, or within several that differ from it in one attribute only. What this
does not find is not claimed; what it claims is certain.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from allocation.engine.facts.attributes import TOUCH_LEVELS, Attribute, Kind
from allocation.engine.facts.rules import Clause, Condition, Group, conditions_in
from allocation.engine.regions import Numbers, Region, Words, between, join, meet, numbers, within

MOST_ALTERNATIVES = 64  # of one rule; beyond, nothing is claimed about it or by it
YES, NO = "yes", "no"

# By attribute; of a set by attribute and member ("has it" or not). What is not there may have any value.
Key: TypeAlias = tuple[str, str]
Alternative: TypeAlias = Mapping[Key, Region]


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


def unreachable(groups: Sequence[Group], possible: Possible) -> dict[int, tuple[int, ...]]:
    """Position of each rule nobody can reach → the earlier rules that take its customers; none if it can never hold."""
    reach = _Reach(_everything(groups, possible))
    written = [alternatives(group, possible) for group in groups]
    found: dict[int, tuple[int, ...]] = {}
    for place, own in enumerate(written):
        earlier = {at: taken for at in range(place) if (taken := written[at]) and at not in found}
        if own is not None and reach.covers(own, earlier, earlier):
            found[place] = reach.needed(own, earlier)
    return found


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


@dataclass(frozen=True, slots=True)
class _Reach:
    """everything: what is possible for an attribute that an alternative does not speak of."""

    everything: Mapping[Key, Region]

    def needed(
        self, own: Sequence[Alternative], earlier: Mapping[int, Sequence[Alternative]]
    ) -> tuple[int, ...]:
        """As few of the earlier rules as still take all of it, the first ones first."""
        kept = list(earlier)
        for at in sorted(earlier, reverse=True):
            fewer = [each for each in kept if each != at]
            if self.covers(own, earlier, fewer):
                kept = fewer
        return tuple(kept)

    def covers(
        self, own: Sequence[Alternative], earlier: Mapping[int, Sequence[Alternative]], using: Iterable[int]
    ) -> bool:
        others = [each for at in using for each in earlier[at]]
        return all(self._takes(others, each) for each in own)

    def _takes(self, others: Sequence[Alternative], alternative: Alternative) -> bool:
        """Within one of the others, or within several of them put together along one attribute."""
        along: dict[Key, Region] = {}
        for other in others:
            beyond = self._beyond(alternative, other)
            if not beyond:
                return True
            if len(beyond) == 1:
                key = beyond[0]
                along[key] = join(along[key], other[key]) if key in along else other[key]
        return any(within(self._own(alternative, key), region) for key, region in along.items())

    def _beyond(self, alternative: Alternative, other: Alternative) -> list[Key]:
        """The attributes in which ``alternative`` lets through what ``other`` does not."""
        return [key for key, region in other.items() if not within(self._own(alternative, key), region)]

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
