"""One tier, customers divided evenly: the answers that even-split must give."""

import random

import pytest

from tests.playbooks.door import Company, answer


@pytest.fixture
def playbook(company) -> Company:
    return company("even-split")


def sizes():
    return {book["csm"]: book["customers"] for book in answer("workload_balance")["csms"]}


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_a_customer_is_there_is_one_tier(playbook, seed):
    chance = random.Random(seed)
    rows = [
        {
            "external_id": f"C{number}",
            "arr": chance.choice(["", 0, round(chance.lognormvariate(10, 3), 2)]),
            "vertical": chance.choice(["", "Finance", "Retail"]),
            "loss_felt": chance.choice(["", "yes", "no"]),
            "goals": chance.choice(["", "risk-mitigation"]),
            "health": chance.choice(["", 5, 95]),
        }
        for number in range(120)
    ]
    playbook.customers(rows)
    run = playbook.retier()
    assert (run["decided"], run["undecided"], run["tiers"]) == (120, 0, {"everyone": 120})
    # another year, other numbers: nothing moves
    playbook.customers([{**row, "arr": round(chance.lognormvariate(10, 3), 2)} for row in rows])
    assert playbook.retier()["moves"] == []


def test_books_differ_by_one_customer_at_most(playbook):
    playbook.customers([{"external_id": f"C{number}", "arr": 1_000 * number} for number in range(50)])
    playbook.csms([{"name": name} for name in ("Ada", "Ben", "Cem", "Dia")])
    playbook.retier()
    playbook.plan()
    assert sorted(sizes().values()) == [12, 12, 13, 13]


@pytest.mark.parametrize("count", [48, 53])
def test_another_csm_is_given_just_what_evening_out_needs(playbook, count):
    playbook.customers([{"external_id": f"C{number}", "arr": 1_000 * number} for number in range(count)])
    playbook.csms([{"name": name} for name in ("Ada", "Ben", "Cem")])
    playbook.retier()
    playbook.plan()
    before = {key: row["csm"] for key, row in playbook.export().items()}
    playbook.csms([{"name": "Dia"}])
    playbook.plan()
    after = {key: row["csm"] for key, row in playbook.export().items()}
    moved = {key for key in before if before[key] != after[key]}
    assert max(sizes().values()) - min(sizes().values()) <= 1
    assert {after[key] for key in moved} == {"dia@x.example"}
    assert len(moved) in {count // 4, -(-count // 4)}
