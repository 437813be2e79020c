"""Work in the background through a real broker and a real worker: heard bells, lost bells, dead workers."""

import json

import pytest

from tests.journeys.installation import Installation

pytestmark = [pytest.mark.journey, pytest.mark.usefixtures("company")]

BEGIN = """
import json, time
from datetime import timedelta
from django.utils import timezone
from accounts.models import Customer, ImportBatch, User
from allocation.models import BookPlan, RetierRun
from allocation.services import importing, planning, retiering
from allocation.services.accepting import accept_plan, accept_run
from allocation.tasks.bell import ring
from allocation.tasks.importing import apply_import, stage_import
from allocation.tasks.planning import apply_book_plan, propose_book_plan
from allocation.tasks.retiering import apply_retier_run, propose_retier_run

now = timezone.now()
ops = User.objects.filter(groups__name="CS ops").first()

def wait(row, *statuses):
    ends = time.monotonic() + 60
    while row.status not in statuses and time.monotonic() < ends:
        time.sleep(0.1)
        row.refresh_from_db()

def tell(row):
    print(json.dumps({"status": row.status, "message": row.message, "claimed_by": row.claimed_by, "attempts": row.attempts}))

def clear():
    for run in RetierRun.objects.filter(status__in=["queued", "proposed", "awaiting_approval"]):
        retiering.discard_run(run_id=run.pk, at=now)
    for plan in BookPlan.objects.filter(status__in=["queued", "proposed"]):
        planning.discard_plan(plan_id=plan.pk, actor=ops)

clear()
"""


def told(installation: Installation, code: str) -> list[dict]:
    return [json.loads(line) for line in installation.python(BEGIN + code)]


def test_a_run_that_is_rung_for_is_computed_and_when_accepted_applied(installation: Installation) -> None:
    proposed, applied, row = told(
        installation,
        """
run = retiering.queue_run(as_of=timezone.localdate(), at=now, actor_id=ops.pk)
ring(propose_retier_run, run_id=run.pk)
wait(run, "proposed", "failed"); tell(run)
accept_run(run_id=run.pk, actor=ops)
ring(apply_retier_run, run_id=run.pk)
wait(run, "applied", "failed"); tell(run)
print(json.dumps({"id": run.pk}))
""",
    )
    assert (proposed["status"], applied["status"]) == ("proposed", "applied")
    assert applied["claimed_by"] == ""
    shown = installation.command("run", "show", str(row["id"]))
    assert shown["status"] == "applied"
    assert shown["customers"] >= 120


def test_a_run_whose_bell_was_lost_is_found_by_the_sweep(installation: Installation) -> None:
    """Nothing is rung: only the row tells that something is to be done, and the timetable finds it."""
    (proposed, applied) = told(
        installation,
        """
run = retiering.queue_run(as_of=timezone.localdate(), at=now)
wait(run, "proposed", "failed"); tell(run)
accept_run(run_id=run.pk, actor=ops)
wait(run, "applied", "failed"); tell(run)
""",
    )
    assert (proposed["status"], applied["status"]) == ("proposed", "applied")


def test_a_run_whose_worker_died_is_taken_over(installation: Installation) -> None:
    (found,) = told(
        installation,
        """
run = retiering.queue_run(as_of=timezone.localdate(), at=now)
RetierRun.objects.claim(run.pk, owner="a worker that died", waiting=["queued"], working="computing")
RetierRun.objects.filter(pk=run.pk).update(lease_until=now - timedelta(seconds=1))
wait(run, "proposed", "failed"); tell(run)
""",
    )
    assert (found["status"], found["attempts"]) == ("proposed", 2)


def test_a_message_that_comes_three_times_has_the_effect_of_one(installation: Installation) -> None:
    (found, count) = told(
        installation,
        """
run = retiering.queue_run(as_of=timezone.localdate(), at=now)
for _ in range(3):
    ring(propose_retier_run, run_id=run.pk)
wait(run, "proposed", "failed"); time.sleep(1); run.refresh_from_db(); tell(run)
kept = sum(chunk.customers for chunk in run.chunks.defer("facts", "outcomes"))
print(json.dumps({"kept": kept, "customers": Customer.objects.count()}))
""",
    )
    assert (found["status"], found["attempts"]) == ("proposed", 1)
    assert count["kept"] == count["customers"]


def test_books_are_planned_and_applied_by_the_worker(installation: Installation) -> None:
    proposed, applied = told(
        installation,
        """
plan = planning.queue_plan(as_of=timezone.localdate(), seed=1, actor=ops)
ring(propose_book_plan, plan_id=plan.pk)
wait(plan, "proposed", "failed"); tell(plan)
accept_plan(plan_id=plan.pk, actor=ops, on=timezone.localdate())
ring(apply_book_plan, plan_id=plan.pk)
wait(plan, "applied", "failed"); tell(plan)
""",
    )
    assert (proposed["status"], applied["status"]) == ("proposed", "applied")


def test_an_uploaded_file_is_read_and_applied_by_the_worker(installation: Installation) -> None:
    staged, applied = told(
        installation,
        """
data = "external_id,name,arr,currency\\nJ-1,Journey One,1000,USD\\nJ-2,Journey Two,2000,USD\\n".encode()
batch = importing.receive_import(
    kind="customers", file_name="journey.csv", data=data,
    wishes=importing.Wishes(mapping=None), all_or_nothing=False, user=ops,
)
ring(stage_import, batch_id=batch.pk)
wait(batch, "staged", "failed", "asking"); tell(batch)
batch = importing.confirm_import(batch_id=batch.pk, user=ops)
ring(apply_import, batch_id=batch.pk)
wait(batch, "applied", "failed"); tell(batch)
Customer.objects.filter(external_id__startswith="J-").delete()
""",
    )
    assert (staged["status"], applied["status"]) == ("staged", "applied")
