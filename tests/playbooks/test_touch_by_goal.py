"""Touch level first, then ARR and goal: the answers that touch-by-goal must give."""

import math
import random

import pytest

from tests.playbooks.door import Company, touch_plan

HIGH_ENTERPRISE, HIGH_COMMERCIAL = "high-enterprise", "high-commercial"
LOW_ENTERPRISE, LOW_COMMERCIAL = "low-enterprise", "low-commercial"

# Growth and expansion maxed out, fully adopted, champions, strong relations with several teams.
COMPANY_A = {
    "external_id": "A", "arr": 900_000, "potential_arr": 900_000, "adoption": 100, "health": 92, "champion": "yes",
    "relationship_breadth": 6,
}  # fmt: skip
# A global market ahead, never fully adopted, champions.
COMPANY_B = {
    "external_id": "B", "arr": 40_000, "potential_arr": 400_000, "adoption": 35, "health": 75, "champion": "yes",
    "relationship_breadth": 2,
}  # fmt: skip


@pytest.fixture
def playbook(company) -> Company:
    return company("touch-by-goal")


def test_company_a_is_low_touch_and_company_b_high_touch(playbook):
    playbook.customers([COMPANY_A, COMPANY_B])
    playbook.retier()
    assert playbook.tiers() == {"A": LOW_ENTERPRISE, "B": HIGH_COMMERCIAL}
    why = playbook.explain("B")
    # (4 × log 36 ÷ log 50 + 3 × 65 + 2 × 25 + 0 + 1 × 60) ÷ 11, in points
    assert why["score"] == pytest.approx(
        (4 * 100 * math.log(36) / math.log(50) + 195 + 50 + 60) / 11, abs=0.01
    )
    assert playbook.explain("A")["score"] == pytest.approx(2 * 8 / 11, abs=0.01)


def test_high_touch_plans_four_business_reviews_and_fortnightly_meetings(playbook):
    for tier in ("high-enterprise", "high-commercial"):
        plan = touch_plan(tier)
        assert (plan["QBR"], plan["Fortnightly meeting"]) == (4, 26)
        assert plan["High-touch adoption flow"] > 0
    for tier in ("low-enterprise", "low-commercial"):
        plan = touch_plan(tier)
        assert (plan["Business review"], plan["Quarterly check-in"]) == (1, 4)
        assert plan["Digital adoption flow"] > 0


def test_a_goal_moves_just_its_customer_and_closing_it_moves_it_back(playbook):
    playbook.customers([COMPANY_A, COMPANY_B, {**COMPANY_A, "external_id": "A2"}])
    playbook.retier()
    playbook.customers([{"external_id": "A", "goals": "risk-mitigation"}])
    run = playbook.retier("--scope", "goals")
    assert [(move["external_id"], move["from"], move["to"]) for move in run["moves"]] == [
        ("A", "low-enterprise", "high-enterprise")
    ]
    assert run["moves"][0]["reason"].startswith(
        "High touch · Enterprise: high touch, since the goals ask for it; segment Enterprise (ARR ≥ 250,000); "
    )
    assert run["decided"] == 1
    assert playbook.tiers() == {"A": HIGH_ENTERPRISE, "A2": LOW_ENTERPRISE, "B": HIGH_COMMERCIAL}
    # the minimum stay of 90 days has only begun, but the goal is gone
    playbook.customers([{"external_id": "A", "goals": ""}])
    run = playbook.retier("--scope", "goals")
    assert [(move["external_id"], move["to"]) for move in run["moves"]] == [("A", "low-enterprise")]
    assert playbook.tiers() == {"A": LOW_ENTERPRISE, "A2": LOW_ENTERPRISE, "B": HIGH_COMMERCIAL}


def test_the_next_full_run_moves_it_back_as_well(playbook):
    playbook.customers([COMPANY_A])
    playbook.retier()
    playbook.customers([{"external_id": "A", "goals": "risk-mitigation"}])
    playbook.retier()
    assert playbook.tiers() == {"A": HIGH_ENTERPRISE}
    playbook.customers([{"external_id": "A", "goals": ""}])
    playbook.retier()
    assert playbook.tiers() == {"A": LOW_ENTERPRISE}


@pytest.mark.parametrize(
    ("goal", "tier"),
    [
        ("risk-mitigation", HIGH_ENTERPRISE),
        ("key-contact-turnover", HIGH_ENTERPRISE),
        ("onboarding", HIGH_ENTERPRISE),
        ("expansion", HIGH_ENTERPRISE),
        ("adoption", LOW_ENTERPRISE),
        ("retention", LOW_ENTERPRISE),
        ("advocacy", LOW_ENTERPRISE),
        ("nurture", LOW_ENTERPRISE),
        ("nurture;onboarding", HIGH_ENTERPRISE),
    ],
)
def test_four_goals_ask_for_high_touch_and_four_do_not(playbook, goal, tier):
    playbook.customers([{**COMPANY_A, "goals": goal}])
    playbook.retier()
    assert playbook.tiers() == {"A": tier}


def expected_return(row):
    """The score in points, worked out again; what is blank shares its weight out, unknown adoption counts 40."""
    parts = [(3, 40 if row["adoption"] == "" else 100 - row["adoption"])]
    if row["potential_arr"] != "":
        room = max(0, row["potential_arr"] - row["arr"])
        parts.append((4, 100 * min(1, max(0, math.log(max(room, 1) / 10_000) / math.log(50)))))
    if row["health"] != "":
        parts.append((2, 100 - row["health"]))
    if row["champion"] != "":
        parts.append((1, 0 if row["champion"] == "yes" else 100))
    if row["relationship_breadth"] != "":
        parts.append((1, 100 - 20 * min(5, row["relationship_breadth"])))
    return sum(weight * points for weight, points in parts) / sum(weight for weight, _ in parts)


def expected_tier(row):
    asks = {"risk-mitigation", "key-contact-turnover", "onboarding", "expansion"} & set(
        row["goals"].split(";")
    )
    touch = "high" if asks or round(expected_return(row), 2) >= 50 else "low"
    return f"{touch}-{'enterprise' if row['arr'] >= 250_000 else 'commercial'}"


def imagined(chance, number):
    arr = chance.choice([round(chance.lognormvariate(11.5, 1.5)), 250_000, 249_999.99])
    goals = [
        "risk-mitigation",
        "expansion",
        "onboarding",
        "key-contact-turnover",
        "adoption",
        "advocacy",
        "nurture",
    ]
    return {
        "external_id": f"C{number}",
        "arr": arr,
        "potential_arr": chance.choice(["", round(arr * chance.uniform(0.8, 6)), arr + 500_000]),
        "adoption": chance.choice(["", chance.randrange(101), chance.randrange(101)]),
        "health": chance.choice(["", chance.randrange(101), chance.randrange(101)]),
        "champion": chance.choice(["", "yes", "no"]),
        "relationship_breadth": chance.choice(["", 0, 1, 2, 5, 8]),
        "goals": ";".join(chance.sample(goals, chance.choice([0, 0, 0, 1, 2]))),
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_many_customers_get_the_tier_that_their_numbers_say(playbook, seed):
    chance = random.Random(seed)
    rows = [imagined(chance, number) for number in range(400)]
    playbook.customers(rows)
    playbook.retier()
    wanted = {row["external_id"]: expected_tier(row) for row in rows}
    assert playbook.tiers() == wanted
    assert set(wanted.values()) == {HIGH_ENTERPRISE, HIGH_COMMERCIAL, LOW_ENTERPRISE, LOW_COMMERCIAL}
