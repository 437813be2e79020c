"""The landing page of the admin: what needs doing, each with a sentence and a way there."""

import datetime

import pytest

from accounts.models import CSM, Customer, ExchangeRate, ImportBatch, Tier
from allocation.models import BookPlan, RetierRun, TieringModel
from allocation.selectors.todo import desk
from tests import factories
from tests.admin import world
from tests.factories import TODAY
from tests.queries.counting import queries_of
from tests.rewriting import before_the_triggers

QUERIES_OF_THE_DESK = 14


def todos(user, today=TODAY):
    return {todo.kind: todo for todo in desk(user=user, today=today).todos}


def test_an_empty_installation_says_how_to_begin(cast):
    assert set(todos(cast.ops)) == {"import_customers", "tiering_models"}


def test_nothing_waits_when_everything_is_in_order(cast):
    world.build(cast)
    BookPlan.objects.update(status="applied", applied_at=None)
    Customer.objects.update(arr=1)
    assert set(todos(cast.ops)) == {"overrides_asked"}


def test_gaps_are_counted(cast):
    world.build(cast)
    top = Customer.objects.first().tier
    factories.CustomerFactory.create_batch(3, arr=None)
    factories.CustomerFactory(tier=top, tier_since=TODAY, arr=5)
    factories.CustomerFactory(status="left", arr=None)
    found = todos(cast.ops)
    assert found["without_tier"].title == "3 customers have no tier"
    assert found["without_csm"].title == "1 served customer has no CSM"


def test_a_currency_without_a_near_rate_stands_first(cast):
    world.build(cast)  # has a rate for EUR of today
    factories.CustomerFactory(arr=10, currency="EUR")
    assert "exchange_rates" not in todos(cast.ops)
    factories.CustomerFactory(arr=10, currency="CHF")
    factories.CustomerFactory(arr=None, currency="SEK")  # no amount, so no rate is needed
    first = desk(user=cast.ops, today=TODAY).todos[0]
    assert (first.kind, first.tone, first.title) == ("exchange_rates", "bad", "No exchange rate for CHF")


def test_a_rate_is_near_for_seven_days_and_not_for_eight(cast):
    world.build(cast)
    ExchangeRate.objects.all().delete()
    factories.CustomerFactory(arr=10, currency="CHF")
    for days, missing in ((7, False), (8, True)):
        ExchangeRate.objects.all().delete()
        ExchangeRate.objects.create(currency="EUR", day=TODAY, rate=1, base="USD")
        day = TODAY - datetime.timedelta(days=days)
        ExchangeRate.objects.create(currency="CHF", day=day, rate=1, base="USD")
        assert ("exchange_rates" in todos(cast.ops)) is missing


def test_proposals_imports_and_leavers_wait_for_somebody(cast):
    found = world.build(cast)
    RetierRun.objects.create(as_of=TODAY, tiering_model=found.model, status="awaiting_approval")
    ImportBatch.objects.create(kind="customers", file_name="a.csv", sha256="1" * 64, status="staged")
    CSM.objects.filter(pk=found.csm.pk).update(leaves_on=TODAY + datetime.timedelta(days=30))
    waiting = todos(cast.ops)
    assert waiting["run"].title.endswith("awaits a manager's approval")
    assert waiting["plan"].title.endswith("is proposed")
    assert waiting["imports"].title == "1 import waits for your confirmation"
    assert waiting["leavers"].title == "1 CSM who leaves still has customers"


def test_open_proposals_wait_however_many_runs_came_after(cast):
    """Each goal that is opened or closed makes a run: the full one that waits must not fall off the list."""
    model = world.build(cast).model
    full = RetierRun.objects.create(as_of=TODAY, tiering_model=model, status="proposed")
    for _ in range(12):
        RetierRun.objects.create(as_of=TODAY, tiering_model=model, status="applied", scope="goals")
    goals = RetierRun.objects.create(
        as_of=TODAY,
        tiering_model=model,
        status="proposed",
        scope="goals",
        summary={"moves": 1, "first_tiers": 2},
    )
    found = {todo.pk: todo for todo in desk(user=cast.ops, today=TODAY).todos if todo.kind == "run"}
    assert set(found) == {full.pk, goals.pk}
    assert found[full.pk].title == f"Full re-tiering run {full.pk} is proposed"
    assert "1 customer changes tier, 2 get a first one" in found[goals.pk].words


@pytest.mark.parametrize(
    ("scope", "wished", "summary", "asks"),
    [
        ("goals", False, {"moves": 0, "first_tiers": 0}, False),
        ("goals", False, {"moves": 1, "first_tiers": 0}, True),
        ("goals", False, {"moves": 0, "first_tiers": 1}, True),
        # Refused down to nothing: who refused says what becomes of the run.
        ("goals", False, {"moves": 2, "refused_moves": 2, "first_tiers": 0}, True),
        ("goals", True, {"moves": 0, "first_tiers": 0}, True),  # accepted, and about to be applied
        (
            "full",
            False,
            {"moves": 0, "first_tiers": 0},
            True,
        ),  # a yearly full run counts as done once it is applied
    ],
)
def test_a_goals_run_that_changes_nobody_asks_nobody_for_anything(cast, scope, wished, summary, asks):
    model = world.build(cast).model
    run = RetierRun.objects.create(
        as_of=TODAY,
        tiering_model=model,
        status="proposed",
        scope=scope,
        summary=summary,
        apply_when_proposed=wished,
    )
    found = desk(user=cast.ops, today=TODAY)
    assert (run.pk in {todo.pk for todo in found.todos if todo.kind == "run"}) is asks
    assert run in found.recent_runs


def test_a_goals_run_that_is_being_computed_is_listed_though_it_has_found_nothing_yet(cast):
    model = world.build(cast).model
    run = RetierRun.objects.create(as_of=TODAY, tiering_model=model, status="computing", scope="goals")
    assert todos(cast.ops)["run"].pk == run.pk


@pytest.mark.parametrize(("days", "due"), [(364, False), (365, True)])
def test_the_next_full_run_is_due_a_year_after_the_last(cast, days, due):
    world.build(cast)  # with an applied full run
    with before_the_triggers("allocation_retierrun"):
        RetierRun.objects.update(as_of=TODAY - datetime.timedelta(days=days))
    # What is proposed, or about goals only, is no full run of the company.
    model = TieringModel.objects.get()
    RetierRun.objects.create(as_of=TODAY, tiering_model=model, status="proposed")
    RetierRun.objects.create(as_of=TODAY, tiering_model=model, status="applied", scope="goals")
    found = todos(cast.ops)
    assert ("full_run" in found) is due
    if due:
        assert (
            found["full_run"].words
            == "The last one was as of 22 Nov 2025, so the next was due on 22 Nov 2026."
        )


def test_how_often_a_full_run_is_due_is_a_setting(cast, settings):
    world.build(cast)
    with before_the_triggers("allocation_retierrun"):
        RetierRun.objects.update(as_of=TODAY - datetime.timedelta(days=30))
    assert "full_run" not in todos(cast.ops)
    settings.FULL_RUN_EVERY_DAYS = 30
    assert "full_run" in todos(cast.ops)


def test_before_the_first_full_run_none_is_overdue(cast):
    world.build(cast)
    RetierRun.objects.update(status="failed")
    assert "full_run" not in todos(cast.ops)


def test_after_another_model_is_published_a_full_run_by_it_is_asked_for(cast):
    """An applied run of the version before, or a goals run of this one, looked at nobody by these rules."""
    world.build(cast)
    TieringModel.objects.update(status="retired")
    model = TieringModel.objects.create(
        number=7, name="Next", definition=world.DEFINITION, status="published"
    )
    RetierRun.objects.create(as_of=TODAY, tiering_model=model, status="applied", scope="goals")
    asked = todos(cast.ops)["full_run_of_model"]
    assert asked.title == "Version 7 was published, and no full run was applied since"
    run = RetierRun.objects.create(as_of=TODAY, tiering_model=model, status="proposed")
    assert "full_run_of_model" not in todos(cast.ops)  # the run itself stands there
    RetierRun.objects.filter(pk=run.pk).update(status="undone")
    assert "full_run_of_model" in todos(cast.ops)
    RetierRun.objects.filter(pk=run.pk).update(status="applied")
    assert "full_run_of_model" not in todos(cast.ops)


def test_customers_in_a_tier_no_longer_in_use_are_counted_and_listed(cast, sign_in):
    found = world.build(cast)
    factories.CustomerFactory(tier=found.top, tier_since=TODAY, status="left")
    assert "retired_tier" not in todos(cast.ops)
    Tier.objects.filter(pk=found.top.pk).update(retired=True)
    assert todos(cast.ops)["retired_tier"].title == "2 customers hold a tier no longer in use"
    client = sign_in(cast.ops)
    urls = {entry["todo"].kind: entry["url"] for entry in client.get("/admin/").context["todos"]}
    assert client.get(urls["retired_tier"]).context["cl"].result_count == 2
    pages = {entry["title"]: entry["url"] for entry in client.get("/").context["todos"]}
    listed = client.get(pages["2 customers hold a tier no longer in use"])
    assert listed.context["page"].paginator.count == 2


def asked_of_the_desk(cast):
    """At the second look: at the first PostgreSQL reads who was written since."""
    desk(user=cast.ops, today=TODAY)
    return len(queries_of(lambda: desk(user=cast.ops, today=TODAY)))


def test_the_desk_asks_as_often_whatever_the_size(cast):
    world.build(cast, customers=2)
    factories.CustomerFactory(arr=1, currency="CHF")
    assert cast.ops.is_ops  # the role is read once a request, before the page asks anything
    few = asked_of_the_desk(cast)
    factories.CustomerFactory.create_batch(20, arr=1, currency="CHF")
    model = TieringModel.objects.get()
    for _ in range(5):
        RetierRun.objects.create(as_of=TODAY, tiering_model=model, status="proposed")
    assert asked_of_the_desk(cast) == few
    assert few == QUERIES_OF_THE_DESK


def test_every_todo_leads_somewhere(cast, sign_in):
    found = world.build(cast)
    factories.CustomerFactory(arr=None)
    factories.CustomerFactory(arr=1, currency="CHF")
    factories.CustomerFactory(tier=found.top, tier_since=TODAY)
    CSM.objects.update(leaves_on=TODAY)
    ImportBatch.objects.update(status="staged")
    ImportBatch.objects.create(kind="csms", file_name="b.csv", sha256="2" * 64, status="asking")
    with before_the_triggers("allocation_retierrun"):
        RetierRun.objects.update(as_of=TODAY - datetime.timedelta(days=400))
    client = sign_in(cast.ops)
    assert "/runs/" in [entry["url"] for entry in client.get("/admin/").context["todos"]]
    RetierRun.objects.all().update(status="failed")
    Tier.objects.update(retired=True)
    urls = {entry["todo"].kind: entry["url"] for entry in client.get("/admin/").context["todos"]}
    assert urls["full_run_of_model"] == "/runs/"
    assert client.get(urls["retired_tier"]).status_code == 200
    TieringModel.objects.update(status="retired")
    entries = client.get("/admin/").context["todos"]
    assert len(entries) >= 8
    for entry in entries:
        assert entry["url"], entry["todo"].kind
        assert client.get(entry["url"]).status_code == 200, entry
