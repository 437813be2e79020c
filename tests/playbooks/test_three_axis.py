"""Segmentation × allocation × attention: the answers that three-axis must give."""

import random

import pytest
from django.utils import timezone

from tests.playbooks.door import Company, answer
from tests.playbooks.imagined import csms, customers, email, heads
from tests.playbooks.limits import by_vertical, check

RATE = 0.75  # GBP for 1 USD


@pytest.fixture
def playbook(company) -> Company:
    return company("three-axis")


def give_rates(playbook):
    playbook.rates(f"date,currency,rate\n{timezone.localdate()},GBP,{RATE}\n{timezone.localdate()},EUR,0.8\n")


def test_a_finance_customer_worth_two_million_pounds_is_global(playbook):
    give_rates(playbook)
    playbook.customers(
        [
            {
                "external_id": "bank",
                "vertical": "Finance",
                "arr": 2_000_000,
                "potential_arr": 5_000_000,
                "currency": "GBP",
            },
            # 562 500 GBP are 750 000 USD; a penny less is not
            {
                "external_id": "at-the-bound",
                "vertical": "Finance",
                "arr": 562_500,
                "potential_arr": 562_500,
                "currency": "GBP",
            },
            {
                "external_id": "below",
                "vertical": "Finance",
                "arr": 562_499.99,
                "potential_arr": 600_000,
                "currency": "GBP",
            },
        ]
    )
    playbook.csms([{"name": "Fay", "verticals": "Finance"}, {"name": "Gil"}])
    playbook.retier()
    assert playbook.tiers() == {"bank": "global", "at-the-bound": "global", "below": "enterprise"}
    playbook.plan()
    assert playbook.export()["bank"]["csm"] == "fay@x.example"
    book = answer("attention", "fay@x.example")["customers"]
    for hours in ("share_hours", "hours"):
        shares = {row["external_id"]: row[hours] for row in book}
        assert len(shares) == 3
        assert max(shares, key=shares.__getitem__) == "bank"
        assert sorted(shares.values())[-1] > sorted(shares.values())[-2]


def expected_tier(row):
    rate = {"USD": 1, "GBP": RATE, "EUR": 0.8}[row["currency"]]
    worth = round(row["arr"] / rate, 2)
    return "global" if worth >= 750_000 else "enterprise" if worth >= 150_000 else "scale"


@pytest.mark.parametrize("seed", [1, 2])
def test_many_customers_on_each_side_of_every_bound_get_their_tier(playbook, seed):
    chance = random.Random(seed)
    give_rates(playbook)
    edges = [
        (bound + step) * rate
        for bound in (150_000, 750_000)
        for step in (-0.05, 0, 0.05)
        for rate in (1, RATE, 0.8)
    ]
    rows = [
        {
            "external_id": f"C{number}",
            "arr": round(chance.choice([*edges, chance.lognormvariate(11.5, 1.5)]), 2),
            "currency": chance.choice(["USD", "GBP", "EUR"]),
            "vertical": chance.choice(["Finance", "Telco", "Retail", ""]),
            # neither potential nor anything else is size
            "potential_arr": chance.choice(["", 10_000_000]),
            "reputation": chance.choice(["", 100]),
        }
        for number in range(400)
    ]
    playbook.customers(rows)
    playbook.retier()
    wanted = {row["external_id"]: expected_tier(row) for row in rows}
    assert playbook.tiers() == wanted
    assert set(wanted.values()) == {"global", "enterprise", "scale"}


def pools_team(playbook, rows, factor):
    """Specialists of Finance and Telco and generalists, as many of each as their pool asks for, times ``factor``."""
    tiers = playbook.tiers()
    team = []
    for name, listed in (("Finance", "Finance"), ("Telco", "Telco"), ("Rest", "")):
        pool = [tiers[row["external_id"]] for row in rows if pool_of(row) == name]
        made = csms(len(rows), max(1, round(factor * heads("three-axis", pool))))
        team += [{**csm, "name": f"{name.lower()}-{csm['name']}", "verticals": listed} for csm in made]
    return team


def pool_of(row):
    return row["vertical"] if row["vertical"] in {"Finance", "Telco"} else "Rest"


ENOUGH = [(1, 30, 1.4, None), (2, 90, 1.4, None), (3, 200, 1.4, None)]
OVERFULL = [(4, 30, 0.4, 40), (5, 90, 0.4, 120), (6, 200, 0.4, None), (7, 300, 0.3, None)]


@pytest.mark.parametrize(("seed", "count", "factor", "hours"), ENOUGH + OVERFULL)
def test_nobody_holds_more_than_6_15_and_40_also_where_csms_are_short(playbook, seed, count, factor, hours):
    rows = customers(seed, count)
    playbook.customers(rows)
    playbook.retier()
    team = pools_team(playbook, rows, factor)
    if hours:
        team = [{**csm, "hours_per_month": hours} for csm in team]
    playbook.csms(team)
    plan = playbook.plan()
    check(playbook, "three-axis", plan, rows=rows, team=team, able=by_vertical)
    owners = playbook.owners()
    if factor < 1:
        assert plan["unassigned"]
    # specialists first: a generalist has a bank only where no specialist had room, and is then said to stand in
    generalists = {email(csm) for csm in team if not csm["verticals"]}
    stand_ins = {
        row["external_id"]
        for row in rows
        if pool_of(row) != "Rest" and owners[row["external_id"]] in generalists
    }
    assert stand_ins == set(plan["fallbacks"])
    names = {"Finance", "Telco", "everyone else"}
    assert {line["pool"].split(" · ")[0] for line in plan["shortages"]} <= names
    for line in plan["shortages"]:
        pool = line["pool"].split(" · ")[0].replace("everyone else", "Rest")
        assert {pool_of(row) for row in rows if row["external_id"] in line["external_ids"]} == {pool}
    # books already even: asked again, nothing moves
    again = playbook.plan()
    assert (again["moves"], playbook.owners()) == ([], owners)
    check(playbook, "three-axis", again, rows=rows, team=team, able=by_vertical)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_bank_gets_a_finance_specialist_and_the_largest_share_of_the_hours(playbook, seed):
    """Among many: whatever else there is, and whoever had it before."""
    give_rates(playbook)
    rows = customers(seed, 80, currency="GBP")
    bank = {
        **rows[0],
        "external_id": "bank",
        "vertical": "Finance",
        "arr": 2_000_000,
        "potential_arr": 9_000_000,
        "champion": "yes",
    }
    playbook.customers([*rows, bank])
    playbook.retier()
    team = pools_team(playbook, [*rows, bank], 1.6)
    playbook.csms(team)
    plan = playbook.plan()
    check(playbook, "three-axis", plan, rows=[*rows, bank], team=team, able=by_vertical)
    row = playbook.export()["bank"]
    assert row["tier"] == "global"
    specialists = {email(csm) for csm in team if csm["verticals"] == "Finance"}
    assert row["csm"] in specialists
    book = next(book for book in answer("workload_balance")["csms"] if book["csm"] == row["csm"])
    assert book["by_tier"]["global"] <= 6
    shares = {each["external_id"]: each["hours"] for each in answer("attention", row["csm"])["customers"]}
    assert shares["bank"] == max(shares.values())
    assert sum(hours == shares["bank"] for hours in shares.values()) == 1
    assert playbook.explain("bank")["effective"] == "global"
