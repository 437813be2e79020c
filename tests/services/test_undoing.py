"""Undo: every tier that nobody changed since is as it was, with its day; the others are listed; nothing is done twice."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Customer, Tier
from allocation.models import (
    RetierRun,
    RowStatus,
    RunStatus,
    Source,
    TierDecision,
    TierHolding,
    TieringModel,
    TierStanding,
)
from allocation.services.decisions import DecisionSource, TierChange, set_tiers
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import (
    UnableToApplyRun,
    UnableToUndoRun,
    apply_run,
    ask_to_undo_run,
    proposing,
    queue_run,
    refuse_rows,
    undo_run,
    undoing,
)
from allocation.snapshots.standings import last_word
from tests import factories
from tests.oracle import faults
from tests.services.retiering_cast import (
    applied,
    customer,
    decision,
    half_applied,
    looked_at,
    proposed,
    tiers,
)

pytestmark = pytest.mark.django_db

TODAY = factories.TODAY
EARLIER = TODAY - timedelta(days=40)


@pytest.fixture(autouse=True)
def _three_axis(db):
    load_playbook(slug="three-axis", publish=True, at=timezone.now())


def undo(run, on=TODAY):
    return undo_run(run_id=run.pk, owner="test", at=timezone.now(), on=on)


def state():
    """Everything an undo gives back, to the byte."""
    return (
        list(Customer.objects.order_by("pk").values()),
        list(TierStanding.objects.order_by("pk").values()),
    )


@pytest.fixture
def second_run():
    """A run that moves one, gives one its first tier, holds one by the dead band and lets one simply stay."""
    mover, held, _stays = customer(800000), customer(800000), customer(10)
    applied(as_of=EARLIER)
    customer(200000)
    Customer.objects.filter(pk=mover.pk).update(arr=10)
    Customer.objects.filter(pk=held.pk).update(arr=740000)
    return proposed()


def test_apply_then_undo_leaves_tiers_their_days_and_standings_byte_equal(second_run):
    before = state()
    apply_run(run_id=second_run.pk, owner="test", at=timezone.now())
    assert state() != before
    assert undo(second_run) is True
    assert state() == before
    second_run.refresh_from_db()
    assert (second_run.status, second_run.summary["restored"]) == (RunStatus.UNDONE, 2)
    assert second_run.message == "Undone: 2 customers have their tier back."
    assert set(second_run.decisions.values_list("status", flat=True)) == {RowStatus.UNDONE}
    assert faults() == []


def test_the_ledger_says_that_it_was_undone_and_forgets_nothing(second_run):
    apply_run(run_id=second_run.pk, owner="test", at=timezone.now())
    rows = TierHolding.objects.count()
    undo(second_run)
    mover = second_run.decisions.get(is_move=True).customer
    last = list(mover.tier_holdings.order_by("pk").values_list("source", "tier__slug", "ends_before"))
    assert last == [
        (Source.RUN, "global", TODAY),
        (Source.RUN, "scale", TODAY),
        (Source.UNDO, "global", None),
    ]
    assert TierHolding.objects.count() == rows + 1  # the first tier's row is closed; nobody gets another


def test_undoing_twice_changes_nothing_the_second_time(second_run):
    apply_run(run_id=second_run.pk, owner="test", at=timezone.now())
    undo(second_run)
    before = state(), list(TierHolding.objects.order_by("pk").values())
    assert undo(second_run) is False
    assert (state(), list(TierHolding.objects.order_by("pk").values())) == before


def test_a_tier_that_somebody_changed_since_stays_and_is_listed(second_run):
    apply_run(run_id=second_run.pk, owner="test", at=timezone.now())
    row = second_run.decisions.get(is_move=True)
    scale, enterprise = Tier.objects.get(slug="scale"), Tier.objects.get(slug="enterprise")
    change = TierChange(row.customer_id, scale.pk, enterprise.pk)
    set_tiers(changes=[change], on=TODAY, decision=DecisionSource(Source.MANUAL))
    undo(second_run)
    row.refresh_from_db()
    assert (row.status, row.words) == (RowStatus.KEPT, undoing.CHANGED_SINCE)
    assert tiers()[row.customer.external_id] == "enterprise"
    second_run.refresh_from_db()
    assert second_run.message == "Undone: 1 customers have their tier back, 1 were changed since and stay."
    assert TierStanding.objects.get(pk=row.customer_id).run_id == second_run.pk
    assert faults() == []


def test_runs_are_undone_in_turn_the_last_first():
    one = customer(800000)
    applied(as_of=EARLIER - timedelta(days=40))
    states, runs = [state()], []
    for arr, on in ((10, EARLIER), (200000, TODAY)):
        Customer.objects.filter(pk=one.pk).update(arr=arr)
        runs.append(applied(as_of=on))
        states.append(state())
    for run, before in zip(reversed(runs), reversed(states[:-1]), strict=True):
        undo(run)
        assert tiers_of(state()) == tiers_of(before)
        assert state()[1] == before[1]
    assert faults() == []


def tiers_of(found):
    return [(row["tier_id"], row["tier_since"]) for row in found[0]]


def test_a_tier_that_a_later_run_only_confirmed_was_changed_by_nobody_and_goes_back():
    """With the tier the customer stands again on the decision that gave it, so that its reasons are told."""
    one = customer(800000)
    first = applied(as_of=EARLIER - timedelta(days=40))
    Customer.objects.filter(pk=one.pk).update(arr=10)
    second, third = applied(as_of=EARLIER), applied(as_of=TODAY)
    undo(second)
    assert second.decisions.get().status == RowStatus.UNDONE
    assert tiers() == {one.external_id: "global"}
    assert TierStanding.objects.get().run_id == first.pk
    undo(third)  # it changed nobody, and nobody stands on it any more
    assert tiers() == {one.external_id: "global"}
    assert TierStanding.objects.get().run_id == first.pk
    assert faults() == []


def test_a_tier_changed_there_and_back_by_others_is_theirs(second_run):
    apply_run(run_id=second_run.pk, owner="test", at=timezone.now())
    row = second_run.decisions.get(is_move=True)
    scale, enterprise = Tier.objects.get(slug="scale").pk, Tier.objects.get(slug="enterprise").pk
    for start, end in ((scale, enterprise), (enterprise, scale)):
        set_tiers(
            changes=[TierChange(row.customer_id, start, end)],
            on=TODAY,
            decision=DecisionSource(Source.MANUAL),
        )
    undo(second_run)
    row.refresh_from_db()
    assert (row.status, row.words) == (RowStatus.KEPT, undoing.CHANGED_SINCE)


def test_guards_behave_as_if_the_undone_run_had_never_been():
    """The tier was set by an override that has ended, so no minimum stay holds it: before, and after the undo too."""
    TieringModel.objects.update(status="retired")
    definition = {**TieringModel.objects.get().definition, "guards": {"minimum_stay": {"days": 90}}}
    TieringModel.objects.create(number=2, name="Stay", definition=definition, status="published")
    one = customer(10)
    top = Tier.objects.get(slug="global").pk
    set_tiers(changes=[TierChange(one.pk, None, top)], on=TODAY, decision=DecisionSource(Source.OVERRIDE))
    run = applied()
    assert tiers() == {one.external_id: "scale"}
    undo(run)
    assert TierHolding.objects.get(ends_before=None).gives_back == Source.OVERRIDE
    assert decision(proposed(), one).effective.slug == "scale"


def test_history_is_not_rewritten_when_an_earlier_day_is_tiered_after_an_undo():
    one = customer(800000)
    applied(as_of=TODAY - timedelta(days=100))
    Customer.objects.filter(pk=one.pk).update(arr=10)
    run = applied(as_of=TODAY - timedelta(days=60))
    undo(run, on=TODAY - timedelta(days=30))
    Customer.objects.filter(pk=one.pk).update(arr=200000)
    applied(as_of=TODAY - timedelta(days=50))
    assert faults() == []
    assert TierHolding.objects.held_on(TODAY - timedelta(days=45)).count() == 1
    one.refresh_from_db()
    assert (one.tier.slug, one.tier_since) == ("enterprise", TODAY - timedelta(days=30))


def test_what_was_applied_of_a_run_that_was_given_up_can_be_undone(monkeypatch, cast):
    for arr in (800000, 10):
        customer(arr)
    run = half_applied(monkeypatch)
    RetierRun.objects.filter(pk=run.pk).update(status=RunStatus.FAILED, lease_until=None, claimed_by="")
    ask_to_undo_run(run_id=run.pk, actor=cast.ops, at=timezone.now() - timedelta(seconds=1))
    assert undo(run) is True
    assert set(tiers().values()) == {None}
    assert faults() == []


def test_a_tier_that_a_later_run_decided_again_is_left_to_that_run(second_run):
    apply_run(run_id=second_run.pk, owner="test", at=timezone.now())
    row = second_run.decisions.get(is_move=True)
    Customer.objects.filter(pk=row.customer_id).update(arr=800000)
    later = applied()
    undo(second_run)
    assert tiers()[row.customer.external_id] == "global"
    row.refresh_from_db()
    assert row.status == RowStatus.KEPT
    # The later decision is what they stand on; who simply stays is only confirmed by it.
    for key, run_id in TierStanding.objects.values_list("customer_id", "run_id"):
        assert last_word(customer_id=key).run_id == later.pk
        assert run_id in (later.pk, second_run.pk - 1)


def test_a_goals_run_sees_again_what_was_undone():
    one = customer(800000)
    applied(as_of=EARLIER)
    Customer.objects.filter(pk=one.pk).update(arr=10)
    factories.GoalFactory(customer=one)
    run = applied(scope="goals")
    assert looked_at(run) == {one.pk}
    undo(run)
    assert looked_at(proposed(scope="goals")) == {one.pk}


def test_after_undoing_an_earlier_day_is_free_again():
    customer(800000)
    applied(as_of=EARLIER)
    run = applied(as_of=TODAY)
    undo(run)
    assert queue_run(as_of=TODAY - timedelta(days=1), at=timezone.now())


def test_only_an_applied_run_can_be_undone(second_run):
    with pytest.raises(UnableToUndoRun, match="proposed; only an applied run can be undone"):
        undo(second_run)


def test_an_undone_run_is_not_applied_again(second_run):
    apply_run(run_id=second_run.pk, owner="test", at=timezone.now())
    undo(second_run)
    with pytest.raises(UnableToApplyRun, match="undone; only a proposed run can be applied"):
        apply_run(run_id=second_run.pk, owner="test", at=timezone.now())


def test_while_another_run_is_applied_nothing_is_undone(second_run):
    apply_run(run_id=second_run.pk, owner="test", at=timezone.now())
    other = proposed()
    RetierRun.objects.claim(other.pk, owner="busy", waiting=["proposed"], working="applying")
    with pytest.raises(UnableToUndoRun, match="Another run is being applied or undone"):
        undo(second_run)


def test_a_dead_runners_undoing_is_finished_by_the_next(monkeypatch, second_run):
    before = state()
    monkeypatch.setattr(proposing, "BATCH", 1)
    again = proposed()
    apply_run(run_id=again.pk, owner="test", at=timezone.now())
    real, calls = undoing._undo, []

    def dies_at_the_third_chunk(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        real(*args)

    monkeypatch.setattr(undoing, "_undo", dies_at_the_third_chunk)
    with pytest.raises(KeyboardInterrupt):
        undo(again)
    assert undo(again) is False  # its claim is alive
    RetierRun.objects.filter(pk=again.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    monkeypatch.undo()
    assert undo(again) is True
    assert state() == before
    assert faults() == []


def test_a_person_asks_for_it_and_a_worker_does_it(second_run, cast):
    apply_run(run_id=second_run.pk, owner="test", at=timezone.now())
    for person in (None, cast.manager, cast.csm_a, cast.nobody):
        with pytest.raises(UnableToUndoRun, match="Only CS ops"):
            ask_to_undo_run(run_id=second_run.pk, actor=person, at=timezone.now())
    ask_to_undo_run(run_id=second_run.pk, actor=cast.ops, at=timezone.now() - timedelta(seconds=1))
    second_run.refresh_from_db()
    assert (second_run.status, second_run.undone_by) == (RunStatus.UNDOING, cast.ops)
    assert undo(second_run) is True
    undone = TierHolding.objects.get(source=Source.UNDO)
    assert (undone.actor, undone.source_id) == (cast.ops, second_run.pk)


def test_a_run_of_an_earlier_version_says_that_it_cannot_be_undone(second_run):
    apply_run(run_id=second_run.pk, owner="test", at=timezone.now())
    second_run.chunks.all().delete()
    with pytest.raises(UnableToUndoRun, match="an earlier version of the program"):
        undo(second_run)


def test_a_refused_row_is_no_concern_of_the_undo(second_run, cast):
    row = second_run.decisions.get(is_move=True)
    refuse_rows(
        run_id=second_run.pk, decision_ids=[row.pk], actor=cast.ops, words="Not now", at=timezone.now()
    )
    before = state()
    apply_run(run_id=second_run.pk, owner="test", at=timezone.now())
    assert tiers()[row.customer.external_id] == "global"
    undo(second_run)
    assert state() == before
    assert decision(second_run, row.customer).status == RowStatus.REFUSED
    assert TierDecision.objects.filter(run=second_run, status=RowStatus.UNDONE).count() == 2
