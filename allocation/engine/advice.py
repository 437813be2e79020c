"""Remarks on a model that can be used: what is certainly wrong with it, and what is doubtful.

Nothing here refuses a model; ``rules.read_rules`` does that. What is called unreachable certainly is (``reach``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from allocation.engine.explain import in_words, level_in_words
from allocation.engine.facts.rules import (
    ChoiceScale,
    Criterion,
    Group,
    Missing,
    PercentileScale,
    TieringRules,
    conditions_in,
)
from allocation.engine.facts.tiering import TierFacts
from allocation.engine.reach import Look, Possible, unreachable

MOST_SHARE = 80  # per cent of the weight that one criterion may have without a remark
LEAST_SHARE = 2


class Severity(StrEnum):
    """WRONG: it cannot be meant. DOUBTFUL: it may be meant. NOTE: it may well be, and is good to know."""

    WRONG = "wrong"
    DOUBTFUL = "doubtful"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Remark:
    severity: Severity
    words: str


def remarks(*, rules: TieringRules, tiers: Sequence[TierFacts]) -> tuple[Remark, ...]:
    """What is wrong first, then what is doubtful, then notes; each in the order of the parts. ``tiers`` as the rules were read."""
    reached = _reached(rules, tiers)
    found = (
        *reached.remarks,
        *_segments(rules),
        *_weights(rules),
        *_reading(rules),
        *_tiers(rules, tiers, reached.tiers),
    )
    return tuple(sorted(found, key=lambda remark: list(Severity).index(remark.severity)))


@dataclass(frozen=True, slots=True)
class _Reached:
    """remarks: on rules nobody can reach. tiers: positions in ``tiers`` that some rule can lead to."""

    remarks: tuple[Remark, ...]
    tiers: frozenset[int]


def _reached(rules: TieringRules, tiers: Sequence[TierFacts]) -> _Reached:
    """One list after the other, since a segment nobody is in cannot be read by the next."""
    found: list[Remark] = []
    names = [rule.name for rule in rules.segments]
    look = unreachable([rule.when for rule in rules.segments], Possible())
    found += _of_list("segment", names, [rule.when for rule in rules.segments], look)
    segments = frozenset(name.casefold() for at, name in enumerate(names) if at not in look.gone)
    levels = [rule.level for rule in rules.touch]
    look = unreachable([rule.when for rule in rules.touch], Possible(segments))
    found += _of_list("touch", list(map(level_in_words, levels)), [rule.when for rule in rules.touch], look)
    touch = frozenset(level for at, level in enumerate(levels) if at not in look.gone)
    look = unreachable([rule.when for rule in rules.tiers], Possible(segments, touch))
    called = [tiers[rule.tier].name or rule.slug for rule in rules.tiers]
    found += _of_list("tier", called, [rule.when for rule in rules.tiers], look)
    return _Reached(
        tuple(found), frozenset(rule.tier for at, rule in enumerate(rules.tiers) if at not in look.gone)
    )


def _of_list(what: str, names: Sequence[str], groups: Sequence[Group], look: Look) -> Iterator[Remark]:
    """The last rule has to be there, so it may be idle without being wrong."""
    if look.looked_at < len(groups):
        yield Remark(
            Severity.NOTE,
            f"There are too many {what} rules to compare all: from rule {look.looked_at + 1} on it was not looked "
            "whether anybody can reach them.",
        )
    for at, earlier in look.gone.items():
        if at == len(groups) - 1:
            yield _doubtful(
                f"The last {what} rule, “{names[at]}”, takes nobody: those before it take everyone."
            )
            continue
        rule = f"The {what} rule {at + 1}, “{names[at]}” ({in_words(groups[at])}),"
        if not earlier:
            yield _wrong(f"{rule} can never hold.")
            continue
        by = " and ".join(f"rule {each + 1}, “{names[each]}” ({in_words(groups[each])})" for each in earlier)
        yield _wrong(f"{rule} can never be reached: whoever fulfils it is taken by {by} before.")


def _segments(rules: TieringRules) -> Iterator[Remark]:
    """Segments that no condition and no scale tells apart are one segment under several names."""
    if len(rules.segments) < 2 or any(_ranks_within_segments(each) for each in rules.criteria):
        return
    told = _segments_told(rules)
    alike = [rule.name for rule in rules.segments if rule.name.casefold() not in told]
    if len(alike) == len(rules.segments):
        yield _doubtful("No criterion and no rule reads the segment, so the segments change nothing.")
    elif len(alike) > 1:
        names = " and ".join(f"“{name}”" for name in alike)
        yield _doubtful(f"Nothing tells the segments {names} apart.")


def _ranks_within_segments(criterion: Criterion) -> bool:
    return isinstance(criterion.scale, PercentileScale) and criterion.scale.within_segment


def _segments_told(rules: TieringRules) -> set[str]:
    """Segments that are named somewhere, in small letters."""
    told = {
        word.casefold()
        for condition in rules.conditions()
        if condition.attribute.name == "segment" and isinstance(condition.value, tuple)
        for word in condition.value
    }
    for criterion in rules.criteria:
        if criterion.attribute.name == "segment" and isinstance(criterion.scale, ChoiceScale):
            told |= criterion.scale.points.keys()
    return told


def _weights(rules: TieringRules) -> Iterator[Remark]:
    total = sum(criterion.weight for criterion in rules.criteria)
    several = sum(criterion.weight > 0 for criterion in rules.criteria) > 1
    for criterion in rules.criteria:
        what = f"The criterion “{criterion.name}”"
        if not criterion.weight:
            still = "; it only withholds decisions" if criterion.missing is Missing.UNDECIDED else ""
            yield _doubtful(f"{what} has weight 0, so it changes no score{still}.")
        elif several and 100 * criterion.weight > MOST_SHARE * total:
            yield _doubtful(
                f"{what} has {_share(criterion, total)} of the weight: the others hardly count beside it."
            )
        elif several and 100 * criterion.weight < LEAST_SHARE * total:
            yield _doubtful(
                f"{what} has {_share(criterion, total)} of the weight: it hardly changes a score."
            )


def _share(criterion: Criterion, total: int) -> str:
    return f"{100 * criterion.weight / total:.1f} %"


def _reading(rules: TieringRules) -> Iterator[Remark]:
    """What is worked out and then read by nothing."""
    reads = rules.attributes()
    if rules.criteria and not reads & {"score", "score_percentile"}:
        # Many models score for people's eyes only: the score informs, the segment decides.
        yield Remark(
            Severity.NOTE, "Neither touch nor tier rules read the score, so the criteria change no tier."
        )
    of_tiers = {each.attribute.name for rule in rules.tiers for each in conditions_in(rule.when)}
    if rules.touch and "touch" not in of_tiers:
        yield _doubtful("No tier rule reads the touch level, so the touch rules change no tier.")


def _tiers(rules: TieringRules, tiers: Sequence[TierFacts], reached: frozenset[int]) -> Iterator[Remark]:
    named = {rule.tier for rule in rules.tiers}
    for place, tier in enumerate(tiers):
        if tier.retired or place in reached:
            continue
        why = "Only rules that nobody can reach lead" if place in named else "No rule leads"
        yield _doubtful(
            f"{why} to the tier “{tier.name or tier.slug}”; a paid floor, a guard or an override still can."
        )


def _wrong(words: str) -> Remark:
    return Remark(Severity.WRONG, words)


def _doubtful(words: str) -> Remark:
    return Remark(Severity.DOUBTFUL, words)
