"""Book plans: the life of a plan, who may, what makes it stale, and what happens when a runner dies."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import CSM, Customer, ExchangeRate, Leave, Tier, TouchActivity
from allocation.engine.facts.books import PoolProof
from allocation.models import AllocationPolicy, BookHolding, BookPlan, Move, RowStatus, RunStatus, Source
from allocation.selectors.plan_answers import plan_answer, proof_answer
from allocation.services.decisions import CsmChange, DecisionSource, set_csms
from allocation.services.planning import (
    UnableToPlanBooks,
    apply_plan,
    applying,
    discard_plan,
    propose_plan,
    proposing,
    queue_plan,
)
from tests.factories import CLOCK, TODAY, CSMFactory, CustomerFactory, TierFactory, TouchActivityFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def books() -> SimpleNamespace:
    """Two CSMs, six Scale customers of two hours a month without a CSM, one self-service customer."""
    scale = TierFactory(slug="scale", rank=1, touch_level="low", cap=40)
    TouchActivityFactory(tier=scale, times_a_year=Decimal(24), hours_each=Decimal(1))
    alone = TierFactory(slug="alone", rank=2, touch_level="self_service")
    ann, bob = (CSMFactory(name=name, email=f"{name}@example.com") for name in ("ann", "bob"))
    given = {"tier": scale, "tier_since": TODAY}
    customers = [CustomerFactory(external_id=f"C{n}", **given) for n in range(6)]
    CustomerFactory(external_id="S1", tier=alone, tier_since=TODAY)
    CustomerFactory(external_id="left", status="left", **given)
    return SimpleNamespace(scale=scale, alone=alone, ann=ann, bob=bob, customers=customers)


def queued(**given: Any) -> BookPlan:
    return queue_plan(**{"as_of": TODAY, "seed": 1, "actor": None, **given})


def proposed(**given: Any) -> BookPlan:
    plan = propose_plan(plan_id=queued(**given).pk, owner="test", **CLOCK)
    assert plan is not None
    return plan


def applied(plan: BookPlan) -> BookPlan:
    return apply_plan(plan_id=plan.pk, actor=None, owner="test", on=TODAY)


def seats() -> dict[str, str | None]:
    return dict(Customer.objects.order_by("external_id").values_list("external_id", "csm__name"))


def test_proposing_writes_no_customer_and_keeps_the_result(books: SimpleNamespace) -> None:
    plan = proposed()
    assert plan.status == RunStatus.PROPOSED
    assert set(seats().values()) == {None}
    assert (plan.summary["customers"], plan.summary["assigned"], plan.summary["forced"]) == (6, 6, 6)
    assert plan.repeatable
    assert plan.policy_values["full_time_minutes"] == 9600
    assert [row["customers"] for row in plan.balance_before["csms"]] == [0, 0]
    assert [row["customers"] for row in plan.balance_after["csms"]] == [3, 3]
    assert plan.balance_after["csms"][0]["hours"] == 6.0
    assert set(Move.objects.filter(plan=plan).values_list("status", "forced", "reason")) == {
        (RowStatus.PROPOSED, True, "Had no CSM.")
    }


def test_applying_gives_the_customers_their_csm_as_of_the_plans_day(books: SimpleNamespace) -> None:
    plan = applied(proposed())
    assert plan.status == RunStatus.APPLIED
    assert plan.applied_at is not None
    held = seats()
    assert sorted(held[f"C{n}"] for n in range(6)) == ["ann"] * 3 + ["bob"] * 3
    assert (held["S1"], held["left"]) == (None, None)
    assert set(Customer.objects.filter(csm__isnull=False).values_list("csm_since", flat=True)) == {TODAY}
    ledger = BookHolding.objects.current().values_list("starts_on", "source", "source_id")
    assert set(ledger) == {(TODAY, Source.PLAN, plan.pk)}


def test_applying_twice_changes_nothing(books: SimpleNamespace) -> None:
    plan = applied(proposed())
    before = seats(), BookHolding.objects.count(), plan.applied_at
    again = applied(plan)
    assert (seats(), BookHolding.objects.count(), again.applied_at) == before
    assert applied(proposed()).summary["chosen"] == 0
    assert BookHolding.objects.count() == before[1]


def test_a_self_service_customer_leaves_the_book_it_is_in(books: SimpleNamespace) -> None:
    Customer.objects.filter(external_id="S1").update(csm=books.ann, csm_since=TODAY)
    plan = applied(proposed())
    assert seats()["S1"] is None
    assert Move.objects.get(plan=plan, customer__external_id="S1").to_csm is None


def test_a_newer_proposal_makes_the_older_stale(books: SimpleNamespace) -> None:
    first, second = proposed(), proposed()
    first.refresh_from_db()
    assert (first.status, second.status) == (RunStatus.STALE, RunStatus.PROPOSED)
    with pytest.raises(UnableToPlanBooks, match="is stale: only a proposed plan"):
        applied(first)


def change_policy(books: SimpleNamespace) -> None:
    AllocationPolicy.objects.update(weight_arr=1)


def change_active_policy(books: SimpleNamespace) -> None:
    AllocationPolicy.objects.update(is_active=False)
    AllocationPolicy.objects.create(name="other", is_active=True)


def change_cap(books: SimpleNamespace) -> None:
    Tier.objects.filter(slug="scale").update(cap=39)


def change_touch_plan(books: SimpleNamespace) -> None:
    TouchActivity.objects.update(hours_each=2)


def change_book(books: SimpleNamespace) -> None:
    change = CsmChange(books.customers[0].pk, None, books.bob.pk)
    set_csms(changes=[change], on=TODAY, decision=DecisionSource(kind=Source.MANUAL))


def change_csm(books: SimpleNamespace) -> None:
    CSM.objects.filter(name="ann").update(accepting=False)


def lose_customer(books: SimpleNamespace) -> None:
    Customer.objects.filter(external_id="C0").update(status="left")


def keep_customer_by_hand(books: SimpleNamespace) -> None:
    Customer.objects.filter(external_id="C0").update(csm_locked_until=TODAY + timedelta(days=9))


@pytest.mark.parametrize(
    "change",
    [
        keep_customer_by_hand,
        change_policy,
        change_active_policy,
        change_cap,
        change_touch_plan,
        change_book,
        change_csm,
        lose_customer,
    ],
)
def test_a_plan_is_stale_when_policy_tiers_or_books_changed_since(
    books: SimpleNamespace, change: Any
) -> None:
    plan = proposed()
    change(books)
    held = seats()
    with pytest.raises(UnableToPlanBooks, match="is stale: Policy, tiers or books changed"):
        applied(plan)
    plan.refresh_from_db()
    assert plan.status == RunStatus.STALE
    assert seats() == held


def test_figures_that_drift_by_themselves_do_not_make_it_stale(books: SimpleNamespace) -> None:
    plan = proposed()
    Customer.objects.filter(external_id="C0").update(arr=Decimal(77), health=Decimal(3))
    assert applied(plan).status == RunStatus.APPLIED


def test_a_plan_whose_runner_died_while_applying_is_continued_and_skips_what_changed(
    books: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "BATCH", 2)
    plan = proposed()
    with monkeypatch.context() as dying:
        dying.setattr(applying, "_mark", power_cut)
        with pytest.raises(PowerCutError):
            applied(plan)
    assert set(seats().values()) == {None}  # the batch went back with its transaction
    plan.refresh_from_db()
    assert plan.status == RunStatus.APPLYING
    with pytest.raises(UnableToPlanBooks, match="is being applied already"):
        applied(plan)
    begin_and_die(plan, monkeypatch)
    change = CsmChange(books.customers[5].pk, None, books.bob.pk)
    if Move.objects.get(customer=books.customers[5]).to_csm_id == books.bob.pk:
        change = CsmChange(books.customers[5].pk, None, books.ann.pk)
    set_csms(changes=[change], on=TODAY, decision=DecisionSource(kind=Source.MANUAL))
    Customer.objects.filter(pk=books.customers[4].pk).update(tier=books.alone)
    lapse(plan)
    assert applied(plan).status == RunStatus.APPLIED
    skipped = (
        Move.objects.filter(status=RowStatus.SKIPPED)
        .order_by("pk")
        .values_list("customer__external_id", "words")
    )
    assert list(skipped) == [
        ("C4", "Its tier changed or it left since the plan was made."),
        ("C5", "Its CSM changed since the plan was made."),
    ]
    assert Move.objects.filter(status=RowStatus.APPLIED).count() == 4


class PowerCutError(Exception):
    pass


def power_cut(*args: object, **kwargs: object) -> None:
    raise PowerCutError


def lapse(plan: BookPlan) -> None:
    BookPlan.objects.filter(pk=plan.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def begin_and_die(plan: BookPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    """One batch is written, then the process is gone."""
    lapse(plan)
    real, calls = applying._apply_batch, []

    def once(*args: Any, **kwargs: Any) -> bool:
        calls.append(1)
        if len(calls) > 1:
            raise PowerCutError
        return real(*args, **kwargs)

    with monkeypatch.context() as dying:
        dying.setattr(applying, "_apply_batch", once)
        with pytest.raises(PowerCutError):
            applied(plan)
    assert Move.objects.filter(plan=plan, status=RowStatus.APPLIED).count() == 2


def test_a_runner_that_was_overtaken_stores_nothing(
    books: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = queued()
    real = proposing.propose_books

    def overtaken(**given: Any) -> Any:
        lapse(plan)
        monkeypatch.setattr(proposing, "propose_books", real)
        assert propose_plan(plan_id=plan.pk, owner="the other", **CLOCK) is not None
        return real(**given)

    monkeypatch.setattr(proposing, "propose_books", overtaken)
    assert propose_plan(plan_id=plan.pk, owner="the slow one", **CLOCK) is None
    plan.refresh_from_db()
    assert (plan.status, plan.attempts) == (RunStatus.PROPOSED, 2)
    assert Move.objects.filter(plan=plan).count() == 6


def test_a_plan_that_is_being_computed_can_be_discarded_and_its_runner_stores_nothing(
    books: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = queued()
    real = proposing.propose_books

    def put_away(**given: Any) -> Any:
        discard_plan(plan_id=plan.pk, actor=None)
        return real(**given)

    monkeypatch.setattr(proposing, "propose_books", put_away)
    assert propose_plan(plan_id=plan.pk, owner="me", **CLOCK) is None
    plan.refresh_from_db()
    assert plan.status == RunStatus.DISCARDED
    assert not Move.objects.filter(plan=plan).exists()
    queued()  # nothing stands in the way of the next


def test_only_one_runner_computes_a_plan(books: SimpleNamespace) -> None:
    plan = proposed()
    assert propose_plan(plan_id=plan.pk, owner="second", **CLOCK) is None


def test_only_one_plan_is_computed_at_a_time(books: SimpleNamespace) -> None:
    queued()
    with pytest.raises(UnableToPlanBooks, match="being computed already"):
        queued()


def test_a_plan_that_cannot_be_computed_says_why_and_lets_the_next_begin(books: SimpleNamespace) -> None:
    Customer.objects.filter(external_id="C0").update(currency="CHF")
    plan = queued()
    with pytest.raises(UnableToPlanBooks, match="CHF"):
        propose_plan(plan_id=plan.pk, owner="test", **CLOCK)
    plan.refresh_from_db()
    assert (plan.status, "CHF" in plan.message) == (RunStatus.FAILED, True)
    ExchangeRate.objects.create(currency="CHF", day=TODAY, rate=Decimal("0.9"), base="USD")
    assert proposed().status == RunStatus.PROPOSED


def test_a_plan_is_discarded_once_and_an_applied_one_never(books: SimpleNamespace) -> None:
    plan = proposed()
    assert discard_plan(plan_id=plan.pk, actor=None).status == RunStatus.DISCARDED
    assert discard_plan(plan_id=plan.pk, actor=None).status == RunStatus.DISCARDED
    with pytest.raises(UnableToPlanBooks, match="is discarded: only a proposed plan"):
        applied(plan)
    with pytest.raises(UnableToPlanBooks, match="cannot be discarded"):
        discard_plan(plan_id=applied(proposed()).pk, actor=None)
    with pytest.raises(UnableToPlanBooks, match="There is no book plan 0"):
        discard_plan(plan_id=0, actor=None)


def test_a_plan_may_not_lie_before_the_last_applied_one(books: SimpleNamespace) -> None:
    applied(proposed())
    with pytest.raises(UnableToPlanBooks, match="was applied as of 2026-11-22"):
        queued(as_of=TODAY - timedelta(days=1))


@pytest.mark.parametrize("share", [Decimal(-1), Decimal(101)])
def test_a_move_budget_is_a_share(books: SimpleNamespace, share: Decimal) -> None:
    with pytest.raises(UnableToPlanBooks, match="0 to 100"):
        queued(max_moves_pct=share)


def test_a_budget_named_for_one_plan_stands_in_for_the_policys(books: SimpleNamespace) -> None:
    Customer.objects.filter(tier=books.scale, status="active").update(csm=books.ann, csm_since=TODAY)
    AllocationPolicy.objects.create(name="p", is_active=True, weight_continuity=0, max_moves_arr_pct=100)
    assert proposed(max_moves_pct=Decimal(0)).summary["chosen"] == 0
    assert proposed(max_moves_pct=Decimal(100)).summary["chosen"] == 3


def test_only_cs_ops_plans_books(books: SimpleNamespace, cast: SimpleNamespace) -> None:
    plan = proposed()
    for person in (cast.manager, cast.csm_a, cast.nobody):
        for act in (
            lambda actor=person: queued(actor=actor),
            lambda actor=person: apply_plan(plan_id=plan.pk, actor=actor, owner="test", on=TODAY),
            lambda actor=person: discard_plan(plan_id=plan.pk, actor=actor),
        ):
            with pytest.raises(UnableToPlanBooks, match="Only CS ops"):
                act()
    done = apply_plan(plan_id=proposed(actor=cast.ops).pk, actor=cast.ops, owner="test", on=TODAY)
    assert (done.requested_by, done.applied_by) == (cast.ops, cast.ops)


def test_holds_come_from_the_policys_days(books: SimpleNamespace) -> None:
    soon = books.customers[0]
    Customer.objects.filter(tier=books.scale, status="active").update(csm=books.ann, csm_since=TODAY)
    Customer.objects.filter(pk=soon.pk).update(renewal_date=TODAY + timedelta(days=30))
    Customer.objects.exclude(pk=soon.pk).update(renewal_date=TODAY + timedelta(days=31))
    AllocationPolicy.objects.create(
        name="p", is_active=True, weight_continuity=0, hold_before_renewal_days=30, max_moves_pct=100,
        max_moves_arr_pct=100,
    )  # fmt: skip
    moved = set(Move.objects.filter(plan=proposed()).values_list("customer_id", flat=True))
    assert soon.pk not in moved
    assert len(moved) == 3


@pytest.mark.parametrize(("days", "held"), [(1, True), (0, False)])
def test_a_customer_kept_by_hand_stays_until_that_day(books: SimpleNamespace, days: int, held: bool) -> None:
    locked = books.customers[0]
    Customer.objects.filter(tier=books.scale, status="active").update(csm=books.ann, csm_since=TODAY)
    Customer.objects.filter(pk=locked.pk).update(csm_locked_until=TODAY + timedelta(days=days))
    Customer.objects.exclude(pk=locked.pk).update(csm_locked_until=TODAY + timedelta(days=365))
    AllocationPolicy.objects.create(
        name="p", is_active=True, weight_continuity=0, max_moves_pct=100, max_moves_arr_pct=100
    )
    moved = set(Move.objects.filter(plan=proposed()).values_list("customer_id", flat=True))
    assert moved == (set() if held else {locked.pk})


@pytest.mark.parametrize(("days", "taken"), [(29, 3), (30, 0)])
def test_leave_under_thirty_days_changes_no_book(books: SimpleNamespace, days: int, taken: int) -> None:
    Leave.objects.create(csm=books.bob, starts_on=TODAY, ends_before=TODAY + timedelta(days=days))
    after = {row["csm"]: row["customers"] for row in proposed().balance_after["csms"]}
    assert after["bob@example.com"] == taken


@pytest.mark.parametrize(
    ("leaves_on", "held"),
    [(TODAY, 0), (TODAY + timedelta(days=90), 0), (TODAY + timedelta(days=91), 1), (None, 3)],
)
def test_a_leaver_hands_the_book_on_ninety_days_before(
    books: SimpleNamespace, leaves_on: date | None, held: int
) -> None:
    Customer.objects.filter(pk=books.customers[0].pk).update(csm=books.bob, csm_since=TODAY)
    CSM.objects.filter(pk=books.bob.pk).update(leaves_on=leaves_on)
    after = {row["csm"]: row["customers"] for row in proposed().balance_after["csms"]}
    assert after.get("bob@example.com", 0) == held


@pytest.mark.parametrize(("starts_on", "held"), [(TODAY, 3), (TODAY + timedelta(days=1), None)])
def test_who_has_not_started_is_in_no_plan(books: SimpleNamespace, starts_on: date, held: int | None) -> None:
    CSM.objects.filter(pk=books.bob.pk).update(starts_on=starts_on)
    after = {row["csm"]: row["customers"] for row in proposed().balance_after["csms"]}
    assert after.get("bob@example.com") == held


def test_the_proof_is_kept_with_its_prices_and_told_without_them(
    books: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = PoolProof(
        pools=("everyone else · Scale",), customers=6, csms=2, objective=1.5, bound=1.4, how="relaxation",
        price_bound=1.4, prices={"cap": [0.5, 1.0]},
    )  # fmt: skip
    real = proposing.propose_books
    monkeypatch.setattr(
        proposing,
        "propose_books",
        lambda **given: replace(real(**given), proof=(group,), bound=1.4, gap_pct=6.6667),
    )
    plan = proposed()
    plan.refresh_from_db()
    assert plan.proof[0]["prices"] == {"cap": [0.5, 1.0]}
    (told,) = plan_answer(plan=plan)["proof"]
    assert told == {
        "pools": ["everyone else · Scale"], "customers": 6, "csms": 2, "objective": 1.5, "bound": 1.4,
        "how": "relaxation", "price_bound": 1.4,
    }  # fmt: skip


def test_without_a_proof_nothing_is_told(books: SimpleNamespace) -> None:
    plan = proposed()
    BookPlan.objects.filter(pk=plan.pk).update(proof={})  # as plans of before keep it
    for found in (plan, BookPlan.objects.get(pk=plan.pk)):
        assert plan_answer(plan=found)["proof"] in ([], proof_answer(plan=found))
    assert proof_answer(plan=BookPlan.objects.get(pk=plan.pk)) == []
