"""Scores: criteria to points, points to one number, and contributions that add up to it exactly.

Points are millionths and weights thousandths, so everything after the scale is whole-number arithmetic:
the same facts give the same score on any machine and in any order. Source: docs/engine/scoring.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allocation.engine.facts.rules import (
    ChoiceScale,
    Criterion,
    LinearScale,
    Missing,
    PercentileScale,
    StepScale,
)
from allocation.engine.facts.tiering import (
    ChoiceColumn,
    Column,
    CustomerColumns,
    DateColumn,
    FlagColumn,
    Flags,
    Floats,
    Integers,
    NumberColumn,
    Populations,
    Scores,
    SetColumn,
)
from allocation.engine.standing import EVERYONE, FULL, POINT, half_even, percentile_points, population

CENT = POINT // 100  # millionths of a point in a hundredth
UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Crowd:
    """Everyone that percentiles compare with. rows: where each scored row stands in ``facts``."""

    facts: CustomerColumns
    segments: Integers
    rows: Integers
    people: Populations


def score_customers(
    *, facts: CustomerColumns, segments: Integers, criteria: Sequence[Criterion], crowd: Crowd
) -> Scores:
    """Score = Σ weight × points ÷ Σ weight over what is known, rounded once, half-even, to hundredths.

    A missing value shares its weight out, counts as set points, or withholds the decision, as the criterion says.
    Without any known criterion there is no score (-1), never a quiet zero.
    """
    count = len(facts)
    # A criterion's points lie together: sums over criteria are then sums of columns.
    points = np.full((count, len(criteria)), UNKNOWN, dtype=np.int64, order="F")
    withheld = np.zeros(count, dtype=np.bool_)
    for position, criterion in enumerate(criteria):
        given = criterion_points(criterion=criterion, facts=facts, segments=segments, crowd=crowd)
        if criterion.missing is Missing.UNDECIDED:
            withheld |= given < 0
        points[:, position] = given
    weights = np.array([criterion.weight for criterion in criteria], dtype=np.int64)
    cents = score_cents(points=points, weights=weights)
    return Scores(cents=cents, points=points, weights=weights, withheld=withheld)


def criterion_points(
    *, criterion: Criterion, facts: CustomerColumns, segments: Integers, crowd: Crowd
) -> Integers:
    """Points in millionths, set points for a missing value included; -1 where it is missing and has none."""
    given = _points(criterion, facts, segments, crowd)
    if criterion.missing is Missing.POINTS:
        return np.where(given < 0, _millionths(criterion.points), given)
    return given


def score_cents(*, points: Integers, weights: Integers) -> Integers:
    """Scores alone, in hundredths, -1 where nothing is known: those of ``score_customers`` for the same points."""
    parts, divisor, nothing = _parts(points, weights)
    return np.where(nothing, UNKNOWN, half_even(parts.sum(axis=1), divisor))


def _parts(points: Integers, weights: Integers) -> tuple[Integers, Integers, Flags]:
    """Weight × points of each criterion, what their sum is divided by, and who has no known criterion."""
    known = points >= 0
    divisor = np.where(known, weights, 0).sum(axis=1) * CENT
    nothing = np.asarray(divisor == 0)
    return np.where(known, points, 0) * weights, np.where(nothing, 1, divisor), nothing


def contributions_of(scores: Scores) -> Integers:
    """What each criterion brings to the score, in hundredths, customers × criteria: each row adds up to the score, the largest
    remainders take what rounding leaves, ties by criterion. Worked out for whoever asks: a run needs none.
    """
    parts, divisor, nothing = _parts(scores.points, scores.weights)
    contributions, rest = np.divmod(parts, divisor[:, None])
    left = scores.cents - contributions.sum(axis=1)
    order = np.argsort(-rest, axis=1, kind="stable")
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(parts.shape[1])[None, :], axis=1)
    contributions += place < left[:, None]
    return np.where(nothing[:, None], 0, contributions)


def _points(criterion: Criterion, facts: CustomerColumns, segments: Integers, crowd: Crowd) -> Integers:
    """Points in millionths, -1 where the value is missing."""
    column = facts.columns.get(criterion.attribute.name)
    if column is None:
        return np.full(len(facts), UNKNOWN, dtype=np.int64)
    scale = criterion.scale
    if isinstance(scale, ChoiceScale):
        return _choice_points(scale, column)
    values = _values(column)
    if isinstance(scale, PercentileScale):
        return _percentile(scale, criterion.attribute.name, values, segments, crowd)
    raw = _linear(scale, values) if isinstance(scale, LinearScale) else _steps(scale, values)
    return np.where(np.isnan(values), UNKNOWN, np.rint(np.nan_to_num(raw) * POINT)).astype(np.int64)


def _values(column: Column) -> Floats:
    if isinstance(column, NumberColumn | DateColumn):
        return column.values
    raise TypeError("only numbers and dates have a numeric scale")


def _linear(scale: LinearScale, values: Floats) -> Floats:
    low, high = scale.low, scale.high
    if (
        scale.log
    ):  # at or below zero there is no logarithm: the floor is the lower bound, where clipping ends anyway
        values = np.log(np.maximum(values, min(low, high)))
        low, high = float(np.log(low)), float(np.log(high))
    return np.asarray(np.clip((values - low) / (high - low), 0.0, 1.0) * 100.0)


def _steps(scale: StepScale, values: Floats) -> Floats:
    given = np.array((scale.below, *scale.points))
    return np.asarray(given[np.searchsorted(np.array(scale.bounds), np.nan_to_num(values), side="right")])


def _choice_points(scale: ChoiceScale, column: Column) -> Integers:
    other = UNKNOWN if scale.other is None else _millionths(scale.other)
    if isinstance(column, FlagColumn):
        given = np.array([_given(scale, "no", other), _given(scale, "yes", other), UNKNOWN], dtype=np.int64)
        return np.asarray(given[column.values])  # -1 reaches the last entry
    if not isinstance(column, ChoiceColumn | SetColumn):
        raise TypeError("only choices, yes/no and sets have points by choice")
    given = np.array([*(_given(scale, word, other) for word in column.vocabulary), UNKNOWN], dtype=np.int64)
    if isinstance(column, ChoiceColumn):
        return np.asarray(given[column.codes])
    best = np.where(column.members, given[None, :-1], UNKNOWN).max(axis=1, initial=UNKNOWN)
    return np.asarray(np.where(best < 0, other, best))


def _given(scale: ChoiceScale, word: str, other: int) -> int:
    points = scale.points.get(word.casefold())
    return other if points is None else _millionths(points)


def _millionths(points: float) -> int:
    return round(points * POINT)


def _percentile(
    scale: PercentileScale, name: str, values: Floats, segments: Integers, crowd: Crowd
) -> Integers:
    groups = np.unique(segments).tolist() if scale.within_segment else [EVERYONE]
    points = np.full(len(values), UNKNOWN, dtype=np.int64)
    for group in groups:
        here = np.ones(len(values), dtype=np.bool_) if group == EVERYONE else segments == group
        points[here] = _percentile_in(group, name, values[here], crowd.rows[here], crowd)
    return np.where((points >= 0) & scale.reverse, FULL - points, points)


def _percentile_in(group: int, name: str, values: Floats, rows: Integers, crowd: Crowd) -> Integers:
    """Percentiles against one group of the crowd; who was not counted in it is not taken out of it either."""
    counted, base = crowd.facts.active, crowd.facts.numbers(name)
    if group != EVERYONE:
        counted = counted & (crowd.segments == group)
    people = population(crowd.people, name=name, values=base, counted=counted, group=group)
    return percentile_points(people=people, values=values, own=np.where(counted[rows], base[rows], np.nan))


def scores_as_numbers(scores: Scores) -> NDArray[np.float64]:
    """Scores in points, NaN where there is none."""
    return np.where(scores.cents < 0, np.nan, scores.cents / 100)


def undecidable(scores: Scores, *, reads_score: bool) -> Flags:
    """Who cannot be decided: a criterion withholds it, or the tier rules read a score that nobody can know."""
    return scores.withheld | ((scores.cents < 0) & reads_score)
