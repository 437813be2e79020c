"""Every task: found by the worker, keyword-only, ids only; every row that can wait has an errand."""

import inspect

import pytest
from django.apps import apps

from accounts.models import Job
from allocation.tasks.errands import ERRANDS
from cstiers.celery import app

ON_THE_TIMETABLE = {
    "allocation.sweep",
    "allocation.keep_timetable",
    "allocation.send_notices",
    "allocation.tell_who_decides",
    "allocation.write_figures",
}

# Rung after a change and waited for by no row: the timetable makes up for a lost ring.
RUNG_AFTER_A_CHANGE = {"allocation.plan_touches"}
EVERY_TASK = {errand.task.name for errand in ERRANDS} | ON_THE_TIMETABLE | RUNG_AFTER_A_CHANGE


def test_the_worker_finds_the_tasks():
    app.loader.import_default_modules()
    assert {name for name in app.tasks if name.startswith("allocation.")} == EVERY_TASK


@pytest.mark.parametrize("name", sorted(EVERY_TASK))
def test_a_task_takes_ids_and_flags_by_keyword(name):
    """JSON-safe: the message may be read by whoever reads the broker, and a positional argument has no name there."""
    parameters = inspect.signature(app.tasks[name].run).parameters.values()
    assert all(one.kind is inspect.Parameter.KEYWORD_ONLY for one in parameters)
    assert {one.annotation for one in parameters} <= {int, bool, list[int]}


@pytest.mark.parametrize("model", [model for model in apps.get_models() if issubclass(model, Job)])
def test_every_state_in_which_work_waits_or_goes_on_has_an_errand(model):
    covered = {
        status
        for errand in ERRANDS
        if errand.model is model and not errand.accepted
        for status in errand.statuses
    }
    assert covered == set(model.WAITING) | set(model.WORKING)


@pytest.mark.parametrize("errand", ERRANDS, ids=lambda errand: errand.task.name)
def test_an_errand_names_the_argument_of_its_task(errand):
    assert list(inspect.signature(errand.task.run).parameters) == [errand.argument]


def test_the_timetable_names_tasks_that_exist():
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


def test_a_lost_worker_costs_no_message_and_no_task_runs_for_ever():
    conf = app.conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert 0 < conf.task_soft_time_limit < conf.task_time_limit
    assert conf.accept_content == ["json"]
    assert conf.task_ignore_result
