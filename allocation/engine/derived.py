"""Attributes worked out from others: expansion potential, days to renewal, standing, segment, score."""

from collections.abc import Sequence, Set

import numpy as np

from allocation.engine.facts.rules import SegmentRule
from allocation.engine.facts.tiering import (
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


def with_plain_facts(facts: CustomerColumns) -> CustomerColumns:
    """What one customer's own facts give: expansion potential, counts, days since and until."""
    columns, derived = facts.columns, dict[str, Column]()
    arr, potential = columns.get("arr"), columns.get("potential_arr")
    if isinstance(arr, NumberColumn) and isinstance(potential, NumberColumn):
        derived["expansion_potential"] = NumberColumn(_expansion(arr.values, potential.values))
    for name, source in (("product_count", "products"), ("goal_count", "open_goals")):
        column = columns.get(source)
        if isinstance(column, SetColumn):
            derived[name] = NumberColumn(column.members.sum(axis=1).astype(np.float64))
    renewal, start = columns.get("renewal_date"), columns.get("contract_start")
    if isinstance(renewal, DateColumn):
        derived["days_to_renewal"] = NumberColumn(renewal.values - facts.as_of)
    if isinstance(start, DateColumn):
        derived["days_since_start"] = NumberColumn(facts.as_of - start.values)
    return facts.replaced(derived)


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
