"""Where a tier or the goals of a customer change, its touches are planned anew soon after; lost rings cost until the night."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.urls import reverse
from django.utils import timezone

from accounts.models import Customer, Tier
from allocation.models import Schedule, Touch, Work
from allocation.services import retiering, timetable, touches
from allocation.services.overrides import approve_override, request_override
from allocation.services.playbooks import load_playbook
from allocation.tasks.importing import apply_import
from allocation.tasks.overrides import follow, keep_overrides
from allocation.tasks.retiering import apply_retier_run, undo_retier_run
from allocation.tasks.timetable import carry_out_slot
from allocation.tasks.touches import plan_soon, plan_touches
from tests.admin.test_customers import form_of
from tests.factories import TODAY, CustomerFactory, GoalFactory, GoalKindFactory
from tests.importing.test_applying import confirmed
from tests.services.retiering_cast import applied, proposed

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """`clock(day)`: from now on it is that day."""

    def set_to(day):
        monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: day)

    set_to(TODAY)
    return set_to


@pytest.fixture
def rung(monkeypatch):
    """Ids of customers of each ring, in the order of the rings; rings for other tasks are not listened to."""
    heard = []
    monkeypatch.setattr(
        "allocation.tasks.touches.ring", lambda task, **ids: heard.append((task, ids["customer_ids"]))
    )
    monkeypatch.setattr("allocation.tasks.retiering.ring", lambda task, **ids: None)
    return heard


@pytest.fixture
def world(cast):
    """Three customers, two of which a run of today puts into a tier for the first time."""
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    cast.one, cast.other = (CustomerFactory(arr=10_000, csm=cast.csm_a.csm, csm_since=TODAY) for _ in "ab")
    cast.left = CustomerFactory(arr=10_000, status="left")
    return cast


def ids(*customers):
    return sorted(one.pk for one in customers)


def both(world):
    return [(plan_touches, ids(world.one, world.other))]


def say(*words):
    call_command(*words, stdout=StringIO(), stderr=StringIO())


def test_those_whose_tier_a_run_gave_are_planned_when_the_worker_applied_it(world, rung):
    run = proposed(as_of=TODAY, apply_when_proposed=True)
    assert rung == []
    apply_retier_run(run_id=run.pk)
    assert rung == both(world)


def test_the_commands_say_so_too(world, rung):
    say("retier", "--apply")
    assert rung == both(world)
    Customer.objects.filter(pk=world.other.pk).update(arr=900_000)
    run = proposed(as_of=TODAY)
    rung.clear()
    say("run", "apply", str(run.pk))
    assert rung == [(plan_touches, ids(world.other))]
    rung.clear()
    say("undo", "run", str(run.pk))
    assert rung == [(plan_touches, ids(world.other))]


def test_those_who_get_a_tier_back_are_planned_when_the_worker_has_undone_a_run(world, rung):
    applied(as_of=TODAY)
    Customer.objects.filter(pk=world.one.pk).update(arr=900_000)
    run = applied(as_of=TODAY)
    retiering.ask_to_undo_run(run_id=run.pk, actor=world.ops, at=timezone.now())
    undo_retier_run(run_id=run.pk)
    assert rung == [(plan_touches, ids(world.one))]


def held(world, **days):
    asked = request_override(
        customer_id=world.one.pk, tier_id=Tier.objects.get(slug="global").pk, reason_kind="risk",
        words="Their sponsor leaves", actor=world.csm_a, on=TODAY, at=timezone.now(),
        **{"starts_on": TODAY, "expires_on": TODAY + 60 * DAY, **days},
    )  # fmt: skip
    return approve_override(
        override_id=asked.pk, actor=world.manager, words="Agreed", on=TODAY, at=timezone.now()
    )


def test_an_override_that_gave_its_tier_is_followed_by_new_touches(world, rung):
    applied(as_of=TODAY)
    follow([held(world)], on=TODAY, at=timezone.now(), actor_id=None)
    assert rung == [(plan_touches, ids(world.one))]


def test_so_is_one_whose_day_has_come_or_ended(world, rung, clock):
    applied(as_of=TODAY)
    held(world, starts_on=TODAY + DAY)
    assert (keep_overrides(), rung) == ((0, 0), [])
    clock(TODAY + DAY)
    assert keep_overrides() == (1, 0)
    assert rung == [(plan_touches, ids(world.one))]
    clock(TODAY + 60 * DAY)
    assert keep_overrides() == (0, 1)
    assert rung == [(plan_touches, ids(world.one))] * 2


def test_a_goal_opened_or_closed_on_the_customers_page_is_followed(world, rung, sign_in):
    client = sign_in(world.csm_a)
    client.post(reverse("goal_open", args=[world.one.pk]), {"kind": GoalKindFactory().pk, "owner": "", "words": ""})  # fmt: skip
    goal = world.one.goals.get()
    client.post(reverse("goal_change", args=[goal.pk]), {"owner": "", "words": "They renew"})
    assert rung == [(plan_touches, ids(world.one))]
    client.post(reverse("goal_close", args=[goal.pk]))
    assert rung == [(plan_touches, ids(world.one))] * 2


@pytest.mark.parametrize(
    ("change", "rings"), [({"goals-0-ends_before": TODAY}, 1), ({"status": "left"}, 1), ({"arr": "5"}, 0)]
)
def test_so_is_what_the_admin_saves_of_goals_and_status(
    world, rung, sign_in, django_capture_on_commit_callbacks, change, rings
):
    GoalFactory(customer=world.one)
    client = sign_in(world.ops)
    with django_capture_on_commit_callbacks(execute=True):
        sent = form_of(client, world.one) | change
        answer = client.post(f"/admin/accounts/customer/{world.one.pk}/change/", sent)
    assert answer.status_code == 302, answer.context["errors"]
    assert rung == [(plan_touches, ids(world.one))] * rings


def test_so_is_a_goal_in_the_list_of_the_admin(world, rung, sign_in, django_capture_on_commit_callbacks):
    goal, client = GoalFactory(customer=world.one), sign_in(world.ops)
    sent = {"customer": goal.customer_id, "kind": goal.kind_id, "owner": "", "starts_on": goal.starts_on, "ends_before": TODAY, "words": ""}  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(f"/admin/accounts/goal/{goal.pk}/change/", sent).status_code == 302
    assert rung == [(plan_touches, ids(world.one))]


@pytest.mark.parametrize(
    ("file", "planned"),
    [
        ("external_id,goals\n{one},adoption\n", ["one"]),
        ("external_id,status\n{one},left\n{other},active\n", ["one"]),
        ("external_id,arr\n{one},7\n", []),
        ("external_id,name,goals\nnew,New,adoption\n", []),  # it has no tier yet
        ("external_id,goals\n{one},adoption\n{other},adoption\n", ["one", "other"]),
    ],
)
def test_so_are_those_whose_goals_or_status_an_import_changed(world, rung, file, planned):
    batch = confirmed(file.format(one=world.one.external_id, other=world.other.external_id))
    apply_import(batch_id=batch.pk)
    expected = ids(*(getattr(world, name) for name in planned))
    assert rung == ([(plan_touches, expected)] if expected else [])


def test_many_customers_are_several_messages_and_nobody_is_named_twice(rung):
    plan_soon([3, 1, 3, 2])
    plan_soon([])
    plan_soon(range(1, 1202))
    assert [len(found) for _, found in rung] == [3, 500, 500, 201]
    assert rung[0] == (plan_touches, [1, 2, 3])


def test_the_task_plans_those_it_is_told(world):
    applied(as_of=TODAY)
    plan_touches(customer_ids=[world.one.pk])
    assert set(Touch.objects.values_list("customer_id", flat=True)) == {world.one.pk}


def test_a_database_that_is_away_costs_until_the_night(monkeypatch, caplog):
    def away(**given):
        raise OperationalError("gone")

    monkeypatch.setattr(touches, "plan_touches", away)
    plan_touches(customer_ids=[1, 2])
    assert "Touches of 2 customers were not planned (gone)" in caplog.text


def test_the_timetable_plans_everybody_and_says_what_it_did(world):
    applied(as_of=TODAY)
    Schedule.objects.update(enabled=False)  # its time may have come since the test's database was made
    slot = timetable.ask_now(work=Work.TOUCHES, actor_id=None, at=timezone.now())
    carry_out_slot(slot_id=slot.pk)
    slot.refresh_from_db()
    planned = Touch.objects.count()
    assert planned > 10
    assert (slot.status, slot.message) == (
        "done",
        f"3 customers: {planned} touches planned, 0 taken away, 0 changed.",
    )
