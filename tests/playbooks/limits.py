"""Whether a plan that was applied breaks a limit: counted anew from the files sent in and the export got back.

Nothing of the engine is used: caps and hours are those of the playbook's table, who may serve whom is written out here.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from tests.playbooks.door import Company
from tests.playbooks.imagined import NET_HOURS, TIERS, email

Row = Mapping[str, Any]
KEYS = {
    "plan",
    "status",
    "customers",
    "assigned",
    "unassigned",
    "moves",
    "objective",
    "bound",
    "gap_pct",
    "shortages",
    "balance",
}
MOST_GAP = 0.5
"""Per cent of the objective that a plan of these sizes may lie above its proven bound."""
MOST_POINTS = 0.05
"""... or points a customer: where books are nearly even Z is a few points in all, and per cents of next to nothing say little."""


def anybody(customer: Row, csm: Row) -> bool:
    return True


def by_vertical(customer: Row, csm: Row) -> bool:
    """Specialists of the vertical and generalists."""
    return (
        not csm.get("verticals")
        or not customer["vertical"]
        or customer["vertical"] in _listed(csm, "verticals")
    )


def by_region(customer: Row, csm: Row) -> bool:
    return not csm.get("regions") or customer["region"] in _listed(csm, "regions")


def by_country(customer: Row, csm: Row) -> bool:
    """Country law: who lists no country covers none."""
    return not customer["country"] or customer["country"] in _listed(csm, "countries")


def _listed(csm: Row, column: str) -> list[str]:
    return str(csm.get(column, "")).split(";")


def check(
    company: Company,
    playbook: str,
    plan: Row,
    *,
    rows: Sequence[Row],
    team: Sequence[Row],
    able: Callable[[Row, Row], bool] = anybody,
) -> None:
    """Every law that holds for each applied plan of books that were within their limits before."""
    check_answer(plan)
    tiers = TIERS[playbook]
    export = company.export()
    people = {email(csm): csm for csm in team}
    customers = {row["external_id"]: row for row in rows}
    held: Counter[tuple[str, str]] = Counter()
    for key, row in export.items():
        owner, tier = row["csm"], row["tier"]
        assert tier in tiers or not owner, (key, tier)  # self-service is in nobody's book
        if owner:
            assert able(customers[key], people[owner]), (key, owner)
            held[owner, tier] += 1
    for one, csm in people.items():
        share = min(1.0, csm["hours_per_month"] / 160)
        for tier, (cap, _) in tiers.items():
            assert held[one, tier] <= int(cap * share), (one, tier)
        hours = sum(asks * held[one, tier] for tier, (_, asks) in tiers.items())
        assert hours <= NET_HOURS * csm["hours_per_month"] / 160 + 1e-9, one
    served = {key for key, row in export.items() if row["tier"] in tiers}
    nobody = {key for key in served if not export[key]["csm"]}
    assert (plan["customers"], plan["assigned"]) == (len(served), len(served) - len(nobody))
    assert {each["external_id"] for each in plan["unassigned"]} == nobody
    short = [key for line in plan["shortages"] for key in line["external_ids"]]
    assert sorted(short) == sorted(nobody)
    for line in plan["shortages"]:
        asks = sum(tiers[export[key]["tier"]][1] for key in line["external_ids"])
        assert line["customers"] == len(line["external_ids"])
        assert abs(line["hours"] - asks) < 0.01 * line["customers"] + 0.01
        assert line["heads"] >= 1 and isinstance(line["heads"], int)


def check_answer(plan: Row) -> None:
    """The keys that others rely on, and a bound that is one."""
    assert set(plan) >= KEYS
    for move in plan["moves"]:
        assert set(move) >= {"external_id", "from", "to", "reason"} and move["reason"]
    for line in plan["shortages"]:
        assert set(line) >= {"pool", "customers", "hours", "heads"}
    assert set(plan["balance"]) == {"before", "after"}
    assert set(plan["balance"]["after"]) >= {"csms", "outside_15_pct", "cv", "gini", "max_over_mean"}
    objective, bound, gap = plan["objective"], plan["bound"], plan["gap_pct"]
    assert None not in (objective, bound, gap)
    assert 0 <= bound <= objective
    assert 0 <= gap <= 100
    assert gap == pytest.approx(100 * (objective - bound) / objective if objective else 0, abs=0.001)
    assert gap <= MOST_GAP or objective - bound <= MOST_POINTS * plan["customers"], (objective, bound)
