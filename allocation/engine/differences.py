"""What differs between two tiering models, in words: one sentence a difference, in the order of the parts."""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from allocation.engine.explain import in_words, level_in_words
from allocation.engine.facts.rules import Criterion, Group, GuardRules, TieringRules
from allocation.engine.facts.tiering import TierFacts
from allocation.engine.words import (
    change_limit_in_words,
    guards_in_words,
    missing_in_words,
    scale_in_words,
    weight_in_words,
)

Item = TypeVar("Item")


def differences(
    *, before: TieringRules, after: TieringRules, tiers: Sequence[TierFacts] = ()
) -> tuple[str, ...]:
    """Segments, goals, criteria, touch rules, tier rules, guards, change limit. Two equal models differ in nothing.

    tiers: give the names of tiers; without, their slugs are said. What the goal kinds ask for is no part of a model.
    """
    names = {tier.slug: tier.name for tier in tiers if tier.name}
    return (
        *_of_rules(
            [_Rule(f"Segment “{rule.name}”", rule.when) for rule in before.segments],
            [_Rule(f"Segment “{rule.name}”", rule.when) for rule in after.segments],
        ),
        *_of_goals(before.goal_order, after.goal_order),
        *_of_criteria(before.criteria, after.criteria),
        *_of_rules(
            [_Rule(f"The rule for {level_in_words(rule.level)}", rule.when) for rule in before.touch],
            [_Rule(f"The rule for {level_in_words(rule.level)}", rule.when) for rule in after.touch],
        ),
        *_of_rules(
            [_Rule(f"The rule for {names.get(rule.slug, rule.slug)}", rule.when) for rule in before.tiers],
            [_Rule(f"The rule for {names.get(rule.slug, rule.slug)}", rule.when) for rule in after.tiers],
        ),
        *_of_guards(before.guards, after.guards),
    )


@dataclass(frozen=True, slots=True)
class _Rule:
    """what: what it gives, as a sentence begins."""

    what: str
    when: Group

    def words(self) -> str:
        return in_words(self.when)


def _of_rules(before: Sequence[_Rule], after: Sequence[_Rule]) -> Iterator[str]:
    """Rules that give the same belong together: unchanged ones first, then in their order."""
    pairs = _paired(before, after, lambda rule: (rule.what, rule.when), lambda rule: rule.what)
    for here, rule in enumerate(after):
        if here not in pairs:
            yield f"{rule.what} is new at place {here + 1}: {rule.words()}."
        elif before[pairs[here]].when != rule.when:
            yield f"{rule.what} changed: {before[pairs[here]].words()} → {rule.words()}."
    yield from _of_places([rule.what for rule in after], pairs)
    for there, rule in enumerate(before):
        if there not in pairs.values():
            yield f"{rule.what} is gone: {rule.words()}."


def _of_places(names: Sequence[str], pairs: dict[int, int]) -> Iterator[str]:
    """Which of the rules that are in both have to move, so that the others can stay in their order."""
    staying = _longest_rising([(here, pairs[here]) for here in sorted(pairs)])
    for here in sorted(pairs.keys() - staying):
        yield f"{names[here]} moved from place {pairs[here] + 1} to place {here + 1}."


def _paired(
    before: Sequence[Item], after: Sequence[Item], *keys: Callable[[Item], Hashable]
) -> dict[int, int]:
    """Place in ``after`` → place in ``before`` of what belongs together by the first key that says so, each once."""
    pairs: dict[int, int] = {}
    for key in keys:
        free: dict[Hashable, list[int]] = {}
        for there, item in enumerate(before):
            if there not in pairs.values():
                free.setdefault(key(item), []).append(there)
        for here, item in enumerate(after):
            if here not in pairs and free.get(key(item)):
                pairs[here] = free[key(item)].pop(0)
    return pairs


def _longest_rising(places: Sequence[tuple[int, int]]) -> set[int]:
    """The first parts of the longest run whose second parts rise: patience sorting with links back."""
    ends: list[int] = []
    tops: list[int] = []
    back: dict[int, int | None] = {}
    for at, (_, there) in enumerate(places):
        pile = bisect_left(ends, there)
        back[at] = tops[pile - 1] if pile else None
        ends[pile : pile + 1], tops[pile : pile + 1] = [there], [at]
    found: set[int] = set()
    step = tops[-1] if tops else None
    while step is not None:
        found.add(places[step][0])
        step = back[step]
    return found


def _of_goals(before: tuple[str, ...], after: tuple[str, ...]) -> Iterator[str]:
    if before != after:
        yield f"The order of goals changed: {', '.join(before) or 'none'} → {', '.join(after) or 'none'}."


def _of_criteria(before: Sequence[Criterion], after: Sequence[Criterion]) -> Iterator[str]:
    pairs = _paired(before, after, lambda criterion: criterion.name)
    for here, criterion in enumerate(after):
        what = f"The criterion “{criterion.name}”"
        if here in pairs:
            yield from _of_criterion(what, before[pairs[here]], criterion)
            continue
        how = f"{criterion.attribute.label}: {scale_in_words(criterion.scale)}"
        yield f"{what} is new with weight {weight_in_words(criterion)}: {how}; missing: {missing_in_words(criterion)}."
    yield from _of_places([f"The criterion “{criterion.name}”" for criterion in after], pairs)
    for there, criterion in enumerate(before):
        if there not in pairs.values():
            yield f"The criterion “{criterion.name}” is gone; its weight was {weight_in_words(criterion)}."


def _of_criterion(what: str, before: Criterion, after: Criterion) -> Iterator[str]:
    if before.attribute != after.attribute:
        yield f"{what} reads another attribute: {before.attribute.label} → {after.attribute.label}."
    if before.weight != after.weight:
        yield f"{what} has another weight: {weight_in_words(before)} → {weight_in_words(after)}."
    if before.scale != after.scale:
        yield f"{what} has another scale: {scale_in_words(before.scale)} → {scale_in_words(after.scale)}."
    if (before.missing, before.points) != (after.missing, after.points):
        yield f"{what} treats a missing value differently: {missing_in_words(before)} → {missing_in_words(after)}."


def _of_guards(before: GuardRules, after: GuardRules) -> Iterator[str]:
    there = {line.name: line.words for line in guards_in_words(before)}
    here = {line.name: line.words for line in guards_in_words(after)}
    for name in sorted(there.keys() | here.keys()):
        if name not in there:
            yield f"{name} is switched on: {here[name]}."
        elif name not in here:
            yield f"{name} is switched off; it was: {there[name]}."
        elif there[name] != here[name]:
            yield f"{name} changed: {there[name]} → {here[name]}."
    if before.change_limit != after.change_limit:
        old, new = change_limit_in_words(before.change_limit), change_limit_in_words(after.change_limit)
        yield f"The change limit changed: {old} → {new}."
