"""Segmentation × allocation × attention: the answers that three-axis must give."""

import random

import pytest
from django.utils import timezone

from tests.playbooks.door import Company, answer

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
    shares = {row["external_id"]: row["hours"] for row in answer("attention", "fay@x.example")["customers"]}
    assert max(shares, key=shares.__getitem__) == "bank"


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
