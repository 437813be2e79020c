"""Pools by geography, country, vertical and compliance: the answers that segment-by-fit must give."""

import random

import pytest

from tests.playbooks.door import Company

REGULATED = ["Finance", "Banking", "Insurance", "Healthcare", "Pharma", "Public sector", "Energy"]


@pytest.fixture
def playbook(company) -> Company:
    return company("segment-by-fit")


def expected_tier(row):
    if row["arr"] >= 300_000:
        return "large"
    regulated = row["vertical"].title() in [name.title() for name in REGULATED]
    return "medium" if row["arr"] >= (20_000 if regulated else 50_000) else "small"


@pytest.mark.parametrize("seed", [1, 2])
def test_size_orders_the_tiers_and_regulated_verticals_need_people_earlier(playbook, seed):
    chance = random.Random(seed)
    edges = [bound + step for bound in (20_000, 50_000, 300_000) for step in (-0.01, 0, 0.01)]
    verticals = [*REGULATED, "FINANCE", "Retail", "Telco", ""]  # words are compared in any case
    rows = [
        {
            "external_id": f"C{number}",
            "arr": chance.choice([*edges, round(chance.lognormvariate(10.8, 1.5), 2)]),
            "vertical": chance.choice(verticals),
            "country": chance.choice(["Germany", "France", ""]),
        }
        for number in range(400)
    ]
    playbook.customers(rows)
    playbook.retier()
    wanted = {row["external_id"]: expected_tier(row) for row in rows}
    assert playbook.tiers() == wanted
    assert set(wanted.values()) == {"large", "medium", "small"}
    segments = {key: row["segment"] for key, row in playbook.export().items()}
    assert segments == {
        row["external_id"]: "Regulated"
        if row["vertical"].title() in [*REGULATED, "Public Sector"]
        else "Everyone else"
        for row in rows
    }


def test_with_country_law_a_country_that_nobody_covers_is_named_with_what_is_missing(playbook):
    playbook.csms([{"name": "Ada", "countries": "Germany"}, {"name": "Ben", "countries": "France;Germany"}])
    playbook.customers(
        [
            {"external_id": "DE", "arr": 400_000, "country": "Germany"},
            {"external_id": "FR", "arr": 60_000, "country": "France"},
            {"external_id": "NO-1", "arr": 60_000, "country": "Norway"},
            {"external_id": "NO-2", "arr": 1_000, "country": "Norway"},
        ]
    )
    playbook.retier()
    plan = playbook.plan()
    owners = {key: row["csm"] for key, row in playbook.export().items()}
    assert owners["FR"] == "ben@x.example"
    assert owners["DE"] in {"ada@x.example", "ben@x.example"}
    assert (owners["NO-1"], owners["NO-2"]) == ("", "")
    assert {row["external_id"] for row in plan["unassigned"]} == {"NO-1", "NO-2"}
    missing = [row for row in plan["shortages"] if "Norway" in row["pool"]]
    assert sum(row["customers"] for row in missing) == 2
    # Medium asks 3.5 hours a month, Small 1
    assert sum(row["hours"] for row in missing) == 4.5
    assert all(row["heads"] >= 1 for row in missing)
