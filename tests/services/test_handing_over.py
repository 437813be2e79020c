"""Handovers follow the CSMs of customers: what opens, what is overtaken, who is told, in how many statements."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Customer, Tier
from allocation.models import AllocationPolicy, BookHolding, Handover, HandoverStep, Move, Notice, Source
from allocation.selectors.plans import handovers_ahead, move_counts
from allocation.services.decisions import CsmChange, DecisionSource, note_departures, set_csms
from allocation.services.planning import applying
from tests.factories import TODAY, CSMFactory, CustomerFactory, TeamFactory
from tests.services.handovers.world import BY_HAND, customer_of, give, handed_over, open_one
from tests.services.plan_cast import applied, books, by_hand, chosen, proposed, undone
from tests.services.test_notices import INTERNAL

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def standing(customer: Customer) -> list[tuple[str, str]]:
    rows = Handover.objects.filter(customer=customer).order_by("pk")
    return [(row.status, row.closed_words) for row in rows]


def test_a_change_of_csm_opens_a_handover_with_its_checklist(cast: SimpleNamespace) -> None:
    row = handed_over(cast)
    assert (row.from_csm, row.to_csm, row.path, row.move) == (cast.csm_a.csm, cast.csm_b.csm, "full", None)
    assert (row.opened_on, row.due_on) == (TODAY, TODAY + 21 * DAY)
    assert list(row.steps.order_by("position").values_list("side", flat=True)) == [
        "former", "former", "former", "new", "both", "new",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("touch_level", "path", "days"),
    [
        ("high", "full", 21),
        ("mid", "full", 21),
        ("low", "short", 10),
        ("tech", "short", 10),
        ("self_service", "short", 10),
    ],
)
def test_who_knows_the_csm_is_introduced_and_others_get_the_short_path(
    cast: SimpleNamespace, touch_level: str, path: str, days: int
) -> None:
    row = handed_over(cast, touch_level=touch_level)
    assert (row.path, row.due_on) == (path, TODAY + days * DAY)
    assert row.steps.count() == {"full": 6, "short": 3}[path]


def test_a_customer_without_a_tier_gets_the_short_path(cast: SimpleNamespace) -> None:
    customer = CustomerFactory()
    give(customer, cast.csm_a.csm)
    give(customer, cast.csm_b.csm)
    assert open_one(customer).path == "short"


def test_the_policy_in_force_says_how_long_it_may_take(cast: SimpleNamespace) -> None:
    AllocationPolicy.objects.create(name="resting", handover_days=2, short_handover_days=2)
    AllocationPolicy.objects.create(name="ours", is_active=True, handover_days=30, short_handover_days=5)
    assert handed_over(cast).due_on == TODAY + 30 * DAY
    assert handed_over(cast, name="Small", touch_level="low").due_on == TODAY + 5 * DAY


def test_a_first_csm_takes_over_from_nobody(cast: SimpleNamespace) -> None:
    customer_of(cast.csm_a.csm)
    assert not Handover.objects.exists()
    assert not Notice.objects.exists()


def test_nobody_hands_over_a_customer_that_left(cast: SimpleNamespace) -> None:
    customer = customer_of(cast.csm_a.csm)
    Customer.objects.filter(pk=customer.pk).update(status="left")
    give(customer, cast.csm_b.csm)
    assert not Handover.objects.exists()


def test_a_customer_that_goes_on_has_its_open_handover_cancelled_and_a_new_one(cast: SimpleNamespace) -> None:
    row = handed_over(cast)
    zoe = CSMFactory(name="Zoe")
    give(row.customer, zoe)
    assert standing(row.customer) == [
        ("cancelled", "Overtaken: the customer went on to Zoe."),
        ("open", ""),
    ]
    again = open_one(row.customer)
    assert (again.from_csm, again.to_csm) == (cast.csm_b.csm, zoe)


def test_a_customer_that_goes_back_has_nothing_to_hand_over(cast: SimpleNamespace) -> None:
    row = handed_over(cast)
    give(row.customer, cast.csm_a.csm)
    assert standing(row.customer) == [("cancelled", "Overtaken: the customer went back to Ada Book.")]


def test_going_back_after_the_handover_was_done_is_a_change_like_any_other(cast: SimpleNamespace) -> None:
    row = handed_over(cast)
    Handover.objects.filter(pk=row.pk).update(status="done")
    give(row.customer, cast.csm_a.csm)
    assert [status for status, _ in standing(row.customer)] == ["done", "open"]


def test_a_customer_that_loses_its_csm_or_leaves_is_handed_over_to_nobody(cast: SimpleNamespace) -> None:
    alone, gone = handed_over(cast), handed_over(cast, name="Gone")
    give(alone.customer, None)
    assert standing(alone.customer) == [("cancelled", "Overtaken: the customer has no CSM any more.")]
    Customer.objects.filter(pk=gone.customer_id).update(status="left")
    note_departures(customer_ids=[gone.customer_id], on=TODAY, decision=BY_HAND)
    assert standing(gone.customer) == [("cancelled", "Overtaken: the customer left.")]


def test_who_had_a_customer_last_hands_it_over_though_it_had_nobody_in_between(cast: SimpleNamespace) -> None:
    customer = customer_of(cast.csm_a.csm)
    give(customer, None)  # an import blanks it
    give(customer, cast.csm_b.csm, on=TODAY + 9 * DAY)  # and a later plan gives it
    row = open_one(customer)
    assert (row.from_csm, row.to_csm, row.path) == (cast.csm_a.csm, cast.csm_b.csm, "full")
    assert set(Notice.objects.values_list("to", flat=True)) == {cast.csm_a.pk, cast.csm_b.pk}


def test_a_customer_that_comes_back_to_who_had_it_last_is_not_handed_over(cast: SimpleNamespace) -> None:
    customer = customer_of(cast.csm_a.csm)
    give(customer, None)
    give(customer, cast.csm_a.csm)
    assert not Handover.objects.exists()


def test_one_cut_short_that_goes_back_to_its_former_csm_has_nothing_to_hand_over(
    cast: SimpleNamespace,
) -> None:
    row = handed_over(cast)
    give(row.customer, None)
    give(row.customer, cast.csm_a.csm)
    assert [status for status, _ in standing(row.customer)] == ["cancelled"]
    # From there on it is a change like any other.
    give(row.customer, None)
    give(row.customer, cast.csm_b.csm)
    again = open_one(row.customer)
    assert (again.from_csm, again.to_csm) == (cast.csm_a.csm, cast.csm_b.csm)
    Handover.objects.filter(pk=again.pk).update(status="done")
    give(row.customer, None)
    give(row.customer, cast.csm_a.csm)
    assert open_one(row.customer).from_csm == cast.csm_b.csm


def test_what_an_undone_plan_gave_was_never_held(cast: SimpleNamespace) -> None:
    """N0 had no CSM; the plan gave it one, and was undone."""
    books(cast)
    plan = proposed()
    applied(plan)
    undone(plan)
    customer = Customer.objects.get(external_id="N0")
    assert customer.csm is None
    give(customer, CSMFactory(name="Zoe"))
    assert not Handover.objects.filter(customer=customer).exists()


def test_the_same_change_twice_opens_one_handover(cast: SimpleNamespace) -> None:
    customer = customer_of(cast.csm_a.csm)
    change = [CsmChange(customer.pk, cast.csm_a.csm.pk, cast.csm_b.csm.pk)]
    for _ in range(2):
        set_csms(changes=change, on=TODAY, decision=BY_HAND)
    assert Handover.objects.count() == 1


def test_a_plan_opens_a_handover_for_each_change_and_undoing_it_cancels_them(cast: SimpleNamespace) -> None:
    books(cast)
    plan = proposed()
    applied(plan)
    moves = Move.objects.filter(plan=plan, status="applied", from_csm__isnull=False)
    rows = Handover.objects.open()
    assert {row.move for row in rows.select_related("move")} == set(moves)
    assert moves.count() == 3  # N0 had no CSM before
    undone(plan)
    assert {row.closed_words.split(" to ")[0] for row in Handover.objects.all()} == {
        "Overtaken: the customer went back"
    }
    assert not Handover.objects.open().exists()


@pytest.mark.parametrize(("touch_level", "introduced", "short"), [("low", 0, 3), ("mid", 3, 0)])
def test_before_it_is_applied_a_plan_says_what_handovers_it_opens(
    cast: SimpleNamespace, touch_level: str, introduced: int, short: int
) -> None:
    books(cast)
    Tier.objects.update(touch_level=touch_level)
    plan = proposed()
    counts = move_counts(plan=plan, user=cast.ops)
    assert (counts["introduced"], counts["short"], counts["handovers"]) == (introduced, short, 0)
    assert handovers_ahead(counts) == (
        f"Applied, 3 changes open a handover each: {introduced} with introduction, {short} short. "
        "A first CSM takes over from nobody."
    )
    applied(plan)
    counts = move_counts(plan=plan, user=cast.ops)
    assert (counts["introduced"], counts["short"], counts["handovers"]) == (0, 0, 3)
    assert handovers_ahead(counts) == ""
    assert Handover.objects.filter(path="full").count() == introduced


def test_an_undone_plan_leaves_alone_what_somebody_changed_since(cast: SimpleNamespace) -> None:
    cast.books = books(cast)
    plan = proposed()
    applied(plan)
    one, _ = chosen(plan)
    by_hand(Customer.objects.get(external_id=one), cast.books.lea)
    undone(plan)
    left = Handover.objects.open().get()
    assert (left.customer.external_id, left.to_csm) == (one, cast.books.lea)


def test_the_days_of_a_plan_carried_out_late_count_from_when_it_is_applied(cast: SimpleNamespace) -> None:
    books(cast)
    plan = proposed(as_of=TODAY - 5 * DAY)
    applied(plan)
    assert set(Handover.objects.values_list("opened_on", flat=True)) == {TODAY}
    assert set(Customer.objects.filter(handovers__isnull=False).values_list("csm_since", flat=True)) == {
        TODAY - 5 * DAY
    }


def test_another_time_for_handovers_makes_no_plan_stale(cast: SimpleNamespace) -> None:
    books(cast)
    plan = proposed()
    AllocationPolicy.objects.update(handover_days=5, short_handover_days=4)
    applied(plan)
    assert {row.due_on for row in Handover.objects.open()} == {TODAY + 4 * DAY}


def test_both_csms_get_one_mail_for_a_plan_however_many_customers_and_batches(
    cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "BATCH", 1)
    books(cast)
    plan = proposed()
    applied(plan)
    mails = Notice.objects.filter(key__startswith="handovers-")
    assert sorted(mails.values_list("key", flat=True)) == sorted(
        f"handovers-plan-{plan.pk}-to-{person.pk}" for person in (cast.csm_a, cast.csm_b)
    )
    for text in mails.values_list("subject", "body"):
        assert not INTERNAL.search(" ".join(text)), text


def test_who_signs_in_no_more_gets_no_mail(cast: SimpleNamespace) -> None:
    cast.csm_a.is_active = False
    cast.csm_a.save()
    handed_over(cast)
    assert list(Notice.objects.values_list("to", flat=True)) == [cast.csm_b.pk]


def many_changes(cast: SimpleNamespace, number: int, *, blanked: bool = False) -> list[CsmChange]:
    """Customers of Ada that are to go to twenty others."""
    team = TeamFactory(name=f"Many {number}")
    others = [CSMFactory(team=team) for _ in range(20)]
    tier = customer_of(cast.csm_a.csm, name=f"First {number}").tier_id
    made = Customer.objects.bulk_create(
        Customer(
            external_id=f"M{number}-{one}",
            name="x",
            tier_id=tier,
            tier_since=TODAY,
            csm=cast.csm_a.csm,
            csm_since=TODAY,
        )
        for one in range(number)
    )
    # Some had nobody for a while: who had them last is read once.
    if blanked:
        BookHolding.objects.bulk_create(
            BookHolding(customer=one, csm=cast.csm_a.csm, starts_on=TODAY, source=Source.MANUAL)
            for one in made
        )
        blank = [CsmChange(one.pk, cast.csm_a.csm.pk, None) for one in made]
        set_csms(changes=blank, on=TODAY, decision=BY_HAND)
    return [
        CsmChange(one.pk, None if blanked else cast.csm_a.csm.pk, others[place % 20].pk)
        for place, one in enumerate(made)
    ]


def handover_statements(changes: list[CsmChange], on: date = TODAY) -> list[str]:
    """What is asked and written of handovers, checklists and mail."""
    with CaptureQueriesContext(connection) as captured:
        set_csms(changes=changes, on=on, decision=DecisionSource(Source.MANUAL))
    return [
        query["sql"]
        for query in captured.captured_queries
        if any(
            table in query["sql"]
            for table in ("handover", "allocation_notice", "allocationpolicy", 'ends_before" IS NOT NULL')
        )
    ]


@pytest.mark.parametrize("blanked", [False, True])
def test_opening_reads_equally_often_at_any_size_and_writes_whole_batches(
    cast: SimpleNamespace, blanked: bool
) -> None:
    few, many = (handover_statements(many_changes(cast, number, blanked=blanked)) for number in (20, 500))
    reads = [[sql for sql in found if sql.startswith("SELECT")] for found in (few, many)]
    assert len(reads[0]) == len(reads[1])
    # SQLite takes 999 values a statement, so 500 rows of some 20 columns are a dozen; never one a row.
    assert len(many) - len(reads[1]) < 60
    assert (Handover.objects.count(), HandoverStep.objects.count()) == (520, 3120)


def test_overtaking_cancels_in_one_statement_whoever_takes_over(cast: SimpleNamespace) -> None:
    changes = many_changes(cast, 100)
    handover_statements(changes)
    zoe: Any = CSMFactory(name="Zoe")
    back = [CsmChange(one.customer_id, one.to_csm_id, cast.csm_a.csm.pk) for one in changes[:50]]
    onward = [CsmChange(one.customer_id, one.to_csm_id, zoe.pk) for one in changes[50:]]
    cancelling = [sql for sql in handover_statements(back + onward) if sql.startswith("UPDATE")]
    assert len(cancelling) == 2
    assert Handover.objects.open().count() == 50
