"""Guards: each from both sides of its bound, what outranks what, and that each is recorded when it bites."""

import datetime
from dataclasses import replace

import pytest

from allocation.engine.facts.attributes import ATTRIBUTES
from allocation.engine.facts.tiering import DECIDERS, GUARDS, DecidedBy
from allocation.engine.rules import read_rules
from allocation.engine.tiering import decide_tiers
from tests.engine.tiering_facts import AS_OF, BY_ARR, ENTERPRISE, GLOBAL, SCALE, TIERS, decide, facts


def ago(days):
    return AS_OF - datetime.timedelta(days=days)


def ahead(days):
    return AS_OF + datetime.timedelta(days=days)


def guarded(row, **guards):
    """(tier in force, who had the last word, guards that bit) of one customer."""
    off = {"paid_floor": False, "dead_band": None}
    found = decide({**BY_ARR, "guards": {**off, **guards}}, [row]).guards
    bites = [GUARDS[place] for place in range(len(GUARDS)) if found.bites[0, place]]
    return int(found.effective[0]), DECIDERS[found.decided_by[0]], bites


@pytest.mark.parametrize(
    ("arr", "tier"),
    [
        (142500, ENTERPRISE),  # 150 000 loosened by 5 %: still Enterprise
        (142499.99, SCALE),
        (149999.99, ENTERPRISE),
        (787499.99, ENTERPRISE),  # 750 000 tightened by 5 %: not Global yet
        (787500, GLOBAL),
        (2000000, GLOBAL),
    ],
)
def test_the_dead_band_keeps_a_tier_while_it_lies_between_the_loosened_and_the_tightened_result(arr, tier):
    assert guarded({"arr": arr, "current": ENTERPRISE}, dead_band={})[0] == tier


def test_beyond_the_dead_band_the_plain_result_holds():
    # Global held, 100 000: loosened and tightened both say Scale
    assert guarded({"arr": 100000, "current": GLOBAL}, dead_band={}) == (SCALE, DecidedBy.RULE, [])


def test_the_dead_band_of_a_score_is_absolute():
    definition = {
        **BY_ARR,
        "criteria": [
            {
                "name": "H",
                "attribute": "health",
                "weight": 1,
                "scale": {"kind": "linear", "low": 0, "high": 100},
            }
        ],
        "tiers": [
            {"tier": "global", "when": [{"attribute": "score", "op": ">=", "value": 50}]},
            {"tier": "scale", "when": []},
        ],
    }
    rows = [{"health": value, "current": GLOBAL} for value in (48, 47.99)]
    assert decide(definition, rows).guards.effective.tolist() == [GLOBAL, SCALE]
    narrow = {**definition, "guards": {"dead_band": {"points": 1}}}
    assert decide(narrow, rows).guards.effective.tolist() == [SCALE, SCALE]


def test_without_the_dead_band_the_customer_moves():
    assert guarded({"arr": 149999, "current": ENTERPRISE}) == (SCALE, DecidedBy.RULE, [])


@pytest.mark.parametrize(
    ("row", "tier"),
    [
        ({"since": ago(179)}, SCALE),
        ({"since": ago(180)}, GLOBAL),  # 180 days have passed
        ({"since": ago(179), "goals_changed": True}, GLOBAL),
        ({"since": ago(179), "override_ended": True}, GLOBAL),  # after an override ends it does not apply
        ({}, GLOBAL),  # nobody knows since when
    ],
)
def test_minimum_stay_keeps_a_tier_that_changed_not_long_ago(row, tier):
    assert guarded({"arr": 900000, "current": SCALE, **row}, minimum_stay={"days": 180})[0] == tier


@pytest.mark.parametrize(
    ("renewal", "arr", "tier"),
    [
        (ahead(0), 1, GLOBAL),
        (ahead(90), 1, GLOBAL),
        (ahead(91), 1, SCALE),
        (ago(1), 1, SCALE),  # a renewal that has passed freezes nothing
        (None, 1, SCALE),
    ],
)
def test_the_renewal_freeze_prevents_steps_down(renewal, arr, tier):
    row = {"arr": arr, "current": GLOBAL, "renewal_date": renewal}
    assert guarded(row, renewal_freeze={"days": 90})[0] == tier


def test_the_renewal_freeze_lets_steps_up_through():
    row = {"arr": 900000, "current": SCALE, "renewal_date": ahead(5)}
    assert guarded(row, renewal_freeze={"days": 90}) == (GLOBAL, DecidedBy.RULE, [])


FIRST_YEAR = {"first_year": {"touch_levels": ["tech"]}}


def test_before_the_first_renewal_the_nearest_higher_permitted_tier_is_given():
    row = {"arr": 1, "first_renewal_done": False}
    assert guarded(row, **FIRST_YEAR) == (ENTERPRISE, DecidedBy.FIRST_YEAR, [DecidedBy.FIRST_YEAR])


def test_after_the_first_renewal_the_rules_hold():
    assert guarded({"arr": 1, "first_renewal_done": True}, **FIRST_YEAR)[0] == SCALE


def test_an_unrecorded_first_renewal_protects_too():
    assert guarded({"arr": 1}, **FIRST_YEAR)[0] == ENTERPRISE


def test_who_is_in_the_closed_tier_already_may_stay_there():
    assert guarded({"arr": 1, "current": SCALE, "first_renewal_done": False}, **FIRST_YEAR)[0] == SCALE


def test_the_paid_floor_is_never_passed_even_by_a_staying_guard():
    row = {"arr": 1, "current": SCALE, "since": ago(1), "paid": ENTERPRISE}
    assert guarded(row, paid_floor=True, minimum_stay={"days": 180})[:2] == (ENTERPRISE, DecidedBy.PAID_FLOOR)


def test_the_paid_floor_does_not_hold_back_a_higher_tier():
    assert guarded({"arr": 900000, "paid": ENTERPRISE}, paid_floor=True) == (GLOBAL, DecidedBy.RULE, [])


def test_a_first_tier_knows_only_first_year_and_floor():
    row = {"arr": 149000, "since": ago(1), "renewal_date": ahead(1)}
    assert guarded(row, dead_band={}, minimum_stay={"days": 180}, renewal_freeze={"days": 90}) == (
        SCALE,
        DecidedBy.RULE,
        [],
    )


def test_an_override_wins_over_everything_and_the_suggestion_stays_beside_it():
    found = decide({**BY_ARR, "guards": {}}, [{"arr": 900000, "paid": ENTERPRISE, "override": SCALE}])
    assert found.guards.effective.tolist() == [SCALE]
    assert found.suggestions.tier.tolist() == [GLOBAL]
    assert DECIDERS[found.guards.decided_by[0]] is DecidedBy.OVERRIDE


def test_customers_that_left_are_not_tiered():
    row = {"arr": 900000, "left": True, "current": SCALE, "override": GLOBAL}
    assert guarded(row, dead_band={}) == (SCALE, DecidedBy.LEFT, [DecidedBy.LEFT])


def test_each_guard_that_changes_the_result_is_recorded_and_the_last_one_named():
    # first year lifts Scale to Enterprise, the freeze keeps Global: a step down from it before renewal
    row = {"arr": 1, "current": GLOBAL, "first_renewal_done": False, "renewal_date": ahead(5)}
    tier, by, bites = guarded(row, renewal_freeze={"days": 90}, **FIRST_YEAR)
    assert (tier, by) == (GLOBAL, DecidedBy.RENEWAL_FREEZE)
    assert bites == [DecidedBy.FIRST_YEAR, DecidedBy.RENEWAL_FREEZE]


def test_a_guard_that_changes_nothing_is_not_recorded():
    row = {"arr": 900000, "current": GLOBAL, "paid": ENTERPRISE, "since": ago(1), "renewal_date": ahead(1)}
    assert (
        guarded(row, paid_floor=True, dead_band={}, minimum_stay={"days": 9}, renewal_freeze={"days": 9})[2]
        == []
    )


def _with_enterprise_retired(row, **guards):
    """As `guarded`, where Enterprise is no longer in use and the rules lead to Global and Scale only."""
    kept = [rule for rule in BY_ARR["tiers"] if rule["tier"] != "enterprise"]
    tiers = [replace(tier, retired=tier.slug == "enterprise") for tier in TIERS]
    model = {**BY_ARR, "tiers": kept, "guards": {"paid_floor": False, "dead_band": None, **guards}}
    read = read_rules(definition=model, attributes=ATTRIBUTES, tiers=tiers)
    return int(decide_tiers(facts=facts([row]), rules=read, tiers=tiers).guards.effective[0])


@pytest.mark.parametrize(
    ("row", "guards"),
    [
        ({"since": ago(1)}, {"minimum_stay": {"days": 180}}),
        ({"renewal_date": ahead(5)}, {"renewal_freeze": {"days": 60}}),
        ({"arr": 749999}, {"dead_band": {}}),  # between Global and Scale: Enterprise lies between
    ],
)
def test_nobody_is_kept_in_a_tier_that_was_retired(row, guards):
    held = {"arr": 100000, "current": ENTERPRISE, **row}
    assert _with_enterprise_retired(held, **guards) == SCALE


def test_a_paid_tier_that_was_retired_stands_for_the_nearest_higher_one():
    assert _with_enterprise_retired({"arr": 100, "paid": ENTERPRISE}, paid_floor=True) == GLOBAL
