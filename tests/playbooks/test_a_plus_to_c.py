"""A named CSM for all, experience matched to value: the answers that a-plus-to-c must give."""

import csv
import io
import random
from fractions import Fraction
from itertools import pairwise
from statistics import mean

import openpyxl
import pytest
from django.test import Client

from accounts import roles
from accounts.models import Tier
from tests.factories import UserFactory
from tests.playbooks.door import Company
from tests.playbooks.imagined import TIERS, csms, customers, email, enough, heads, with_random_csms
from tests.playbooks.limits import MOST_GAP, check, check_answer


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


# Seniority of the first, second, … CSM of a team; the teams are as large as the customers need, and a share more.
TEAMS = {
    "every kind": [1, 2, 3, 4, 5],
    "many juniors": [1, 1, 2, 2, 3, 4, 5],
    "many seniors": [5, 5, 4, 4, 3, 2, 1],
    "juniors and seniors": [1, 5],
    "one senior": [5, *[1] * 30],
}


def staffed(playbook, rows, team, spare):
    """CSMs for the tiers that the customers have."""
    wanted = heads("a-plus-to-c", list(playbook.tiers().values()))
    people = csms(len(rows), max(2, enough(wanted, spare)))
    return [{**csm, "seniority": team[place % len(team)]} for place, csm in enumerate(people)]


def mean_seniority(playbook, people):
    """By tier from A+ to C, weighted by customers."""
    seniority = {email(csm): csm["seniority"] for csm in people}
    found = {tier: [] for tier in TIERS["a-plus-to-c"]}
    for row in playbook.export().values():
        if row["csm"]:
            found[row["tier"]].append(seniority[row["csm"]])
    return [mean(seen) for seen in found.values()]


def falls(means):
    return all(high >= low for high, low in pairwise(means)) and means[0] > means[-1]


@pytest.mark.parametrize(("seed", "count", "spare"), [(1, 60, 0.3), (2, 120, 0.4), (4, 120, 0.8)])
@pytest.mark.parametrize("team", TEAMS)
def test_seniority_falls_from_a_plus_to_c_and_every_c_has_a_name(playbook, team, seed, count, spare):
    rows = customers(seed, count)
    playbook.customers(rows)
    playbook.retier()
    people = staffed(playbook, rows, TEAMS[team], spare)
    playbook.csms(people)
    plan = playbook.plan()
    check(playbook, "a-plus-to-c", plan, rows=rows, team=people)
    assert plan["gap_pct"] <= MOST_GAP
    assert all(row["csm"] for row in playbook.export().values())
    assert falls(mean_seniority(playbook, people))
    # who knows no package tiers and plans the same
    owners = playbook.owners()
    playbook.customers([{"external_id": key, "package": f"P{len(key) % 3}"} for key in owners])
    assert (playbook.retier()["moves"], playbook.plan()["moves"], playbook.owners()) == ([], [], owners)


def test_in_a_large_team_each_step_down_is_a_step_down(playbook):
    rows = customers(5, 600)
    playbook.customers(rows)
    playbook.retier()
    people = staffed(playbook, rows, TEAMS["every kind"], 0.2)
    playbook.csms(people)
    plan = playbook.plan()
    check(playbook, "a-plus-to-c", plan, rows=rows, team=people)
    assert plan["gap_pct"] <= MOST_GAP
    means = mean_seniority(playbook, people)
    assert all(high > low + 0.1 for high, low in pairwise(means)), means


@pytest.mark.parametrize("seed", [2])
def test_books_as_history_left_them_come_to_it_within_the_move_budget(playbook, seed):
    rows = customers(seed, 150)
    playbook.customers(rows)
    playbook.retier()
    people = staffed(playbook, rows, TEAMS["every kind"], 0.4)
    playbook.csms(people)
    playbook.customers(with_random_csms(rows, people, seed))
    for _ in range(20):
        plan = playbook.plan()
        check_answer(plan)
        assert plan["chosen"] <= len(rows) // 10
        if not plan["moves"]:
            break
    assert not plan["moves"]
    means = mean_seniority(playbook, people)
    assert means[0] > means[1] > max(means[2:]) + 0.3, means


@pytest.fixture
def ops():
    client = Client()
    client.force_login(UserFactory(role=roles.OPS))
    return client


# What is known of some of EXACT: at risk are a health below 40 and a sentiment of 2 or below.
KNOWN = {
    "first": {"potential_arr": 450_000, "champion": "yes"},
    "second": {"health": 20, "sentiment": 1},
    "from-half": {"sentiment": 2, "potential_arr": 140_000},
    "fourth": {"health": 40, "sentiment": 3, "potential_arr": 160_000, "reputation": 80},
    "rest": {"potential_arr": 90_000},
    "smallest": {"health": 39.5, "reputation": 10},
}


def known_company(playbook):
    columns = ("potential_arr", "champion", "health", "sentiment", "reputation")
    blank = dict.fromkeys(columns, "")
    playbook.customers(
        [{"external_id": key, "arr": arr, **blank, **KNOWN.get(key, {})} for key, (arr, _) in EXACT.items()]
    )
    playbook.retier()


def test_churn_impact_by_tier_is_reported(playbook, ops):
    known_company(playbook)
    risk = ops.get("/pyramid/").context["risk"]
    found = {row.name: [str(cell.value) for cell in row.cells[:2]] for row in [*risk.rows, risk.total]}
    assert found == {
        "A+": ["1", "200,000"],  # of 500 000
        "A": ["1", "150,000"],  # of 250 000
        "B": ["0", "0"],
        "C": ["1", "10,000"],  # of 100 000
        "All": ["3", "360,000"],
    }
    shares = [str(row.cells[2].value) for row in [*risk.rows, risk.total]]
    for share, cell in zip(("40.0", "60.0", "0.0", "10.0", "36.0"), shares, strict=True):
        assert f"{share}\u00a0%" in cell


# The file, the tier, whom it holds.
FILES = [
    ("finance", "a", {"from-half", "fourth"}),
    ("finance", "", set(EXACT)),
    ("marketing", "a", {"fourth"}),
    ("marketing", "a-plus", {"first"}),
    ("marketing", "c", {"smallest"}),
    ("upsell", "a-plus", {"first"}),
    ("upsell", "a", {"fourth"}),  # the other could only shrink
    ("upsell", "c", {"rest"}),
    ("upsell", "b", set()),
]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_tier_can_be_used_as_a_filter_for_upsell_marketing_and_finance_exports(playbook, ops, ending):
    known_company(playbook)
    tiers = {"": "", **{tier.slug: str(tier.pk) for tier in Tier.objects.all()}}
    for kind, slug, expected in FILES:
        answer = ops.get(f"/pyramid/export/{kind}/", {"tier": tiers[slug], "format": ending})
        rows = rows_of(b"".join(answer.streaming_content), ending)
        assert {row["external_id"] for row in rows} == expected, (kind, slug)
        assert {row["tier"] for row in rows} <= {"A+", "A", "B", "C"}


def rows_of(content, ending):
    if ending == "csv":
        return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    headers, *rows = openpyxl.load_workbook(io.BytesIO(content)).active.values
    return [dict(zip(headers, row, strict=True)) for row in rows]
