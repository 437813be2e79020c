"""What people overrule: rules, segments and criteria counted by hand, scoped, and by a fixed number of statements."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from unittest.mock import patch

import pytest

from accounts.models import Tier
from allocation.models import Override
from allocation.selectors.override_report import overrules, what_people_overrule
from allocation.selectors.overrides import months_later
from allocation.selectors.rules_at_work import RuleName, rules_at_work
from allocation.services.playbooks import load_playbook
from tests.factories import TODAY, CustomerFactory, UserFactory
from tests.services.retiering_cast import applied

DAY = timedelta(days=1)
YEAR_AGO = months_later(TODAY, -12)
GLOBAL = RuleName("segment is Global", "global")
ENTERPRISE = RuleName("segment is Enterprise", "enterprise")
REST = RuleName("everyone else", "scale")
# Score 40: health pulled it down, ARR up, reputation is exactly on it, adoption is not known.
POINTS = {"ARR": 60, "Health": 20, "Reputation": 40, "Adoption": None}


def noon(day):
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


@pytest.fixture
def world(cast):
    """The three-axis model has decided two customers of each tier in book A, and one of Scale in book B."""
    load_playbook(slug="three-axis", publish=True, at=noon(TODAY))
    cast.tiers = {tier.slug: tier for tier in Tier.objects.all()}
    cast.a = [
        CustomerFactory(arr=arr, csm=cast.csm_a.csm, csm_since=TODAY)
        for arr in (900_000, 900_000, 200_000, 200_000, 10_000, 10_000)
    ]
    cast.b = CustomerFactory(arr=10_000, csm=cast.csm_b.csm, csm_since=TODAY)
    applied(as_of=TODAY - DAY)
    return cast


def said(suggested="scale", rule=REST, segment="Scale"):
    return {
        "run": 1,
        "model_version": 1,
        "segment": segment,
        "rule": rule.words,
        "score": "40.00",
        "suggested": suggested,
        "effective": suggested,
        "decided_by": "rule",
        "contributions": [
            {"criterion": name, "value": points, "points": points, "weight": 1, "contribution": 10.0}
            for name, points in POINTS.items()
        ],
    }


def override(world, customer, tier="global", *, status="approved", asked_on=TODAY, days=2, **more):
    """One in the table; days: till it was decided. When it was asked never changes, so the clock stands at that day."""
    decided = status in {"approved", "declined"} or more.pop("was_approved", False)
    given = {
        "customer": customer,
        "tier": world.tiers[tier],
        "status": status,
        "words": "Because",
        "reason_kind": "risk",
        "starts_on": asked_on,
        "expires_on": asked_on + 90 * DAY,
        "asked_by": world.csm_a,
        "decided_by": world.manager if decided else None,
        "decided_at": noon(asked_on) + days * DAY if decided else None,
        "decided_words": "So" if decided else "",
        "ended_at": noon(asked_on) if status in {"withdrawn", "expired"} else None,
        "model_said": said(),
    }
    with patch("django.utils.timezone.now", return_value=noon(asked_on)):
        return Override.objects.create(**(given | more))


def report(world, user=None, **days):
    return what_people_overrule(
        user=user or world.ops, **{"starts_on": YEAR_AGO, "ends_on": TODAY, "today": TODAY, **days}
    )


def test_each_customer_stands_on_the_rule_that_suggested_its_tier(world):
    found = rules_at_work(user=world.ops)
    first, second, third, fourth, fifth, sixth = (customer.pk for customer in world.a)
    assert found.by_rule == {
        GLOBAL: {first, second},
        ENTERPRISE: {third, fourth},
        REST: {fifth, sixth, world.b.pk},
    }
    assert found.by_segment == {
        "Global": {first, second},
        "Enterprise": {third, fourth},
        "Scale": {fifth, sixth, world.b.pk},
    }


def test_a_later_goals_run_changes_the_rule_of_whom_it_decided_only(world):
    first = world.a[0]
    type(first).objects.filter(pk=first.pk).update(arr=5, first_renewal_done=True)
    applied(as_of=TODAY, scope="goals")
    found = rules_at_work(user=world.ops)
    assert first.pk in found.by_rule[REST]
    assert {rule: len(customers) for rule, customers in found.by_rule.items()} == {
        GLOBAL: 1,
        ENTERPRISE: 2,
        REST: 4,
    }


def test_rules_are_counted_by_hand(world):
    scale, other = world.a[4], world.a[5]
    override(world, scale)  # up
    override(world, other, status="declined")
    override(world, world.b, "enterprise", status="asked")
    third = said("enterprise", ENTERPRISE, "Enterprise")
    override(world, world.a[2], "scale", model_said=third)  # down
    override(world, world.a[3], "enterprise", model_said=third)  # neither: a guard had held it elsewhere
    found = report(world)
    rules = dict(found.rules)
    lines = {
        rule: (
            len(line.customers),
            line.asked,
            line.approved,
            len(line.overruled),
            line.in_force,
            dict(line.ways),
        )
        for rule, line in rules.items()
    }
    assert lines == {
        GLOBAL: (2, 0, 0, 0, 0, {}),
        ENTERPRISE: (2, 2, 2, 2, 2, {"down": 1, "neither": 1}),
        REST: (3, 3, 1, 1, 1, {"up": 1}),
    }
    assert [rule for rule, _ in found.rules] == [ENTERPRISE, REST, GLOBAL]  # the most overruled first
    assert rules[ENTERPRISE].share_pct == 100
    assert rules[REST].share_pct == pytest.approx(100 / 3)
    assert rules[GLOBAL].share_pct == 0
    assert {name: line.approved for name, line in found.segments} == {
        "Enterprise": 2,
        "Scale": 1,
        "Global": 0,
    }
    assert (found.total.asked, found.total.approved, found.total.in_force) == (5, 3, 3)
    assert found.statuses == {"approved": 3, "declined": 1, "asked": 1}


def test_a_rule_of_an_earlier_version_keeps_its_line(world):
    """Nobody stands on it any more; the customer it was overruled for is its only one."""
    old = RuleName("ARR ≥ 1", "scale")
    override(world, world.a[4], model_said=said(rule=old))
    line = dict(report(world).rules)[old]
    assert (len(line.customers), line.share_pct) == (1, 100)


def test_two_overrides_of_one_customer_overrule_it_once(world):
    override(world, world.a[4], status="expired", was_approved=True, asked_on=TODAY - 200 * DAY)
    override(world, world.a[4])
    line = dict(report(world).rules)[REST]
    assert (line.asked, line.approved, len(line.overruled)) == (2, 2, 1)


# way, points, overruled; the score is 40
WAYS = [
    ("up", "39.99", True),
    ("up", "40.00", False),
    ("up", "40.01", False),
    ("down", "39.99", False),
    ("down", "40.00", False),
    ("down", "40.01", True),
    ("neither", "10", False),
    ("", "10", False),
]


@pytest.mark.parametrize(("way", "points", "expected"), WAYS)
def test_an_override_overrules_the_criteria_that_pulled_the_other_way(way, points, expected):
    assert overrules(way=way, points=Decimal(points), score=Decimal(40)) is expected


def test_criteria_are_counted_by_hand(world):
    override(world, world.a[4])  # up: Health (20) lies below the score
    override(world, world.a[0], "scale", model_said=said("global", GLOBAL))  # down: ARR (60) lies above it
    override(world, world.a[1], "global", model_said=said("global", GLOBAL))  # neither
    override(world, world.a[5], status="declined")  # nobody agreed
    override(world, world.b, status="asked")
    found = {
        name: (line.with_value, line.overruled, dict(line.ways)) for name, line in report(world).criteria
    }
    assert found == {
        "Health": (3, 1, {"up": 1}),
        "ARR": (3, 1, {"down": 1}),
        "Reputation": (3, 0, {}),
        "Adoption": (0, 0, {}),  # never known, so never overruled, and its share is unknown
    }
    assert dict(report(world).criteria)["Adoption"].share_pct is None


def test_what_no_run_had_decided_counts_in_the_totals_only(world):
    override(world, CustomerFactory(), model_said={}, tier_when_asked=None)
    found = report(world)
    assert (found.total.asked, found.total.approved) == (1, 1)
    assert all(line.asked == 0 for _, line in (*found.rules, *found.segments))
    assert found.criteria == ()


def test_the_way_without_a_model_is_from_the_tier_that_was_held(world):
    override(world, world.a[4], model_said={}, tier_when_asked=world.tiers["scale"])
    assert report(world).total.ways == {"up": 1}


@pytest.mark.parametrize(
    ("asked_on", "there"),
    [(YEAR_AGO - DAY, False), (YEAR_AGO, True), (TODAY, True), (TODAY + DAY, False)],
)
def test_the_period_has_both_of_its_ends(world, asked_on, there):
    override(world, world.a[4], asked_on=asked_on)
    assert report(world).total.asked == int(there)


def test_in_force_is_today(world):
    override(
        world, world.a[4], starts_on=TODAY - 9 * DAY, expires_on=TODAY
    )  # over; the calendar has not been by
    override(world, world.a[5], starts_on=TODAY - 9 * DAY, expires_on=TODAY + DAY)
    override(world, world.a[3], starts_on=TODAY + DAY)
    override(world, world.a[2], status="withdrawn", was_approved=True)
    found = report(world)
    assert (found.total.approved, found.total.in_force) == (4, 1)


def test_the_days_to_a_decision_are_a_mean_of_what_was_decided(world):
    override(world, world.a[4], days=1)
    override(world, world.a[5], days=4, status="declined")
    override(world, world.a[3], status="asked")
    override(world, world.a[2], status="withdrawn")  # taken back before anybody decided
    assert report(world).mean_days == 2.5
    assert report(world, starts_on=TODAY + DAY, ends_on=TODAY + DAY).mean_days is None


BEFORE = TODAY - 100 * DAY  # and ends 90 days later, 10 days ago


@pytest.mark.parametrize(
    ("more", "renewed"),
    [
        ({}, 1),
        ({"starts_on": BEFORE + (90 + 31) * DAY}, 1),
        ({"starts_on": BEFORE + (90 + 32) * DAY, "expires_on": TODAY + 90 * DAY}, 0),
        ({"tier": "enterprise"}, 0),  # another tier
        ({"customer": 5}, 0),  # another customer
        ({"status": "declined"}, 0),
    ],
)
def test_one_that_carries_on_an_earlier_one_is_a_renewal(world, more, renewed):
    override(
        world,
        world.a[4],
        status="expired",
        was_approved=True,
        asked_on=BEFORE,
        ended_at=noon(BEFORE + 90 * DAY),
    )
    customer = world.a[more.pop("customer", 4)]
    override(world, customer, more.pop("tier", "global"), **{"starts_on": TODAY, **more})
    assert report(world).renewed == renewed
    # The earlier one was asked for before the period; the renewal is one all the same.
    assert report(world, starts_on=TODAY - DAY).renewed == renewed


def test_reasons_are_counted(world):
    override(world, world.a[4], reason_kind="promise")
    override(world, world.a[5], reason_kind="promise", status="declined")
    found = {label: (line.asked, line.approved) for label, line in report(world).reasons}
    assert found["A promise made"] == (2, 1)
    assert found["Other"] == (0, 0)


def test_people_who_approve_each_other_are_shown_to_ops_only(world):
    third = UserFactory(name="Theo Third")
    override(world, world.a[0], asked_by=world.csm_a, decided_by=world.manager)
    override(world, world.a[1], asked_by=world.csm_a, decided_by=world.manager)
    override(world, world.a[2], asked_by=world.manager, decided_by=world.csm_a)
    override(world, world.a[3], asked_by=third, decided_by=world.manager)  # goes one way only
    override(world, world.a[4], asked_by=world.manager, decided_by=third, status="declined")  # no approval
    (pair,) = report(world).pairs
    found = {pair.one: pair.by_one, pair.other: pair.by_other}
    assert found == {"Mia Manager": 2, "Ada Book": 1}
    assert report(world, world.manager).pairs is None


def test_a_manager_counts_the_own_teams_only(world):
    override(world, world.a[4])
    override(world, world.b, asked_by=world.csm_b)
    mine, everybody = report(world, world.manager), report(world)
    assert (mine.total.asked, everybody.total.asked) == (1, 2)
    assert len(dict(mine.rules)[REST].customers) == 2
    assert len(dict(everybody.rules)[REST].customers) == 3
    assert report(world, world.nobody).total.asked == 0


def test_it_asks_equally_often_at_any_size(world, django_assert_num_queries):
    for rows in (1, 12):
        for _ in range(rows):
            customer = CustomerFactory(arr=10_000, csm=world.csm_a.csm, csm_since=TODAY)
            override(world, customer)
            override(world, CustomerFactory(), asked_by=world.manager, decided_by=world.csm_a)
        applied(as_of=TODAY, scope="goals")
        assert world.ops.is_ops  # read once a request
        with django_assert_num_queries(7):
            report(world)
