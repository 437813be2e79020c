"""A page asks the database equally often whether it shows two rows or twenty."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import CSM
from allocation.models import BookPlan, Handover, Move, Notice, Source, Touch
from allocation.services import handovers, planning, scenarios
from allocation.services.decisions import CsmChange, DecisionSource, set_csms
from allocation.services.touches import do_touches, plan_touches
from tests.factories import TODAY, CustomerFactory
from tests.pages import company as companies


@pytest.fixture(autouse=True)
def _a_fixed_day(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


@pytest.mark.parametrize("rows", [2, 20])
def test_pages_ask_equally_often_at_any_size(cast, sign_in, query_counts, rows):
    company = companies.build(cast, per_book=rows)
    head = companies.compared_plans(cast)
    # Within capacity at either size: over it the page of attention asks also which touch plan takes most.
    CSM.objects.filter(pk=cast.csm_a.csm.pk).update(hours_per_month=500)
    plan_touches(on=TODAY)
    ids = list(Touch.objects.order_by("pk").values_list("pk", flat=True))
    Touch.objects.filter(pk__in=ids[::3]).update(due_on=TODAY - timedelta(days=2))
    do_touches(touch_ids=ids[1::3], actor=cast.ops, on=TODAY, at=timezone.now())
    run, plan = companies.proposed_run(cast), companies.proposed_plan(cast)
    addresses = {
        "home": reverse("home"),
        "books": reverse("books"),
        "book": reverse("book", args=[cast.csm_a.csm.pk]),
        "attention": reverse("book_attention", args=[cast.csm_a.csm.pk]),
        "book as CSV": reverse("book_csv", args=[cast.csm_a.csm.pk]),
        "book by next touch": reverse("book", args=[cast.csm_a.csm.pk]) + "?sort=touch&due=open",
        "actions for a customer": reverse("book_actions", args=[company.a[0].pk]),
        "balance": reverse("balance"),
        "books as of a day": reverse("books") + "?as_of=2026-11-01",
        "book as of a day": reverse("book", args=[cast.csm_a.csm.pk]) + "?as_of=2026-11-01",
        "balance by CSM": reverse("balance") + "?by=csms",
        "balance of a team": reverse("balance") + f"?team={cast.team_a.pk}",
        "balance as CSV": reverse("balance") + "?format=csv",
        "balance as of a day": reverse("balance") + "?as_of=2026-11-01",
        "headcount": reverse("headcount") + "?growth_pct=10&spent_pct=65",
        "pyramid": reverse("pyramid"),
        "pyramid as of a day": reverse("pyramid") + "?as_of=2026-11-01",
        "pyramid file": reverse("pyramid_finance"),
        "customers": reverse("customers"),
        "customers by ARR": reverse("customers") + "?sort=-arr",
        "customer": reverse("customer", args=[company.a[0].pk]),
        "customer as of a day": reverse("customer", args=[company.a[0].pk]) + "?as_of=2026-11-01",
        "admin customer with reasons": reverse("admin:accounts_customer_change", args=[company.a[0].pk]),
        "runs": reverse("runs"),
        "run": reverse("run", args=[run.pk]) + "?show=first",
        "run progress": reverse("run_progress", args=[run.pk]),
        "plans": reverse("plans"),
        "plan": reverse("plan", args=[plan.pk]),
        "plans side by side": reverse("plan_compare", args=[head.pk]),
        "what people overrule": reverse("override_report"),
        "touches": reverse("touches"),
        "touches coming": reverse("touches") + "?show=coming",
        "touches done": reverse("touches") + "?show=done",
        "calendar": reverse("calendar"),
    }
    for role in ("ops", "manager", "csm_a"):
        client = sign_in(getattr(cast, role))
        for name, address in addresses.items():
            if client.get(address).status_code == 200:
                query_counts.check(
                    f"{name} for {role}", lambda client=client, address=address: client.get(address)
                )


@pytest.mark.parametrize("rows", [2, 20])
def test_pages_of_a_plan_that_moves_customers_ask_equally_often(cast, sign_in, query_counts, rows):
    companies.build(cast, per_book=2)
    made = [CustomerFactory(name=f"New {number}", arr=20_000) for number in range(rows)]
    companies.applied_run(cast)
    plan = companies.proposed_plan(cast)
    Move.objects.filter(plan=plan).update(needs_approval=True, to_csm=cast.csm_a.csm)
    BookPlan.objects.filter(pk=plan.pk).update(status="awaiting_approval")
    move = Move.objects.get(plan=plan, customer=made[0])
    addresses = {
        "plan with moves": reverse("plan", args=[plan.pk]),
        "move of a plan": reverse("plan_move", args=[plan.pk, move.pk]),
        "approvals": reverse("approvals"),
        "approvals decided lately": reverse("approvals") + "?state=decided",
    }
    for role in ("ops", "manager"):
        client = sign_in(getattr(cast, role))
        for name, address in addresses.items():
            assert client.get(address).status_code == 200
            query_counts.check(
                f"{name} for {role}", lambda client=client, address=address: client.get(address)
            )


@pytest.mark.parametrize("rows", [2, 20])
def test_pages_of_handovers_ask_equally_often(cast, sign_in, query_counts, rows):
    """The list, one with its pack, the telling of late ones, and the pages that lead there."""
    company = companies.build(cast, per_book=rows)
    gone = [CsmChange(one.pk, cast.csm_b.csm.pk, cast.csm_a.csm.pk) for one in company.b]
    set_csms(changes=gone, on=TODAY, decision=DecisionSource(Source.MANUAL))
    first = Handover.objects.get(customer=company.b[0])
    addresses = {
        "handovers": reverse("handovers"),
        "handover": reverse("handover", args=[first.pk]),
        "customer with a handover": reverse("customer", args=[company.b[0].pk]),
        "book with handovers": reverse("book", args=[cast.csm_a.csm.pk]),
    }
    for role in ("ops", "manager", "csm_a", "csm_b"):
        client = sign_in(getattr(cast, role))
        for name, address in addresses.items():
            if client.get(address).status_code == 200:
                query_counts.check(
                    f"{name} for {role}", lambda client=client, address=address: client.get(address)
                )
    Handover.objects.update(due_on=TODAY - timedelta(days=9))
    query_counts.check(
        "telling of late handovers", lambda: handovers.tell_of_late_handovers(on=TODAY, at=companies.NOW)
    )


@pytest.mark.parametrize("rows", [2, 20])
def test_objections_ask_equally_often(cast, sign_in, query_counts, rows):
    """The page of who may object, the plan's page with what was said, and the mail of opening and answering."""
    companies.build(cast, per_book=2)
    made = [CustomerFactory(name=f"New {number}", arr=20_000) for number in range(rows)]
    companies.applied_run(cast)
    plan = companies.proposed_plan(cast)
    Move.objects.filter(plan=plan).update(to_csm=cast.csm_a.csm)
    given = {"plan_id": plan.pk, "actor": cast.ops, "at": companies.NOW}
    until = TODAY + timedelta(days=7)
    query_counts.check(
        "opening to objections", lambda: planning.open_objections(until=until, on=TODAY, **given)
    )
    ids = list(Move.objects.filter(plan=plan, customer__in=made).values_list("pk", flat=True))
    for pk in ids:
        said = {"reason_kind": "workload", "words": "Too much", "on": TODAY, "at": companies.NOW}
        planning.object_to_move(move_id=pk, actor=cast.csm_a, **said)
    addresses = {
        "objections": reverse("objections"),
        "plan with objections": reverse("plan", args=[plan.pk]),
        "home with objections": reverse("home"),
    }
    for role in ("ops", "manager", "csm_a"):
        client = sign_in(getattr(cast, role))
        for name, address in addresses.items():
            if client.get(address).status_code == 200:
                query_counts.check(
                    f"{name} for {role}", lambda client=client, address=address: client.get(address)
                )
    query_counts.check(
        "answering objections", lambda: planning.answer_objections(move_ids=ids, words="Still", **given)
    )


@pytest.mark.parametrize("rows", [2, 20])
def test_reviews_of_a_plan_ask_equally_often(cast, query_counts, rows):
    """A change of moves is judged over the whole plan by a fixed number of statements."""
    companies.build(cast, per_book=2)
    for number in range(rows):
        CustomerFactory(name=f"New {number}", arr=20_000)
    companies.applied_run(cast)
    plan = companies.proposed_plan(cast)
    ids = list(plan.moves.values_list("pk", flat=True))
    given = {"plan_id": plan.pk, "move_ids": ids, "actor": cast.ops}
    query_counts.check(
        "refusing moves", lambda: planning.refuse_moves(**given, words="Later", at=companies.NOW)
    )
    query_counts.check("accepting moves", lambda: planning.accept_moves(**given))


@pytest.mark.parametrize("rows", [2, 20])
def test_the_page_of_notices_asks_equally_often(cast, sign_in, query_counts, rows):
    for role in ("ops", "manager", "csm_a"):
        person = getattr(cast, role)
        for number in range(rows):
            said = {"to": [person.pk], "subject": "S", "body": "B", "at": companies.NOW}
            Notice.objects.leave(kind="digest", about=f"digest-{number}", **said)
            Notice.objects.leave(kind="decided", about=f"told-{number}", **said)
        digest = Notice.objects.filter(to=person, kind="digest").order_by("pk").first()
        Notice.objects.filter(to=person, kind="decided").update(told_in=digest)
        client = sign_in(person)
        query_counts.check(f"notices for {role}", lambda client=client: client.get(reverse("notices")))


@pytest.mark.parametrize("rows", [2, 20])
def test_pages_of_scenarios_ask_equally_often(cast, sign_in, query_counts, rows):
    """The list, one with movers and planned books, its form, and two side by side."""
    companies.build(cast, per_book=rows)
    wished = {"engagement": {"as": "wished", "without_a_wish": "highest"}, "books": "planned anew"}
    given = {"words": "", "actor": cast.ops, "at": companies.NOW, "on": TODAY}
    made = [scenarios.ask_scenario(name=f"Asked {n}", definition=wished, **given) for n in range(rows)]
    for one in made[:2]:
        scenarios.compute_scenario(scenario_id=one.pk, owner="test", on=TODAY)
    for one in made:
        scenarios.share_scenario(scenario_id=one.pk, shared=True, actor=cast.ops)
    addresses = {
        "scenarios": reverse("scenarios"),
        "scenario": reverse("scenario", args=[made[0].pk]),
        "scenario progress": reverse("scenario_progress", args=[made[0].pk]),
        "scenario to be asked": reverse("scenario_new"),
        "scenario to be changed": reverse("scenario_change", args=[made[0].pk]),
        "scenarios side by side": reverse("scenario_compare") + f"?s={made[0].pk}&s={made[1].pk}",
    }
    for role in ("ops", "manager"):
        client = sign_in(getattr(cast, role))
        for name, address in addresses.items():
            if client.get(address).status_code == 200:
                query_counts.check(
                    f"{name} for {role}", lambda client=client, address=address: client.get(address)
                )
