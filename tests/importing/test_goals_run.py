"""An import that opens or closes goals leads to a goals run: on the page, in the worker, by the command."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from accounts.models import Goal, ImportBatch
from allocation.models import RetierRun, TieringModel
from allocation.services import importing
from allocation.services.playbooks import load_playbook
from allocation.tasks.importing import apply_import
from allocation.tasks.retiering import propose_retier_run
from tests.factories import TODAY, CustomerFactory, GoalFactory, GoalKindFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def acme(db, monkeypatch):
    """A customer with an open goal; a model is published."""
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    customer = CustomerFactory(external_id="A1", name="Acme")
    GoalFactory(customer=customer, kind=GoalKindFactory(slug="adoption"))
    GoalKindFactory(slug="expansion")
    return customer


@pytest.fixture
def rung(monkeypatch):
    bells = []
    monkeypatch.setattr("allocation.tasks.retiering.ring", lambda task, **ids: bells.append((task, ids)))
    return bells


def goals_runs():
    return RetierRun.objects.filter(scope="goals")


# file → goals runs
FILES = [
    ("external_id,goals\nA1,adoption;expansion\n", 1),  # one more
    ("external_id,goals\nA1,\n", 1),  # present and blank closes what is open
    ("external_id,goals\nA1,expansion\n", 1),  # one for another
    ("external_id,goals,arr\nA1,adoption,7\n", 0),  # the goals are so already
    ("external_id,arr\nA1,7\n", 0),  # no word of goals
    ("external_id,name,goals\nB1,Beta,adoption\n", 1),  # a new customer with a goal
    ("external_id,name,goals\nB1,Beta,\n", 0),  # a new customer without
    ("external_id,goals\nA1,world-peace\nA2,adoption\n", 0),  # every row is refused
]


@pytest.mark.parametrize(("text", "runs"), FILES)
def test_the_worker_asks_for_a_goals_run_where_a_goal_changed(text, runs, rung):
    batch = confirmed(text)
    apply_import(batch_id=batch.pk)
    assert ImportBatch.objects.get().status == "applied"
    assert goals_runs().count() == runs
    assert rung == [(propose_retier_run, {"run_id": run.pk}) for run in goals_runs()]


@pytest.mark.parametrize(("text", "runs"), [FILES[0], FILES[3]])
def test_the_command_does_so_too(text, runs, rung, load):
    load(text)
    assert (goals_runs().count(), len(rung)) == (runs, runs)


def test_a_dry_run_asks_for_nothing(rung, load):
    load(FILES[0][0], dry_run=True)
    assert (goals_runs().count(), rung) == (0, [])


@pytest.mark.parametrize(("text", "runs"), [FILES[0], FILES[3]])
def test_the_page_does_so_when_the_import_is_confirmed(text, runs, rung, cast, sign_in):
    client = sign_in(cast.ops)
    client.post(
        reverse("admin:import_customers"),
        {"file": SimpleUploadedFile("list.csv", text.encode()), "allow_new_values": "on"},
    )
    batch = ImportBatch.objects.get()
    assert goals_runs().count() == 0  # a preview changes nothing
    client.post(reverse("admin:import_confirm", args=[batch.pk]))
    assert (goals_runs().count(), len(rung)) == (runs, runs)
    assert [run.requested_by for run in goals_runs()] == [cast.ops] * runs


def test_a_message_that_comes_twice_asks_once(rung):
    batch = confirmed(FILES[0][0])
    for _ in range(3):
        apply_import(batch_id=batch.pk)
    assert (goals_runs().count(), len(rung)) == (1, 1)


def test_a_worker_that_died_after_the_write_is_followed_by_one_that_asks(rung):
    batch = confirmed(FILES[0][0])
    importing.apply_import(batch_id=batch.pk, on=TODAY)  # and no more was done
    assert goals_runs().count() == 0
    apply_import(batch_id=batch.pk)
    assert goals_runs().count() == 1


def test_without_a_published_model_the_goals_are_imported_and_nothing_is_queued(rung, acme):
    TieringModel.objects.update(status=TieringModel.Status.RETIRED)
    apply_import(batch_id=confirmed(FILES[0][0]).pk)
    assert Goal.objects.open_on(TODAY).filter(customer=acme).count() == 2
    assert (RetierRun.objects.count(), rung) == (0, [])


def confirmed(text):
    batch = importing.receive_import(
        kind="customers",
        file_name="list.csv",
        data=text.encode(),
        wishes=importing.Wishes(),
        all_or_nothing=False,
        user=None,
    )
    importing.stage_import(batch_id=batch.pk, on=TODAY)
    return importing.confirm_import(batch_id=batch.pk, user=None)
