"""Undo: every CSM that nobody changed since is as it was, with its day; the others are listed; nothing is done twice."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Customer
from allocation.models import BookHolding, BookPlan, Move, RowStatus, RunStatus
from allocation.services.planning import (
    UnableToPlanBooks,
    UnableToUndoPlan,
    applying,
    ask_to_undo_plan,
    is_half_applied,
    plan_can_be_undone,
    queue_plan,
    refuse_moves,
    undo_plan,
    undoing,
)
from allocation.tasks.errands import ERRANDS
from allocation.tasks.planning import undo_book_plan
from allocation.tasks.sweeping import due_rows
from tests.factories import TODAY, CustomerFactory, TierFactory
from tests.oracle import faults
from tests.rewriting import before_the_triggers
from tests.services.plan_cast import (
    LONG_AGO,
    applied,
    books,
    by_hand,
    chosen,
    held_by,
    ids,
    move_of,
    proposed,
    seats,
    state,
    tiered,
    undone,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(cast: SimpleNamespace) -> SimpleNamespace:
    """The books, and S0: self-service by now, which Ada still has and the plan takes from her."""
    found = books(cast)
    alone = TierFactory(slug="alone", name="Alone", rank=2, touch_level="self_service")
    found.S0 = CustomerFactory(external_id="S0", name="Firm S0")
    tiered([found.S0], alone)
    by_hand(found.S0, found.ada, on=LONG_AGO)
    found.cast = cast
    return found


def kept(plan: BookPlan) -> dict[str, str]:
    rows = Move.objects.filter(plan=plan, status=RowStatus.KEPT)
    return dict(rows.values_list("customer__external_id", "words"))


def test_every_csm_and_its_day_are_as_before_to_the_byte(world: SimpleNamespace) -> None:
    before, ledger = state(), held_by()
    plan = applied(proposed())
    assert state() != before
    assert undone(plan)
    assert state() == before
    now = BookPlan.objects.get(pk=plan.pk)
    # A first CSM, a leaver's, two by choice, and one that had been left to itself.
    assert (now.status, now.summary["restored"], now.summary["kept"]) == (RunStatus.UNDONE, 5, 0)
    assert now.message == "Undone: 5 customers have their CSM back."
    assert set(Move.objects.filter(plan=plan).values_list("status", flat=True)) == {RowStatus.UNDONE}
    # The ledger tells by what kind of decision each holds its CSM again.
    assert {name: gives_back or source for name, (source, gives_back) in held_by().items()} == {
        name: source for name, (source, _) in ledger.items()
    }
    assert faults() == []


def test_undoing_twice_changes_nothing(world: SimpleNamespace) -> None:
    plan = applied(proposed())
    assert undone(plan)
    before = state(), BookHolding.objects.count()
    assert not undone(plan)
    assert (state(), BookHolding.objects.count()) == before


def test_what_somebody_changed_since_stays_and_is_listed(world: SimpleNamespace) -> None:
    plan = applied(proposed())
    one, two = chosen(plan)
    by_hand(Customer.objects.get(external_id=one), world.lea)
    by_hand(Customer.objects.get(external_id="N0"), None)
    by_hand(Customer.objects.get(external_id="S0"), world.ben)
    assert undone(plan)
    assert kept(plan) == dict.fromkeys((one, "N0", "S0"), undoing.CHANGED_SINCE)
    found = seats()
    assert (found[one], found["N0"], found["S0"]) == ("Lea Leaver", None, "Ben Book")
    assert (found[two], found["L0"]) == ("Ada Book", "Lea Leaver")
    assert BookPlan.objects.get(pk=plan.pk).summary["kept"] == 3
    assert faults() == []


def test_who_was_changed_and_changed_back_by_hand_is_the_persons_doing(world: SimpleNamespace) -> None:
    plan = applied(proposed())
    for name in ("N0", "S0"):
        customer = Customer.objects.get(external_id=name)
        csm = customer.csm
        by_hand(customer, world.lea)
        by_hand(customer, csm)
    assert undone(plan)
    assert set(kept(plan)) == {"N0", "S0"}


def test_a_refused_move_has_nothing_to_be_undone(world: SimpleNamespace) -> None:
    plan = proposed()
    refuse_moves(
        plan_id=plan.pk, move_ids=ids(plan, "N0"), actor=world.cast.ops, words="Later", at=timezone.now()
    )
    applied(plan)
    assert undone(plan)
    assert move_of(plan, "N0").status == RowStatus.REFUSED
    assert BookPlan.objects.get(pk=plan.pk).summary["restored"] == 4


def test_what_a_later_plan_moved_on_stays_until_that_plan_is_undone(world: SimpleNamespace) -> None:
    first = applied(proposed())
    applied(proposed_back(world))
    on_it = seats()["N0"]
    assert undone(first)
    assert kept(first) == {"N0": undoing.PLANNED_SINCE}
    assert seats()["N0"] == on_it


def proposed_back(world: SimpleNamespace) -> BookPlan:
    """A plan by hand: N0 goes on from where the first plan put it to Ada."""
    plan = proposed()
    Move.objects.filter(plan=plan).delete()
    customer = Customer.objects.get(external_id="N0")
    to = world.ada if customer.csm != world.ada else world.ben
    Move.objects.create(
        plan=plan, customer=customer, from_csm=customer.csm, to_csm=to, tier=customer.tier, reason="x"
    )
    return plan


def test_after_the_later_plan_is_undone_the_earlier_can_be(world: SimpleNamespace) -> None:
    before = state()
    first = applied(proposed())
    between, ledger = state(), held_by()
    second = applied(proposed_back(world))
    assert undone(second)
    assert state() == between
    assert held_by()["N0"] == ("undo", ledger["N0"][0])
    assert undone(first)
    assert kept(first) == {}
    assert state() == before
    assert faults() == []


def test_an_undo_lies_on_its_day_and_the_customers_csm_since_on_the_old_one(world: SimpleNamespace) -> None:
    plan = applied(proposed())
    one, _ = chosen(plan)
    undone(plan, on=TODAY + timedelta(days=3))
    row = BookHolding.objects.current().get(customer__external_id=one)
    assert row.starts_on == TODAY + timedelta(days=3)
    assert Customer.objects.get(external_id=one).csm_since == LONG_AGO


def test_the_day_is_the_customers_own_whatever_the_ledger_says(world: SimpleNamespace) -> None:
    Customer.objects.filter(csm=world.ada).update(csm_since=LONG_AGO - timedelta(days=5))
    before = state()
    undone(applied(proposed()))
    assert state() == before


def test_a_plan_applied_before_days_were_kept_goes_by_the_ledger(world: SimpleNamespace) -> None:
    before = state()
    plan = applied(proposed())
    with before_the_triggers("allocation_move"):
        Move.objects.filter(plan=plan).update(previous_since=None)
    undone(plan)
    assert state() == before


def test_an_undone_plan_stands_in_nobodys_way(world: SimpleNamespace) -> None:
    plan = applied(proposed())
    undone(plan)
    queue_plan(as_of=TODAY - timedelta(days=1), seed=1, actor=None)
    with pytest.raises(UnableToPlanBooks, match="is undone: only a proposed plan"):
        applied(plan)


@pytest.mark.parametrize("status", ["proposed", "discarded", "stale", "computing"])
def test_only_an_applied_plan_can_be_undone(world: SimpleNamespace, status: str) -> None:
    plan = proposed()
    BookPlan.objects.filter(pk=plan.pk).update(status=status)
    for act in (lambda: undone(plan), lambda: ask(plan, world.cast.ops)):
        with pytest.raises(UnableToUndoPlan, match="only an applied plan can be undone"):
            act()
    with pytest.raises(UnableToUndoPlan, match="There is no book plan 0"):
        undo_plan(plan_id=0, owner="test", at=timezone.now(), on=TODAY)


def ask(plan: BookPlan, actor: Any) -> None:
    ask_to_undo_plan(plan_id=plan.pk, actor=actor, at=timezone.now())


def test_only_cs_ops_undo(world: SimpleNamespace) -> None:
    plan = applied(proposed())
    for actor in (world.cast.manager, world.cast.csm_a, world.cast.nobody):
        with pytest.raises(UnableToUndoPlan, match="Only CS ops"):
            undone(plan, actor=actor)
        with pytest.raises(UnableToUndoPlan, match="Only CS ops"):
            ask(plan, actor)
    with pytest.raises(UnableToUndoPlan, match="Only CS ops"):
        ask(plan, None)


def test_a_wish_to_undo_is_kept_on_the_row_and_a_worker_fulfils_it(world: SimpleNamespace) -> None:
    before = state()
    plan = applied(proposed())
    ask(plan, world.cast.ops)
    with pytest.raises(UnableToUndoPlan, match="is being undone already"):
        ask(plan, world.cast.ops)
    assert [due.errand.task for due in due_rows(ERRANDS, limit=9)] == [undo_book_plan]
    undo_book_plan(plan_id=plan.pk)
    now = BookPlan.objects.get(pk=plan.pk)
    assert (now.status, now.undone_by) == (RunStatus.UNDONE, world.cast.ops)
    assert now.undone_at is not None
    assert state() == before
    assert set(BookHolding.objects.filter(source="undo").values_list("actor", flat=True)) == {
        world.cast.ops.pk
    }


def test_applying_and_undoing_exclude_each_other(world: SimpleNamespace) -> None:
    first = applied(proposed())
    second = proposed()
    BookPlan.objects.filter(pk=second.pk).update(
        status=RunStatus.APPLYING, lease_until=timezone.now() + timedelta(seconds=60)
    )
    for act in (lambda: undone(first), lambda: ask(first, world.cast.ops)):
        with pytest.raises(UnableToUndoPlan, match="Another book plan is being applied or undone"):
            act()


def test_a_runner_that_was_overtaken_gives_nothing_back(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undoing, "BATCH", 2)
    plan = applied(proposed())
    real = undoing._undo

    def overtaken(*given: Any) -> None:
        real(*given)
        BookPlan.objects.filter(pk=plan.pk).update(fence=99)

    monkeypatch.setattr(undoing, "_undo", overtaken)
    assert not undone(plan)
    assert Move.objects.filter(plan=plan, status=RowStatus.UNDONE).count() == 2
    monkeypatch.setattr(undoing, "_undo", real)
    BookPlan.objects.filter(pk=plan.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert undone(plan)
    assert faults() == []


def test_a_plan_given_up_half_way_can_be_finished_or_undone(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state()
    monkeypatch.setattr(applying, "BATCH", 2)
    for finish in (True, False):
        plan = proposed()
        real, calls = applying._apply_batch, []

        def dies(*given: Any, real: Any = real, calls: list[int] = calls) -> bool:
            calls.append(1)
            if len(calls) > 1:
                raise KeyboardInterrupt
            return bool(real(*given))

        monkeypatch.setattr(applying, "_apply_batch", dies)
        with pytest.raises(KeyboardInterrupt):
            applied(plan)
        monkeypatch.setattr(applying, "_apply_batch", real)
        BookPlan.objects.filter(pk=plan.pk).update(status=RunStatus.FAILED, lease_until=None, claimed_by="")
        plan.refresh_from_db()
        assert is_half_applied(plan=plan)
        assert plan_can_be_undone(plan=plan)
        if finish:
            assert applied(plan).status == RunStatus.APPLIED
        assert undone(plan)
        assert state() == before
        assert not is_half_applied(plan=plan)
    assert faults() == []


def test_undoing_asks_equally_often_at_any_size(
    world: SimpleNamespace, django_assert_max_num_queries: Any
) -> None:
    """One batch: claim, heartbeats, ledger, grouped writes; never a statement a customer."""
    tiered([CustomerFactory(external_id=f"X{number}") for number in range(40)], world.scale)
    plan = applied(proposed())
    assert Move.objects.filter(plan=plan).count() > 40
    with django_assert_max_num_queries(45):
        undone(plan)
