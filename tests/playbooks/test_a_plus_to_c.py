"""A named CSM for all, experience matched to value: the answers that a-plus-to-c must give."""

import random
from fractions import Fraction

import pytest

from tests.playbooks.door import Company


@pytest.fixture
def playbook(company) -> Company:
    return company("a-plus-to-c")


def expected_tiers(rows):
    """Exactly, in whole cents: the share of ARR that customers with strictly more bring."""
    cents = {row["external_id"]: round(100 * row["arr"]) for row in rows}
    total = sum(cents.values())
    tiers = {}
    for key, own in cents.items():
        above = Fraction(100 * sum(other for other in cents.values() if other > own), total)
        tiers[key] = "a-plus" if above < 50 else "a" if above < 75 else "b" if above < 90 else "c"
    return tiers


# Of 1 000 000: above each lie 0, 30, 50 (exactly), 65, 75 (exactly) twice, 90 (exactly), 95 and 99 %.
EXACT = {
    "first": (300_000, "a-plus"),
    "second": (200_000, "a-plus"),
    "from-half": (150_000, "a"),
    "fourth": (100_000, "a"),
    "from-three-quarters": (75_000, "b"),
    "its-twin": (75_000, "b"),
    "from-nine-tenths": (50_000, "c"),
    "rest": (40_000, "c"),
    "smallest": (10_000, "c"),
}


def test_a_share_is_counted_exactly_and_equal_arr_gets_the_equal_tier(playbook):
    playbook.customers([{"external_id": key, "arr": arr} for key, (arr, _) in EXACT.items()])
    playbook.retier()
    assert playbook.tiers() == {key: tier for key, (_, tier) in EXACT.items()}


def test_the_package_plays_no_part(playbook):
    packages = ["Starter", "Business", "Premium"]
    playbook.customers(
        [
            {"external_id": key, "arr": arr, "package": packages[place % 3]}
            for place, (key, (arr, _)) in enumerate(EXACT.items())
        ]
    )
    playbook.retier()
    before = playbook.tiers()
    playbook.customers(
        [{"external_id": key, "package": packages[-place % 3]} for place, key in enumerate(EXACT)]
    )
    run = playbook.retier()
    assert (run["moves"], run["guarded"]) == ([], {})
    assert playbook.tiers() == before


def test_every_c_customer_has_a_named_csm(playbook):
    playbook.csms([{"name": "Ada", "seniority": 5}, {"name": "Ben", "seniority": 1}])
    playbook.customers([{"external_id": key, "arr": arr} for key, (arr, _) in EXACT.items()])
    playbook.retier()
    assert playbook.plan()["unassigned"] == []
    assert all(row["csm"] for row in playbook.export().values() if row["tier"] == "c")


def company_of(kind, chance):
    """ARRs of 200 customers: skewed as real ones are, all in steps that meet the bounds, or with many equal."""
    return {
        "skewed": lambda: [round(chance.lognormvariate(10.8, 1.5), 2) for _ in range(200)],
        "even": lambda: [1_000] * 100 + [2_000] * 100,
        "few": lambda: [chance.randrange(1, 30) * 1_000 for _ in range(200)],
        "tiny": lambda: [0.01, 0.02, 0.03, 0.04, 0],
        "one giant": lambda: [10_000_000, *(round(chance.uniform(1, 9_999), 2) for _ in range(199))],
    }[kind]()


@pytest.mark.parametrize("kind", ["skewed", "even", "few", "tiny", "one giant"])
def test_other_companies_are_cut_at_the_same_shares(playbook, kind):
    chance = random.Random(kind)
    rows = [{"external_id": f"C{number}", "arr": arr} for number, arr in enumerate(company_of(kind, chance))]
    chance.shuffle(rows)
    playbook.customers(rows)
    playbook.retier()
    assert playbook.tiers() == expected_tiers(rows)


def test_a_customer_of_unknown_arr_is_with_the_rest(playbook):
    playbook.customers([{"external_id": "known", "arr": 10}, {"external_id": "unknown", "arr": ""}])
    playbook.retier()
    assert playbook.tiers() == {"known": "a-plus", "unknown": "c"}
