"""How a CSM's hours are shared inside the book, to the minute. Prose: ``docs/engine/attention.md``.

Everything is exact (integers and fractions); minutes are rounded once, by largest remainder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import NamedTuple

from allocation.engine.facts.attention import (
    BASES,
    AttentionFinding,
    AttentionRules,
    Basis,
    BasisComparison,
    Bound,
    CareFacts,
    CareShare,
    NetHours,
)

NEARNESS_DAYS = 180
CHAMPION_ADVOCACY = Fraction(3, 2)
NO_CHAMPION_RETURN = Fraction(1, 2)
NOTHING = Fraction(0)


def net_minutes(
    *, hours_per_month: Decimal, ramp_pct: Decimal, overhead_pct: Decimal, days_away: int, days: int
) -> int:
    """Net minutes of a month: hours × ramp × (1 − share not spent on customers), less the share of days away."""
    return net_hours(
        hours_per_month=hours_per_month,
        ramp_pct=ramp_pct,
        overhead_pct=overhead_pct,
        days_away=days_away,
        days=days,
    ).net


@lru_cache(maxsize=1_024)
def net_hours(
    *, hours_per_month: Decimal, ramp_pct: Decimal, overhead_pct: Decimal, days_away: int, days: int
) -> NetHours:
    """What `net_minutes` comes from, step by step; the last step is the same number."""
    contract = Fraction(hours_per_month) * 60
    ramped = contract * Fraction(ramp_pct) / 100
    spent = ramped * (1 - Fraction(overhead_pct) / 100)
    there = spent * (1 - Fraction(min(days_away, days), days))
    return NetHours(whole(contract), whole(ramped), whole(spent), whole(there))


def base_minutes(*, activities: Sequence[tuple[Decimal, Decimal]]) -> int:
    """Base minutes of a month from (times a year, hours each): the touch plan's hours ÷ 12, rounded once."""
    return _base_minutes(tuple(activities))


@lru_cache(maxsize=1_024)
def _base_minutes(activities: tuple[tuple[Decimal, Decimal], ...]) -> int:
    hours = sum((Fraction(times) * Fraction(each) for times, each in activities), NOTHING)
    return whole(hours * 60 / 12)


def whole(value: Fraction) -> int:
    """Rounded to a whole number, half to even."""
    return round(value)


def hours_of(minutes: int) -> Decimal:
    """Minutes as hours with two decimals, for people and JSON."""
    return (Decimal(minutes) / 60).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)


def share_attention(*, net: int, customers: Sequence[CareFacts], rules: AttentionRules) -> AttentionFinding:
    """Share the net minutes of a CSM over the book: base first, the rest by the chosen basis within floor and cap."""
    ordered = sorted(customers, key=lambda one: one.external_id)
    left = net - sum(one.base_minutes for one in ordered)
    weights = [attention_weight(customer=one, basis=rules.basis) for one in ordered]
    if left < 0 or not ordered:
        # Over capacity is shown, never scaled away; an empty book leaves everything unallocated.
        shares = tuple(
            CareShare(one.external_id, one.base_minutes, 0, weight)
            for one, weight in zip(ordered, weights, strict=True)
        )
        return AttentionFinding(net, shares, max(left, 0), over_capacity=left < 0)
    all_even = not any(weights)
    cap = int(left * Fraction(rules.cap_pct) / 100)
    floor = min(Fraction(left, len(ordered)) * Fraction(rules.floor_pct) / 100, Fraction(cap))
    parts, unit = in_whole_parts([Fraction(1)] * len(ordered) if all_even else weights)
    quotas = _quotas(left=left, parts=parts, floor=floor, cap=cap)
    minutes = _to_minutes(quotas, cap)
    rows = zip(ordered, minutes, weights, quotas.bounds, strict=True)
    free = [place for place, bound in enumerate(quotas.bounds) if not bound]
    return AttentionFinding(
        net,
        tuple(
            CareShare(one.external_id, one.base_minutes, share, weight, bound)
            for one, share, weight, bound in rows
        ),
        left - sum(minutes),
        over_capacity=False,
        all_even=all_even,
        floor_minutes=floor,
        cap_minutes=cap,
        free_minutes=Fraction(sum(quotas.parts[place] for place in free), quotas.of),
        free_weight=Fraction(sum(parts[place] for place in free), unit),
    )


def in_whole_parts(values: Sequence[Fraction]) -> tuple[list[int], int]:
    """The values as whole numbers of one part of 1, and how many of these parts 1 has: exact as fractions, and quicker."""
    unit = lcm(*(value.denominator for value in values))
    return [value.numerator * (unit // value.denominator) for value in values], unit


def compare_bases(
    *,
    net: int,
    customers: Sequence[CareFacts],
    in_force: AttentionRules,
    floor_pct: Decimal | None = None,
    cap_pct: Decimal | None = None,
) -> BasisComparison:
    """The book shared by each basis beside the rules in force. floor_pct, cap_pct: others to try; as in force if None."""
    floor = in_force.floor_pct if floor_pct is None else floor_pct
    cap = in_force.cap_pct if cap_pct is None else cap_pct
    return BasisComparison(
        in_force=share_attention(net=net, customers=customers, rules=in_force),
        by_basis={
            basis: share_attention(net=net, customers=customers, rules=AttentionRules(basis, floor, cap))
            for basis in BASES
        },
    )


def attention_weight(*, customer: CareFacts, basis: Basis) -> Fraction:
    """Weight of a customer by the basis, of what is known; 0 when nothing is."""
    return _WEIGHTS[basis](customer)


def nearness(*, days_to_renewal: int | None) -> Fraction | None:
    """1 on the renewal day, 0 from 180 days before it: max(0, 1 − days ÷ 180). Unknown without a renewal date."""
    if days_to_renewal is None:
        return None
    return max(NOTHING, 1 - Fraction(days_to_renewal, NEARNESS_DAYS))


@lru_cache(maxsize=4_096)
def _exact(value: Decimal) -> Fraction:
    """Scores and amounts are the same few over and over."""
    return Fraction(value)


def _need(customer: CareFacts) -> Fraction:
    known = [
        part
        for part in (
            None if customer.health is None else (100 - _exact(customer.health)) / 100,
            None if customer.sentiment is None else Fraction(5 - customer.sentiment, 4),
            None if customer.adoption is None else (100 - _exact(customer.adoption)) / 100,
            nearness(days_to_renewal=customer.days_to_renewal),
        )
        if part is not None
    ]
    return sum(known, NOTHING) / len(known) if known else NOTHING


def _expansion(customer: CareFacts) -> Fraction:
    potential, arr = customer.potential_arr, customer.arr or Decimal(0)
    if potential is None or potential <= arr:
        return NOTHING
    return _exact(potential) - _exact(arr)


def _advocacy(customer: CareFacts) -> Fraction:
    if customer.reputation is None:
        return NOTHING
    return _exact(customer.reputation) / 100 * (CHAMPION_ADVOCACY if customer.champion else 1)


def _return(customer: CareFacts) -> Fraction:
    kept = NOTHING
    near = nearness(days_to_renewal=customer.days_to_renewal)
    if customer.arr is not None and customer.health is not None and near is not None:
        kept = _exact(customer.arr) * (100 - _exact(customer.health)) / 100 * near
    return kept + _expansion(customer) * (1 if customer.champion else NO_CHAMPION_RETURN)


def _even(customer: CareFacts) -> Fraction:
    return Fraction(1)


_WEIGHTS: Mapping[Basis, Callable[[CareFacts], Fraction]] = {
    "need": _need,
    "expansion": _expansion,
    "advocacy": _advocacy,
    "return": _return,
    "even": _even,
}


class _Quotas(NamedTuple):
    """Exact shares in minutes as whole ``parts`` ÷ ``of``; what bound holds each."""

    parts: list[int]
    of: int
    bounds: list[Bound]


def _quotas(*, left: int, parts: Sequence[int], floor: Fraction, cap: int) -> _Quotas:
    """In proportion to the parts, nobody below the floor, nobody above the cap.

    Whoever the proportion would put beyond a bound is set to it and the rest is shared anew among the others. What all
    caps together leave stays unshared.
    """
    bounds: list[Bound] = [""] * len(parts)
    set_to: Mapping[Bound, Fraction] = {"floor": floor, "cap": Fraction(cap)}
    free, rest, each = list(range(len(parts))), Fraction(left), NOTHING
    while free:
        each = rest / (sum(parts[i] for i in free) or 1)  # minutes of one part; who has none gets nothing
        settled, bound = _beyond({i: parts[i] for i in free}, each, floor=floor, cap=cap)
        if not settled:
            break
        for i in settled:
            bounds[i] = bound
        rest -= len(settled) * set_to[bound]
        free = [i for i in free if not bounds[i]]
    (one, *ends), of = in_whole_parts((each, *set_to.values()))
    fixed = dict(zip(set_to, ends, strict=True))
    return _Quotas([fixed[bound] if bound else parts[i] * one for i, bound in enumerate(bounds)], of, bounds)


def _beyond(
    parts: Mapping[int, int], each: Fraction, *, floor: Fraction, cap: int
) -> tuple[list[int], Bound]:
    """Whom the proportion puts beyond the bound that is broken by more, and that bound; the other may come right by itself
    (water filling with two bounds).
    """
    minutes, of = each.numerator, each.denominator
    least, most = floor.numerator * of, cap * of
    low = [i for i, part in parts.items() if part * minutes * floor.denominator < least]
    high = [i for i, part in parts.items() if part * minutes > most]
    missing = len(low) * floor - each * sum(parts[i] for i in low)
    surplus = each * sum(parts[i] for i in high) - len(high) * cap
    return (high, "cap") if high and missing <= surplus else (low, "floor")


def _to_minutes(quotas: _Quotas, cap: int) -> list[int]:
    """Whole minutes with the same sum (rounded down): the largest remainders get the missing ones, ties in order."""
    of = quotas.of
    minutes = [part // of for part in quotas.parts]
    missing = sum(quotas.parts) // of - sum(minutes)
    order = sorted(range(len(minutes)), key=lambda i: (-(quotas.parts[i] % of), i))
    for i in [i for i in order if minutes[i] < cap][:missing]:
        minutes[i] += 1
    return minutes
