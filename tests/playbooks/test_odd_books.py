"""Set-ups that nobody wants and everybody has one day: a plan or a sentence, never a trace, never a broken limit."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.playbooks.imagined import customers
from tests.playbooks.limits import check_answer

FULL_TIME = {"hours_per_month": 160, "overhead_pct": 25}


def asked(*words):
    """Exit code, the plan or None, and the sentence of a refusal: what a person at a terminal gets."""
    out = io.StringIO()
    try:
        call_command("plan_books", "--apply", *words, format="json", stdout=out, stderr=io.StringIO())
    except CommandError as refusal:
        return 1, None, str(refusal)
    return 0, json.loads(out.getvalue()), ""


def planned(here, *words, served=None):
    """A plan that came about and breaks nothing; ``served`` customers have a CSM."""
    code, plan, words_of_refusal = asked(*words)
    assert code == 0, words_of_refusal
    check_answer(plan)
    owners = {key: csm for key, csm in here.owners().items() if csm}
    if served is not None:
        assert (plan["assigned"], len(owners)) == (served, served)
    assert plan["customers"] == plan["assigned"] + len(plan["unassigned"])
    assert sum(line["customers"] for line in plan["shortages"]) == len(plan["unassigned"])
    assert all(line["reason"] for line in plan["shortages"])
    return plan


@pytest.fixture(params=["a-plus-to-c", "enterprise-strategic-many-self", "even-split", "three-axis"])
def anywhere(request, company):
    return company(request.param)


def test_nobody_to_plan_and_nobody_to_plan_for(anywhere):
    assert planned(anywhere, served=0)["shortages"] == []
    anywhere.csms([{"name": "Ada"}])
    assert planned(anywhere, served=0)["shortages"] == []


def test_no_csms_at_all(anywhere):
    rows = customers(3, 20, loss_felt="yes", paid_tier="")
    anywhere.customers(rows)
    anywhere.retier()
    plan = planned(anywhere, served=0)
    assert len(plan["unassigned"]) == 20
    assert sum(line["heads"] for line in plan["shortages"]) >= 1


def test_no_tiers_yet(anywhere):
    anywhere.customers(customers(3, 8))
    anywhere.csms([{"name": "Ada"}])
    plan = planned(anywhere, served=0)
    assert (plan["customers"], plan["moves"]) == (0, [])
    assert any("tier" in note for note in plan["notes"])


def test_one_customer(anywhere):
    anywhere.customers([{"external_id": "only", "arr": 900_000}])
    anywhere.csms([{"name": "Ada", "countries": "Germany"}])
    anywhere.retier()
    planned(anywhere, served=1)
    assert planned(anywhere, served=1)["moves"] == []


@pytest.mark.parametrize(
    "nothing",
    [{"hours_per_month": 0}, {"overhead_pct": 100}, {"ramp_pct": 0}, {"accepting": "no"}],
    ids=lambda given: next(iter(given)),
)
def test_csms_without_hours_or_who_take_nobody(company, nothing):
    here = company("three-axis")
    here.csms([{"name": "Ada", **nothing}, {"name": "Ben", **nothing}])
    here.customers(customers(1, 20))
    here.retier()
    plan = planned(here, served=0)
    assert len(plan["unassigned"]) == 20
    # one who has hours is given what fits, and those without stay empty
    here.csms([{"name": "Cem"}])
    planned(here)
    assert {csm for csm in here.owners().values() if csm} == {"cem@x.example"}


def test_a_cap_of_zero_fills_no_book_and_is_said(company):
    here = company("three-axis")
    here.cap("scale", 0)
    here.csms([{"name": "Ada"}, {"name": "Ben"}])
    here.customers([{"external_id": f"S{number}", "arr": 1_000} for number in range(10)])
    here.customers([{"external_id": "E", "arr": 200_000}])
    here.retier()
    plan = planned(here, served=1)
    assert {each["external_id"] for each in plan["unassigned"]} == {f"S{number}" for number in range(10)}
    assert any("cap" in words for words in [*plan["notes"], *(line["reason"] for line in plan["shortages"])])


def test_a_customer_whom_nobody_may_serve(company):
    here = company("three-axis")
    here.policy(vertical_fit="hard")
    here.csms([{"name": "Ada", "verticals": "Telco"}])
    here.customers([
        {"external_id": "bank", "arr": 1_000, "vertical": "Finance"},
        {"external_id": "telco", "arr": 1_000, "vertical": "Telco"},
    ])  # fmt: skip
    here.retier()
    plan = planned(here, served=1)
    assert here.owners() == {"bank": "", "telco": "ada@x.example"}
    [line] = plan["shortages"]
    assert (line["external_ids"], line["heads"]) == (["bank"], 1)


def test_a_hold_that_contradicts_a_cap_stays_is_listed_and_takes_nobody_new(company):
    here = company("three-axis")
    here.policy(hold_before_renewal_days=90)
    soon = timezone.localdate() + timedelta(days=10)
    held = [
        {"external_id": f"held-{number}", "arr": 900_000, "renewal_date": soon, "csm": "ada@x.example"}
        for number in range(7)
    ]
    here.csms([{"name": "Ada"}, {"name": "Ben"}])
    here.customers(held)
    here.customers([{"external_id": f"new-{number}", "arr": 900_000} for number in range(3)])
    here.retier()
    plan = planned(here, served=10)
    assert {"ada@x.example", "Ada"} & {breach["csm"] for breach in plan["breaches"]}
    owners = here.owners()
    assert {owners[row["external_id"]] for row in held} == {"ada@x.example"}
    assert {owners[f"new-{number}"] for number in range(3)} == {"ben@x.example"}


def test_budgets_of_nothing_still_place_who_has_nobody(company):
    here = company("three-axis")
    here.policy(max_moves_pct=0, max_moves_arr_pct=0)
    here.csms([{"name": "Ada"}, {"name": "Ben"}])
    rows = [{"external_id": f"C{number:02d}", "arr": 1_000, "csm": "ada@x.example"} for number in range(30)]
    here.customers(rows)
    here.customers([{"external_id": f"new-{number}", "arr": 1_000} for number in range(5)])
    here.retier()
    plan = planned(here, served=35)
    assert (plan["chosen"], plan["forced"]) == (0, 5)
    owners = here.owners()
    assert {owners[row["external_id"]] for row in rows} == {"ada@x.example"}
    assert {move["external_id"] for move in plan["moves"]} == {f"new-{number}" for number in range(5)}
    here.policy(max_moves_pct=50, max_moves_arr_pct=100)
    assert planned(here, "--max-moves-pct", "0")["chosen"] == 0


@pytest.mark.parametrize("days", [-1, 0, 30, 200])
def test_everybody_leaves(company, days):
    here = company("three-axis")
    here.csms([{"name": "Ada"}, {"name": "Ben"}])
    here.customers([{"external_id": f"C{number:02d}", "arr": 1_000} for number in range(20)])
    here.retier()
    planned(here, served=20)
    before = here.owners()
    for name in ("Ada", "Ben"):
        here.leaves(name, timezone.localdate() + timedelta(days=days))
    plan = planned(here)
    if days <= 0:
        assert len(plan["unassigned"]) == 20
        assert sum(line["heads"] for line in plan["shortages"]) == 1
    else:  # until the last day somebody is better than nobody
        assert here.owners() == before


@pytest.mark.parametrize(
    "words",
    [["--seed", "-1"], ["--max-moves-pct", "101"], ["--max-moves-pct", "NaN"], ["--continuity", "-1"]],
)
def test_an_argument_that_cannot_be_meant_is_refused_in_a_sentence(company, words):
    company("three-axis")
    with pytest.raises(CommandError):
        call_command("plan_books", *words, format="json", stdout=io.StringIO(), stderr=io.StringIO())
