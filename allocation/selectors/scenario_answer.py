"""The answer of a scenario as others read it, under the published keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from allocation.engine.attention import hours_of
from allocation.selectors.balance import money_number


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
