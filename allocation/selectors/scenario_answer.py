"""The answer of a scenario as others read it: under the published keys, and who moves, for who may see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import CSM, Customer, Tier, User
from allocation.engine.attention import hours_of
from allocation.engine.packing import unpack
from allocation.models import Scenario
from allocation.selectors.balance import money_number


@dataclass(frozen=True, slots=True)
class Mover:
    """One customer that goes to another tier. before, after: None for no tier. csm: whose book then; None for nobody's.

    is_added: in the book of a CSM that the scenario adds.
    """

    customer: Customer
    before: Tier | None
    after: Tier | None
    csm: CSM | None
    is_added: bool


def published_answer(
    *, name: str, result: Mapping[str, Any], movers: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """One scenario of the `scenario` command: a stored answer in hours and base currency."""
    return {
        "name": name,
        **_published(result),
        "movers": [{key: one[key] for key in ("external_id", "from", "to")} for one in movers],
        "today": _published(result["today"]),
    }


def _published(figures: Mapping[str, Any]) -> dict[str, Any]:
    books = figures["books"]
    cost = figures["cost_cents"]
    return {
        "tiers": dict(figures["tiers"]),
        "moves": figures["moves"],
        "hours_asked": _hours(figures["minutes_asked"]),
        "hours_there": _hours(figures["minutes_there"]),
        "heads": figures["heads"],
        "heads_there": figures["heads_there"],
        "cost": None if cost is None else money_number(cents=cost),
        "arr_by_tier": {
            slug: money_number(cents=cents) for slug, cents in figures["arr_cents_by_tier"].items()
        },
        "balance": dict(figures["balance"]),
        "flows": [
            {
                "from": flow["from"],
                "to": flow["to"],
                "customers": flow["customers"],
                "arr": money_number(cents=flow["arr_cents"]),
                "hours": _hours(flow["minutes"]),
            }
            for flow in figures["flows"]
        ],
        "books": None
        if books is None
        else {**books, "shortages": [_shortage(one) for one in books["shortages"]]},
    }


def _shortage(found: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in found.items() if key != "minutes"}
    return {**plain, "hours": _hours(found["minutes"])}


def _hours(minutes: int) -> float:
    return float(hours_of(minutes))


def scenario_movers(
    *, scenario: Scenario, user: User | None, before: str | None = None, after: str | None = None
) -> list[Mover]:
    """Who goes to another tier, those that the person may see (None: all), in the order of their external ids.

    before, after: slugs, where only one flow is asked for. Three queries.
    """
    if scenario.movers is None:
        return []
    columns = unpack(scenario.movers).integers
    tiers = {tier.pk: tier for tier in Tier.objects.order_by("rank")}
    wanted = {
        key: (tiers.get(source), tiers.get(target), csm)
        for key, source, target, csm in zip(
            columns["customer"].tolist(),
            columns["before"].tolist(),
            columns["after"].tolist(),
            columns["csm"].tolist(),
            strict=True,
        )
        if _is(tiers.get(source), before) and _is(tiers.get(target), after)
    }
    csms = {csm.pk: csm for csm in CSM.objects.order_by("pk").only("name", "email")}
    return [
        Mover(
            customer=customer,
            before=wanted[customer.pk][0],
            after=wanted[customer.pk][1],
            csm=csms.get(wanted[customer.pk][2]),
            is_added=wanted[customer.pk][2] < -1,
        )
        for customer in _customers(wanted, user)
    ]


def _is(tier: Tier | None, slug: str | None) -> bool:
    return slug is None or (tier.slug if tier is not None else "") == slug


def _customers(wanted: Mapping[int, Any], user: User | None) -> Sequence[Customer]:
    """By their keys, or of a large part all in scope with one statement: a database takes so many parameters only."""
    rows = Customer.objects.all() if user is None else Customer.objects.visible_to(user)
    if not wanted:
        return []
    within = rows.filter(pk__gte=min(wanted), pk__lte=max(wanted)).order_by("external_id")
    return [
        customer
        for customer in within.only("external_id", "name", "arr", "currency")
        if customer.pk in wanted
    ]


def named_movers(*, scenario: Scenario, user: User | None) -> list[dict[str, Any]]:
    """Under the keys of the `scenario` command."""
    return [
        {
            "external_id": mover.customer.external_id,
            "from": mover.before.slug if mover.before else "",
            "to": mover.after.slug if mover.after else "",
        }
        for mover in scenario_movers(scenario=scenario, user=user)
    ]


def visible_movers(*, movers: Sequence[Mapping[str, Any]], user: User | None) -> Sequence[Mapping[str, Any]]:
    """Of an answer without a row: those of customers that the person may see (None: all). One query at most."""
    if user is None or user.is_ops:
        return movers
    seen = set(Customer.objects.visible_to(user).values_list("pk", flat=True))
    return [mover for mover in movers if mover["customer"] in seen]
