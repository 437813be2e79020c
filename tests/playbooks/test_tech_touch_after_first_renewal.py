"""A protected first year, a face and a name for everyone: the answers that tech-touch-after-first-renewal must give."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.playbooks.door import Company
from tests.playbooks.imagined import csms, customers, email
from tests.playbooks.limits import check


@pytest.fixture
def playbook(company) -> Company:
    return company("tech-touch-after-first-renewal")


def started(days_ago):
    return timezone.localdate() - timedelta(days=days_ago)


def small(external_id="small", **facts):
    return {
        "external_id": external_id,
        "arr": 9_000,
        "contract_start": started(240),
        "first_renewal_done": "no",
        **facts,
    }


@pytest.mark.parametrize("sentiment", ["", 1, 3, 4, 5])
def test_before_the_first_renewal_nobody_enters_tech_touch_whatever_the_csm_feels(playbook, sentiment):
    playbook.customers([small(sentiment=sentiment)])
    playbook.retier()
    why = playbook.explain("small")
    assert (why["suggested"], why["effective"], why["decided_by"]) == (
        "tech-touch",
        "mid-market",
        "first_year",
    )
    assert "before first renewal" in why["reason"]


def test_a_first_renewal_that_nobody_recorded_counts_as_not_done(playbook):
    playbook.customers([small(first_renewal_done="", contract_start=started(3000), sentiment=5)])
    playbook.retier()
    assert playbook.tiers() == {"small": "mid-market"}


@pytest.mark.parametrize(
    ("sentiment", "tier"),
    # good is 4 or 5; nobody is sent to Tech Touch without a word of the CSM
    [
        (5, "tech-touch"),
        (4, "tech-touch"),
        (3, "mid-market"),
        (2, "mid-market"),
        (1, "mid-market"),
        ("", "mid-market"),
    ],
)
def test_after_the_first_renewal_the_csms_sentiment_decides(playbook, sentiment, tier):
    playbook.customers([small(sentiment=4)])
    playbook.retier()
    playbook.customers([small(first_renewal_done="yes", contract_start=started(400), sentiment=sentiment)])
    playbook.retier()
    assert playbook.tiers() == {"small": tier}


def test_who_is_in_tech_touch_leaves_it_when_the_sentiment_falls(playbook):
    playbook.customers([small(first_renewal_done="yes", sentiment=4)])
    playbook.retier()
    playbook.customers([{"external_id": "small", "sentiment": 3}])
    assert [move["to"] for move in playbook.retier()["moves"]] == ["mid-market"]


def test_every_customer_of_tech_touch_has_a_named_csm(playbook):
    playbook.csms([{"name": "Ada"}, {"name": "Ben"}])
    playbook.customers([small(f"C{number}", first_renewal_done="yes", sentiment=5) for number in range(30)])
    playbook.retier()
    assert set(playbook.tiers().values()) == {"tech-touch"}
    playbook.plan()
    assert {row["csm"] for row in playbook.export().values()} == {"ada@x.example", "ben@x.example"}


def expected_tier(row):
    if row["arr"] >= 250_000:
        return "strategic"
    if row["arr"] >= 50_000 or row["first_renewal_done"] != "yes":
        return "mid-market"
    return "tech-touch" if row["sentiment"] in {4, 5} else "mid-market"


@pytest.mark.parametrize("seed", [1, 2])
def test_many_customers_on_each_side_of_every_bound_get_their_tier(playbook, seed):
    chance = random.Random(seed)
    edges = [bound + step for bound in (50_000, 250_000) for step in (-0.01, 0, 0.01)]
    rows = [
        {
            "external_id": f"C{number}",
            "arr": chance.choice([*edges, round(chance.lognormvariate(10, 1.5), 2), 700]),
            "first_renewal_done": chance.choice(["yes", "yes", "no", ""]),
            "sentiment": chance.choice(["", 1, 2, 3, 4, 5]),
            "health": chance.choice(["", 10, 90]),
        }
        for number in range(400)
    ]
    playbook.customers(rows)
    playbook.retier()
    wanted = {row["external_id"]: expected_tier(row) for row in rows}
    assert playbook.tiers() == wanted
    assert set(wanted.values()) == {"strategic", "mid-market", "tech-touch"}


@pytest.mark.parametrize("seed", [1, 2])
def test_in_a_grown_company_everybody_in_tech_touch_has_one_name_and_keeps_it(playbook, seed):
    rows = [{**row, "sentiment": 5, "first_renewal_done": "yes"} for row in customers(seed, 120, country="")]
    playbook.customers(rows)
    playbook.retier()
    team = csms(seed, 6)
    playbook.csms(team)
    plan = playbook.plan()
    check(playbook, "tech-touch-after-first-renewal", plan, rows=rows, team=team)
    export = playbook.export()
    pooled = {key: row["csm"] for key, row in export.items() if row["tier"] == "tech-touch"}
    assert len(pooled) > 40
    assert set(pooled.values()) <= {email(csm) for csm in team}
    assert playbook.plan()["moves"] == []
    assert {key: row["csm"] for key, row in playbook.export().items()} == {
        key: row["csm"] for key, row in export.items()
    }
