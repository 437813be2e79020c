"""A book's attention as its page shows it: lines that sum to the minute, the bases side by side, a book over capacity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from accounts.models import Customer, Goal, Tier, TouchActivity
from allocation.engine.attention import base_minutes
from allocation.engine.facts.attention import (
    AttentionFinding,
    AttentionRules,
    Basis,
    BasisComparison,
    Bound,
    CareShare,
)
from allocation.selectors import wording
from allocation.selectors.attention import BookCare, Cared
from allocation.selectors.attention_words import base_trace, share_trace
from allocation.selectors.covers import HIDDEN

MOST = 25
"""So many customers are shown one by one until all are asked for; the others are one line, so that sums stay whole."""


@dataclass(frozen=True, slots=True)
class CareLine:
    """One customer's month, or several in one line (then ``pk`` is None). Minutes; traces say how a figure came."""

    pk: int | None
    name: str
    note: str
    tier: Tier | None
    base: int
    share: int
    done: int
    bound: Bound = ""
    base_words: str = ""
    share_words: str = ""
    customers: int = 1

    @property
    def minutes(self) -> int:
        return self.base + self.share


@dataclass(frozen=True, slots=True)
class Lines:
    """``rows``: the customers shown, the most hours first; ``rest``: those hidden and those not shown, in a line each."""

    rows: tuple[CareLine, ...]
    rest: tuple[CareLine, ...]
    total: CareLine
    more: int

    @property
    def all(self) -> tuple[CareLine, ...]:
        return (*self.rows, *self.rest)


def visible_ids(*, care: BookCare, user: Any) -> frozenset[int]:
    """Customers of the book whom the person may see; a cover's manager sees the hours of the others, not whose they are."""
    ids = [one.pk for one in care.customers]
    if user.is_ops:
        return frozenset(ids)
    return frozenset(Customer.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))


def care_lines(
    *,
    care: BookCare,
    found: AttentionFinding,
    rules: AttentionRules,
    done: Mapping[int, int],
    seen: frozenset[int],
    whole: bool = False,
) -> Lines:
    """The book as ``found`` shares it by ``rules``. whole: every customer has a line."""
    tiers = {tier.pk: tier for tier in Tier.objects.order_by("rank")}
    shares = {share.external_id: share for share in found.shares}
    names = {one.csm_id: one.name for one in care.covers.covers_of(care.csm.pk)}
    lines, hidden = [], []
    for one in care.customers:
        share = shares[one.facts.external_id]
        line = _line(one, share, tiers=tiers, covered=names.get(one.csm_id, ""), done=done.get(one.pk, 0))
        if one.pk not in seen:
            hidden.append(line)
            continue
        words = share_trace(share=share, facts=one.facts, found=found, rules=rules)
        lines.append((line, words))
    lines.sort(key=lambda pair: (-pair[0].minutes, pair[0].name, pair[0].pk or 0))
    shown = lines if whole else lines[:MOST]
    others = [line for line, _ in lines[len(shown) :]]
    rest = [_sum(others, f"{wording.counted(len(others), 'other customer')}")] if others else []
    if hidden:
        rest.append(_sum(hidden, f"{wording.counted(len(hidden), 'customer')} of {HIDDEN}"))
    return Lines(
        rows=tuple(_with_words(line, words) for line, words in shown),
        rest=tuple(rest),
        total=_sum([*(line for line, _ in lines), *hidden], "All customers"),
        more=len(others),
    )


def _line(one: Cared, share: CareShare, *, tiers: Mapping[int, Tier], covered: str, done: int) -> CareLine:
    tier = tiers.get(one.tier_id) if one.tier_id is not None else None
    return CareLine(
        pk=one.pk,
        name=one.name,
        note=f"covered for {covered}" if covered else "",
        tier=tier,
        base=share.base_minutes,
        share=share.share_minutes,
        done=done,
        bound=share.bound,
        base_words=base_trace(tier=tier.name if tier else ""),
    )


def _with_words(line: CareLine, words: str) -> CareLine:
    return CareLine(
        line.pk,
        line.name,
        line.note,
        line.tier,
        line.base,
        line.share,
        line.done,
        line.bound,
        line.base_words,
        words,
    )


def _sum(lines: Sequence[CareLine], name: str) -> CareLine:
    return CareLine(
        pk=None,
        name=name,
        note="",
        tier=None,
        base=sum(line.base for line in lines),
        share=sum(line.share for line in lines),
        done=sum(line.done for line in lines),
        customers=len(lines),
    )


@dataclass(frozen=True, slots=True)
class ComparedCell:
    """Minutes under one basis, and the difference to what is in force."""

    basis: Basis
    minutes: int
    difference: int


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One customer under every basis, or several in one line."""

    pk: int | None
    name: str
    in_force: int
    cells: tuple[ComparedCell, ...]

    @property
    def spread(self) -> int:
        """Between the basis that gives most and the one that gives least."""
        minutes = [cell.minutes for cell in self.cells]
        return max(minutes) - min(minutes)


@dataclass(frozen=True, slots=True)
class ComparedBasis:
    """What one basis would change: minutes moved, customers that gain or lose, who gains and who loses most."""

    basis: Basis
    moved: int
    gain: int
    lose: int
    gains: tuple[str, int] | None
    loses: tuple[str, int] | None
    unallocated: int


@dataclass(frozen=True, slots=True)
class Compared:
    rows: tuple[ComparedRow, ...]
    rest: tuple[ComparedRow, ...]
    total: ComparedRow
    bases: tuple[ComparedBasis, ...]
    more: int


def compared(
    *, care: BookCare, found: BasisComparison, seen: frozenset[int], whole: bool = False
) -> Compared:
    """The bases side by side: the customers for whom the basis matters most first. whole: every customer has a row."""
    in_force = {share.external_id: share.minutes for share in found.in_force.shares}
    by_basis = {
        basis: {share.external_id: share.minutes for share in one.shares}
        for basis, one in found.by_basis.items()
    }

    def row(customers: Sequence[Cared], name: str, pk: int | None = None) -> ComparedRow:
        keys = [one.facts.external_id for one in customers]
        now = sum(in_force[key] for key in keys)
        cells = []
        for basis, minutes in by_basis.items():
            here = sum(minutes[key] for key in keys)
            cells.append(ComparedCell(basis, here, here - now))
        return ComparedRow(pk, name, now, tuple(cells))

    named = [one for one in care.customers if one.pk in seen]
    hidden = [one for one in care.customers if one.pk not in seen]
    pairs = [(row([one], one.name, one.pk), one) for one in named]
    pairs.sort(key=lambda pair: (-pair[0].spread, pair[0].name, pair[1].pk))
    shown = pairs if whole else pairs[:MOST]
    others = [one for _, one in pairs[len(shown) :]]
    rest = [row(others, wording.counted(len(others), "other customer"))] if others else []
    if hidden:
        rest.append(row(hidden, f"{wording.counted(len(hidden), 'customer')} of {HIDDEN}"))
    return Compared(
        rows=tuple(one for one, _ in shown),
        rest=tuple(rest),
        total=row(care.customers, "All customers"),
        bases=tuple(_basis(basis, found, named) for basis in by_basis),
        more=len(others),
    )


def _basis(basis: Basis, found: BasisComparison, named: Sequence[Cared]) -> ComparedBasis:
    after = found.by_basis[basis]
    changes = after.differences(found.in_force)
    told = sorted((changes[one.facts.external_id], one.name) for one in named)
    most = max(told, key=lambda pair: pair[0], default=(0, ""))
    least = told[0] if told else (0, "")
    return ComparedBasis(
        basis=basis,
        moved=after.moved(found.in_force),
        gain=sum(change > 0 for change in changes.values()),
        lose=sum(change < 0 for change in changes.values()),
        gains=(most[1], most[0]) if most[0] > 0 else None,
        loses=(least[1], least[0]) if least[0] < 0 else None,
        unallocated=after.unallocated_minutes,
    )


@dataclass(frozen=True, slots=True)
class AskingLine:
    """One line of a touch plan: with how many customers of the book, and the minutes a month they ask together."""

    name: str
    tier: str
    customers: int
    minutes: int


def asking_most(*, care: BookCare, seen: frozenset[int], on: date) -> list[AskingLine]:
    """The lines of the touch plans by what they ask of this book, the most first: what to look at when it is over capacity.

    Of the customers the person may see; rounded each by itself. Two statements.
    """
    tiers: dict[int, list[int]] = defaultdict(list)
    for one in care.customers:
        if one.tier_id is not None and one.pk in seen:
            tiers[one.tier_id].append(one.pk)
    goals = Goal.objects.open_on(on).filter(customer__in=[pk for pks in tiers.values() for pk in pks])
    with_goal: dict[int, set[int]] = defaultdict(set)
    for customer_id, kind_id in goals.order_by("pk").values_list("customer_id", "kind_id"):
        with_goal[kind_id].add(customer_id)
    lines = []
    rows = TouchActivity.objects.filter(tier__in=list(tiers)).select_related("tier").order_by("pk")
    for activity in rows:
        there = tiers[activity.tier_id]
        kind = activity.goal_kind_id
        number = len(there) if kind is None else sum(pk in with_goal[kind] for pk in there)
        times = activity.times_a_year * number
        if number:
            minutes = base_minutes(activities=[(times, activity.hours_each)])
            lines.append(AskingLine(activity.name, activity.tier.name, number, minutes))
    return sorted(lines, key=lambda line: (-line.minutes, line.tier, line.name))
