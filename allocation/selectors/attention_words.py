"""How a customer's attention came, in words: its weight, its share, its base hours; and the rules of a policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction

from django.conf import settings

from allocation.engine.attention import nearness
from allocation.engine.facts.attention import (
    AttentionFinding,
    AttentionRules,
    Basis,
    CareFacts,
    CareShare,
    NetHours,
)
from allocation.models import AttentionPolicy
from allocation.selectors import wording
from allocation.selectors.wording import hours_and_minutes

SHORT: Mapping[Basis, str] = {
    "need": "Need",
    "expansion": "Expansion",
    "advocacy": "Advocacy",
    "return": "Return",
    "even": "Even",
}
"""A basis where there is little room; in full it is called as in the policy."""

IDEAS: Mapping[Basis, str] = {
    "need": "low health, sentiment and adoption and a near renewal pull hours",
    "expansion": "what could be sold on top of today's ARR pulls hours",
    "advocacy": "reputation pulls hours, half as much again with a champion",
    "return": "revenue at risk before a renewal and expansion pull hours",
    "even": "everybody gets the same",
}


def basis_label(basis: str) -> str:
    return str(AttentionPolicy.Basis(basis).label)


def floor_words(rules: AttentionRules) -> str:
    if not rules.floor_pct:
        return "There is no floor: who has no weight gets base hours only."
    return f"Floor: nobody's share is below {_pct(rules.floor_pct)} of an even share."


def cap_words(rules: AttentionRules) -> str:
    if rules.cap_pct >= 100:
        return "There is no cap: one customer may get all that is left."
    return f"Cap: nobody's share is above {_pct(rules.cap_pct)} of the hours left."


def _pct(value: Decimal) -> str:
    return f"{value.normalize():f}{wording.SPACE}%"


def net_lines(net: NetHours, *, days_away: int, month: int) -> list[tuple[str, str, str]]:
    """Label, figure and how it came, from the hours of a month down to those there are for customers; they add up."""
    hm = hours_and_minutes
    return [
        ("Hours a month", hm(net.contract), "As entered for the CSM."),
        (
            "Not yet up to speed",
            wording.difference(net.after_ramp - net.contract),
            f"Hours × ramp: {hm(net.after_ramp)} are left.",
        ),
        (
            "Not spent on customers",
            wording.difference(net.after_overhead - net.after_ramp),
            f"× (1 − share not spent on customers): {hm(net.after_overhead)} are left.",
        ),
        (
            "Away",
            wording.difference(net.net - net.after_overhead),
            f"{wording.counted(days_away, 'day')} of the {month} days from today are leave.",
        ),
        ("Net hours", hm(net.net), "What is there for customers: the lines above added up."),
    ]


def base_trace(*, tier: str) -> str:
    if not tier:
        return "Without a tier there is no touch plan."
    return f"The touch plan of {tier} for a year, with what it adds for open goals, ÷ 12."


def share_trace(*, share: CareShare, facts: CareFacts, found: AttentionFinding, rules: AttentionRules) -> str:
    """Lines of the sum: what is left, the weight and how it came, and what floor or cap made of it."""
    if found.over_capacity:
        return "Nothing is left to share: the base hours ask more than there is."
    left = f"Left to share: {hours_and_minutes(found.left_minutes)} (net {hours_and_minutes(found.net_minutes)} − base {hours_and_minutes(found.base_minutes)})."
    weight = f"Weight: {weight_words(facts=facts, basis=rules.basis, weight=share.weight)}."
    return "\n".join((left, weight, _shared(share, found, rules)))


def _shared(share: CareShare, found: AttentionFinding, rules: AttentionRules) -> str:
    if share.bound == "floor":
        return (
            f"Raised to the floor, {_pct(rules.floor_pct)} of an even share: {_exact(found.floor_minutes)}."
        )
    if share.bound == "cap":
        return (
            f"Held at the cap, {_pct(rules.cap_pct)} of what is left: {hours_and_minutes(found.cap_minutes)}."
        )
    if found.all_even:
        return "No customer has a weight by this basis, so all get the same."
    if not found.free_weight:
        return "Without a weight there is no share."
    among = (
        "" if found.free_minutes == found.left_minutes else " among those whom neither floor nor cap holds"
    )
    part = 100 * share.weight / found.free_weight
    return (
        f"{_exact(found.free_minutes)} × {float(part):.1f}{wording.SPACE}% of all weight{among} "
        f"= {hours_and_minutes(share.share_minutes)}, rounded to the minute so that all add up."
    )


def _exact(minutes: Fraction) -> str:
    return hours_and_minutes(round(minutes))


def weight_words(*, facts: CareFacts, basis: Basis, weight: Fraction) -> str:
    """ "125,000 USD, potential ARR 350,000 less ARR 225,000": the weight and what it is made of."""
    return _WEIGHTS[basis](facts, weight)


def _need(facts: CareFacts, weight: Fraction) -> str:
    near = nearness(days_to_renewal=facts.days_to_renewal)
    parts = [
        None if facts.health is None else f"health {facts.health.normalize():f}",
        None if facts.sentiment is None else f"sentiment {facts.sentiment} of 5",
        None if facts.adoption is None else f"adoption {facts.adoption.normalize():f}",
        None if near is None else f"renewal nearness {float(near):.2f}",
    ]
    known = ", ".join(part for part in parts if part)
    return (
        f"need {float(weight):.2f}, the mean over {known}" if known else "0, as nothing is known of its need"
    )


def _expansion(facts: CareFacts, weight: Fraction) -> str:
    if facts.potential_arr is None:
        return "0, as the potential ARR is not known"
    return f"{_money(weight)} of expansion, potential {_money(facts.potential_arr)} less ARR {_money(facts.arr or 0)}"


def _advocacy(facts: CareFacts, weight: Fraction) -> str:
    if facts.reputation is None:
        return "0, as the reputation is not known"
    champion = " × 1.5 for a champion" if facts.champion else ""
    return f"{float(weight):.2f}, reputation {facts.reputation.normalize():f} ÷ 100{champion}"


def _return(facts: CareFacts, weight: Fraction) -> str:
    part = "expansion" if facts.champion else "half the expansion, as there is no champion"
    return f"{_money(weight)}: ARR × (100 − health) ÷ 100 × nearness of the renewal, and {part}"


def _even(facts: CareFacts, weight: Fraction) -> str:
    return "1, as everybody's"


_WEIGHTS: Mapping[Basis, Callable[[CareFacts, Fraction], str]] = {
    "need": _need,
    "expansion": _expansion,
    "advocacy": _advocacy,
    "return": _return,
    "even": _even,
}


def _money(value: Decimal | Fraction | int) -> str:
    return f"{round(value):,}{wording.SPACE}{settings.BASE_CURRENCY}"
