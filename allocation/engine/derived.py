"""Attributes worked out from others: expansion potential, days to renewal, goals, standing, segment, score, touch level."""

from collections.abc import Mapping, Sequence, Set

import numpy as np

from allocation.engine.facts.attributes import TOUCH_LEVELS
from allocation.engine.facts.rules import SegmentRule, TieringRules, TouchRule
from allocation.engine.facts.tiering import (
    MISSING_CODE,
    ChoiceColumn,
    Column,
    CustomerColumns,
    DateColumn,
    Floats,
    Integers,
    NumberColumn,
    Populations,
    Scores,
    SetColumn,
)
from allocation.engine.scoring import Crowd, scores_as_numbers
from allocation.engine.standing import (
    CENTS,
    POINT,
    arr_shares,
    percentile_points,
    points_as_numbers,
    population,
    to_cents,
)

SHARES = frozenset({"arr_share", "arr_share_above"})
# Days counted from a date: until it (+) or since it (-).
_DAYS: Mapping[str, tuple[str, int]] = {
    "days_to_renewal": ("renewal_date", 1),
    "days_since_start": ("contract_start", -1),
    "health_age": ("health_on", -1),
    "sentiment_age": ("sentiment_on", -1),
}


def with_plain_facts(facts: CustomerColumns, rules: TieringRules) -> CustomerColumns:
    """What one customer's own facts give: expansion potential, counts, days since and until, what its goals say."""
    columns, derived = facts.columns, dict[str, Column]()
    arr, potential = columns.get("arr"), columns.get("potential_arr")
    if isinstance(arr, NumberColumn) and isinstance(potential, NumberColumn):
        derived["expansion_potential"] = NumberColumn(_expansion(arr.values, potential.values))
    for name, source in (("product_count", "products"), ("goal_count", "open_goals")):
        column = columns.get(source)
        if isinstance(column, SetColumn):
            derived[name] = NumberColumn(column.members.sum(axis=1).astype(np.float64))
    for name, (source, sign) in _DAYS.items():
        column = columns.get(source)
        if isinstance(column, DateColumn):
            derived[name] = NumberColumn(sign * (column.values - facts.as_of))
    goals = columns.get("open_goals")
    if isinstance(goals, SetColumn):
        derived["goal"] = _leading_goal(goals, rules.goal_order)
        derived["goals_ask_for"] = _asked_for(goals, rules.goal_touch)
    return facts.replaced(derived)


def _leading_goal(goals: SetColumn, order: Sequence[str]) -> ChoiceColumn:
    """The open goal that comes first in ``order``; those it does not name come after, by slug."""
    places = {slug: place for place, slug in enumerate(order)}
    ranked = sorted(
        range(len(goals.vocabulary)),
        key=lambda at: (places.get(goals.vocabulary[at], len(order)), goals.vocabulary[at]),
    )
    if not ranked:
        return ChoiceColumn(np.full(len(goals.members), MISSING_CODE, dtype=np.int64), ())
    members = goals.members[:, ranked]
    codes = np.where(members.any(axis=1), members.argmax(axis=1), MISSING_CODE)
    return ChoiceColumn(codes, tuple(goals.vocabulary[at] for at in ranked))


def _asked_for(goals: SetColumn, asks: Mapping[str, str]) -> ChoiceColumn:
    """The highest touch level that any open goal asks for; a goal may ask for none."""
    none = len(TOUCH_LEVELS)
    highest = np.full(len(goals.members), none, dtype=np.int64)
    for place, slug in enumerate(goals.vocabulary):  # goal kinds are few
        if (level := asks.get(slug, "")) in TOUCH_LEVELS:
            asked = np.minimum(highest, TOUCH_LEVELS.index(level))
            highest = np.where(goals.members[:, place], asked, highest)
    return ChoiceColumn(np.where(highest == none, MISSING_CODE, highest), TOUCH_LEVELS)


def _expansion(arr: Floats, potential: Floats) -> Floats:
    """max(0, potential ARR − ARR), to the cent; missing when either is."""
    cents = np.maximum(0, to_cents(potential) - to_cents(arr)) / CENTS
    return np.where(np.isnan(arr) | np.isnan(potential), np.nan, cents)


def with_standing(
    facts: CustomerColumns,
    *,
    base: CustomerColumns,
    rows: Integers,
    reads: Set[str],
    people: Populations,
) -> CustomerColumns:
    """ARR percentile and shares against the active customers of ``base``; only what the rules read."""
    if "arr" not in base.columns or not reads & (SHARES | {"arr_percentile"}):
        return facts
    values, own = facts.numbers("arr"), np.where(base.active, base.numbers("arr"), np.nan)[rows]
    everyone = population(people, name="arr", values=base.numbers("arr"), counted=base.active)
    derived: dict[str, Column] = {}
    if "arr_percentile" in reads:
        points = percentile_points(people=everyone, values=values, own=own)
        derived["arr_percentile"] = NumberColumn(points_as_numbers(points, unit=POINT))
    if reads & SHARES:
        shares = arr_shares(people=everyone, values=values, own=own)
        derived.update({name: NumberColumn(share) for name, share in shares.items()})
    return facts.replaced(derived)


def with_segments(facts: CustomerColumns, segment: Integers, rules: Sequence[SegmentRule]) -> CustomerColumns:
    """The segment as an attribute that criteria and tier rules can read."""
    return facts.replaced({"segment": ChoiceColumn(segment, tuple(rule.name for rule in rules))})


def with_touch(facts: CustomerColumns, touch: Integers, rules: Sequence[TouchRule]) -> CustomerColumns:
    """The touch level as an attribute that tier rules can read; missing for all where there are no touch rules."""
    levels = np.array([*(TOUCH_LEVELS.index(rule.level) for rule in rules), MISSING_CODE], dtype=np.int64)
    return facts.replaced({"touch": ChoiceColumn(levels[touch], TOUCH_LEVELS)})


def with_scores(
    facts: CustomerColumns, scores: Scores, *, crowd: Scores, counted: Crowd, reads: Set[str]
) -> CustomerColumns:
    """The score, and its percentile among the active customers of the crowd."""
    values = scores_as_numbers(scores)
    derived: dict[str, Column] = {"score": NumberColumn(values)}
    if "score_percentile" in reads:
        base = np.where(counted.facts.active, scores_as_numbers(crowd), np.nan)
        people = population(counted.people, name="score", values=base, counted=counted.facts.active)
        points = percentile_points(people=people, values=values, own=base[counted.rows])
        derived["score_percentile"] = NumberColumn(points_as_numbers(points, unit=POINT))
    return facts.replaced(derived)
