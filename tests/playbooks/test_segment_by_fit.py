"""Pools by geography, country, vertical and compliance: the answers that segment-by-fit must give."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.playbooks.door import Company
from tests.playbooks.imagined import TIERS, csms, customers, email, heads, with_random_csms
from tests.playbooks.limits import by_country, check, check_answer

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


def covered(row):
    return row["country"] != "Norway"


def country_team(playbook, rows, factor):
    """CSMs of Germany, of France and of both; nobody covers Norway."""
    tiers = playbook.tiers()
    team = []
    for place, country in enumerate(["Germany", "France", "France;Germany"]):
        asks = [tiers[row["external_id"]] for row in rows if row["country"] in (country, "")]
        wanted = max(1, round(factor * heads("segment-by-fit", asks)))
        team += [
            {**csm, "name": f"{place}-{csm['name']}", "countries": country} for csm in csms(place, wanted, 0)
        ]
    return team


@pytest.mark.parametrize(
    ("seed", "count", "factor"), [(1, 40, 1.3), (2, 120, 1.3), (3, 200, 1.2), (4, 200, 0.3)]
)
def test_country_law_holds_when_full_and_against_history(playbook, seed, count, factor):
    rows = customers(seed, count)
    playbook.customers(rows)
    playbook.retier()
    team = country_team(playbook, rows, factor)
    playbook.csms(team)
    # half of them are with anybody, whatever the country
    playbook.customers(with_random_csms(rows[: count // 2], team, seed))
    plan = playbook.plan()
    export = playbook.export()
    people = {email(csm): csm for csm in team}
    for row in rows:
        owner = export[row["external_id"]]["csm"]
        assert not owner or by_country(row, people[owner]), row
    check_answer(plan)
    nobody = {row["external_id"] for row in rows if not covered(row)}
    assert nobody <= {each["external_id"] for each in plan["unassigned"]}
    lines = [line for line in plan["shortages"] if "Norway" in line["pool"]]
    assert {key for line in lines for key in line["external_ids"]} == nobody
    assert sum(line["customers"] for line in lines) == len(nobody)
    asks = {tier: hours for tier, (_, hours) in TIERS["segment-by-fit"].items()}
    wanted = sum(asks[export[key]["tier"]] for key in nobody)
    assert sum(line["hours"] for line in lines) == pytest.approx(wanted, abs=0.01 * len(nobody))
    for line in lines:
        tiers = [export[key]["tier"] for key in line["external_ids"]]
        assert line["heads"] >= heads("segment-by-fit", tiers)
    if factor < 1:
        assert len(plan["unassigned"]) > len(nobody)
    again = playbook.plan()
    assert not [move for move in again["moves"] if move["forced"]]


def test_country_law_outranks_a_hold(playbook):
    """A renewal is near and the CSM may not serve the country: the customer is taken away, and not kept."""
    playbook.policy(hold_before_renewal_days=90)
    soon = timezone.localdate() + timedelta(days=20)
    rows = [
        {"external_id": "held-lawful", "arr": 60_000, "country": "Germany", "renewal_date": soon, "csm": "ada@x.example"},
        {"external_id": "held-unlawful", "arr": 60_000, "country": "France", "renewal_date": soon, "csm": "ada@x.example"},
        {"external_id": "held-uncovered", "arr": 60_000, "country": "Norway", "renewal_date": soon, "csm": "ada@x.example"},
    ]  # fmt: skip
    playbook.csms([{"name": "Ada", "countries": "Germany"}, {"name": "Ben", "countries": "France"}])
    playbook.customers(rows)
    playbook.retier()
    plan = playbook.plan()
    assert playbook.owners() == {
        "held-lawful": "ada@x.example",
        "held-unlawful": "ben@x.example",
        "held-uncovered": "",
    }
    assert [line["customers"] for line in plan["shortages"] if "Norway" in line["pool"]] == [1]


def test_country_law_holds_where_the_only_ones_who_cover_the_country_are_full(playbook):
    rows = [{"external_id": f"DE-{number:03d}", "arr": 1_000, "country": "Germany"} for number in range(100)]
    team = [
        {"name": "Ada", "countries": "Germany", "hours_per_month": 160},
        {"name": "Ben", "countries": "France", "hours_per_month": 160},
        {"name": "Cem", "hours_per_month": 160},
    ]
    playbook.csms(team)
    playbook.customers(rows)
    playbook.retier()
    plan = playbook.plan()
    check(playbook, "segment-by-fit", plan, rows=rows, team=team, able=by_country)
    # 80 Small are the cap of one; 20 wait, and one head would do
    assert playbook.sizes() == {"ada@x.example": 80, "ben@x.example": 0, "cem@x.example": 0}
    assert [(line["customers"], line["hours"], line["heads"]) for line in plan["shortages"]] == [(20, 20, 1)]
