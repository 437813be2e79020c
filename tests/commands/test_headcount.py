"""`headcount`: the published keys, the arithmetic with its very numbers, and refusals."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.factories import TODAY, CustomerFactory, TierFactory
from tests.services.headcount_cast import company, staffing
from tests.services.plan_cast import tiered


@pytest.fixture(autouse=True)
def day(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


def said(*words, **options):
    out = StringIO()
    call_command("headcount", *words, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def answer(*words, **options):
    return json.loads(said(*words, format="json", **options))


def refused(*words, **options):
    with pytest.raises(CommandError) as refusal:
        answer(*words, **options)
    return str(refusal.value)


def test_an_enterprise_csm_holds_15_6_customers_with_the_very_numbers(cast):
    company(cast)
    staffing()
    found = answer()
    assert found["lines"] == [
        {
            "tier": "enterprise",
            "pool": "everyone else · Enterprise",
            "customers": 47,
            "hours_asked": 293.75,  # 47 × 6.25
            "net_hours_a_head": 97.5,  # 1 170 ÷ 12
            "cap": 20,
            "heads_exact": 3.01,
            "heads_needed": 4,
            "heads_there": 2,
        }
    ]
    (line,) = found["arithmetic"]
    assert {step["step"]: step["value"] for step in line["steps"]} == {
        "paid_hours": 1800,
        "spent_hours": 1170,
        "hours_a_customer": 75,
        "customers_by_hours": 15.6,
        "customers_a_head": 15.6,
        "heads_exact": 3.0128,
        "heads_needed": 4,
        "heads_there": 2,
    }
    assert (found["heads_needed"], found["heads_there"], found["hours_there"]) == (4, 2, 240)


def test_people_read_the_same_arithmetic(cast):
    company(cast)
    staffing()
    words = said()
    for step in (
        "A full-time CSM is paid 1,800 h a year.",
        "1,800 h × 65 % spent on customers = 1,170 h a year.",
        "47 customers ask 293.75 h a month: × 12 ÷ 47 = 75 h a customer and year.",
        "1,170 h ÷ 75 h = 15.6 customers a head.",
        "The cap is 20, so a head holds 15.6 customers.",
        "47 customers ÷ 15.6 = 3.01 heads.",
        "Rounded up: 4 heads.",
    ):
        assert f"  {step}\n" in words


def test_what_is_given_stands_in_for_what_is_in_force(cast):
    company(cast)
    staffing(months=3, growth_pct=10, cost_a_head=80_000)
    found = answer("--growth", "44", "--ramp-months", "2", "--hours", "1200", "--months", "12")
    assert found["head"]["net_hours_a_year"] == 780
    assert len(found["months"]) == 13
    assert found["months"][12]["customers"] == 68  # 47 × 1.44
    assert found["months"][6]["customers"] == 56  # 47 × 1.2
    assert found["cost"] == 80_000 * found["heads_needed"]
    assert len(answer()["months"]) == 4


def test_without_staffing_a_head_is_as_the_company_is(cast):
    company(cast)
    found = answer()
    # 160 hours of full time × 75 %, what both CSMs have.
    assert found["head"] == {
        "hours_a_year": 1920,
        "spent_pct": 75,
        "leave_days": 0,
        "net_hours_a_year": 1440,
        "steps": found["head"]["steps"],
    }
    assert found["lines"][0]["net_hours_a_head"] == 120
    assert found["cost"] is None


def test_seats_that_are_lacking_are_listed(cast):
    company(cast)
    found = answer()
    # Ada and Ben hold 19 each by hours (120 ÷ 6.25 = 19.2); nine are left.
    assert [(seat["label"], seat["customers"]) for seat in found["seats"]] == [("everyone else", 9)]
    assert found["heads_lacking"] == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--months", "0"), "Look 1 to 36 months ahead."),
        (("--months", "37"), "Look 1 to 36 months ahead."),
        (("--months", "a year"), "Look 1 to 36 months ahead."),
        (("--growth", "-1"), "Growth is 0 to 1 000 % a year."),
        (("--growth", "lots"), "Growth is 0 to 1 000 % a year."),
        (("--churn", "101"), "Churn is 0 to 100 % a year."),
        (("--attrition", "-5"), "Attrition is 0 to 100 % a year."),
        (("--spent", "0"), "The share spent on customers is 1 to 100 %."),
        (("--hours", "0"), "Hours a year are 1 to 8 760."),
        (("--leave-days", "260"), "Leave is 0 to 259 working days a year."),
        (("--ramp-months", "37"), "Ramp is 0 to 36 months."),
        (("--ramp-start", "101"), "Ramp at the start is 0 to 100 %."),
        (("--cost", "-1"), "The cost of a head is 0 to 10 000 000 a year."),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(cast, words, sentence):
    assert refused(*words) == sentence


def test_the_limits_themselves_are_taken(cast):
    company(cast)
    taken = answer(
        "--months", "36", "--growth", "1000", "--churn", "100", "--attrition", "100", "--spent", "1"
    )
    assert len(taken["months"]) == 37
    assert answer("--months", "1", "--hours", "8760", "--leave-days", "259", "--ramp-months", "36")["lines"]


def test_csms_do_not_see_it(cast):
    company(cast)
    assert refused(acting=cast.csm_a.email) == "Headcount is for CS ops and managers."
    assert answer(acting=cast.manager.email)["lines"]


def test_a_company_without_tiers_is_told_so(cast):
    found = answer()
    assert (found["lines"], found["heads_needed"], found["seats"]) == ([], 0, [])
    assert "No customer has a tier that asks for a CSM." in said()


def test_self_service_needs_nobody(cast):
    tiered([CustomerFactory()], TierFactory(touch_level="self_service"))
    assert answer()["lines"] == []
