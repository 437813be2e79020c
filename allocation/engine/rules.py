"""Reads the JSON document of a tiering model into rules, with a sentence for every fault (docs/engine/tiering.md).

Nothing is repaired or guessed: a document with a fault is refused, and all its faults are told at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from allocation.engine.explain import level_in_words
from allocation.engine.facts.attributes import TOUCH_LEVELS, Attribute, Stage
from allocation.engine.facts.rules import (
    WEIGHT_UNIT,
    Criterion,
    Group,
    Missing,
    SegmentRule,
    TieringRules,
    TierRule,
    TouchRule,
)
from allocation.engine.facts.tiering import TierFacts
from allocation.engine.impossible import impossibilities
from allocation.engine.rule_clauses import Vocabulary, read_group
from allocation.engine.rule_guards import read_guards
from allocation.engine.rule_scales import read_scale
from allocation.engine.written import as_number, no_number

PARTS = ("segments", "goals", "criteria", "touch", "tiers", "guards")
MOST_WEIGHT = Decimal(1000)
LONGEST_NAME = 200  # what a decision keeps of its segment


class UnusableRules(ValueError):
    """A tiering model that cannot be used; ``faults`` has one sentence a fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = tuple(faults)


@dataclass(slots=True)
class _Reading:
    """One reading of one document: what may be named, and the faults found so far."""

    attributes: Mapping[str, Attribute]
    tiers: Sequence[TierFacts]
    goal_kinds: Mapping[str, str] | None
    segments: tuple[str, ...] = ()
    has_touch: bool = False
    retired_allowed: bool = False
    faults: list[str] = field(default_factory=list)

    def vocabulary(self, stage: Stage) -> Vocabulary:
        return Vocabulary(self.attributes, stage, self.segments, self.goal_kinds, self.faults, self.has_touch)


def read_rules(
    *,
    definition: object,
    attributes: Mapping[str, Attribute],
    tiers: Sequence[TierFacts],
    goal_kinds: Mapping[str, str] | None = None,
    retired_allowed: bool = False,
) -> TieringRules:
    """The rules of ``definition``, or UnusableRules with all faults.

    tiers: in the order of their rank. goal_kinds: the kinds that may be named and the touch level each asks for ("" for
    none); None = any may be named, and none asks. retired_allowed: to read a version of the past, not to decide with it:
    its tiers may be retired by now.
    """
    reading = _Reading(attributes, tiers, goal_kinds, retired_allowed=retired_allowed)
    in_use = None if retired_allowed else tiers
    if not isinstance(definition, Mapping):
        raise UnusableRules(["The model must be an object with segments, criteria, tiers and guards."])
    for name in sorted(set(map(str, definition)) - set(PARTS)):
        reading.faults.append(f"The model has an unknown part “{name}”; it may have {', '.join(PARTS)}.")
    segments = _segments(reading, definition.get("segments"))
    reading.segments = tuple(rule.name for rule in segments)
    goals = _goals(reading, definition.get("goals", []))
    criteria = _criteria(reading, definition.get("criteria", []))
    touch = _touch(reading, definition["touch"]) if "touch" in definition else ()
    reading.has_touch = "touch" in definition
    rules = TieringRules(
        segments=segments,
        criteria=criteria,
        tiers=_tiers(reading, definition.get("tiers")),
        guards=read_guards(definition.get("guards", {}), tiers=in_use, faults=reading.faults),
        touch=touch,
        goal_order=goals,
        goal_touch=dict(goal_kinds or {}),
    )
    if reading.faults:
        raise UnusableRules(reading.faults)
    return rules


def _rows(reading: _Reading, value: object, what: str) -> list[Mapping[str, object]]:
    if not isinstance(value, list):
        reading.faults.append(f"The {what} must be a list.")
        return []
    rows = [row for row in value if isinstance(row, Mapping)]
    if len(rows) < len(value):
        reading.faults.append(f"Each of the {what} must be an object.")
    return rows


def _when(reading: _Reading, row: Mapping[str, object], where: str, stage: Stage) -> Group:
    group = read_group(row.get("when", []), where=where, vocabulary=reading.vocabulary(stage))
    reading.faults.extend(impossibilities(group, where=where))
    return group


def _check_catch_all(reading: _Reading, groups: Sequence[Group], names: Sequence[str], what: str) -> None:
    """The last rule, and only the last, is without conditions."""
    if not groups or groups[-1].parts:
        reading.faults.append(
            f"The last {what} rule must have no conditions, so that it takes everyone who is left."
        )
    for place, group in enumerate(groups[:-1], 1):
        if not group.parts and not group.any_of:
            rule = _called(f"The {what} rule", place, names[place - 1])
            comma = "," if names[place - 1] else ""
            reading.faults.append(
                f"{rule}{comma} has no condition yet, so it takes everyone and no rule below it can be reached."
            )


def _called(what: str, place: int, name: str) -> str:
    """A rule as the editor shows it, by its place from 1 and its name: "Tier rule 2, “Enterprise”"."""
    return f"{what} {place}, “{name}”" if name else f"{what} {place}"


def _segments(reading: _Reading, value: object) -> tuple[SegmentRule, ...]:
    found: list[SegmentRule] = []
    for place, row in enumerate(_rows(reading, value, "segments"), 1):
        name = str(row.get("name") or "").strip()
        if not name:
            reading.faults.append("Every segment needs a name.")
        elif len(name) > LONGEST_NAME:
            reading.faults.append(
                f"The segment “{name[:20]}…” has a name of more than {LONGEST_NAME} characters."
            )
        elif name in {rule.name for rule in found}:
            reading.faults.append(f"The segment “{name}” is there twice.")
        found.append(SegmentRule(name, _when(reading, row, _called("Segment", place, name), Stage.FACT)))
    _check_catch_all(reading, [rule.when for rule in found], [rule.name for rule in found], "segment")
    return tuple(found)


def _goals(reading: _Reading, value: object) -> tuple[str, ...]:
    """Goal kinds in the order of their importance; those that are not named come after."""
    if not isinstance(value, list) or not all(isinstance(slug, str) and slug for slug in value):
        reading.faults.append(
            f"The goals must be a list of goal kinds, the most important first, not {value!r}."
        )
        return ()
    for slug in dict.fromkeys(value):
        if reading.goal_kinds is not None and slug not in reading.goal_kinds:
            there = ", ".join(sorted(reading.goal_kinds)) or "none yet"
            reading.faults.append(
                f"The goals name “{slug}”, which is no goal kind; the goal kinds are: {there}."
            )
        if value.count(slug) > 1:
            reading.faults.append(f"The goals name “{slug}” twice.")
    return tuple(value)


def _touch(reading: _Reading, value: object) -> tuple[TouchRule, ...]:
    found: list[TouchRule] = []
    for place, row in enumerate(_rows(reading, value, "touch rules"), 1):
        level = str(row.get("touch") or "")
        if level not in TOUCH_LEVELS:
            there = ", ".join(TOUCH_LEVELS)
            reading.faults.append(f"There is no touch level “{level}”; the touch levels are: {there}.")
        where = _called("Touch rule", place, _level(level))
        found.append(TouchRule(level, _when(reading, row, where, Stage.SCORED)))
    _check_catch_all(reading, [rule.when for rule in found], [_level(rule.level) for rule in found], "touch")
    return tuple(found)


def _level(level: str) -> str:
    return level_in_words(level) if level in TOUCH_LEVELS else level


def _tiers(reading: _Reading, value: object) -> tuple[TierRule, ...]:
    places = {tier.slug: place for place, tier in enumerate(reading.tiers)}
    names = {tier.slug: tier.name or tier.slug for tier in reading.tiers}
    retired = {tier.slug for tier in reading.tiers if tier.retired and not reading.retired_allowed}
    found: list[TierRule] = []
    for place, row in enumerate(_rows(reading, value, "tiers"), 1):
        slug = str(row.get("tier") or "")
        if slug not in places:
            reading.faults.append(_no_tier(slug, names))
        elif slug in retired:
            reading.faults.append(f"The tier “{names[slug]}” is retired, so no rule may lead to it.")
        when = _when(reading, row, _called("Tier rule", place, names.get(slug, slug)), Stage.TOUCHED)
        found.append(TierRule(places.get(slug, 0), slug, when))
    _check_catch_all(
        reading, [rule.when for rule in found], [names.get(rule.slug, rule.slug) for rule in found], "tier"
    )
    return tuple(found)


def _no_tier(slug: str, names: Mapping[str, str]) -> str:
    there = ", ".join(names) or "none yet"
    return f"There is no tier “{slug}”; the tiers are: {there}." if slug else "Each tier rule needs a tier."


def _criteria(reading: _Reading, value: object) -> tuple[Criterion, ...]:
    found: list[Criterion] = []
    for row in _rows(reading, value, "criteria"):
        criterion = _criterion(reading, row)
        if criterion is None:
            continue
        if criterion.name in {each.name for each in found}:
            reading.faults.append(f"The criterion “{criterion.name}” is there twice.")
        found.append(criterion)
    if found and not sum(criterion.weight for criterion in found):
        reading.faults.append(
            "All weights are zero, so there is no score; give at least one criterion a weight."
        )
    return tuple(found)


def _criterion(reading: _Reading, row: Mapping[str, object]) -> Criterion | None:
    name = str(row.get("name") or row.get("attribute") or "").strip()
    where = f"Criterion “{name}”"
    attribute = reading.vocabulary(Stage.SEGMENTED).attribute(row.get("attribute"), where)
    scale = read_scale(row.get("scale"), attribute=attribute, where=where, faults=reading.faults)
    weight = _number(reading, row.get("weight", 1), f"{where}: the weight")
    missing, points = _missing(reading, row, where)
    if not 0 <= weight <= MOST_WEIGHT:
        reading.faults.append(f"{where}: the weight must be from 0 to {MOST_WEIGHT}, not {weight}.")
    elif weight * WEIGHT_UNIT % 1:
        reading.faults.append(f"{where}: the weight may have three decimals at most, not {weight}.")
    if attribute is None or scale is None:
        return None
    return Criterion(name, attribute, int(weight * WEIGHT_UNIT), scale, missing, float(points))


def _missing(reading: _Reading, row: Mapping[str, object], where: str) -> tuple[Missing, Decimal]:
    said = str(row.get("missing", Missing.SHARE_OUT))
    if said not in set(Missing):
        choices = ", ".join(Missing)
        reading.faults.append(f"{where}: a missing value can be handled by {choices}, not “{said}”.")
        return Missing.SHARE_OUT, Decimal(0)
    if said != Missing.POINTS:
        return Missing(said), Decimal(0)
    points = _number(reading, row.get("points"), f"{where}: the points for a missing value")
    if not 0 <= points <= 100:
        reading.faults.append(f"{where}: the points for a missing value must be from 0 to 100, not {points}.")
    return Missing.POINTS, points


def _number(reading: _Reading, value: object, what: str) -> Decimal:
    number = as_number(value)
    if number is None:
        reading.faults.append(f"{no_number(what, value)}.")
        return Decimal(0)
    return number
