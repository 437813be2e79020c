"""Refusing rows of a proposal: who may, what is left alone, and what it does to the change limit."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Customer
from allocation.models import RetierRun, RowStatus, RunStatus, TierDecision, TierStanding
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import (
    UnableToApplyRun,
    UnableToApproveRun,
    UnableToReviewRun,
    accept_rows,
    apply_run,
    approve_run,
    approving,
    refuse_rows,
)
from allocation.tasks.errands import ERRANDS
from allocation.tasks.sweeping import due_rows
from tests import factories
from tests.services.retiering_cast import applied, customer, decision, proposed, tiers

pytestmark = pytest.mark.django_db

TODAY = factories.TODAY


@pytest.fixture(autouse=True)
def _three_axis(db):
    load_playbook(slug="three-axis", publish=True, at=timezone.now())


def refuse(run, rows, actor, words="They leave otherwise"):
    ids = [row.pk for row in rows]
    return refuse_rows(run_id=run.pk, decision_ids=ids, actor=actor, words=words, at=timezone.now())


def accept(run, rows, actor):
    return accept_rows(run_id=run.pk, decision_ids=[row.pk for row in rows], actor=actor, at=timezone.now())


def apply(run):
    apply_run(run_id=run.pk, owner="test", at=timezone.now())


@pytest.fixture
def run(cast):
    """Two customers of A's book and one of B's move; one of nobody's gets its first tier."""
    for book in (cast.csm_a, cast.csm_a, cast.csm_b):
        customer(800000, csm=book.csm, csm_since=TODAY)
    applied()
    Customer.objects.update(arr=10)
    customer(200000)
    return proposed()


def test_a_refused_row_keeps_its_tier_and_the_others_go_through(run, cast):
    first, second, _, new = run.decisions.order_by("customer_id")
    assert refuse(run, [first, new], cast.ops) == 2
    apply(run)
    assert list(tiers().values()) == ["global", "scale", "scale", None]
    first.refresh_from_db()
    assert (first.status, first.words, first.refused_by) == (
        RowStatus.REFUSED,
        "They leave otherwise",
        cast.ops,
    )
    assert decision(run, second.customer).status == RowStatus.APPLIED
    run.refresh_from_db()
    assert run.message == "Applied: 2 customers changed tier, 2 refused."
    assert run.summary["refused"] == 2


def test_who_was_refused_still_stands_on_the_decision_before(run, cast):
    first = run.decisions.order_by("customer_id").first()
    refuse(run, [first], cast.ops)
    apply(run)
    assert TierStanding.objects.get(pk=first.customer_id).run_id < run.pk


def test_a_refused_row_can_be_accepted_again(run, cast):
    first = run.decisions.order_by("customer_id").first()
    refuse(run, [first], cast.ops)
    assert accept(run, [first], cast.ops) == 1
    first.refresh_from_db()
    assert (first.status, first.words, first.refused_by) == (RowStatus.PROPOSED, "", None)
    apply(run)
    assert tiers()[first.customer.external_id] == "scale"


def test_a_manager_reviews_the_rows_of_the_own_teams_and_no_others(run, cast):
    rows = list(run.decisions.order_by("customer_id"))
    assert refuse(run, rows, cast.manager) == 2
    refused = run.decisions.filter(status=RowStatus.REFUSED)
    assert {row.customer.csm_id for row in refused} == {cast.csm_a.csm.pk}
    assert accept(run, rows, cast.manager) == 2


@pytest.mark.parametrize("who", ["csm_a", "nobody", None])
def test_nobody_else_reviews_rows(run, cast, who):
    person = getattr(cast, who) if who else None
    for act in (refuse, accept):
        with pytest.raises(UnableToReviewRun, match="CS ops and by managers"):
            act(run, run.decisions.all(), person)
    assert not run.decisions.filter(status=RowStatus.REFUSED).exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("", "Say why"),
        ("  \n", "Say why"),
        ("x" * 501, "at most 500 characters, not 501"),
        ("They\0leave", "holds the character NUL"),
    ],
)
def test_a_refusal_says_why_in_a_sentence_that_fits(run, cast, words, sentence):
    with pytest.raises(UnableToReviewRun, match=sentence):
        refuse(run, run.decisions.all(), cast.ops, words)


def test_rows_that_change_nothing_and_rows_of_other_runs_are_left_alone(run, cast):
    customer(740000, tier=run.decisions.first().previous, tier_since=TODAY)  # held by the dead band
    later = proposed()
    held = later.decisions.get(decided_by="dead_band")
    assert refuse(later, [held], cast.ops) == 0
    assert refuse(later, run.decisions.all(), cast.ops) == 0


@pytest.mark.parametrize(
    "status", [RunStatus.APPLIED, RunStatus.DISCARDED, RunStatus.STALE, RunStatus.UNDONE]
)
def test_only_an_open_run_is_reviewed(run, cast, status):
    RetierRun.objects.filter(pk=run.pk).update(status=status)
    with pytest.raises(UnableToReviewRun, match="rows can be refused only before it is applied"):
        refuse(run, run.decisions.all(), cast.ops)


def test_a_run_about_to_be_applied_is_not_changed_any_more(run, cast):
    RetierRun.objects.filter(pk=run.pk).update(apply_when_proposed=True)
    with pytest.raises(UnableToReviewRun, match="about to be applied"):
        refuse(run, run.decisions.all(), cast.ops)


@pytest.fixture
def big_run(cast):
    """25 of 100 move: over the limit, and under it with five refused (20 customers at most, 5 %)."""
    Customer.objects.bulk_create(
        Customer(external_id=f"M{place:03d}", name="M", arr=800000, currency="USD") for place in range(100)
    )
    applied()
    Customer.objects.filter(external_id__lt="M025").update(arr=10)
    return proposed()


def status(run):
    run.refresh_from_db()
    return run.status, run.over_limit


def test_refusing_enough_rows_brings_a_run_under_its_limit_and_accepting_over_it_again(big_run, cast):
    rows = list(big_run.decisions.order_by("customer_id"))
    refuse(big_run, rows[:4], cast.ops)
    assert status(big_run) == (RunStatus.AWAITING_APPROVAL, True)  # 21 are still more than 20
    refuse(big_run, rows[4:5], cast.ops)
    assert status(big_run) == (RunStatus.PROPOSED, False)
    assert big_run.message == "20 customers would change tier."
    accept(big_run, rows[:1], cast.ops)
    assert status(big_run) == (RunStatus.AWAITING_APPROVAL, True)
    with pytest.raises(UnableToApplyRun, match="a manager has to approve it first"):
        apply(big_run)


def test_an_approval_does_not_cover_rows_accepted_after_it(big_run, cast):
    rows = list(big_run.decisions.order_by("customer_id"))
    refuse(big_run, rows[:1], cast.ops)
    approve_run(run_id=big_run.pk, actor=cast.manager, at=timezone.now())
    refuse(big_run, rows[1:2], cast.ops)
    assert status(big_run) == (RunStatus.PROPOSED, True)  # fewer than approved: still approved
    accept(big_run, rows[:2], cast.ops)
    assert status(big_run) == (RunStatus.AWAITING_APPROVAL, True)
    assert big_run.approved_by is None


def approve(run, manager, seen):
    return approve_run(run_id=run.pk, actor=manager, at=timezone.now(), seen_moves=seen)


def test_an_approval_is_of_the_run_that_the_manager_looked_at(big_run, cast):
    rows = list(big_run.decisions.order_by("customer_id"))
    refuse(big_run, rows[:3], cast.ops)  # the manager's page shows 22
    accept(big_run, rows[:3], cast.ops)
    with pytest.raises(
        UnableToApproveRun, match=r"looked at it: 25 customers would change tier now. Look again"
    ):
        approve(big_run, cast.manager, 22)
    assert status(big_run) == (RunStatus.AWAITING_APPROVAL, True)
    assert approve(big_run, cast.manager, 25) == 25
    assert status(big_run) == (RunStatus.PROPOSED, True)


def test_as_many_moves_but_others_are_not_what_the_manager_looked_at(big_run, cast):
    rows = list(big_run.decisions.order_by("customer_id"))
    refuse(big_run, rows[:3], cast.ops)
    big_run.refresh_from_db()
    seen = {"seen_moves": 22, "seen_version": big_run.review_version}
    accept(big_run, rows[:3], cast.ops)
    refuse(big_run, rows[3:6], cast.ops)
    with pytest.raises(UnableToApproveRun, match="changed since you looked at it: 22 customers"):
        approve_run(run_id=big_run.pk, actor=cast.manager, at=timezone.now(), **seen)
    assert status(big_run) == (RunStatus.AWAITING_APPROVAL, True)


def test_rows_accepted_while_the_approval_is_written_stop_it(big_run, cast, monkeypatch):
    rows = list(big_run.decisions.order_by("customer_id"))
    refuse(big_run, rows[:3], cast.ops)
    real = approving._moves_left

    def reviewed_meanwhile(run_id):
        left = real(run_id)
        accept(big_run, rows[:3], cast.ops)
        return left

    monkeypatch.setattr(approving, "_moves_left", reviewed_meanwhile)
    with pytest.raises(UnableToApproveRun, match="25 customers would change tier now"):
        approve(big_run, cast.manager, 22)
    assert status(big_run) == (RunStatus.AWAITING_APPROVAL, True)


def test_a_run_that_is_applied_once_approved_is_not_applied_because_rows_were_refused(big_run, cast):
    RetierRun.objects.filter(pk=big_run.pk).update(apply_when_proposed=True)  # asked for with --apply
    rows = list(big_run.decisions.order_by("customer_id"))
    refuse(big_run, rows[:5], cast.ops)
    assert status(big_run) == (RunStatus.PROPOSED, False)
    RetierRun.objects.filter(pk=big_run.pk).update(finished_at=timezone.now() - timedelta(days=1))
    assert list(due_rows(ERRANDS, limit=10)) == []
    refuse(big_run, rows[5:6], cast.ops)  # so there is time for more
    assert big_run.decisions.filter(status=RowStatus.REFUSED).count() == 6


def test_an_approved_run_that_was_asked_for_with_its_applying_is_applied(big_run, cast):
    RetierRun.objects.filter(pk=big_run.pk).update(
        apply_when_proposed=True, finished_at=timezone.now() - timedelta(days=1)
    )
    refuse(big_run, list(big_run.decisions.order_by("customer_id"))[:2], cast.ops)  # still over the limit
    approve(big_run, cast.manager, 23)
    assert [due.row.pk for due in due_rows(ERRANDS, limit=10)] == [big_run.pk]


def test_the_database_wants_to_know_who_refused(run):
    row = run.decisions.first()
    with pytest.raises(IntegrityError), transaction.atomic():
        TierDecision.objects.filter(pk=row.pk).update(status=RowStatus.REFUSED)
