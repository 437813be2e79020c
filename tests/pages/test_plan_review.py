"""Reviewing a plan on its page: refuse, accept, another CSM, approve, undo; what each says, and what managers see."""

from decimal import Decimal

import pytest
from django.urls import reverse

from accounts import roles
from accounts.models import Customer
from allocation.models import BookPlan, Move, RowStatus, RunStatus
from allocation.services import planning
from allocation.services.planning import applying
from allocation.tasks.planning import apply_book_plan, undo_book_plan
from tests.factories import TODAY, CSMFactory, CustomerFactory, UserFactory
from tests.pages.company import CANARY, NOW, applied_run, proposed_plan, refreshed
from tests.pages.reading import plain, read
from tests.rewriting import before_the_triggers


@pytest.fixture
def rung(monkeypatch):
    bells = []
    for module in ("acting", "plan_reviewing"):
        monkeypatch.setattr(f"allocation.views.{module}.ring", lambda task, **ids: bells.append((task, ids)))
    return bells


@pytest.fixture
def plan(company):
    """New 0–2 had nobody; 0 and 1 are planned for Ada (team A), 2 for Ben (team B). Zoe Zebra is free (team B)."""
    company.zoe = CSMFactory(name=f"{CANARY} Zoe", email="zoe@example.com", team=company.cast.team_b)
    company.cem = CSMFactory(name="Cem Spare", email="cem@example.com", team=company.cast.team_a)
    for number in range(3):
        CustomerFactory(name=f"New {number}", external_id=f"N{number}", arr=Decimal(20_000))
    applied_run(company.cast)
    made = proposed_plan(company.cast)
    ada, ben = company.cast.csm_a.csm, company.cast.csm_b.csm
    Move.objects.filter(
        plan=made, from_csm__isnull=False
    ).delete()  # what evens out the books is not looked at here
    Move.objects.filter(plan=made).update(to_csm=ada, runner_up=company.zoe)
    Move.objects.filter(plan=made, customer__external_id="N2").update(to_csm=ben)
    return made


@pytest.fixture
def ops(company, sign_in):
    return sign_in(company.cast.ops)


@pytest.fixture
def manager(company, sign_in):
    return sign_in(company.cast.manager)


def row(plan, number):
    return Move.objects.get(plan=plan, customer__external_id=f"N{number}")


def act(client, plan, action, *numbers, **more):
    given = {
        "action": action,
        "row": [row(plan, number).pk for number in numbers],
        "words": "A reason",
        "version": plan.review_version,
        **more,
    }
    return read(client.post(reverse("plan_rows", args=[plan.pk]), given, follow=True))


def page_of(client, plan, **query):
    return client.get(reverse("plan", args=[plan.pk]), query)


def wait(plan, *numbers):
    """These moves are of the largest customers."""
    names = [f"N{number}" for number in numbers]
    Move.objects.filter(plan=plan, customer__external_id__in=names).update(needs_approval=True)
    BookPlan.objects.filter(pk=plan.pk).update(status=RunStatus.AWAITING_APPROVAL)


def test_moves_are_refused_and_accepted_again_with_words_and_a_message(company, ops, plan):
    page = act(ops, plan, "refuse", 0)
    assert "1 move refused: New 0 stays without a CSM." in page.words
    assert "Refused by Olga Ops on" in page.words
    assert "A reason" in page.words
    assert row(plan, 0).status == RowStatus.REFUSED
    assert "1 move refused. Nothing" not in page.words
    assert "2 moves refused: these customers stay where they are." in act(ops, plan, "refuse", 1, 2).words
    assert "3 moves accepted again." in act(ops, plan, "accept", 0, 1, 2, words="").words
    assert set(plan.moves.values_list("status", flat=True)) == {RowStatus.PROPOSED}


def test_a_button_of_a_row_means_that_row_whatever_is_ticked(company, ops, plan):
    act(ops, plan, "accept", 1, 2, one=f"refuse:{row(plan, 0).pk}", all="1")
    assert set(plan.moves.filter(status=RowStatus.REFUSED)) == {row(plan, 0)}
    buttons = [button.get("value", "") for button in read(page_of(ops, plan)).of("button")]
    assert f"accept:{row(plan, 0).pk}" in buttons
    assert f"refuse:{row(plan, 1).pk}" in buttons


def test_all_means_what_fits_the_filter_and_an_unreadable_filter_means_nothing(company, ops, plan):
    act(ops, plan, "refuse", all="1", query="q=N1&kind=nonsense")
    assert not plan.moves.filter(status=RowStatus.REFUSED).exists()
    act(ops, plan, "refuse", all="1", query=f"csm={company.cast.csm_a.csm.pk}")
    assert {move.customer.external_id for move in plan.moves.filter(status=RowStatus.REFUSED)} == {"N0", "N1"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"action": "steal"}, "Say whether the moves are refused"),
        ({"one": "steal:1"}, "Say whether the moves are refused"),
        ({"action": "refuse"}, "Tick the moves that are meant"),
        ({"action": "refuse", "row": ["x", "-1", "1" * 30]}, "Tick the moves that are meant"),
    ],
)
def test_a_form_that_says_nothing_useful_is_told_so(company, ops, plan, given, sentence):
    page = read(ops.post(reverse("plan_rows", args=[plan.pk]), given, follow=True))
    assert sentence in page.words
    assert "Say why these moves are refused" in act(ops, plan, "refuse", 0, words=" ").words


def test_the_page_of_a_move_offers_who_can_take_it_and_says_why_the_others_cannot(company, ops, plan):
    company.zoe.accepting = False
    company.zoe.save()
    plan = proposed_plan(company.cast)
    move = row(plan, 0)
    response = ops.get(reverse("plan_move", args=[plan.pk, move.pk]))
    offered = {one.name for one in response.context["can"]}
    assert move.to_csm.name not in offered
    assert offered
    assert [(one.name, one.why_not) for one in response.context["cannot"]] == [
        (f"{CANARY} Zoe", f"{CANARY} Zoe takes no new customers.")
    ]
    words = read(response).words
    assert "Who can take it now" in words
    assert "Hours left" in words
    assert read(response).refused_by_policy() == []


def test_another_csm_is_named_and_what_was_planned_stays_in_sight(company, ops, plan):
    move = row(plan, 0)
    given = {"csm": company.cem.pk, "words": "Speaks Welsh"}
    page = read(ops.post(reverse("plan_repoint", args=[plan.pk, move.pk]), given, follow=True))
    assert "New 0 goes to Cem Spare; no limit is broken." in page.words
    assert "planned: Ada Book" in page.words
    assert "Re-pointed by Olga Ops on" in page.words
    assert "Speaks Welsh" in page.words
    assert row(plan, 0).to_csm == company.cem
    assert [found.name for found in page_of(ops, plan, row="repointed").context["rows"]] == ["New 0"]
    given["csm"] = company.cast.csm_a.csm.pk
    page = read(ops.post(reverse("plan_repoint", args=[plan.pk, move.pk]), given, follow=True))
    assert "New 0 goes to Ada Book, as the planner proposed" in page.words


@pytest.mark.parametrize("csm", ["", "x", "0", "9" * 30])
def test_what_is_no_csm_is_refused(company, ops, plan, csm):
    address = reverse("plan_repoint", args=[plan.pk, row(plan, 0).pk])
    page = read(ops.post(address, {"csm": csm, "words": "x"}, follow=True))
    assert "Choose one of the CSMs that are offered." in page.words


def test_a_manager_sees_and_changes_only_the_own(company, manager, plan):
    response = page_of(manager, plan)
    assert {found.name for found in response.context["rows"]} == {"New 0", "New 1"}
    assert CANARY not in response.content.decode()
    mine, foreign = row(plan, 0), row(plan, 2)
    response = manager.get(reverse("plan_move", args=[plan.pk, mine.pk]))
    assert CANARY not in response.content.decode()
    assert "2 CSMs of other teams are not shown" in read(response).words  # Ben and Zoe
    assert [one.name for one in response.context["can"]] == ["Cem Spare"]
    for address in (
        reverse("plan_move", args=[plan.pk, foreign.pk]),
        reverse("plan_move", args=[plan.pk, 10**30]),
    ):
        assert manager.get(address).status_code == 404
    assert manager.post(reverse("plan_repoint", args=[plan.pk, foreign.pk])).status_code == 404
    given = {"csm": company.zoe.pk, "words": "x"}
    page = read(manager.post(reverse("plan_repoint", args=[plan.pk, mine.pk]), given, follow=True))
    assert "Choose one of the CSMs that are offered." in page.words
    act(manager, plan, "refuse", 0, 2)
    assert (row(plan, 0).status, row(plan, 2).status) == (RowStatus.REFUSED, RowStatus.PROPOSED)
    # What was planned may be somebody of another team: no name then.
    Move.objects.filter(pk=row(plan, 1).pk).update(
        planned_csm=company.zoe, repointed_by=company.cast.ops, repointed_at=NOW
    )
    response = page_of(manager, plan)
    assert "planned: someone in another team" in read(response).words
    assert CANARY not in response.content.decode()


@pytest.mark.parametrize("role", ["csm_a", "nobody"])
def test_nobody_else_opens_a_move(company, sign_in, plan, role):
    client = sign_in(getattr(company.cast, role))
    pk = row(plan, 0).pk
    assert client.get(reverse("plan_move", args=[plan.pk, pk])).status_code == 403
    assert client.post(reverse("plan_repoint", args=[plan.pk, pk])).status_code == 403


def test_the_largest_are_marked_and_a_manager_of_theirs_decides(company, ops, manager, plan, rung):
    wait(plan, 0, 1, 2)
    page = read(page_of(ops, plan))
    assert "3 moves of the largest customers wait for a manager" in plain(page.words)
    assert page.words.count("Waits for approval") >= 3
    assert not [form for form in page.of("form") if form.get("action", "").endswith("/apply/")]
    assert not [button for button in page.of("button") if button.get("value", "").startswith("approve")]
    buttons = [button.get("value", "") for button in read(page_of(manager, plan)).of("button")]
    assert {f"approve:{row(plan, 0).pk}", f"decline:{row(plan, 1).pk}", "approve"} <= set(buttons)
    assert "1 move approved." in act(manager, plan, "approve", 0).words
    assert "1 move declined: New 1 stays without a CSM." in act(manager, plan, "decline", 1).words
    assert (row(plan, 0).approved_by, row(plan, 1).status) == (company.cast.manager, RowStatus.REFUSED)
    assert "Approved by Mia Manager on" in read(page_of(ops, plan)).words
    assert [found.name for found in page_of(ops, plan, row="approval").context["rows"]] == ["New 2"]
    assert "None of these moves waits for you" in act(manager, refreshed(plan), "approve", 2).words
    assert rung == []


def test_the_home_page_of_a_manager_says_what_waits(company, manager, ops, sign_in, plan):
    wait(plan, 0, 1, 2)
    page = read(manager.get(reverse("home")))
    assert f"Book plan {plan.pk}: 2 moves of your largest customers to approve or decline" in page.words
    assert any(link.startswith(reverse("approvals")) for link in page.links())
    assert "awaits a manager's approval" in read(ops.get(reverse("home"))).words
    act(manager, plan, "approve", 0, 1)
    assert "of your largest customers" not in read(manager.get(reverse("home"))).words


def test_a_decision_is_of_what_was_seen(company, manager, plan):
    wait(plan, 0)
    page = act(manager, plan, "approve", 0, version="7")
    assert "The plan was changed since you looked at it. Look again." in page.words
    assert (
        "decide there, so that what you decide on is what you saw"
        in act(manager, plan, "approve", 0, version="").words
    )
    assert row(plan, 0).approved_by is None


def test_the_last_approval_rings_where_the_plan_was_to_be_applied(company, manager, plan, rung):
    wait(plan, 0)
    BookPlan.objects.filter(pk=plan.pk).update(apply_when_proposed=True)
    assert f"Plan {plan.pk} is being applied, as was asked for." in act(manager, plan, "approve", 0).words
    assert rung == [(apply_book_plan, {"plan_id": plan.pk})]


def test_reviews_that_end_or_begin_the_waiting_say_so(company, ops, plan, rung):
    wait(plan, 0)
    assert (
        "Nothing waits for an approval any more: CS ops can apply the plan."
        in act(ops, plan, "refuse", 0).words
    )
    assert "A manager has to approve or decline this move" in act(ops, plan, "accept", 0).words
    assert rung == []


def test_the_page_says_that_people_changed_the_plan_and_shows_it_as_it_stands(company, ops, plan):
    BookPlan.objects.filter(pk=plan.pk).update(objective=Decimal(10), bound=Decimal(9), gap_pct=Decimal(10))
    assert "Within 10.00 % of the best possible plan for these weights and rules (proven)." in plain(
        read(page_of(ops, plan)).words
    )
    act(ops, plan, "refuse", 0)
    words = plain(read(page_of(ops, plan)).words)
    assert "People changed this plan: 1 move is refused, 0 are re-pointed." in words
    assert "As the planner made it, this plan was within 10.00 %" in words
    assert "Gap to the best possible" not in words
    assert "1 left out by review" in words


@pytest.mark.parametrize(
    ("gap", "sentence"),
    [
        ("0.0004", "Within 0.01 % of the best possible plan"),  # never rounded to less than it is
        ("0", "No plan is better for these weights and rules (proven)."),
        (None, "no bound is proven yet"),
    ],
)
def test_the_headline_says_how_good_the_plan_is(company, ops, plan, gap, sentence):
    given = {"gap_pct": gap, "bound": None if gap is None else 9, "objective": 10}
    BookPlan.objects.filter(pk=plan.pk).update(**given)
    assert sentence in plain(read(page_of(ops, plan)).words)


def test_the_proof_is_shown_by_pool_to_ops_only(company, ops, manager, plan):
    group = {"pools": ["A", "B", "C", "D"], "customers": 1200, "csms": 8, "objective": 10.0, "bound": 9.9995}
    proof = [
        {**group, "how": "relaxation", "price_bound": 9.9, "prices": {"x": [1.5]}},
        {**group, "pools": ["E"], "how": "search_tree", "price_bound": 9.9, "prices": {}},
        {**group, "pools": ["F"], "bound": None, "how": "relaxation", "price_bound": None, "prices": {}},
    ]
    BookPlan.objects.filter(pk=plan.pk).update(proof=proof)
    lines = page_of(ops, plan).context["proof"]
    assert [(line.pools, plain(line.gap), line.how) for line in lines] == [
        ("A, B, C and 1 more", "0.01 %", "proven by prices"),
        ("E", "0.01 %", "proven by search"),
        ("F", "–", "no bound"),
    ]
    assert "proven by search" not in read(page_of(manager, plan)).words


def test_an_applied_plan_is_undone_from_its_page(company, ops, plan, rung):
    planning.apply_plan(plan_id=plan.pk, actor=company.cast.ops, owner="test", on=TODAY)
    page = read(page_of(ops, plan))
    assert [form for form in page.of("form") if form.get("action", "").endswith("/undo/")]
    assert not [form for form in page.of("form") if form.get("action", "").endswith("/moves/")]
    ops.post(reverse("plan_undo", args=[plan.pk]))
    assert rung == [(undo_book_plan, {"plan_id": plan.pk})]
    assert refreshed(plan).status == RunStatus.UNDOING
    assert (
        "is being undone already" in read(ops.post(reverse("plan_undo", args=[plan.pk]), follow=True)).words
    )
    undo_book_plan(plan_id=plan.pk)
    words = plain(read(page_of(ops, plan)).words)
    assert "Undone by Olga Ops on" in words
    assert "3 customers have their CSM back" in words
    assert not Customer.objects.filter(name__startswith="New", csm__isnull=False).exists()


def test_what_could_not_be_restored_is_listed_with_the_reason(company, ops, plan, rung):
    planning.apply_plan(plan_id=plan.pk, actor=company.cast.ops, owner="test", on=TODAY)
    with before_the_triggers("allocation_move"):
        Move.objects.filter(pk=row(plan, 0).pk).update(to_csm=company.cem)  # so that somebody else has it now
    ops.post(reverse("plan_undo", args=[plan.pk]))
    undo_book_plan(plan_id=plan.pk)
    response = page_of(ops, plan, row="kept")
    assert [found.name for found in response.context["rows"]] == ["New 0"]
    words = plain(read(response).words)
    assert "Its CSM was changed after this plan, so it stays as it is." in words
    assert "has now: Ada Book" in words
    assert "1 was changed since and stays as it is" in words


def test_a_half_applied_plan_says_so_and_can_be_undone(company, ops, plan, monkeypatch):
    Move.objects.filter(pk=row(plan, 0).pk).update(status=RowStatus.APPLIED)
    BookPlan.objects.filter(pk=plan.pk).update(status=RunStatus.FAILED, message="Given up.")
    words = read(page_of(ops, plan)).words
    assert "Some customers have their CSM by it already" in words
    assert "Nothing was changed." not in words
    assert applying.is_half_applied(plan=refreshed(plan))


def test_without_a_role_for_it_the_asker_cannot_decide(company, sign_in, plan):
    both = UserFactory(email="both@example.com", name="Bo Both", role=roles.MANAGER)
    both.groups.add(company.cast.ops.groups.get())
    BookPlan.objects.filter(pk=plan.pk).update(requested_by=both)
    wait(plan, 0)
    client = sign_in(both)
    page = read(page_of(client, plan))
    assert "You asked for this plan yourself, so another manager has to decide." in page.words
    assert not [button for button in page.of("button") if button.get("value", "").startswith("approve")]
    assert "You asked for book plan" in act(client, plan, "approve", 0).words
