"""Books under each of the eight playbooks: no limit broken, a proven bound, nothing moved twice, shortages that heads end."""

import json

import pytest

from tests.playbooks.door import answer
from tests.playbooks.imagined import TIERS, csms, customers, enough, heads, with_random_csms
from tests.playbooks.limits import MOST_GAP, check, check_answer
from tests.playbooks.test_all_eight import NAMES


def started(company, playbook, rows):
    """The company of these customers, tiered; and the heads that they ask for."""
    found = company(playbook)
    found.customers(rows)
    found.retier()
    return found, heads(playbook, list(found.tiers().values()))


@pytest.mark.parametrize(("seed", "count"), [(1, 30), (2, 80)])
@pytest.mark.parametrize("playbook", NAMES)
def test_books_are_filled_within_every_limit_and_a_second_plan_moves_nobody(company, playbook, seed, count):
    rows = customers(seed, count, country="")
    here, wanted = started(company, playbook, rows)
    team = csms(seed, enough(wanted, 0.5) + 1)
    here.csms(team)
    seen = [answer("plan_books", "--seed", "7") for _ in range(2 if count < 50 else 1)]
    for plan in seen:
        del plan["plan"], plan["as_of"]
    assert seen[0] == seen[-1]
    plan = here.plan("--seed", "7")
    assert [(move["external_id"], move["to"]) for move in plan["moves"]] == [
        (move["external_id"], move["to"]) for move in seen[0]["moves"]
    ]
    check(here, playbook, plan, rows=rows, team=team)
    assert (plan["unassigned"], plan["shortages"]) == ([], [])
    owners = here.owners()
    again = here.plan("--seed", "8")
    assert (again["moves"], here.owners()) == ([], owners)
    check(here, playbook, again, rows=rows, team=team)
    assert again["gap_pct"] <= MOST_GAP
    shown = answer("plan", "show", str(again["plan"]))
    assert shown == again


@pytest.mark.parametrize("playbook", NAMES)
def test_books_as_history_left_them_are_evened_out_within_the_budget(company, playbook):
    rows = customers(11, 60, country="")
    here, wanted = started(company, playbook, rows)
    team = csms(11, enough(wanted, 1) + 2, 0)
    here.csms(team)
    here.customers(with_random_csms(rows, team, 11))
    for number in range(25):
        plan = here.plan()
        check_answer(plan)
        assert playbook == "even-split" or plan["chosen"] <= plan["customers"] // 10
        if not plan["moves"]:
            break
        before, after = plan["balance"]["before"], plan["balance"]["after"]
        assert number or after["cv"] <= before["cv"] or playbook == "a-plus-to-c"
    assert not plan["moves"]
    check(here, playbook, plan, rows=rows, team=team)


@pytest.mark.parametrize(("seed", "count"), [(4, 60)])
@pytest.mark.parametrize("playbook", NAMES)
def test_the_heads_that_the_shortages_list_end_them(company, playbook, seed, count):
    """Hire just these, able for their pool, and everybody is served."""
    rows = customers(seed, count, country="")
    here, wanted = started(company, playbook, rows)
    team = csms(seed, max(1, int(0.4 * wanted)), 0)
    for csm in team[:1]:
        csm["hours_per_month"] = 80 if wanted < 2.5 else 160
    here.csms(team)
    plan = here.plan()
    check(here, playbook, plan, rows=rows, team=team)
    if not plan["shortages"]:
        assert plan["unassigned"] == []
        assert wanted < 1
        return
    hired = [
        {**csm, "name": f"hired-{place}-{csm['name']}"}
        for place, line in enumerate(plan["shortages"])
        for csm in csms(seed, line["heads"], 0)
    ]
    here.csms(hired)
    plan = here.plan()
    assert (plan["unassigned"], plan["shortages"]) == ([], [])
    check(here, playbook, plan, rows=rows, team=[*team, *hired])


SPECIALISTS = {"Finance": "Finance", "Telco": "Telco", "everyone else": ""}


@pytest.mark.parametrize("seed", [1, 2])
def test_specialists_hired_for_their_pool_end_its_shortage(company, seed):
    rows = customers(seed, 80)
    here, _ = started(company, "three-axis", rows)
    team = [
        {"name": f"csm-{listed}", "verticals": listed, "hours_per_month": 40}
        for name, listed in SPECIALISTS.items()
    ]
    here.csms(team)
    plan = here.plan()
    assert {line["pool"].split(" · ")[0] for line in plan["shortages"]} == set(SPECIALISTS)
    hired = [
        {"name": f"hired-{place}-{number}", "verticals": SPECIALISTS[line["pool"].split(" · ")[0]], "hours_per_month": 160}
        for place, line in enumerate(plan["shortages"])
        for number in range(line["heads"])
    ]  # fmt: skip
    here.csms(hired)
    plan = here.plan()
    assert (plan["unassigned"], plan["shortages"]) == ([], [])
    check(here, "three-axis", plan, rows=rows, team=[*team, *hired])


@pytest.mark.parametrize("seed", [1, 2])
def test_heads_who_cover_the_country_end_its_shortage(company, seed):
    rows = customers(seed, 60)
    here, _ = started(company, "segment-by-fit", rows)
    here.csms([{"name": "Ada", "countries": "Germany"}])
    plan = here.plan()
    countries = ["Germany", "France", "Norway"]
    here.csms(
        [
            {
                "name": f"hired-{place}-{number}",
                "countries": next((c for c in countries if c in line["pool"]), ""),
            }
            for place, line in enumerate(plan["shortages"])
            for number in range(line["heads"])
        ]
    )
    assert {c for c in countries for line in plan["shortages"] if c in line["pool"]} >= {"France", "Norway"}
    plan = here.plan()
    assert (plan["unassigned"], plan["shortages"]) == ([], [])


MAPPING = {
    "account_name": "name",
    "owner": "csm",
    "current_arr": "arr",
    "internal_tam": "potential_arr",
    "health_score": "health",
    "territory": "region",
    "products_owned": "products",
}


def test_a_list_that_nobody_here_wrote_is_evened_out_step_by_step(inputs, company, tmp_path):
    """149 customers of 8 CSMs whose books hold 12 to 30; each plan keeps the caps, its budget and what is proven."""
    company("three-axis")
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps(MAPPING))
    answer("import_customers", str(inputs / "territory_planner" / "customers.csv"), "--mapping", str(mapping))
    answer("retier", "--apply")
    plans = []
    while not plans or plans[-1]["moves"]:
        plans.append(answer("plan_books", "--apply"))
        check_answer(plans[-1])
        assert plans[-1]["gap_pct"] <= MOST_GAP
        assert plans[-1]["chosen"] <= 14
        assert (plans[-1]["assigned"], plans[-1]["unassigned"]) == (149, [])
        for book in plans[-1]["balance"]["after"]["csms"]:
            assert all(book["by_tier"].get(tier, 0) <= cap for tier, (cap, _) in TIERS["three-axis"].items())
        assert len(plans) < 10
    before, after = plans[0]["balance"]["before"], plans[-1]["balance"]["after"]
    assert after["cv"] < before["cv"] / 2
    assert after["arr"]["cv"] < before["arr"]["cv"]
