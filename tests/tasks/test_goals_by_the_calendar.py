"""A goal that begins or ends by the calendar is noticed: the timetable asks for a goals run, once.

Overrides are in test_overrides; here only what of them is found when the asking was lost.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ImportBatch
from allocation.models import Override, RetierRun
from allocation.services import importing
from allocation.services.playbooks import load_playbook
from allocation.tasks.importing import ask_where_goals_changed
from allocation.tasks.retiering import propose_retier_run
from allocation.tasks.timetable import propose_goals_run
from tests.factories import TODAY, CustomerFactory, GoalFactory
from tests.services.retiering_cast import applied, looked_at, override


def ask_for_due_goals_run():
    """What the timetable does of it."""
    propose_goals_run(timezone.localdate(), timezone.now())


YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


@pytest.fixture(autouse=True)
def _a_day(db, monkeypatch):
    """The model is published; today is a fixed day."""
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


@pytest.fixture
def rung(monkeypatch):
    bells = []
    monkeypatch.setattr("allocation.tasks.retiering.ring", lambda task, **ids: bells.append((task, ids)))
    return bells


# days of a goal, written down before the run of yesterday → does a run follow today
GOALS = [
    ({"starts_on": TODAY}, True),
    ({"starts_on": YESTERDAY}, False),  # the run of yesterday saw it
    ({"starts_on": TOMORROW}, False),
    ({"starts_on": YESTERDAY, "ends_before": TODAY}, True),  # the first day it no longer holds
    ({"starts_on": YESTERDAY, "ends_before": TOMORROW}, False),
]


@pytest.mark.parametrize(("days", "runs"), GOALS)
def test_a_goal_that_begins_or_ends_today_is_found(rung, days, runs):
    customer, other = CustomerFactory(), CustomerFactory()
    GoalFactory(customer=customer, **days)
    applied(as_of=YESTERDAY)
    ask_for_due_goals_run()
    found = RetierRun.objects.filter(scope="goals")
    assert found.count() == int(runs)
    assert rung == [(propose_retier_run, {"run_id": run.pk}) for run in found]
    for run in found:
        propose_retier_run(run_id=run.pk)
        assert looked_at(run) == {customer.pk}
        assert other.pk not in looked_at(run)


ENDED = {"status": Override.Status.EXPIRED, "ended_at": "2026-11-22T00:30Z"}


@pytest.mark.parametrize(
    ("given", "runs"),
    [
        ({"expires_on": TODAY, **ENDED}, 1),
        ({"starts_on": TODAY}, 1),
        ({"expires_on": TOMORROW}, 0),
        ({"expires_on": TODAY}, 0),  # not ended yet: allocation.tasks.overrides ends it, and asks
        ({"starts_on": TODAY, "begun_at": None}, 0),  # not begun yet: the same
        ({"expires_on": YESTERDAY, **ENDED}, 0),  # the run of yesterday saw it
        ({"expires_on": TODAY, **ENDED, "begun_at": None}, 0),  # it never held
    ],
)
def test_a_run_that_had_to_follow_an_override_and_was_lost_is_found(rung, given, runs):
    long = {"starts_on": TODAY - timedelta(days=90), "begun_at": "2026-09-01T09:00Z"}
    override(CustomerFactory(), "global", **{**long, **given})
    applied(as_of=YESTERDAY)
    ask_for_due_goals_run()
    assert RetierRun.objects.filter(scope="goals").count() == runs


def test_it_asks_once_for_a_day(rung):
    GoalFactory(customer=CustomerFactory(), starts_on=TODAY)
    applied(as_of=YESTERDAY)
    for _ in range(3):
        ask_for_due_goals_run()
        for _, ids in rung:
            propose_retier_run(**ids)
    assert RetierRun.objects.filter(scope="goals").count() == 1


@pytest.mark.parametrize("status", ["failed", "discarded", "stale", "undone"])
def test_a_run_that_came_to_nothing_is_tried_again_the_next_day_and_not_every_hour(rung, monkeypatch, status):
    GoalFactory(customer=CustomerFactory(), starts_on=TODAY)
    applied(as_of=YESTERDAY)
    goals_runs = RetierRun.objects.filter(scope="goals")
    ask_for_due_goals_run()
    goals_runs.update(status=status)
    ask_for_due_goals_run()
    assert goals_runs.count() == 1
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TOMORROW)
    ask_for_due_goals_run()
    assert goals_runs.count() == 2


def test_before_the_first_run_there_is_nothing_to_follow(rung):
    GoalFactory(customer=CustomerFactory(), starts_on=TODAY)
    ask_for_due_goals_run()
    assert not RetierRun.objects.exists()


@pytest.mark.parametrize("asked", [True, False])
def test_a_goals_run_that_was_lost_after_an_import_is_asked_for_once(rung, asked):
    """The worker that had just written the file was killed before it asked, or it had asked."""
    data = b"external_id,name,arr,currency,goals\nI-1,One,1000,USD,expansion\n"
    batch = importing.receive_import(
        kind="customers",
        file_name="goals.csv",
        data=data,
        wishes=importing.Wishes(mapping=None),
        all_or_nothing=False,
        user=None,
    )
    importing.stage_import(batch_id=batch.pk, on=TODAY)
    importing.confirm_import(batch_id=batch.pk, user=None)
    importing.apply_import(batch_id=batch.pk, on=TODAY)
    if asked:
        ask_where_goals_changed(ImportBatch.objects.get(pk=batch.pk))
    ask_for_due_goals_run()
    assert RetierRun.objects.filter(scope="goals").count() == 1
    RetierRun.objects.update(status="discarded")
    ask_for_due_goals_run()
    assert RetierRun.objects.filter(scope="goals").count() == 1
