"""Facts as a scenario has them: amounts and goals altered, wishes followed, touch plans counted anew. Prose: ``docs/scenarios.md``.

Columns are altered as a whole; the columns that came in stay as they were. Rows of the books (active customers) are
named by their positions in the facts of the tiering, ``rows``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocation.engine.attention import base_minutes
from allocation.engine.facts.attributes import ATTRIBUTES, TOUCH_LEVELS, Unit
from allocation.engine.facts.books import CustomerColumns as BookColumns
from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.scenarios import AmountChange, Question, TierChange, Where
from allocation.engine.facts.tiering import (
    NO_TIER,
    ChoiceColumn,
    Column,
    CustomerColumns,
    Flags,
    Integers,
    NumberColumn,
    SetColumn,
    TierFacts,
    TierFindings,
)
from allocation.engine.guards import nearest_in_use
from allocation.engine.tiering import first_match

TouchLines = Mapping[str, Sequence[tuple[str, Decimal, Decimal]]]
"""Lines of the touch plans by tier slug: goal kind ("" for every customer), times a year, hours each."""

GoalsDiffer = Callable[[int, frozenset[str]], bool]
"""Whether the customer of that row was decided with other open goals than these kinds."""

NO_WISH = -1
MOST_KINDS = 62  # kinds of a touch plan that fit as bits into one whole number


def chosen(*, where: Where, books: BookColumns) -> Flags:
    """Which rows of the books are meant."""
    result = np.ones(len(books), dtype=np.bool_)
    columns = {
        "vertical": books.vertical,
        "region": books.region,
        "country": books.country,
        "tier": books.tier,
    }
    for name, column in columns.items():
        names: tuple[str, ...] = getattr(where, name)
        if names:
            result &= np.fromiter((word in names for word in column), dtype=np.bool_, count=len(column))
    return result


def rules_run_out(rules: TieringRules) -> TieringRules:
    """The rules once minimum stay, dead band and renewal freeze hold nobody back any more."""
    guards = replace(rules.guards, minimum_stay_days=0, renewal_freeze_days=0, dead_band=None)
    return replace(rules, guards=guards)


def altered_amounts(
    *, facts: CustomerColumns, changes: Sequence[AmountChange], books: BookColumns, rows: Integers
) -> CustomerColumns:
    """Amounts up or down by their per cent; money to the cent, whole numbers whole, 0–100 within 0–100. Unknown stays so."""
    columns: dict[str, Column] = {}
    for change in changes:
        column = columns.get(change.attribute, facts.columns.get(change.attribute))
        if isinstance(column, NumberColumn):  # else no rule reads it
            at = rows[chosen(where=change.where, books=books)]
            values = column.values.copy()
            values[at] = _changed(change.attribute, values[at], change.change_pct)
            columns[change.attribute] = NumberColumn(values)
    return facts.replaced(columns) if columns else facts


def altered_cents(*, changes: Sequence[AmountChange], books: BookColumns) -> Integers:
    """ARR of the books in cents, with the same changes."""
    cents = books.arr_cents
    for change in changes:
        if change.attribute == "arr":
            at = chosen(where=change.where, books=books)
            factor = 1 + float(change.change_pct) / 100
            cents = np.where(at, np.rint(cents * factor).astype(np.int64), cents)
    return np.asarray(cents, dtype=np.int64)


def _changed(name: str, values: NDArray[np.float64], pct: Decimal) -> NDArray[np.float64]:
    factor = 1 + float(pct) / 100
    attribute = ATTRIBUTES[name]
    if attribute.unit is Unit.MONEY:
        return np.asarray(np.rint(np.rint(values * 100) * factor) / 100)
    changed = values * factor
    if attribute.whole:
        return np.asarray(np.rint(changed))
    return np.asarray(np.clip(changed, attribute.low, attribute.high))


def altered_goals(
    *,
    facts: CustomerColumns,
    question: Question,
    books: BookColumns,
    rows: Integers,
    differ: GoalsDiffer,
) -> CustomerColumns:
    """Goals closed for everybody and opened for those that are meant. Whose goals are others by that is compared anew with
    what it was decided with, as a run would.
    """
    before = facts.columns["open_goals"]
    if not isinstance(before, SetColumn):
        raise TypeError("open_goals is not a set")
    new = sorted({one.kind for one in question.opened_goals} - set(before.vocabulary))
    vocabulary = (*before.vocabulary, *new)
    start = np.concatenate([before.members, np.zeros((len(facts), len(new)), dtype=np.bool_)], axis=1)
    members = start.copy()
    closed = [place for place, kind in enumerate(vocabulary) if kind in question.closed_goals]
    members[:, closed] = False
    for one in question.opened_goals:
        members[rows[chosen(where=one.where, books=books)], vocabulary.index(one.kind)] = True
    changed = facts.held.goals_changed.copy()
    for row in np.flatnonzero((members != start).any(axis=1)).tolist():
        changed[row] = differ(row, frozenset(vocabulary[at] for at in np.flatnonzero(members[row])))
    held = replace(facts.held, goals_changed=changed)
    return replace(facts.replaced({"open_goals": SetColumn(members, vocabulary)}), held=held)


def without_overrides(facts: CustomerColumns) -> CustomerColumns:
    """Nobody's tier is overruled."""
    none = np.full(len(facts), NO_TIER, dtype=np.int64)
    return replace(facts, held=replace(facts.held, override=none))


def wished_tiers(
    *,
    findings: TierFindings,
    rules: TieringRules,
    tiers: Sequence[TierFacts],
    wishes: Integers,
    silent_take_highest: bool,
) -> Integers:
    """The tier of each customer where all get the touch level they wish; never below the tier that is paid for.

    wishes: positions in TOUCH_LEVELS, -1 for none. Where the model has touch rules, its tier rules are asked with the wish
    in place of its touch level; else, and where that leads to another level, it is the tier of the level wished that lies
    nearest to the model's, and of a level that no tier has the nearest level, the higher of two. Who left keeps what it held.
    """
    facts = findings.derived
    wish = np.where(wishes == NO_WISH, 0 if silent_take_highest else NO_WISH, wishes)
    base = findings.suggestions.tier
    if rules.touch:
        asked = facts.replaced({"touch": ChoiceColumn(wish, TOUCH_LEVELS)})
        fired = first_match([rule.when for rule in rules.tiers], asked)
        base = np.array([rule.tier for rule in rules.tiers], dtype=np.int64)[fired]
    table = _tier_of_wish(tiers, {rule.tier for rule in rules.tiers})
    wanted = np.where(wish == NO_WISH, findings.guards.effective, table[base, wish])
    floor = nearest_in_use(facts.held.paid, tiers)
    below = (facts.held.paid != NO_TIER) & (wanted > floor)
    return np.asarray(np.where(facts.active, np.where(below, floor, wanted), facts.held.current))


def _tier_of_wish(tiers: Sequence[TierFacts], led_to: set[int]) -> Integers:
    """Tiers × touch levels: what somebody whom the model gives the one gets who wishes the other."""
    table = np.zeros((len(tiers), len(TOUCH_LEVELS)), dtype=np.int64)
    for wish in range(len(TOUCH_LEVELS)):
        there = _of_nearest_level(tiers, wish, led_to)
        for base in range(len(tiers)):
            table[base, wish] = min(there, key=lambda place: (abs(place - base), place), default=base)
    return table


def _of_nearest_level(tiers: Sequence[TierFacts], wish: int, led_to: set[int]) -> list[int]:
    """Tiers in use of the level; of them those that the model leads to, if there are any."""
    nearest = sorted(range(len(TOUCH_LEVELS)), key=lambda level: (abs(level - wish), level))
    for level in nearest:
        of_level = [
            place
            for place, tier in enumerate(tiers)
            if tier.touch_level == TOUCH_LEVELS[level] and not tier.retired
        ]
        if of_level:
            return [place for place in of_level if place in led_to] or of_level
    return []


def plan_minutes(
    *,
    tier: Integers,
    goals: SetColumn,
    slugs: Sequence[str],
    lines: TouchLines,
    changes: Mapping[str, TierChange],
) -> Integers:
    """Base minutes of a month of each customer: of its tier's touch plan with its goals, or what a change says instead.

    tier: positions in ``slugs``, -1 for none, which asks nothing. Each tier and set of goals is counted once.
    """
    kinds = sorted({kind for plan in lines.values() for kind, _, _ in plan if kind} & set(goals.vocabulary))
    places = [goals.vocabulary.index(kind) for kind in kinds]
    combos, combo = _combinations(goals.members[:, places])
    pairs, pair = np.unique(combo * (len(slugs) + 1) + tier + 1, return_inverse=True)
    minutes = np.zeros(len(pairs), dtype=np.int64)
    for at, key in enumerate(pairs.tolist()):
        place, held = key % (len(slugs) + 1) - 1, combos[key // (len(slugs) + 1)]
        if place >= 0:
            has = {"", *(kind for kind, there in zip(kinds, held, strict=True) if there)}
            minutes[at] = _minutes_of(slugs[place], has, lines, changes)
    return minutes[pair]


def _minutes_of(slug: str, has: set[str], lines: TouchLines, changes: Mapping[str, TierChange]) -> int:
    change = changes.get(slug)
    if change is not None and change.minutes is not None:
        return change.minutes
    return base_minutes(
        activities=[(times, each) for kind, times, each in lines.get(slug, ()) if kind in has]
    )


def _combinations(members: Flags) -> tuple[list[list[bool]], Integers]:
    """The different rows, and which of them each row is."""
    count = members.shape[1]
    if count > MOST_KINDS:
        found, which = np.unique(members, axis=0, return_inverse=True)
        return found.tolist(), np.asarray(which, dtype=np.int64).ravel()
    bits = np.left_shift(np.int64(1), np.arange(count, dtype=np.int64))
    _, first, which = np.unique(members @ bits, return_index=True, return_inverse=True)
    rows: Any = members[first].tolist()
    return rows, np.asarray(which, dtype=np.int64)
