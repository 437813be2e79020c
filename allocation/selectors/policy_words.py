"""An allocation policy in sentences: the one that is saved, and the one a plan was made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from allocation.engine.facts.books import TOUCH_WEIGHT
from allocation.models import AllocationPolicy, NamedTiers
from allocation.selectors.plan_answers import policy_values
from allocation.selectors.wording import counted
from allocation.snapshots.books import book_policy

Passage = tuple[str, tuple[str, ...]]
"""A heading and its sentences."""

VERTICAL = {
    "ignore": "Verticals play no part.",
    "soft": "A specialist of the customer's vertical is preferred, but anybody may serve it.",
    "specialist_first": "A customer goes to a specialist of its vertical; a generalist stands in only where no specialist has room.",
    "hard": "A CSM with named verticals serves these only; generalists serve all alike.",
}
OTHERS = {
    "region": ("Regions play no part.", "A CSM of the customer's region is preferred.",
               "A CSM with named regions serves these only."),
    "language": ("Languages play no part.", "A CSM who speaks the customer's language is preferred.",
                 "A CSM with named languages serves customers of these only."),
    "product": ("Products play no part.", "A CSM who knows the customer's products is preferred.",
                "A CSM with named products serves only customers who have no others."),
}  # fmt: skip
MODES = ("ignore", "soft", "hard")
BALANCED = (
    ("weight_hours", "hours", "hours_tolerance_pct"),
    ("weight_arr", "ARR", "arr_tolerance_pct"),
    ("weight_customers", "numbers of customers", ""),
)
EXAMPLE_PCT = 20


def words_of_policy(*, policy: AllocationPolicy) -> tuple[Passage, ...]:
    """A saved policy in sentences; two queries at most."""
    lines = NamedTiers.objects.filter(policy=policy).select_related("csm").prefetch_related("tiers")
    named = [
        (line.csm.name, [tier.name for tier in sorted(line.tiers.all(), key=lambda tier: tier.rank)])
        for line in lines.order_by("csm__name", "pk")
    ]
    engine = book_policy(policy=policy, max_moves_pct=None)
    return policy_words(values=policy_values(policy=engine, stored=policy, named=named))


def policy_words(*, values: Mapping[str, Any], with_names: bool = True) -> tuple[Passage, ...]:
    """The values that a plan keeps of its policy, in sentences; nothing for a plan that kept none.

    Without ``with_names`` the CSMs for whom tiers are named are counted only. Values of an earlier day lack some keys.
    """
    if not values:
        return ()
    return (
        ("Who may serve whom", tuple(_who(values, with_names))),
        ("What makes a plan better", tuple(_better(values))),
        ("What may move", tuple(_moves(values))),
    )


def _who(values: Mapping[str, Any], with_names: bool) -> list[str]:
    said = [VERTICAL[values["vertical_fit"]]]
    ignored = []
    for name, sentences in OTHERS.items():
        mode = values[f"{name}_fit"]
        if mode == "ignore":
            ignored.append(f"{name}s")
        else:
            said.append(sentences[MODES.index(mode)])
    if ignored:
        said.append(f"{_listed(ignored).capitalize()} play no part.")
    if values["country_law"]:
        said.append(
            "A customer of a country sits only with a CSM who covers that country; where nobody does, it stays without."
        )
    if values["seniority_follows_value"]:
        said.append("The most experienced CSMs get the highest revenue, juniors the smallest customers.")
    if values["keep_families_together"]:
        said.append("A parent and its subsidiaries have one CSM where that is possible.")
    return said + _named(values.get("named_tiers") or [], with_names)


def _named(named: Sequence[Mapping[str, Any]], with_names: bool) -> list[str]:
    bound = [line for line in named if line["tiers"]]
    if not bound:
        return []
    if not with_names:
        return [f"For {counted(len(bound), 'CSM')} tiers are named; they are given customers of these only."]
    return [f"{line['csm']} is given customers of {_listed(line['tiers'])} only." for line in bound]


def _better(values: Mapping[str, Any]) -> list[str]:
    weights = [(values.get(key, 0), noun, values.get(band, 0)) for key, noun, band in BALANCED]
    even = [(weight, noun, band) for weight, noun, band in weights if weight > 0]
    said = []
    if even:
        parts = _listed([f"{noun} ({_points(weight)})" for weight, noun, _ in even])
        said.append(f"Books are even in {parts}.")
        said += [_example(weight, noun, band) for weight, noun, band in even[:1]]
        said += [
            f"{noun[0].upper()}{noun[1:]} within {band:g} % of the target count as even."
            for _, noun, band in even
            if band
        ]
    else:
        said.append("Evenness of the books counts nothing.")
    for key, what in (
        ("weight_fit", "A mismatch of skill or seniority costs"),
        ("weight_continuity", "A change of CSM by choice costs"),
        ("weight_background", "A new CSM of quite another background costs"),
    ):
        said.append(_by_touch(what, values[key]))
    return said


def _example(weight: float, noun: str, band: float) -> str:
    points = weight * max(0.0, EXAMPLE_PCT - band) / 100
    return (
        f"A book {EXAMPLE_PCT} % off its target in {noun} costs {_points(points)}: "
        f"as much as {_many(points)} in the wrong hands."
    )


def _by_touch(what: str, weight: float) -> str:
    if weight <= 0:
        return f"{what} nothing."
    each = {touch: weight * factor for touch, factor in TOUCH_WEIGHT.items()}
    return (
        f"{what} {_points(each['low'])} for an ordinary (low-touch) customer, {_short(each['high'])} for a high-touch, "
        f"{_short(each['mid'])} for a mid-touch and {_short(each['tech'], digits=2)} for a tech-touch one."
    )


def _short(number: float, *, digits: int = 3) -> str:
    """Three digits where they are few, whole numbers from there on: never the powers of ten of a machine."""
    return f"{number:,.0f}" if abs(number) >= 10**digits else f"{number:.{digits}g}"


def _points(number: float) -> str:
    return f"{_short(number)} {'point' if number == 1 else 'points'}"


def _many(number: float) -> str:
    return f"{_short(number)} ordinary {'customer' if number == 1 else 'customers'}"


def _moves(values: Mapping[str, Any]) -> list[str]:
    share, arr = values["max_moves_pct"], values["max_moves_arr_pct"]
    if share == 0 or arr == 0:
        said = [
            "Nobody changes CSM by choice: only leavers' customers, the unable and those without a CSM move."
        ]
    elif share is None or arr is None:
        said = ["There is no limit to how many customers change CSM by choice."]
    else:
        said = [
            f"At most {share:g} % of the customers and {arr:g} % of their ARR change CSM by choice in one plan."
        ]
    holds = _holds(values.get("holds") or {})
    if holds:
        said.append(f"A customer keeps its CSM {_listed(holds)}.")
    top = values.get("approve_top") or 0
    if top:
        which = "the customer" if top == 1 else f"one of the {top:,} customers"
        said.append(f"A change of CSM of {which} of the highest ARR needs a manager's own approval.")
    days = values.get("objection_days") or 0
    if days:
        said.append(f"CSMs concerned have {counted(days, 'day')} to object before a plan is applied.")
    return said


def _holds(days: Mapping[str, int]) -> list[str]:
    words = (
        ("before_renewal", "in the {} before a renewal"),
        ("first", "in the first {} of a contract"),
        ("after_move", "for {} after a change of CSM"),
    )
    return [said.format(counted(days[key], "day")) for key, said in words if days.get(key)]


def _listed(parts: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))
