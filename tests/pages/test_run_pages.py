"""Runs: start, follow, look, apply, discard, approve."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import Customer
from allocation.models import RetierRun, RunStatus, TieringModel
from allocation.tasks.retiering import apply_retier_run, propose_retier_run
from tests.factories import TODAY, CustomerFactory
from tests.pages.company import proposed_run, refreshed
from tests.pages.reading import plain, read
from tests.rewriting import before_the_triggers


@pytest.fixture
def rung(monkeypatch):
    """The bells that were rung: (task, ids)."""
    bells = []
    monkeypatch.setattr("allocation.views.acting.ring", lambda task, **ids: bells.append((task, ids)))
    return bells


def test_starting_a_run_writes_the_row_and_rings(company, sign_in, rung):
    response = sign_in(company.cast.ops).post(reverse("retier_start"), {"scope": "goals"})
    run = RetierRun.objects.latest("pk")
    assert response.url == reverse("run", args=[run.pk])
    assert (run.status, run.scope, run.as_of, run.requested_by) == (
        "queued",
        "goals",
        TODAY,
        company.cast.ops,
    )
    assert rung == [(propose_retier_run, {"run_id": run.pk})]


def test_a_bare_button_starts_a_full_run_as_of_today(company, sign_in, rung):
    sign_in(company.cast.ops).post(reverse("retier_start"))
    run = RetierRun.objects.latest("pk")
    assert (run.scope, run.as_of) == ("full", TODAY)


def test_a_second_start_leads_to_the_run_that_is_under_way(company, sign_in, rung):
    client = sign_in(company.cast.ops)
    first, second = (client.post(reverse("retier_start"), follow=True) for _ in range(2))
    assert first.redirect_chain == second.redirect_chain
    assert "is being computed already" in read(second).words
    assert len(rung) == 1


@pytest.mark.parametrize(
    ("posted", "sentence"),
    [
        ({"as_of": "2026-11-23"}, "Choose today or a day in the past."),
        ({"as_of": "soon"}, "Enter a valid date."),
        ({"scope": "everything"}, "Select a valid choice."),
        ({"as_of": "2026-11-01"}, "was applied already"),  # before the last applied run
    ],
)
def test_what_cannot_be_started_is_refused_with_a_sentence(company, sign_in, rung, posted, sentence):
    response = sign_in(company.cast.ops).post(reverse("retier_start"), posted, follow=True)
    assert sentence in read(response).words
    assert RetierRun.objects.count() == 1
    assert rung == []


def test_without_a_published_model_the_page_says_so_and_has_no_button(company, sign_in, rung):
    TieringModel.objects.update(status="retired")
    client = sign_in(company.cast.ops)
    assert "No tiering model is published" in read(client.post(reverse("retier_start"), follow=True)).words
    page = read(client.get(reverse("runs")))
    assert "Propose tiers" not in page.words


def test_a_busy_run_shows_how_far_it_is_with_and_without_scripts(company, sign_in):
    run = proposed_run(company.cast)
    RetierRun.objects.filter(pk=run.pk).update(
        status="computing", progress_done=30, progress_total=120, message="Deciding customers"
    )
    client = sign_in(company.cast.ops)
    address = reverse("run", args=[run.pk])
    page = read(client.get(address))
    assert "Deciding customers 30 of 120" in page.words
    assert any(bar.get("max") == "120" and bar.get("value") == "30" for bar in page.of("progress"))
    assert address in page.links()  # "Look again"
    assert any(script.get("src", "").endswith("progress.js") for script in page.of("script"))
    told = client.get(reverse("run_progress", args=[run.pk])).json()
    assert told == {
        "status": "computing", "done": 30, "total": 120, "message": "Deciding customers", "finished": False,
        "note": "The run waits for a worker. No worker has been heard of yet; it starts by itself when one is there.",
    }  # fmt: skip


def test_a_finished_run_asks_nothing_more(company, sign_in):
    client = sign_in(company.cast.ops)
    assert client.get(reverse("run_progress", args=[company.run.pk])).json()["finished"] is True
    page = read(client.get(reverse("run", args=[company.run.pk])))
    assert not any(script.get("src", "").endswith("progress.js") for script in page.of("script"))


@pytest.fixture
def moved(company):
    """A proposal in which one Scale customer of each book has grown into Enterprise."""
    for customer in (company.a[2], company.b[2]):
        Customer.objects.filter(pk=customer.pk).update(arr=Decimal(400_000))
    return proposed_run(company.cast)


def test_moves_say_from_where_to_where_and_why(company, sign_in, moved):
    words = plain(read(sign_in(company.cast.ops).get(reverse("run", args=[moved.pk]))).shown)
    assert "Change tier 2 2 up, 0 down" in words
    assert "Changes 2" in words
    row = words[words.index("Alpha customer 002 Alpha-002") :]
    assert "3 Scale → 2 Enterprise ▲ up" in row
    assert "ARR ≥ 150,000" in row


def test_the_table_of_tiers_before_and_after_adds_up(company, sign_in, moved):
    figures = sign_in(company.cast.ops).get(reverse("run", args=[moved.pk])).context["figures"]
    # 4 a book: 2 Global, 1 Enterprise, 1 Scale; the Scale one moves
    assert [(line.tier.slug, line.before, line.after) for line in figures.tiers] == [
        ("global", 4, 4),
        ("enterprise", 2, 4),
        ("scale", 2, 0),
    ]


def test_rows_are_filtered_within_their_tab(company, sign_in, moved):
    client = sign_in(company.cast.ops)
    address = reverse("run", args=[moved.pk])
    response = client.get(address, {"show": "moves", "q": "Alpha"})
    assert [row.name for row in response.context["rows"]] == ["Alpha customer 002"]
    assert "No row fits these filters" in read(client.get(address, {"show": "moves", "q": "nobody"})).words


def test_what_a_guard_held_back_stands_in_its_own_tab(company, sign_in):
    # 153 000 is above the bound of 150 000, but within its 5 %: the dead band keeps the tier.
    Customer.objects.filter(pk=company.a[2].pk).update(arr=Decimal(153_000))
    run = proposed_run(company.cast)
    client = sign_in(company.cast.ops)
    words = plain(read(client.get(reverse("run", args=[run.pk]), {"show": "held"})).words)
    assert "Held back by a guard 1" in words
    assert "Alpha customer 002" in words
    assert "suggested: Enterprise" in words
    assert "Dead band" in words


def test_applying_keeps_the_wish_and_rings(company, sign_in, rung, moved):
    client = sign_in(company.cast.ops)
    response = client.post(reverse("run_apply", args=[moved.pk]), follow=True)
    run = refreshed(moved)
    assert (run.status, run.apply_when_proposed, run.applied_by) == ("proposed", True, company.cast.ops)
    assert rung == [(apply_retier_run, {"run_id": run.pk})]
    words = read(response).words
    assert "It is about to be applied." in words
    assert client.get(reverse("run_progress", args=[run.pk])).json()["finished"] is False


def test_applying_twice_rings_once(company, sign_in, rung, moved):
    client = sign_in(company.cast.ops)
    client.post(reverse("run_apply", args=[moved.pk]))
    assert (
        "about to be applied already"
        in read(client.post(reverse("run_apply", args=[moved.pk]), follow=True)).words
    )
    assert len(rung) == 1


def test_skipped_customers_are_listed_after_the_applying(company, sign_in, moved):
    from allocation.services import retiering
    from tests.pages.company import NOW

    Customer.objects.filter(pk=company.a[2].pk).update(arr=Decimal(500_000))
    retiering.apply_run(run_id=moved.pk, owner="test", at=NOW, actor_id=company.cast.ops.pk)
    words = read(sign_in(company.cast.ops).get(reverse("run", args=[moved.pk]), {"show": "skipped"})).words
    assert "1 customer was skipped" in words
    assert "Its facts changed after the snapshot." in words


def test_discarding_changes_no_customer(company, sign_in, rung, moved):
    response = sign_in(company.cast.ops).post(reverse("run_discard", args=[moved.pk]), follow=True)
    assert refreshed(moved).status == RunStatus.DISCARDED
    assert "no customer was changed" in read(response).words
    again = sign_in(company.cast.ops).post(reverse("run_discard", args=[moved.pk]), follow=True)
    assert "cannot be discarded" in read(again).words


@pytest.fixture
def over_limit(company):
    """30 tiered customers that all grow: above 5 % and above 20."""
    made = [CustomerFactory(name=f"Grower {number:02d}", arr=Decimal(20_000)) for number in range(30)]
    from tests.pages.company import applied_run

    applied_run(company.cast)
    Customer.objects.filter(pk__in=[customer.pk for customer in made]).update(arr=Decimal(400_000))
    run = proposed_run(company.cast)
    assert run.status == RunStatus.AWAITING_APPROVAL
    return run


def test_a_run_over_the_limit_is_approved_by_a_manager(company, sign_in, rung, over_limit):
    ops, manager = sign_in(company.cast.ops), sign_in(company.cast.manager)
    address = reverse("run", args=[over_limit.pk])
    page = read(ops.get(address))
    assert "A manager has to approve it" in page.words
    assert not [form for form in page.of("form") if "apply" in form.get("action", "")]
    refused = read(ops.post(reverse("run_apply", args=[over_limit.pk]), follow=True))
    assert "a manager has to approve it first" in refused.words
    assert f"Run {over_limit.pk} waits for a manager's approval" in read(manager.get(reverse("home"))).words
    shown = read(manager.get(address))
    assert "CS ops apply it then" in shown.words
    names = ("moves", "version")
    seen = {box["name"]: box["value"] for box in shown.of("input") if box.get("name") in names}
    assert seen == {"moves": "30", "version": "0"}
    for stale in (
        {},
        {**seen, "moves": "29"},
        {**seen, "moves": "x"},
        {**seen, "version": "1"},
        {"moves": "30"},
    ):
        read(manager.post(reverse("run_approve", args=[over_limit.pk]), stale, follow=True))
        assert refreshed(over_limit).status == RunStatus.AWAITING_APPROVAL
    approved = read(manager.post(reverse("run_approve", args=[over_limit.pk]), seen, follow=True))
    assert "CS ops can apply it now" in approved.words
    run = refreshed(over_limit)
    assert (run.status, run.approved_by) == (RunStatus.PROPOSED, company.cast.manager)
    assert [form for form in read(ops.get(address)).of("form") if "apply" in form.get("action", "")]


def test_nobody_approves_the_own_run(company, sign_in, over_limit):
    from django.contrib.auth.models import Group

    company.cast.ops.groups.add(Group.objects.get(name="Manager"))
    client = sign_in(company.cast.ops)
    assert client.post(reverse("run_approve", args=[over_limit.pk])).status_code == 403
    assert refreshed(over_limit).status == RunStatus.AWAITING_APPROVAL
    assert "somebody else has to approve it" in read(client.get(reverse("run", args=[over_limit.pk]))).words


@pytest.mark.parametrize(
    ("status", "sentence"),
    [("failed", "The run failed: No rate"), ("stale", "This proposal is stale: No rate")],
)
def test_a_run_that_came_to_nothing_says_why(company, sign_in, status, sentence):
    RetierRun.objects.filter(pk=company.run.pk).update(status=status, message="No rate")
    assert sentence in read(sign_in(company.cast.ops).get(reverse("run", args=[company.run.pk]))).words


@pytest.mark.parametrize(
    ("days_ago", "words"),
    [
        (1, "The last full run was as of 21 Nov 2026; the next is due on 21 Nov 2027."),
        (365, "The last full run was as of 22 Nov 2025; the next is due since 22 Nov 2026."),
    ],
)
def test_the_form_says_when_the_next_full_run_is_due(company, sign_in, days_ago, words):
    with before_the_triggers("allocation_retierrun"):
        RetierRun.objects.update(as_of=TODAY - timedelta(days=days_ago))
    page = read(sign_in(company.cast.ops).get(reverse("runs")))
    assert words in page.words.replace(" .", ".")
    scopes = [option for option in page.of("option") if option.get("value") in {"full", "goals"}]
    assert scopes[0]["value"] == "full"  # so it is what a bare press of the button starts


def test_the_list_of_runs_filters_by_status(company, sign_in):
    proposed_run(company.cast)
    client = sign_in(company.cast.ops)
    assert [run.pk for run in client.get(reverse("runs"), {"status": "applied"}).context["rows"]] == [
        company.run.pk
    ]
    assert len(client.get(reverse("runs")).context["rows"]) == 2
    assert "No run fits these filters" in read(client.get(reverse("runs"), {"status": "failed"})).words


def test_the_list_says_how_many_change_tier(company, sign_in, moved):
    queued = RetierRun.objects.create(as_of=TODAY, tiering_model=company.run.tiering_model, scope="goals")
    words = plain(read(sign_in(company.cast.ops).get(reverse("runs"))).words)
    for run, found in ((queued, "–"), (moved, "2"), (company.run, "0 8 first tiers")):
        row = words[words.index(f"Run {run.pk} {run.get_status_display()}") :]
        assert f"22 Nov 2026 {run.get_scope_display()} {found} Version" in row[:90], run


def test_without_runs_the_page_says_what_one_is(cast, sign_in):
    assert "No run yet" in read(sign_in(cast.manager).get(reverse("runs"))).words


def test_a_manager_is_told_how_many_change_in_all_before_approving(company, sign_in, moved):
    RetierRun.objects.filter(pk=moved.pk).update(status="awaiting_approval", over_limit=True)
    page = read(sign_in(company.cast.manager).get(reverse("run", args=[moved.pk])))
    words = plain(page.words)
    assert "This run moves 2 of 8 customers" in words
    assert (
        "You see the customers of your teams: 1 of the 2 changes of tier that this run would make." in words
    )
    asked = [form.get("data-confirm", "") for form in page.of("form")]
    assert "Approve this run? 2 customers would change tier, 1 of them in your teams." in asked
