"""What scenarios answer: nothing changed is a plain dry run, and each kind of change follows its law."""

from decimal import Decimal

import pytest

from accounts.models import CSM, Customer, Goal, GoalKind, Tier
from allocation.engine.attention import base_minutes, net_minutes
from allocation.models import AllocationPolicy, Staffing, TieringModel
from allocation.selectors.balance import workload
from allocation.snapshots.books import TouchPlans
from tests.factories import NOW, TODAY, CustomerFactory, GoalFactory, TouchActivityFactory
from tests.services.retiering_cast import proposed
from tests.services.scenarios.world import ARR, HOURS, after, answer, company

pytestmark = pytest.mark.django_db

OUT = {"model": {"guards": "run out"}}


@pytest.fixture(autouse=True)
def there(cast):
    return company(cast)


# Nothing changed


def test_nothing_changed_is_what_a_plain_dry_run_decides(there):
    Customer.objects.filter(external_id__in=["E0", "G1", "S7"]).update(arr=Decimal(50_000))
    CustomerFactory(external_id="N0", arr=Decimal(1_000_000))  # holds no tier yet
    run = proposed()
    found = answer()
    assert found["tiers"] == run.summary["tiers"]
    assert found["moves"] == run.summary["moves"] == 2
    assert {one["external_id"] for one in found["movers"]} == {"E0", "G1"}
    assert [flow["to"] for flow in found["flows"] if flow["from"] == ""] == ["global"]


def test_today_is_what_the_balance_page_says(there):
    found, page = answer()["today"], workload(as_of=TODAY)
    assert found["minutes_asked"] == sum(row.minutes for row in page.rows)
    assert found["minutes_there"] == sum(row.capacity_minutes for row in page.rows)
    assert found["balance"] == {
        "outside_15_pct": page.utilisation.outside_15_pct,
        "cv": page.utilisation.cv,
        "gini": page.utilisation.gini,
        "max_over_mean": page.utilisation.max_over_mean,
    }
    assert sum(found["arr_cents_by_tier"].values()) == sum(row.arr_cents for row in page.rows)


def test_with_nothing_changed_and_nobody_to_move_then_is_now(there):
    found = answer()
    today = found.pop("today")
    assert found.pop("movers") == []
    assert found == today


def test_minutes_counted_by_tier_and_goals_are_those_of_the_touch_plans(there):
    kind = GoalKind.objects.get(slug="adoption")
    TouchActivityFactory(tier=Tier.objects.get(slug="scale"), goal_kind=kind, times_a_year=6, hours_each=2)
    plans = TouchPlans(as_of=TODAY)
    active = Customer.objects.active()
    asked = sum(plans.minutes(customer_id=one.pk, tier_id=one.tier_id) for one in active)
    assert asked == 3 * HOURS["global"] + 6 * HOURS["enterprise"] + 7 * HOURS["scale"] + 60  # S1's goal: 1 h
    assert answer()["minutes_asked"] == answer()["today"]["minutes_asked"] == asked


def test_who_left_is_not_counted(there):
    assert sum(answer()["tiers"].values()) == len(ARR)


def test_every_customer_is_in_one_flow_and_the_flows_add_up(there):
    found = answer(engagement={"as": "wished"}, amounts=[{"attribute": "arr", "change_pct": 50}])
    assert sum(flow["customers"] for flow in found["flows"]) == len(ARR)
    assert sum(flow["minutes"] for flow in found["flows"]) == found["minutes_asked"]
    assert sum(flow["arr_cents"] for flow in found["flows"]) == sum(found["arr_cents_by_tier"].values())
    moved = [flow for flow in found["flows"] if flow["from"] not in ("", flow["to"])]
    assert sum(flow["customers"] for flow in moved) == found["moves"] == len(found["movers"])


# What if customers chose their own segment


def test_where_most_wish_the_highest_touch_hours_and_heads_are_shown(there):
    found = answer(engagement={"as": "wished"})
    # S1 to S7 and E0 to E3 wish high touch; E4 low touch; G0 to G2 and S0 say nothing, and keep the tier of the model,
    # for S0 the one it pays for.
    assert found["tiers"] == {"global": 3 + 4 + 7, "enterprise": 1, "scale": 1}
    assert found["minutes_asked"] == 14 * HOURS["global"] + HOURS["enterprise"] + HOURS["scale"]
    assert found["minutes_asked"] > 2 * found["today"]["minutes_asked"]
    assert found["heads"] > found["today"]["heads"]
    assert found["heads"] >= -(-14 // 6)  # six Global customers a head
    assert found["cost_cents"] == found["heads"] * 9_000_000


def test_hours_asked_are_the_sum_of_the_touch_plans_of_the_tiers(there):
    for silent in ("keeps", "highest"):
        found = answer(engagement={"as": "wished", "without_a_wish": silent})
        assert found["minutes_asked"] == sum(HOURS[slug] * n for slug, n in found["tiers"].items())


def test_who_has_said_nothing_may_be_taken_to_wish_the_highest(there):
    found = answer(engagement={"as": "wished", "without_a_wish": "highest"})
    assert found["tiers"] == {"global": 15, "enterprise": 0, "scale": 1}


@pytest.mark.parametrize("wish", ["low", "tech", "self_service"])
def test_the_paid_floor_holds_whatever_is_wished(there, wish):
    Customer.objects.filter(external_id="S0").update(wished_engagement=wish)
    found = answer(engagement={"as": "wished"})
    assert not [one for one in found["movers"] if one["external_id"] == "S0"]


def test_of_a_level_that_no_tier_has_the_nearest_is_taken_and_of_two_the_higher(there):
    # Levels there are: high, mid, low. Tech and self-service lie nearest to low.
    Customer.objects.filter(external_id="G0").update(wished_engagement="self_service")
    found = answer(engagement={"as": "wished"})
    assert {"external_id": "G0", "from": "global", "to": "scale"} in [
        {key: one[key] for key in ("external_id", "from", "to")} for one in found["movers"]
    ]


# Model


def test_a_bound_and_guards_that_run_out_move_those_between(there):
    lower = {"model": {"bounds": [{"rule": "Global", "attribute": "arr", "value": 300_000}]}}
    found = answer(**lower)
    assert {one["external_id"] for one in found["movers"]} == {"E2", "E3", "E4"}  # 330 000 and more
    near = {"model": {"bounds": [{"rule": "Global", "attribute": "arr", "value": 325_000}]}}
    assert {one["external_id"] for one in answer(**near)["movers"]} == {"E3", "E4"}  # E2 within the dead band
    near["model"]["guards"] = "run out"
    assert {one["external_id"] for one in answer(**near)["movers"]} == {"E2", "E3", "E4"}


def test_a_whole_definition_stands_for_itself(there):
    everybody = {"segments": [{"name": "All", "when": []}], "tiers": [{"tier": "scale", "when": []}]}
    assert answer(model={"definition": everybody})["tiers"] == {"global": 0, "enterprise": 1, "scale": 15}


def test_a_weight_moves_who_a_score_bound_decides(there):
    Customer.objects.filter(external_id="S2").update(health=100)
    scored = {
        "segments": [{"name": "All", "when": []}],
        "criteria": [
            {"name": "ARR", "attribute": "arr", "weight": 1, "scale": {"kind": "linear", "low": 0, "high": 2_000_000}},
            {"name": "Health", "attribute": "health", "weight": 0, "scale": {"kind": "linear", "low": 0, "high": 100},
             "missing": "points", "points": 0},
        ],
        "tiers": [{"tier": "global", "when": [{"attribute": "score", "op": ">=", "value": 50}]}, {"tier": "scale", "when": []}],
    }  # fmt: skip
    from allocation.models import TieringModel

    model = TieringModel.objects.draft(name="Scored", definition=scored, created_by_id=None)
    start = {"version": model.number, "guards": "run out"}
    assert answer(model=start)["tiers"]["global"] == 2  # G1 has 1 000 000, half of the scale; G2 more
    heavy = answer(model={**start, "weights": {"Health": 9}})
    assert heavy["tiers"]["global"] == 1
    assert "S2" in {one["external_id"] for one in heavy["movers"] if one["to"] == "global"}


# Tiers


def test_a_higher_cap_never_asks_for_more_heads_and_a_lower_never_for_fewer(there):
    today = answer()["heads"]
    assert answer(tiers={"global": {"cap": 1}, "scale": {"cap": 1}})["heads"] == 7 > today  # seven in Scale
    assert (
        answer(tiers={"global": {"cap": 60}, "enterprise": {"cap": 60}, "scale": {"cap": 60}})["heads"]
        <= today
    )
    assert answer(tiers={"global": {"cap": 1}})["minutes_asked"] == answer()["minutes_asked"]


def test_hours_a_year_stand_in_for_the_touch_plan_of_their_tier_only(there):
    before = answer()["minutes_asked"]
    found = answer(tiers={"global": {"hours_a_year": 240}})  # 20 hours a month instead of 16
    assert found["minutes_asked"] - before == 3 * (20 - 16) * 60
    assert found["today"]["minutes_asked"] == before


# Policy


def test_another_full_time_changes_heads_there_and_nothing_of_the_tiers(there):
    found = answer(policy={"full_time_hours": 80})
    today = found["today"]
    assert found["heads_there"] == pytest.approx(2 * today["heads_there"])
    assert (found["tiers"], found["minutes_there"]) == (today["tiers"], today["minutes_there"])


def test_a_budget_of_no_moves_plans_fewer_moves_than_one_of_all(there):
    loads = {"roster": {"add": [{"heads": 2}]}, "books": "planned anew"}
    still = answer(**loads, policy={"max_moves_pct": 0, "max_moves_arr_pct": 0})
    free = answer(**loads, policy={"max_moves_pct": 100, "max_moves_arr_pct": 100, "weight_continuity": 0})
    assert still["books"]["moves"] < free["books"]["moves"]
    assert still["books"]["assigned"] == free["books"]["assigned"] == len(ARR)


# Roster


def test_added_csms_bring_their_net_hours_and_are_heads_that_are_there(there):
    given = {"hours_per_month": 100, "overhead_pct": 20, "ramp_pct": 50}
    found = answer(roster={"add": [{"heads": 3, **given}]})
    each = net_minutes(
        hours_per_month=Decimal(100), ramp_pct=Decimal(50), overhead_pct=Decimal(20), days_away=0, days=30
    )
    assert each == 40 * 60
    assert found["minutes_there"] - found["today"]["minutes_there"] == 3 * each
    assert found["heads_there"] == pytest.approx(found["today"]["heads_there"] + 3 * 100 / 160, abs=0.01)
    assert found["minutes_asked"] == found["today"]["minutes_asked"]


def test_what_is_left_out_is_as_those_have_that_are_here_on_average(there):
    hours = [csm.hours_per_month for csm in CSM.objects.all()]
    mean = sum(hours) / len(hours)
    found = answer(roster={"add": [{"heads": 1}]})
    # All give 75 % to customers and are fully productive.
    gained = found["minutes_there"] - found["today"]["minutes_there"]
    assert gained == pytest.approx(float(mean) * 60 * 0.75, abs=1)


def test_without_a_csm_the_hours_go_and_planned_books_give_its_customers_to_others(there):
    found = answer(roster={"without": ["Ada Book"]}, books="planned anew")
    ada = net_minutes(
        hours_per_month=there.ada.hours_per_month,
        ramp_pct=Decimal(100),
        overhead_pct=Decimal(25),
        days_away=0,
        days=30,
    )
    assert found["today"]["minutes_there"] - found["minutes_there"] == ada
    assert found["books"]["moves"] >= Customer.objects.filter(csm=there.ada, status="active").count() > 0
    assert found["books"]["assigned"] + found["books"]["unassigned"] == len(ARR)


def test_more_csms_never_serve_fewer(there):
    small = {
        "tiers": {"global": {"cap": 1}, "enterprise": {"cap": 1}, "scale": {"cap": 2}},
        "books": "planned anew",
    }
    nobody = [csm.key for csm in CSM.objects.all()]  # who holds more than the cap today keeps them
    full = {"hours_per_month": 160, "overhead_pct": 25}
    before = answer(**small, roster={"without": nobody, "add": [{"heads": 2, **full}]})["books"]
    more = answer(**small, roster={"without": nobody, "add": [{"heads": 5, **full}]})["books"]
    assert (before["assigned"], more["assigned"]) == (2 + 2 + 4, 3 + 5 + 7)
    assert before["unassigned"] == 8 and before["shortages"]
    assert more["unassigned"] == 1


def test_without_any_csm_the_answer_is_still_one(there):
    found = answer(roster={"without": [csm.key for csm in CSM.objects.all()]}, books="planned anew")
    assert (found["minutes_there"], found["heads_there"]) == (0, 0)
    assert found["books"]["assigned"] == 0 < found["heads"]


def test_an_open_seat_is_nobody_who_is_there_and_helps_where_books_are_planned(there):
    before = answer()
    small = {"tiers": {"scale": {"cap": 1}}, "roster": {"without": [csm.key for csm in CSM.objects.all()]}}
    CSM.objects.create(name="Seat 1", is_seat=True, hours_per_month=160)
    assert answer() == before
    found = answer(**small, books="planned anew")
    assert (found["minutes_there"], found["heads_there"]) == (0, 0)
    assert found["books"]["assigned"] > 0
    assert found["today"] == before["today"]


# Goals


def test_a_goal_that_is_opened_moves_its_customers_under_a_model_that_reads_goals(there):
    by_goal = {
        "segments": [{"name": "All", "when": []}],
        "tiers": [
            {"tier": "global", "when": [{"attribute": "open_goals", "op": "any_of", "value": ["risk-mitigation", "adoption"]}]},
            {"tier": "scale", "when": []},
        ],
    }  # fmt: skip
    model = {"definition": by_goal, "guards": "run out"}
    assert answer(model=model)["tiers"]["global"] == 1  # S1 has the goal “adoption”
    closed = answer(model=model, goals={"close": ["adoption"]})
    assert closed["tiers"]["global"] == 0
    opened = answer(
        model=model, goals={"open": [{"kind": "risk-mitigation", "where": {"vertical": ["Telco"], "tier": ["scale"]}}]}
    )  # fmt: skip
    assert opened["tiers"]["global"] == 4  # S1, S3, S5, S7
    assert Goal.objects.count() == 1


def test_minimum_stay_asks_whether_goals_are_others_than_at_the_decision_and_not_than_today(there):
    rules = TieringModel.objects.get(status="published").definition | {
        "guards": {"minimum_stay": {"days": 90}}
    }
    later = {"S1": "adoption", "S3": "risk-mitigation"}
    Customer.objects.filter(external_id__in=[*later, "S5"]).update(arr=Decimal(2_000_000), tier_since=TODAY)
    GoalFactory(customer=there.S3, kind=GoalKind.objects.get(slug=later["S3"]))  # opened since the decision

    def moved(**goals):
        found = answer(model={"definition": rules}, goals=goals)
        return {one["external_id"] for one in found["movers"]}

    assert moved() == {"S3"}  # the others stay for a while yet
    assert moved(close=list(later.values())) == {"S1"}
    assert moved(open=[{"kind": later["S1"]}]) == {"S3", "S5"}


def test_hours_follow_goals_that_are_opened_and_closed(there):
    kind = GoalKind.objects.get(slug="adoption")
    line = {"times_a_year": Decimal(12), "hours_each": Decimal(2)}
    TouchActivityFactory(tier=Tier.objects.get(slug="scale"), goal_kind=kind, **line)
    more = base_minutes(activities=[(line["times_a_year"], line["hours_each"])])
    now = answer()["minutes_asked"]
    assert now - answer(goals={"close": ["adoption"]})["minutes_asked"] == more
    everybody = answer(goals={"open": [{"kind": "adoption"}]})
    assert everybody["minutes_asked"] - now == 6 * more  # seven are in Scale, one had it


# Amounts


def test_ten_per_cent_less_arr_is_ten_per_cent_less_arr_and_moves_only_downwards(there):
    found = answer(amounts=[{"attribute": "arr", "change_pct": -10}], **OUT)
    cents = int(sum(ARR.values()) * 100)
    assert sum(found["arr_cents_by_tier"].values()) == cents * 9 // 10
    ranks = {tier.slug: tier.rank for tier in Tier.objects.all()}
    assert all(ranks[one["to"]] > ranks[one["from"]] for one in found["movers"])
    assert found["today"]["arr_cents_by_tier"] == answer()["arr_cents_by_tier"]


def test_amounts_change_where_they_are_meant_only(there):
    found = answer(amounts=[{"attribute": "arr", "change_pct": 100, "where": {"tier": ["global"]}}])
    today = found["today"]["arr_cents_by_tier"]
    assert found["arr_cents_by_tier"] == {**today, "global": 2 * today["global"]}


# Staffing and what is not there


def test_without_a_cost_of_a_head_there_is_no_cost(there):
    Staffing.objects.update(cost_a_head=None)
    assert answer()["cost_cents"] is None


def test_another_stored_policy_is_that_of_the_scenario_and_not_of_today(there):
    AllocationPolicy.objects.create(name="Half time", full_time_hours=80)
    found = answer(policy={"name": "Half time"})
    assert found["heads_there"] == pytest.approx(2 * found["today"]["heads_there"])


def test_overrides_in_force_hold_but_where_customers_choose(there, cast):
    from allocation.models import Override

    Override.objects.create(
        customer=there.S7, tier=Tier.objects.get(slug="enterprise"), reason_kind=Override.Reason.values[0], words="Kept.",
        status=Override.Status.APPROVED, asked_by=cast.ops, decided_by=cast.manager, decided_at=NOW,
        decided_words="Yes.", starts_on=TODAY, expires_on=after(90),
    )  # fmt: skip
    assert {"S7"} == {one["external_id"] for one in answer()["movers"] if one["to"] == "enterprise"}
    chosen = {one["external_id"]: one["to"] for one in answer(engagement={"as": "wished"})["movers"]}
    assert chosen["S7"] == "global"
