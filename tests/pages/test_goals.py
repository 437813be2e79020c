"""Goals on the customer's page: opened, changed and closed by forms, and a goals run that follows."""

import pytest
from django.urls import reverse

from accounts.models import Customer, Goal, GoalKind
from allocation.models import RetierRun, RunStatus, TieringModel
from allocation.services.playbooks import load_playbook
from allocation.tasks.retiering import propose_retier_run
from tests.factories import TODAY, CustomerFactory, GoalFactory, GoalKindFactory, TierFactory
from tests.pages.company import CANARY, NOW, applied_run
from tests.pages.reading import plain, read


@pytest.fixture
def rung(monkeypatch):
    """The bells that were rung: (task, ids)."""
    bells = []
    monkeypatch.setattr("allocation.tasks.retiering.ring", lambda task, **ids: bells.append((task, ids)))
    return bells


@pytest.fixture
def expansion(db):
    return GoalKindFactory(slug="expansion")


def of_a(company):
    """The open goal of customer A 0: adoption."""
    return Goal.objects.get(customer=company.a[0])


def open_address(customer):
    return reverse("goal_open", args=[customer.pk])


def test_a_csm_opens_a_goal_and_a_goals_run_waits(company, sign_in, rung, expansion):
    client, customer = sign_in(company.cast.csm_a), company.a[1]
    given = {"kind": expansion.pk, "owner": company.cast.csm_a.pk, "words": "A second region"}
    page = read(client.post(open_address(customer), given, follow=True))
    goal = Goal.objects.get(customer=customer)
    assert (goal.kind, goal.owner, goal.words, goal.starts_on) == (
        expansion, company.cast.csm_a, "A second region", TODAY,
    )  # fmt: skip
    assert "The goal “Expansion” is open. Whether the tier follows is proposed to CS ops." in page.words
    assert "Expansion since 22 Nov 2026 · Ada Book A second region Open" in plain(page.words)
    run = RetierRun.objects.latest("pk")
    assert (run.scope, run.status, run.as_of, run.requested_by, run.apply_when_proposed) == (
        "goals", "queued", TODAY, company.cast.csm_a, False,
    )  # fmt: skip
    assert rung == [(propose_retier_run, {"run_id": run.pk})]


def goals_card(response):
    """The part of the page that the redirect leads to."""
    page = response.content.decode()
    return page[page.index('id="goals-heading"') : page.index('id="history-heading"')]


def test_what_is_said_stands_in_the_card_that_the_page_comes_back_to(company, sign_in, rung):
    client, goal = sign_in(company.cast.csm_a), of_a(company)
    answer = client.post(reverse("goal_close", args=[goal.pk]))
    assert answer.url == reverse("customer", args=[goal.customer_id]) + "#goals-heading"
    said = client.get(answer.url)
    assert "The goal “Adoption” is closed." in goals_card(said)
    assert said.content.decode().count("messagelist") == 1
    stale = client.post(reverse("goal_close", args=[goal.pk]), follow=True)  # from a tab opened before
    assert "The goal “Adoption” is closed already." in goals_card(stale)
    assert "messagelist" not in client.get(answer.url).content.decode()


def test_the_button_that_closes_a_goal_says_so(company, sign_in):
    """It stands under the form that changes the goal, where "Close" alone would mean the form."""
    page = sign_in(company.cast.csm_a).get(reverse("customer", args=[company.a[0].pk]))
    assert "Close goal" in goals_card(page)


def test_who_may_see_runs_is_led_to_the_one_that_follows(company, sign_in, rung):
    page = read(
        sign_in(company.cast.manager).post(reverse("goal_close", args=[of_a(company).pk]), follow=True)
    )
    run = RetierRun.objects.latest("pk")
    assert f"Run {run.pk} proposes what follows for the tier." in page.words
    assert reverse("run", args=[run.pk]) in page.links()


def test_closing_keeps_the_goal_as_history(company, sign_in, rung):
    client, goal = sign_in(company.cast.csm_a), of_a(company)
    page = read(client.post(reverse("goal_close", args=[goal.pk]), follow=True))
    goal.refresh_from_db()
    assert goal.ends_before == TODAY
    assert "Adoption since 22 Nov 2026, closed on 22 Nov 2026 Everybody uses it Closed" in plain(page.words)
    assert len(rung) == 1
    again = read(client.post(reverse("goal_close", args=[goal.pk]), follow=True))
    assert "is closed already" in again.words
    assert len(rung) == 1


def test_owner_and_words_are_changed_without_a_run(company, sign_in, rung):
    client, goal, runs = sign_in(company.cast.csm_a), of_a(company), RetierRun.objects.count()
    given = {"owner": company.cast.manager.pk, "words": "All of them use it"}
    page = read(client.post(reverse("goal_change", args=[goal.pk]), given, follow=True))
    assert "is changed" in page.words
    assert "Adoption since 22 Nov 2026 · Mia Manager All of them use it Open" in plain(page.words)
    assert (
        "was so already"
        in read(client.post(reverse("goal_change", args=[goal.pk]), given, follow=True)).words
    )
    assert (rung, RetierRun.objects.count()) == ([], runs)


def test_a_refusal_is_a_sentence_and_asks_for_no_run(company, sign_in, rung, expansion):
    client, customer = sign_in(company.cast.csm_a), company.a[0]
    adoption = of_a(company).kind
    for given, sentence in (
        ({"kind": adoption.pk}, "has an open goal “Adoption” already"),
        ({"kind": ""}, "Goal: This field is required."),
        ({"kind": 10**9}, "Goal: Select a valid choice."),
        ({"kind": expansion.pk, "owner": company.cast.csm_b.pk}, "Owner: Select a valid choice."),
        ({"kind": expansion.pk, "words": "x" * 2001}, "at most 2000 characters"),
    ):
        assert sentence in read(client.post(open_address(customer), given, follow=True)).words, given
    assert (Goal.objects.filter(customer=customer).count(), rung) == (1, [])


def test_a_retired_kind_is_not_offered_and_not_taken(company, sign_in, rung):
    retired = GoalKindFactory(slug="swarming")
    client, address = sign_in(company.cast.ops), reverse("customer", args=[company.a[1].pk])
    assert "Swarming" in read(client.get(address)).words
    GoalKind.objects.filter(pk=retired.pk).update(retired=True)
    assert "Swarming" not in read(client.get(address)).words
    client.post(open_address(company.a[1]), {"kind": retired.pk})
    assert not Goal.objects.filter(customer=company.a[1]).exists()


def test_without_a_published_model_the_goal_is_open_and_nothing_is_queued(company, sign_in, rung, expansion):
    TieringModel.objects.update(status=TieringModel.Status.RETIRED)
    runs = RetierRun.objects.count()
    page = read(
        sign_in(company.cast.ops).post(open_address(company.a[1]), {"kind": expansion.pk}, follow=True)
    )
    assert "The goal “Expansion” is open." in page.words
    assert "follows" not in page.words
    assert (RetierRun.objects.count(), rung) == (runs, [])


# role → (own customer, foreign customer, goal of the own, goal of the foreign); Nobody has no page at all
DOORS = {
    "ops": (302, 302, 302, 302),
    "manager": (302, 404, 302, 404),
    "csm_a": (302, 404, 302, 404),
    "csm_b": (404, 302, 404, 302),
    "nobody": (403, 403, 403, 403),
}


@pytest.mark.parametrize("role", DOORS)
def test_goals_are_changed_within_the_scope_only(company, sign_in, rung, expansion, role):
    own, foreign = of_a(company), GoalFactory(customer=company.b[0])
    client = sign_in(getattr(company.cast, role))
    assert (
        client.post(open_address(company.a[1]), {"kind": expansion.pk}).status_code,
        client.post(open_address(company.b[1]), {"kind": expansion.pk}).status_code,
        client.post(reverse("goal_change", args=[own.pk]), {"words": role}).status_code,
        client.post(reverse("goal_close", args=[foreign.pk])).status_code,
    ) == DOORS[role]
    changed = {
        Goal.objects.filter(customer=company.a[1]).exists(),
        Goal.objects.filter(pk=own.pk, words=role).exists(),
    }
    assert changed == {DOORS[role][0] == 302}
    assert Goal.objects.filter(pk=foreign.pk, ends_before=TODAY).exists() is (DOORS[role][3] == 302)


def test_a_goal_is_not_changed_by_looking(company, sign_in):
    client, goal = sign_in(company.cast.ops), of_a(company)
    for address in (
        open_address(company.a[0]),
        reverse("goal_change", args=[goal.pk]),
        reverse("goal_close", args=[goal.pk]),
    ):
        assert client.get(address).status_code == 405


def test_the_owners_a_csm_may_choose_carry_no_name_of_another_team(company, sign_in):
    body = sign_in(company.cast.csm_a).get(reverse("customer", args=[company.a[0].pk])).content.decode()
    assert "Mia Manager" in body
    assert "Ben Book" not in body
    assert CANARY not in body


def test_a_customer_that_left_has_no_form_to_open_one(company, sign_in):
    Customer.objects.filter(pk=company.a[0].pk).update(status=Customer.Status.LEFT)
    page = read(sign_in(company.cast.ops).get(reverse("customer", args=[company.a[0].pk])))
    actions = [form.get("action") for form in page.of("form")]
    assert open_address(company.a[0]) not in actions
    assert reverse("goal_close", args=[of_a(company).pk]) in actions


BY_GOAL = {
    "segments": [{"name": "Everyone", "when": []}],
    "criteria": [],
    "tiers": [
        {"tier": "high", "when": [{"attribute": "open_goals", "op": "any_of", "value": ["risk-mitigation"]}]},
        {"tier": "low", "when": []},
    ],
    "guards": {},
}


@pytest.fixture
def by_goal(company):
    """High touch for who is at risk, low for the others; an applied full run gave everybody Low."""
    TierFactory(slug="high", name="High", rank=101, touch_level="high")
    TierFactory(slug="low", name="Low", rank=102, touch_level="low")
    kind = GoalKindFactory(slug="risk-mitigation", asks_for="high")
    TieringModel.objects.update(status=TieringModel.Status.RETIRED)
    TieringModel.objects.create(number=99, name="By goal", definition=BY_GOAL, status="published")
    applied_run(company.cast)
    assert set(Customer.objects.values_list("tier__slug", flat=True)) == {"low"}
    return kind


def test_a_goal_opened_and_closed_on_the_page_moves_that_customer_alone(company, sign_in, rung, by_goal):
    """Company A: high ARR and low touch, at risk, saved."""
    csm, ops, customer = sign_in(company.cast.csm_a), sign_in(company.cast.ops), company.a[1]

    csm.post(open_address(customer), {"kind": by_goal.pk})
    opened = work(rung)
    assert opened.status == RunStatus.PROPOSED
    assert moves(opened) == [(customer.pk, "low", "high")]
    assert Customer.objects.get(pk=customer.pk).tier.slug == "low"  # proposed, never applied by itself
    home = read(ops.get(reverse("home")))
    assert f"Goals re-tiering run {opened.pk} is proposed" in home.words
    assert "1 customer changes tier; look at it, then apply or discard it." in home.words
    assert reverse("run", args=[opened.pk]) in home.links()

    applied_by(ops, opened)
    assert Customer.objects.get(pk=customer.pk).tier.slug == "high"
    others = Customer.objects.exclude(pk=customer.pk)
    assert set(others.values_list("tier__slug", flat=True)) == {"low"}

    csm.post(reverse("goal_close", args=[Goal.objects.get(customer=customer).pk]))
    closed = work(rung)
    assert moves(closed) == [(customer.pk, "high", "low")]
    applied_by(ops, closed)
    assert Customer.objects.get(pk=customer.pk).tier.slug == "low"


def work(rung):
    """What a worker does with the last bell; gives the run."""
    task, ids = rung[-1]
    task(**ids)
    return RetierRun.objects.get(pk=ids["run_id"])


def moves(run):
    return list(run.decisions.values_list("customer_id", "previous__slug", "effective__slug"))


def applied_by(ops, run):
    from allocation.tasks.retiering import apply_retier_run

    ops.post(reverse("run_apply", args=[run.pk]))
    apply_retier_run(run_id=run.pk)


def test_company_a_and_company_b_of_the_playbook(company, sign_in, rung):
    """Company A (maxed out, fully adopted) at risk: High touch, and back once the risk is gone. Company B stays."""
    load_playbook(slug="touch-by-goal", publish=True, at=NOW, actor_id=company.cast.ops.pk)
    facts = {"csm": company.cast.csm_a.csm, "csm_since": TODAY, "champion": True}
    a = CustomerFactory(
        name="Company A",
        arr=900_000,
        potential_arr=900_000,
        adoption=100,
        health=95,
        relationship_breadth=6,
        **facts,
    )
    b = CustomerFactory(
        name="Company B",
        arr=40_000,
        potential_arr=400_000,
        adoption=35,
        health=70,
        relationship_breadth=2,
        **facts,
    )
    applied_run(company.cast)
    assert (touch_and_segment(a), touch_and_segment(b)) == (("low", "Enterprise"), ("high", "Commercial"))

    csm, ops = sign_in(company.cast.csm_a), sign_in(company.cast.ops)
    csm.post(open_address(a), {"kind": GoalKind.objects.get(slug="risk-mitigation").pk})
    run = work(rung)
    assert [customer for customer, *_ in moves(run)] == [a.pk]
    applied_by(ops, run)
    assert (touch_and_segment(a), touch_and_segment(b)) == (("high", "Enterprise"), ("high", "Commercial"))

    csm.post(reverse("goal_close", args=[Goal.objects.get(customer=a).pk]))
    run = work(rung)
    assert [customer for customer, *_ in moves(run)] == [a.pk]
    applied_by(ops, run)
    assert touch_and_segment(a) == ("low", "Enterprise")


def touch_and_segment(customer):
    now = Customer.objects.select_related("tier", "standing").get(pk=customer.pk)
    return now.tier.touch_level, now.standing.segment
