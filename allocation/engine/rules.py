"""Reads the JSON document of a tiering model into rules, with a sentence for every fault (docs/engine/tiering.md).

Nothing is repaired or guessed: a document with a fault is refused, and all its faults are told at once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from allocation.engine.facts.attributes import Attribute, Stage
from allocation.engine.facts.rules import (
    WEIGHT_UNIT,
    Criterion,
    DeadBand,
    Group,
    GuardRules,
    Missing,
    SegmentRule,
    TieringRules,
    TierRule,
)
from allocation.engine.facts.tiering import TierFacts
from allocation.engine.impossible import impossibilities
from allocation.engine.rule_clauses import Vocabulary, read_group
from allocation.engine.rule_scales import read_scale
from allocation.engine.written import as_number

PARTS = frozenset({"segments", "criteria", "tiers", "guards"})
GUARD_NAMES = frozenset({"paid_floor", "first_year", "dead_band", "minimum_stay", "renewal_freeze"})
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
    goal_kinds: Collection[str] | None
    segments: tuple[str, ...] = ()
    faults: list[str] = field(default_factory=list)

    def vocabulary(self, stage: Stage) -> Vocabulary:
        return Vocabulary(self.attributes, stage, self.segments, self.goal_kinds, self.faults)


def read_rules(
    *,
    definition: object,
    attributes: Mapping[str, Attribute],
    tiers: Sequence[TierFacts],
    goal_kinds: Collection[str] | None = None,
) -> TieringRules:
    """The rules of ``definition``, or UnusableRules with all faults.

    tiers: in the order of their rank. goal_kinds: slugs that conditions may name; None = any.
    """
    reading = _Reading(attributes, tiers, goal_kinds)
    if not isinstance(definition, Mapping):
        raise UnusableRules(["The model must be an object with segments, criteria, tiers and guards."])
    for name in sorted(set(definition) - PARTS):
        reading.faults.append(
            f"The model has an unknown part “{name}”; it may have segments, criteria, tiers, guards."
        )
    segments = _segments(reading, definition.get("segments"))
    reading.segments = tuple(rule.name for rule in segments)
    criteria = _criteria(reading, definition.get("criteria", []))
    rules = TieringRules(
        segments=segments,
        criteria=criteria,
        tiers=_tiers(reading, definition.get("tiers")),
        guards=_guards(reading, definition.get("guards", {})),
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
    for position, group in enumerate(groups[:-1]):
        if not group.parts and not group.any_of:
            after = ", ".join(f"“{name}”" for name in names[position + 1 :])
            reading.faults.append(
                f"The {what} rule “{names[position]}” takes everyone, so these can never be reached: {after}."
            )


def _segments(reading: _Reading, value: object) -> tuple[SegmentRule, ...]:
    found: list[SegmentRule] = []
    for row in _rows(reading, value, "segments"):
        name = str(row.get("name") or "").strip()
        if not name:
            reading.faults.append("Every segment needs a name.")
        elif len(name) > LONGEST_NAME:
            reading.faults.append(
                f"The segment “{name[:20]}…” has a name of more than {LONGEST_NAME} characters."
            )
        elif name in {rule.name for rule in found}:
            reading.faults.append(f"The segment “{name}” is there twice.")
        found.append(SegmentRule(name, _when(reading, row, f"Segment “{name}”", Stage.FACT)))
    _check_catch_all(reading, [rule.when for rule in found], [rule.name for rule in found], "segment")
    return tuple(found)


def _tiers(reading: _Reading, value: object) -> tuple[TierRule, ...]:
    places = {tier.slug: place for place, tier in enumerate(reading.tiers)}
    retired = {tier.slug for tier in reading.tiers if tier.retired}
    found: list[TierRule] = []
    for row in _rows(reading, value, "tiers"):
        slug = str(row.get("tier") or "")
        if slug not in places:
            there = ", ".join(places) or "none yet"
            reading.faults.append(f"There is no tier “{slug}”; the tiers are: {there}.")
        elif slug in retired:
            reading.faults.append(f"The tier “{slug}” is retired, so no rule may lead to it.")
        when = _when(reading, row, f"Tier rule “{slug}”", Stage.SCORED)
        found.append(TierRule(places.get(slug, 0), slug, when))
    _check_catch_all(reading, [rule.when for rule in found], [rule.slug for rule in found], "tier")
    return tuple(found)


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


def _guards(reading: _Reading, value: object) -> GuardRules:
    if not isinstance(value, Mapping):
        reading.faults.append("The guards must be an object.")
        return GuardRules()
    for name in sorted(set(value) - GUARD_NAMES):
        reading.faults.append(
            f"There is no guard “{name}”; the guards are: {', '.join(sorted(GUARD_NAMES))}."
        )
    return GuardRules(
        paid_floor=bool(value.get("paid_floor", True)),
        first_year=_first_year(reading, value.get("first_year")),
        dead_band=_dead_band(reading, value.get("dead_band", {})),
        minimum_stay_days=_days(reading, value.get("minimum_stay"), "minimum stay"),
        renewal_freeze_days=_days(reading, value.get("renewal_freeze"), "renewal freeze"),
    )


def _first_year(reading: _Reading, value: object) -> frozenset[str]:
    if not value:
        return frozenset()
    levels = value.get("touch_levels") if isinstance(value, Mapping) else None
    if not isinstance(levels, list) or not levels:
        reading.faults.append(
            "The guard “first_year” needs touch_levels, a list of the touch levels it keeps closed."
        )
        return frozenset()
    closed = frozenset(str(level) for level in levels)
    served = [tier for tier in reading.tiers if not tier.retired]
    for level in sorted(closed - {tier.touch_level for tier in served}):
        reading.faults.append(f"The guard “first_year” names the touch level “{level}”, which no tier has.")
    if served and served[0].touch_level in closed:
        reading.faults.append(
            "The guard “first_year” closes the highest tier, so there is nowhere to put a new customer."
        )
    return closed


def _dead_band(reading: _Reading, value: object) -> DeadBand | None:
    if value is None or value is False:
        return None
    if not isinstance(value, Mapping):
        reading.faults.append("The guard “dead_band” needs points and percent, or null to switch it off.")
        return None
    points = _number(reading, value.get("points", 2), "The dead band's points")
    percent = _number(reading, value.get("percent", 5), "The dead band's percent")
    if not (0 <= points < 50 and 0 <= percent < 100):
        reading.faults.append("The dead band must have points from 0 to 50 and percent from 0 to 100.")
    return DeadBand(points=points, percent=percent)


def _days(reading: _Reading, value: object, what: str) -> int:
    if value is None or value is False:
        return 0
    days = value.get("days") if isinstance(value, Mapping) else value
    if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= 3660:
        reading.faults.append(f"The {what} needs days, a whole number from 0 to 3660.")
        return 0
    return days


def _number(reading: _Reading, value: object, what: str) -> Decimal:
    number = as_number(value)
    if number is None:
        reading.faults.append(f"{what} must be a number, not {value!r}.")
        return Decimal(0)
    return number
