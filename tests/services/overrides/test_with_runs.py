"""Overrides and re-tiering runs together: in force it wins, the model's opinion stays beside it, its end is proposed."""

import pytest

from accounts.models import Customer, Tier
from allocation.models import RetierRun, TierDecision
from allocation.services import retiering
from allocation.services.overrides import approve_override, expire_overrides, request_override
from tests.factories import TODAY
from tests.oracle import faults
from tests.pages import company as companies
from tests.pages.company import NOW
from tests.services.overrides.world import DAY

END = TODAY + 30 * DAY


@pytest.fixture
def company(cast):
    return companies.build(cast, per_book=3)


def asked(company, customer, tier):
    return request_override(
        customer_id=customer.pk,
        tier_id=Tier.objects.get(slug=tier).pk,
        reason_kind="relationship",
        words="Founder's friend",
        starts_on=TODAY,
        expires_on=END,
        actor=company.cast.csm_a,
        on=TODAY,
        at=NOW,
    )


def approved(company, customer, tier):
    override = asked(company, customer, tier)
    return approve_override(
        override_id=override.pk, actor=company.cast.manager, words="Yes", on=TODAY, at=NOW
    )


def proposed(company, scope, day):
    run = retiering.queue_run(as_of=day, at=NOW, scope=scope, actor_id=company.cast.ops.pk)
    retiering.propose_run(run_id=run.pk, owner="test")
    return RetierRun.objects.get(pk=run.pk)


def applied(company, scope, day):
    run = proposed(company, scope, day)
    retiering.apply_run(run_id=run.pk, owner="test", at=NOW, actor_id=company.cast.ops.pk)
    return RetierRun.objects.get(pk=run.pk)


def tier_of(customer):
    return Customer.objects.get(pk=customer.pk).tier.slug


def test_in_force_it_wins_over_the_model_whose_opinion_stays_visible(company):
    scale = company.a[2]  # 30 000: Scale by the rules
    approved(company, scale, "global")
    run = applied(company, "full", TODAY)
    row = TierDecision.objects.get(run=run, customer=scale)
    assert (row.suggested.slug, row.effective.slug, row.decided_by) == ("scale", "global", "override")
    assert tier_of(scale) == "global"
    assert faults() == []


def test_a_request_that_waits_decides_nothing(company):
    scale = company.a[2]
    asked(company, scale, "global")
    applied(company, "full", TODAY)
    assert tier_of(scale) == "scale"


@pytest.mark.parametrize("looked_at", [True, False])
def test_at_its_end_a_goals_run_proposes_the_models_tier_and_nothing_is_silent(company, looked_at):
    """looked_at: whether a run was applied while it was in force; the minimum stay does not hold the customer either way."""
    scale = company.a[2]
    approved(company, scale, "global")
    if looked_at:
        applied(company, "full", TODAY + DAY)
    assert expire_overrides(on=END, at=NOW) == (scale.pk,)
    assert tier_of(scale) == "global"
    run = proposed(company, "goals", END)
    row = TierDecision.objects.get(run=run, customer=scale)
    assert (row.previous.slug, row.effective.slug, row.is_move) == ("global", "scale", True)
    assert tier_of(scale) == "global"  # proposed, not applied
    retiering.apply_run(run_id=run.pk, owner="test", at=NOW, actor_id=company.cast.ops.pk)
    assert tier_of(scale) == "scale"
    assert faults() == []


def test_what_the_model_said_is_kept_beside_the_request(company):
    said = asked(company, company.a[1], "global").model_said
    assert (said["run"], said["suggested"], said["decided_by"]) == (company.run.pk, "enterprise", "rule")
    assert said["rule"]
    assert round(sum(line["contribution"] for line in said["contributions"]), 2) == float(said["score"])


def test_undoing_a_run_leaves_a_customer_that_an_override_moved_since(company):
    scale = company.a[2]
    approved(company, scale, "global")
    retiering.ask_to_undo_run(run_id=company.run.pk, actor=company.cast.ops, at=NOW)
    retiering.undo_run(run_id=company.run.pk, owner="test", at=NOW, on=TODAY, actor_id=company.cast.ops.pk)
    assert tier_of(scale) == "global"
    assert faults() == []


def test_a_run_of_an_earlier_day_that_is_applied_later_leaves_an_override_alone(company):
    """The override wishes the tier the customer has, so neither its tier nor, on the run's day, its override is another."""
    scale = company.a[2]
    Customer.objects.filter(pk=scale.pk).update(arr=900_000)
    run = proposed(company, "full", TODAY)
    tier = Tier.objects.get(slug="scale")
    asked_for = {
        "tier_id": tier.pk,
        "starts_on": TODAY + DAY,
        "expires_on": END,
        "on": TODAY + DAY,
        "at": NOW,
    }
    override = request_override(
        customer_id=scale.pk, reason_kind="risk", words="Not yet", actor=company.cast.csm_a, **asked_for
    )
    approve_override(override_id=override.pk, actor=company.cast.manager, words="Yes", on=TODAY + DAY, at=NOW)
    retiering.apply_run(run_id=run.pk, owner="test", at=NOW, actor_id=company.cast.ops.pk)
    assert tier_of(scale) == "scale"
    assert TierDecision.objects.get(run=run, customer=scale).status == "skipped"
    assert faults() == []


def test_undoing_leaves_a_customer_that_an_override_keeps_where_it_is(company):
    scale = company.a[2]
    Customer.objects.filter(pk=scale.pk).update(arr=900_000)
    run = applied(company, "full", TODAY)
    assert tier_of(scale) == "global"
    approved(company, scale, "global")  # no row of the ledger: the tier is what it was
    retiering.ask_to_undo_run(run_id=run.pk, actor=company.cast.ops, at=NOW)
    retiering.undo_run(run_id=run.pk, owner="test", at=NOW, on=TODAY, actor_id=company.cast.ops.pk)
    assert tier_of(scale) == "global"
    assert TierDecision.objects.get(run=run, customer=scale).status == "kept"
    assert faults() == []
