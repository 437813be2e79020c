"""Random companies with everything that makes planning hard, for the tests of the proof."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from allocation.engine.facts.books import BookFacts, BookPolicy, BookProposal
from tests.engine.books_cast import ALONE, ENTERPRISE, GLOBAL, SCALE, company, csm

FITS = ("ignore", "soft", "specialist_first", "hard")
BUDGETS = (None, 0.0, 2.0, 10.0)
VERTICALS = ("Finance", "Retail", "Telco", "")
REGIONS = ("East", "West", "")
HALVES = ("East", "West")
COUNTRIES = ("DE", "FR", "")


def case(seed: int, *, small: bool = False, calm: bool = False) -> tuple[BookFacts, BookPolicy]:
    """A company and a policy; what they look like goes round with the seed, details are drawn."""
    chance = random.Random(seed)
    people = chance.randint(2, 4) if small else chance.randint(4, 7)
    count = chance.randint(6, 14) if small else chance.randint(40, 120 if seed % 6 == 0 else 70)
    law = seed % 5 == 0
    crew = [_person(chance, f"u{j}", law=law, leavers=seed % 4 == 1 or seed % 7 == 2) for j in range(people)]
    apart = seed // 2 % 3 == 0  # two halves that nothing links: several groups
    if apart:
        crew = [replace(one, regions=frozenset([HALVES[j % 2]])) for j, one in enumerate(crew)]
    count = count // 2 if calm else count
    full = sum(one.capacity_minutes for one in crew if one.leaving == "no") or 6000
    load = chance.choice([0.5, 0.6] if calm else [0.6, 0.8, 0.95, 1.15])  # the last is a shortage
    mean = max(10, int(load * full / count))
    rows = [_row(chance, crew, mean, place, 1 if calm else 4) for place in range(count)]
    if apart:
        rows = [_in_half(chance, row, crew) for row in rows]
    tiers = (replace(GLOBAL, cap=chance.choice([3, 6, 20])), ENTERPRISE, replace(SCALE, cap=40), ALONE)
    policy = BookPolicy(
        vertical_fit=FITS[seed % 4],  # type: ignore[arg-type]
        region_fit="hard" if apart else chance.choice(["ignore", "soft", "hard"]),  # type: ignore[arg-type]
        language_fit=chance.choice(["ignore", "soft", "soft"]),  # type: ignore[arg-type]
        product_fit=chance.choice(["ignore", "soft", "hard"]),  # type: ignore[arg-type]
        country_law=law,
        weight_customers=chance.choice([0.0, 0.0, 20.0]),
        weight_continuity=chance.choice([0.2, 3.0]),
        hours_tolerance_pct=chance.choice([0.0, 5.0]),
        arr_tolerance_pct=chance.choice([0.0, 10.0]),
        max_moves_pct=BUDGETS[seed // 4 % 4],
        max_moves_arr_pct=chance.choice([None, None, 5.0]),
        seniority_follows_value=seed // 2 % 2 == 0,
        keep_families_together=seed // 3 % 3 == 0,
        approve_top=5,
        search_iterations=60,
    )
    return company(rows, crew, tiers), policy


def _person(chance: random.Random, key: str, *, law: bool, leavers: bool) -> Any:
    share = chance.choice([1.0, 1.0, 0.75, 0.5])
    return csm(
        key,
        contract_minutes=int(9600 * share),
        capacity_minutes=int(chance.choice([7680, 5760]) * share),
        seniority=chance.randint(1, 5),
        accepting=chance.random() > 0.1,
        leaving=chance.choice(["no", "no", "soon", "gone"]) if leavers else "no",
        verticals=chance.choice([[], ["Finance"], ["Retail"], ["Finance", "Telco"]]),
        regions=chance.choice([[], [], ["East"], ["West", "East"]]),
        languages=chance.choice([[], ["German"], ["German", "French"]]),
        products=chance.choice([[], [], ["Core"], ["Core", "Plus"]]),
        countries=chance.choice([["DE"], ["FR"], ["DE", "FR"]]) if law else [],
    )


def _row(chance: random.Random, crew: list[Any], mean: int, place: int, first: int) -> Mapping[str, Any]:
    seated = chance.random() < 0.8
    weights = [first, *[1] * (len(crew) - 1)]  # uneven on purpose, so that some books begin over their limits
    return {
        "id": f"c{place:04d}",
        "tier": chance.choices(["global", "enterprise", "scale", "self", ""], [2, 4, 8, 0.3, 0.3])[0],
        "csm": chance.choices(crew, weights)[0].key if seated else chance.choice(["", "", "stranger"]),
        "minutes": max(0, int(mean * chance.uniform(0.3, 1.7))),
        "arr": int(10 ** chance.uniform(3, 5.3)),
        "vertical": chance.choice(VERTICALS),
        "region": chance.choice(REGIONS),
        "country": chance.choice(COUNTRIES),
        "language": chance.choice(["German", "French", ""]),
        "products": chance.choice([[], ["Core"], ["Core", "Plus"]]),
        "family": chance.choice(["", "", "f1", "f2", f"p{place // 3}"]) if place < 30 else "",
        "hold": "renewal" if chance.random() < 0.08 else "",
    }


def _in_half(chance: random.Random, row: Mapping[str, Any], crew: list[Any]) -> Mapping[str, Any]:
    """With a region: that of its CSM, so that no home links the halves."""
    mine = next((one.regions for one in crew if one.key == row["csm"]), frozenset(HALVES))
    return {**row, "region": chance.choice(sorted(mine))}


def applied(facts: BookFacts, proposal: BookProposal) -> BookFacts:
    """The same company after the plan."""
    columns = facts.customers
    alone = {tier.slug for tier in facts.tiers if not tier.served}
    seats = [
        proposal.assignment.get(one, "" if tier in alone else now)
        for one, tier, now in zip(columns.external_id, columns.tier, columns.csm, strict=True)
    ]
    return replace(facts, customers=replace(columns, csm=tuple(seats)))
