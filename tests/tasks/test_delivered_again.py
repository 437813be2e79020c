"""A task that is delivered three times leaves the same database as one that is delivered once. For every task.

A broker may hand a message out again at any time. A new task needs a line in WORK: what there is for it to do.
"""

from datetime import timedelta

import numpy as np
import pytest
from django.apps import apps
from django.core import mail
from django.utils import timezone

from accounts.models import Customer
from allocation.engine.assignment import Group
from allocation.engine.assignment_steps import Begin, pack_group, pack_step
from allocation.engine.books_objective import Measures
from allocation.models import BookPlan, Notice, PlanPiece, RetierRun, Schedule, TieringModel, Work
from allocation.services import importing, planning, retiering, scenarios, sensitivity, timetable
from allocation.services.playbooks import load_playbook
from allocation.tasks import bell
from cstiers.celery import app
from tests.factories import GoalFactory
from tests.importing.test_applying import confirmed, numbered
from tests.services import plan_cast, retiering_cast
from tests.services.retiering_cast import customer

pytestmark = pytest.mark.django_db

# Signs of life are written whenever somebody is alive; sheets of figures say once more what customers say.
BESIDE = {"Pulse", "FigureSheet", "FigureMark"}


def dump():
    """Every row of the project, to the byte."""
    models = [
        model for label in ("accounts", "allocation") for model in apps.get_app_config(label).get_models()
    ]
    return {
        model.__name__: list(model._default_manager.order_by("pk").values())
        for model in models
        if model.__name__ not in BESIDE
    }


def _today():
    return timezone.localdate()


def _company(cast):
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    for arr in (800000, 200000, 10):
        customer(arr)


def _some_customers(cast):
    _company(cast)
    return {}


def _queued_run(cast):
    _company(cast)
    return {"run_id": retiering.queue_run(as_of=_today(), at=timezone.now()).pk}


def _wished_run(cast):
    _company(cast)
    run = retiering_cast.proposed(as_of=_today(), apply_when_proposed=True)
    return {"run_id": run.pk}


def _run_to_undo(cast):
    _company(cast)
    run = retiering_cast.applied(as_of=_today())
    retiering.ask_to_undo_run(run_id=run.pk, actor=cast.ops, at=timezone.now() - timedelta(seconds=1))
    return {"run_id": run.pk}


def _queued_plan(cast):
    plan_cast.books(cast)
    return {"plan_id": planning.queue_plan(as_of=_today(), seed=1, actor=None).pk}


def _piece(cast):
    """Of a plan that somebody computes: the prices of a group of two CSMs."""
    plan_cast.books(cast)
    plan = planning.queue_plan(as_of=_today(), seed=1, actor=None)
    BookPlan.objects.claim(plan.pk, owner="runner", waiting=["queued"], working="computing")
    one = np.ones((3, 1))
    scale = Measures(one.T, np.ones((1, 2)), np.ones((1, 2)), np.ones(1), np.zeros(1))
    group = Group(np.zeros((3, 2)), one, np.full(2, 9.0), np.zeros(3, np.int64), np.full((2, 1), 9), scale)
    step = Begin(group, np.zeros(3, np.int64))
    piece = PlanPiece.objects.create(
        plan=plan, number=0, group=pack_group(group), asked=pack_step(step), digest="0" * 64
    )
    return {"piece_id": piece.pk}


def _wished_plan(cast):
    plan_cast.books(cast)
    return {"plan_id": plan_cast.proposed(as_of=_today(), apply_when_proposed=True).pk}


def _plan_to_undo(cast):
    plan_cast.books(cast)
    plan = plan_cast.applied(plan_cast.proposed())
    planning.ask_to_undo_plan(plan_id=plan.pk, actor=cast.ops, at=timezone.now() - timedelta(seconds=1))
    return {"plan_id": plan.pk}


def _received(cast):
    batch = importing.receive_import(
        kind="customers", file_name="a.csv", data=numbered(5).encode(), wishes=importing.Wishes(),
        all_or_nothing=False, user=None,
    )  # fmt: skip
    return {"batch_id": batch.pk}


def _confirmed(cast):
    return {"batch_id": confirmed(numbered(5)).pk}


def _all_is_due(cast):
    """The time of every kind of work has come."""
    Schedule.objects.update(since=timezone.now() - timedelta(days=800))
    return {}


def _slot(cast):
    """A goals run is due, since a goal began."""
    _company(cast)
    retiering_cast.applied(as_of=_today() - timedelta(days=5))
    GoalFactory(customer=customer(10), starts_on=_today())
    Schedule.objects.update(enabled=False)  # its time may have come since the test's database was made
    return {"slot_id": timetable.ask_now(work=Work.GOALS_RUN, actor_id=None, at=timezone.now()).pk}


def _waiting_run(cast):
    _company(cast)
    run = retiering_cast.proposed(as_of=_today())
    RetierRun.objects.filter(pk=run.pk).update(status="awaiting_approval", over_limit=True)
    return {}


def _asked(cast):
    _company(cast)
    row = scenarios.ask_scenario(
        name="As wished",
        words="",
        definition={"engagement": {"as": "wished"}},
        actor=cast.ops,
        at=timezone.now(),
        on=_today(),
    )
    return {"scenario_id": row.pk}


def _low_touch(cast):
    _company(cast)
    retiering_cast.applied(as_of=_today())
    return {"customer_ids": list(Customer.objects.order_by("pk").values_list("pk", flat=True))}


def _notice(cast):
    Notice.objects.leave(
        to=[cast.ops.pk], kind=Notice.Kind.DECIDED, about="one", subject="A", body="B", at=timezone.now()
    )
    return {}


def _left_behind(cast):
    _queued_run(cast)
    RetierRun.objects.update(queued_at=timezone.now() - timedelta(hours=1))
    return {}


def _queued_sensitivity(cast):
    _company(cast)
    model = TieringModel.objects.published().get()
    return {
        "sensitivity_id": sensitivity.ask_sensitivity(
            model_id=model.pk, actor=cast.ops, on=_today(), at=timezone.now()
        ).pk
    }


# Task: what there is to do, and the ids it is told.
WORK = {
    "allocation.propose_retier_run": _queued_run,
    "allocation.apply_retier_run": _wished_run,
    "allocation.undo_retier_run": _run_to_undo,
    "allocation.propose_book_plan": _queued_plan,
    "allocation.compute_plan_piece": _piece,
    "allocation.apply_book_plan": _wished_plan,
    "allocation.undo_book_plan": _plan_to_undo,
    "allocation.compute_scenario": _asked,
    "allocation.compute_sensitivity": _queued_sensitivity,
    "allocation.stage_import": _received,
    "allocation.apply_import": _confirmed,
    "allocation.keep_timetable": _all_is_due,
    "allocation.carry_out_slot": _slot,
    "allocation.tell_who_decides": _waiting_run,
    "allocation.plan_touches": _low_touch,
    "allocation.send_notices": _notice,
    "allocation.sweep": _left_behind,
    "allocation.write_figures": _some_customers,
}
# Which only ring for others, or write what stands beside: with the ringing switched off they change nothing else.
RING_ONLY = {"allocation.sweep", "allocation.write_figures"}


@pytest.fixture(autouse=True)
def rung(monkeypatch):
    """The bell is heard by nobody: what is looked at is the task alone."""
    heard = []
    monkeypatch.setattr(bell, "_publish", lambda task, ids: heard.append((task.name, ids)))
    return heard


def test_every_task_has_a_line():
    app.loader.import_default_modules()
    assert {name for name in app.tasks if name.startswith("allocation.")} == set(WORK)


@pytest.mark.parametrize("name", sorted(WORK))
def test_three_deliveries_leave_what_one_leaves(name, cast, django_capture_on_commit_callbacks):
    given = WORK[name](cast)
    before = dump()
    with django_capture_on_commit_callbacks(execute=True):
        app.tasks[name].run(**given)
    once, letters = dump(), len(mail.outbox)
    assert (once == before) == (name in RING_ONLY), "the task had something to do"
    for _ in range(2):
        app.tasks[name].run(**given)
    assert dump() == once
    assert len(mail.outbox) == letters
