"""Goals in the admin, on the customer's page and in the list: what a run reads leads to a goals run after the save."""

import pytest

from accounts.models import Goal
from allocation.models import RetierRun
from allocation.tasks.retiering import propose_retier_run
from tests import factories
from tests.admin import world
from tests.admin.test_customers import form_of
from tests.factories import TODAY


@pytest.fixture
def rung(monkeypatch):
    bells = []
    monkeypatch.setattr("allocation.tasks.retiering.ring", lambda task, **ids: bells.append((task, ids)))
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)
    return bells


@pytest.fixture
def save(cast, sign_in, rung, django_capture_on_commit_callbacks):
    """`save(customer, **changes)` sends the customer's page; what waits for the commit happens then."""
    client = sign_in(cast.ops)

    def saved(customer, **changes):
        sent = form_of(client, customer) | {name.replace("__", "-"): value for name, value in changes.items()}
        with django_capture_on_commit_callbacks(execute=True):
            return client.post(f"/admin/accounts/customer/{customer.pk}/change/", sent)

    return saved


def goals_runs():
    return RetierRun.objects.filter(scope="goals")


def new_goal(kind, **more):
    """A row of the inline beside the goal that is there."""
    row = {"kind": kind.pk, "starts_on": TODAY, "ends_before": "", "owner": "", "words": "", **more}
    return {"goals__TOTAL_FORMS": 2} | {f"goals__1__{name}": value for name, value in row.items()}


def test_a_goal_opened_on_the_customers_page_leads_to_a_goals_run(cast, save, rung):
    customer = world.build(cast).customer
    response = save(customer, **new_goal(factories.GoalKindFactory()))
    assert response.status_code == 302, response.context["errors"]
    assert Goal.objects.filter(customer=customer).count() == 2
    run = goals_runs().get()
    assert (run.as_of, run.requested_by, run.status) == (TODAY, cast.ops, "queued")
    assert rung == [(propose_retier_run, {"run_id": run.pk})]


@pytest.mark.parametrize(
    ("change", "runs"),
    [
        ({"goals__0__ends_before": TODAY}, 1),
        ({"goals__0__words": "They renew"}, 0),  # no rule reads it
        ({"arr": "5"}, 0),  # no goal
    ],
)
def test_a_goals_run_follows_what_a_rule_may_read(cast, save, rung, change, runs):
    customer = world.build(cast).customer
    response = save(customer, **change)
    assert response.status_code == 302, response.context["errors"]
    assert (goals_runs().count(), len(rung)) == (runs, runs)


def test_another_kind_is_a_change_too(cast, save):
    found = world.build(cast)
    other = factories.GoalKindFactory()
    assert save(found.customer, goals__0__kind=other.pk).status_code == 302
    assert Goal.objects.get(pk=found.goal.pk).kind == other
    assert goals_runs().count() == 1


def test_the_run_waits_for_the_commit(cast, sign_in, rung, django_capture_on_commit_callbacks):
    """A run that started within the transaction would not see the goal it is about."""
    found, client = world.build(cast), sign_in(cast.ops)
    sent = form_of(client, found.customer) | {"goals-0-ends_before": TODAY}
    with django_capture_on_commit_callbacks() as waiting:
        client.post(f"/admin/accounts/customer/{found.customer.pk}/change/", sent)
    assert (goals_runs().count(), len(waiting)) == (0, 1)


@pytest.mark.parametrize("retired", [True, False])
def test_a_retired_kind_cannot_be_opened(cast, save, retired):
    customer = world.build(cast).customer
    response = save(customer, **new_goal(factories.GoalKindFactory(retired=retired)))
    assert response.status_code == (200 if retired else 302)
    assert Goal.objects.count() == (1 if retired else 2)
    assert ("is retired: choose one" in response.content.decode()) is retired


def test_a_goal_whose_kind_was_retired_since_can_be_closed(cast, save):
    found = world.build(cast)
    found.goal.kind.retired = True
    found.goal.kind.save()
    assert save(found.customer, goals__0__ends_before=TODAY).status_code == 302
    assert Goal.objects.get().ends_before == TODAY


def test_two_open_goals_of_a_kind_are_refused_with_the_page(cast, save):
    found = world.build(cast)
    kind = factories.GoalKindFactory(name="Expansion")
    both = new_goal(kind) | {
        "goals__TOTAL_FORMS": 3, "goals__2__kind": kind.pk, "goals__2__starts_on": TODAY,
    }  # fmt: skip
    response = save(found.customer, **both)
    assert "Two open goals are of one kind: Expansion." in response.content.decode()
    beside_the_one_there = save(found.customer, **new_goal(found.goal.kind))
    assert beside_the_one_there.status_code == 200
    assert Goal.objects.count() == 1


def test_a_goal_cannot_be_deleted_anywhere(cast, sign_in):
    found, client = world.build(cast), sign_in(cast.ops)
    assert (
        "goals-0-DELETE"
        not in client.get(f"/admin/accounts/customer/{found.customer.pk}/change/").content.decode()
    )
    assert client.get(f"/admin/accounts/goal/{found.goal.pk}/delete/").status_code == 403


@pytest.mark.parametrize(("field", "value", "runs"), [("ends_before", TODAY, 1), ("words", "More", 0)])
def test_the_list_of_goals_leads_to_a_run_as_well(
    cast, sign_in, rung, django_capture_on_commit_callbacks, field, value, runs
):
    goal, client = world.build(cast).goal, sign_in(cast.ops)
    sent = {
        "customer": goal.customer_id, "kind": goal.kind_id, "owner": "", "starts_on": goal.starts_on,
        "ends_before": "", "words": "", field: value,
    }  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(f"/admin/accounts/goal/{goal.pk}/change/", sent).status_code == 302
    assert (goals_runs().count(), len(rung)) == (runs, runs)


def test_a_goal_opened_in_the_list_leads_to_a_run(cast, sign_in, rung, django_capture_on_commit_callbacks):
    found, client = world.build(cast), sign_in(cast.ops)
    sent = {
        "customer": found.customer.pk, "kind": factories.GoalKindFactory().pk, "owner": "",
        "starts_on": TODAY, "ends_before": "", "words": "",
    }  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/admin/accounts/goal/add/", sent).status_code == 302
    assert (goals_runs().count(), len(rung)) == (1, 1)
