"""Four classic tiers: the answers that enterprise-strategic-many-self must give."""

import itertools
import random

import pytest

from tests.playbooks.door import Company, answer, touch_plan
from tests.playbooks.imagined import TIERS, csms, customers, with_random_csms
from tests.playbooks.limits import check


@pytest.fixture
def playbook(company) -> Company:
    return company("enterprise-strategic-many-self")


def test_potential_the_impact_flag_and_payment_lift_a_customer(playbook):
    playbook.customers(
        [
            {"external_id": "small-with-potential", "arr": 15_000, "potential_arr": 800_000},
            {"external_id": "pays-for-the-move", "arr": 5_000, "paid_tier": "one-to-many"},
            {"external_id": "small", "arr": 5_000},
            {"external_id": "mid-and-felt", "arr": 100_000, "loss_felt": "yes"},
            {"external_id": "mid", "arr": 100_000, "loss_felt": "no"},
        ]
    )
    playbook.retier()
    assert playbook.tiers() == {
        "small-with-potential": "strategic",
        "pays-for-the-move": "one-to-many",
        "small": "self-service",
        "mid-and-felt": "enterprise",
        "mid": "one-to-many",
    }


def test_who_pays_for_the_move_stays_for_as_long_as_it_is_paid(playbook):
    playbook.customers([{"external_id": "payer", "arr": 5_000, "paid_tier": "one-to-many"}])
    for _ in range(3):
        run = playbook.retier()
        assert (playbook.tiers(), run["moves"]) == ({"payer": "one-to-many"}, [])
    assert playbook.explain("payer")["decided_by"] == "paid_floor"
    playbook.customers([{"external_id": "payer", "arr": 2_000}])  # smaller still, and still paying
    assert playbook.retier()["moves"] == []
    playbook.customers([{"external_id": "payer", "paid_tier": ""}])
    assert [move["to"] for move in playbook.retier()["moves"]] == ["self-service"]


def test_self_service_is_in_nobodys_book_and_asks_no_hours(playbook):
    playbook.customers(
        [
            {"external_id": "served", "arr": 100_000},
            *({"external_id": f"self-{number}", "arr": 900, "csm": "Ada"} for number in range(5)),
        ]
    )
    playbook.csms([{"name": "Ada"}])
    playbook.retier()
    assert touch_plan("self-service") == {}
    plan = playbook.plan()
    assert (plan["assigned"], plan["unassigned"]) == (1, [])
    owners = {key: row["csm"] for key, row in playbook.export().items()}
    assert owners["served"] != ""
    assert {owners[f"self-{number}"] for number in range(5)} == {""}
    books = answer("workload_balance")["csms"]
    assert sum(book["customers"] for book in books) == 1
    # a 1:Many customer asks (1.5 + 1.2 + 2 + 1.3) ÷ 12 hours a month, self-service none
    assert sum(book["hours"] for book in books) == 0.5


def expected_tier(row):
    arr, potential = row["arr"], row["potential_arr"] or 0
    plain = (
        0
        if arr >= 500_000 or row["loss_felt"] == "yes"
        else 1
        if arr >= 200_000 or potential >= 500_000
        else 2
        if arr >= 20_000
        else 3
    )
    order = ["enterprise", "strategic", "one-to-many", "self-service"]
    return order[min(plain, order.index(row["paid_tier"]) if row["paid_tier"] else 3)]


@pytest.mark.parametrize("seed", [1, 2])
def test_many_customers_on_each_side_of_every_bound_get_their_tier(playbook, seed):
    chance = random.Random(seed)
    edges = [bound + step for bound in (20_000, 200_000, 500_000) for step in (-0.01, 0, 0.01)]
    sizes = edges + [round(chance.lognormvariate(11, 1.8), 2) for _ in range(30)]
    potentials = ["", 499_999.99, 500_000, 50_000_000, 10]
    rows = [
        {
            "external_id": f"C{number}",
            "arr": arr,
            "potential_arr": potential,
            "loss_felt": chance.choice(["", "no", "no", "yes"]),
            "paid_tier": chance.choice(["", "", "", "one-to-many", "strategic"]),
        }
        for number, (arr, potential) in enumerate(itertools.product(sizes, potentials))
    ]
    chance.shuffle(rows)
    playbook.customers(rows)
    playbook.retier()
    wanted = {row["external_id"]: expected_tier(row) for row in rows}
    assert playbook.tiers() == wanted
    assert len(set(wanted.values())) == 4


@pytest.mark.parametrize("seed", [1, 2])
def test_self_service_leaves_the_books_that_history_put_it_in_and_others_stay_within_their_caps(
    playbook, seed
):
    rows, team = customers(seed, 120), csms(seed, 5)
    playbook.csms(team)
    playbook.customers(with_random_csms(rows, team, seed))
    playbook.retier()
    alone = {key for key, tier in playbook.tiers().items() if tier == "self-service"}
    assert alone
    plan = playbook.plan()
    check(playbook, "enterprise-strategic-many-self", plan, rows=rows, team=team)
    owners = playbook.owners()
    assert {key for key, csm in owners.items() if not csm} == alone
    assert plan["customers"] == len(rows) - len(alone)
    assert not alone & {key for line in plan["shortages"] for key in line["external_ids"]}
    books = answer("workload_balance")["csms"]
    asks = {tier: hours for tier, (_, hours) in TIERS["enterprise-strategic-many-self"].items()}
    assert sum(book["hours"] for book in books) == pytest.approx(
        sum(asks.get(tier, 0) for tier in playbook.tiers().values()), abs=0.01 * len(books)
    )
