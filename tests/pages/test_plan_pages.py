"""Plans: start, follow, look, apply, discard."""

from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import CSM, Customer, Tier
from allocation.models import AllocationPolicy, BookPlan, Move, NamedTiers, RunStatus
from allocation.tasks.planning import apply_book_plan, propose_book_plan
from tests.factories import TODAY, CustomerFactory
from tests.pages.company import applied_run, proposed_plan, refreshed
from tests.pages.reading import plain, read
from tests.rewriting import before_the_triggers


@pytest.fixture
def rung(monkeypatch):
    bells = []
    monkeypatch.setattr("allocation.views.acting.ring", lambda task, **ids: bells.append((task, ids)))
    return bells


@pytest.fixture
def waiting(company):
    """Three tiered customers that nobody serves, and a plan that seats them."""
    made = [CustomerFactory(name=f"New {number}", arr=Decimal(20_000)) for number in range(3)]
    applied_run(company.cast)
    return [Customer.objects.get(pk=customer.pk) for customer in made]


def test_starting_a_plan_writes_the_row_and_rings(company, sign_in, rung):
    posted = {"as_of": TODAY.isoformat(), "max_moves_pct": "12.5", "seed": "7"}
    response = sign_in(company.cast.ops).post(reverse("plan_start"), posted)
    plan = BookPlan.objects.latest("pk")
    assert response.url == reverse("plan", args=[plan.pk])
    assert (plan.status, plan.seed, plan.max_moves_pct, plan.requested_by) == (
        "queued", 7, Decimal("12.5"), company.cast.ops,
    )  # fmt: skip
    assert rung == [(propose_book_plan, {"plan_id": plan.pk})]


def test_a_second_start_is_told_to_wait(company, sign_in, rung):
    client = sign_in(company.cast.ops)
    client.post(reverse("plan_start"))
    assert "is being computed already" in read(client.post(reverse("plan_start"), follow=True)).words
    assert len(rung) == 1


@pytest.mark.parametrize(
    ("posted", "sentence"),
    [
        ({"max_moves_pct": "101"}, "less than or equal to 100"),
        ({"max_moves_pct": "NaN"}, "Enter a number."),
        ({"seed": "-1"}, "greater than or equal to 0"),
        ({"as_of": "2026-11-01"}, "was applied as of"),  # before the last applied plan
    ],
)
def test_what_cannot_be_planned_is_refused_with_a_sentence(company, sign_in, rung, posted, sentence):
    response = sign_in(company.cast.ops).post(reverse("plan_start"), posted, follow=True)
    assert sentence in read(response).words
    assert rung == []


def test_a_plan_says_who_gets_whom_why_and_who_was_next(company, sign_in, waiting):
    plan = proposed_plan(company.cast)
    response = sign_in(company.cast.ops).get(reverse("plan", args=[plan.pk]))
    words = plain(read(response).shown)
    assert "Served customers with a CSM 11 of 11 everybody is placed" in words
    assert "Get their first CSM 3" in words
    rows = [row for row in response.context["rows"] if row.name.startswith("New")]
    assert [(row.from_csm, row.kind, bool(row.reason)) for row in rows] == [(None, "first CSM", True)] * 3
    for row in rows:
        assert f"nobody {row.to_csm.name}" in words
        assert {row.to_csm.name, row.runner_up} == {"Ada Book", "Ben Book"}


def test_lists_of_plans_say_the_gap_as_the_plan_does_and_how_many_move(company, sign_in, waiting):
    plan = proposed_plan(company.cast)
    with before_the_triggers("allocation_bookplan"):
        BookPlan.objects.filter(pk=plan.pk).update(gap_pct=Decimal("1.3611"))
    client = sign_in(company.cast.ops)
    for path in (reverse("plans"), reverse("admin:allocation_bookplan_changelist")):
        assert "1.37 %" in plain(read(client.get(path)).words), (
            path
        )  # a gap is never said to be less than it is
    page = client.get(reverse("admin:allocation_bookplan_change", args=[plan.pk]))
    moves = Move.objects.filter(plan=plan).count()
    assert moves >= len(waiting)
    assert f"one: the forced moves + those by choice. {moves} " in plain(read(page).words)


def test_the_balance_before_and_after_is_that_of_the_stored_plan(company, sign_in, waiting):
    plan = proposed_plan(company.cast)
    words = plain(read(sign_in(company.cast.ops).get(reverse("plan", args=[plan.pk]))).shown)
    before, after = (f"{side['gini']:.4f}" for side in (plan.balance_before, plan.balance_after))
    assert f"Gini {before} {after}" in words
    for old, new in zip(plan.balance_before["csms"], plan.balance_after["csms"], strict=True):
        said = [f"{100 * line['utilisation']:.1f} %" for line in (old, new)]
        assert (said[0] if said[0] == said[1] else " → ".join(said)) in words


def test_a_manager_sees_the_moves_of_the_own_team_and_no_other_alternative(company, sign_in, waiting):
    plan = proposed_plan(company.cast)
    response = sign_in(company.cast.manager).get(reverse("plan", args=[plan.pk]))
    page = read(response)
    assert "Ben Book" not in page.words
    assert all(row.to_csm.name == "Ada Book" for row in response.context["rows"])
    assert {row.runner_up for row in response.context["rows"]} <= {"someone in another team", ""}
    assert [book["name"] for book in response.context["books"]] == ["Ada Book"]


def test_moves_are_filtered_by_customer_csm_and_kind(company, sign_in, waiting):
    plan = proposed_plan(company.cast)
    client = sign_in(company.cast.ops)
    address = reverse("plan", args=[plan.pk])

    def names(**query):
        return sorted(row.name for row in client.get(address, query).context["rows"])

    assert names(q="New 1") == ["New 1"]
    assert names(kind="first") == ["New 0", "New 1", "New 2"]
    ada, ben = (CSM.objects.get(name=name) for name in ("Ada Book", "Ben Book"))
    assert sorted(names(kind="first", csm=ada.pk) + names(kind="first", csm=ben.pk)) == [
        "New 0",
        "New 1",
        "New 2",
    ]
    assert "No move fits these filters" in read(client.get(address, {"q": "nobody"})).words


def test_a_shortage_is_said_in_heads_and_the_customers_are_named(company, sign_in, waiting):
    Tier.objects.filter(slug="scale").update(cap=1)
    plan = proposed_plan(company.cast)
    assert plan.unassigned
    words = plain(read(sign_in(company.cast.ops).get(reverse("plan", args=[plan.pk]))).shown)
    line = plan.shortages[0]
    assert "Not everybody can be served" in words
    assert f"{line['pool']} {line['customers']}" in words
    assert f"Left without a CSM {len(plan.unassigned)}" in words
    assert plan.unassigned[0]["reason"] in words
    assert f"{len(plan.unassigned)} cannot be placed" in words


def test_applying_keeps_the_wish_and_rings(company, sign_in, rung, waiting):
    plan = proposed_plan(company.cast)
    client = sign_in(company.cast.ops)
    response = client.post(reverse("plan_apply", args=[plan.pk]), follow=True)
    assert refreshed(plan).apply_when_proposed is True
    assert rung == [(apply_book_plan, {"plan_id": plan.pk})]
    assert "It is about to be applied." in read(response).words


def test_discarding_changes_no_customer(company, sign_in, rung, waiting):
    plan = proposed_plan(company.cast)
    response = sign_in(company.cast.ops).post(reverse("plan_discard", args=[plan.pk]), follow=True)
    assert "no customer was changed" in read(response).words
    assert refreshed(plan).status == RunStatus.DISCARDED
    assert not Customer.objects.filter(name__startswith="New", csm__isnull=False).exists()


def test_an_applied_plan_can_neither_be_applied_nor_discarded_again(company, sign_in, rung):
    client = sign_in(company.cast.ops)
    for name in ("plan_apply", "plan_discard"):
        response = client.post(reverse(name, args=[company.plan.pk]), follow=True)
        assert "applied" in read(response).words
    assert rung == []
    assert refreshed(company.plan).status == RunStatus.APPLIED
    page = read(client.get(reverse("plan", args=[company.plan.pk])))
    forms = [form.get("action", "") for form in page.of("form") if "plans/" in form.get("action", "")]
    assert forms == [reverse("plan_undo", args=[company.plan.pk])]


def test_a_plan_that_waits_shows_that_it_starts_by_itself(company, sign_in, rung):
    client = sign_in(company.cast.ops)
    response = client.post(reverse("plan_start"), follow=True)
    assert "it starts by itself" in read(response).words
    plan = BookPlan.objects.latest("pk")
    assert client.get(reverse("plan_progress", args=[plan.pk])).json()["finished"] is False


@pytest.mark.parametrize(
    ("status", "sentence"),
    [("failed", "The plan failed: No rate"), ("stale", "This proposal is stale: No rate")],
)
def test_a_plan_that_came_to_nothing_says_why(company, sign_in, status, sentence):
    BookPlan.objects.filter(pk=company.plan.pk).update(status=status, message="No rate")
    assert sentence in read(sign_in(company.cast.ops).get(reverse("plan", args=[company.plan.pk]))).words


def test_a_plan_that_is_computed_can_be_stopped_once(company, sign_in):
    client, address = sign_in(company.cast.ops), reverse("plan", args=[company.plan.pk])
    stop = reverse("plan_stop", args=[company.plan.pk])
    assert "only a plan that is being computed can be stopped" in read(client.post(stop, follow=True)).words
    BookPlan.objects.filter(pk=company.plan.pk).update(status="computing")
    assert "Stop and keep the best so far" in read(client.get(address)).words
    assert "stops within a few seconds" in read(client.post(stop, follow=True)).words
    assert "Stop and keep the best so far" not in read(client.get(address)).words


def test_a_plan_stopped_early_says_that_it_is_not_repeatable(company, sign_in):
    BookPlan.objects.filter(pk=company.plan.pk).update(repeatable=False)
    words = read(sign_in(company.cast.ops).get(reverse("plan", args=[company.plan.pk]))).words
    assert "may give another one" in words


def test_the_list_of_plans_filters_by_status(company, sign_in):
    client = sign_in(company.cast.ops)
    assert len(client.get(reverse("plans"), {"status": "applied"}).context["rows"]) == 1
    assert "No plan fits these filters" in read(client.get(reverse("plans"), {"status": "failed"})).words


def test_without_plans_the_page_says_what_one_is(cast, sign_in):
    assert "No plan yet" in read(sign_in(cast.manager).get(reverse("plans"))).words


def test_the_policy_of_the_plan_is_told_and_names_no_csm_of_another_team(company, sign_in):
    policy = AllocationPolicy.objects.get(is_active=True)
    line = NamedTiers.objects.create(policy=policy, csm=company.cast.csm_b.csm)
    line.tiers.set(Tier.objects.filter(slug="scale"))
    plan = proposed_plan(company.cast)
    address = reverse("plan", args=[plan.pk])
    pages = {who: sign_in(getattr(company.cast, who)).get(address) for who in ("ops", "manager")}
    assert "Ben Book is given customers of Scale only." in plain(read(pages["ops"]).words)
    assert "For 1 CSM tiers are named" in plain(read(pages["manager"]).words)
    # The moves may name him: some of his customers come to team A.
    assert "Ben Book" not in str(pages["manager"].context["policy_words"])
