"""`sweep --here`: all that a sweep and the timetable do where neither worker nor broker runs."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from accounts.querysets.jobs import ATTEMPTS
from allocation.models import Notice, RetierRun, Slot, TieringModel, Work

pytestmark = pytest.mark.django_db


@pytest.fixture
def swept(capsys: Any) -> Any:
    def sweep() -> dict[str, Any]:
        call_command("sweep", "--format", "json", "--here")
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return sweep


def test_done_here_cs_ops_are_told_of_what_failed(cast: Any, swept: Any) -> None:
    now = timezone.now()
    slot = {"work": Work.RATES, "slot": "yesterday", "due_at": now, "finished_at": now}
    Slot.objects.create(status=Slot.Status.FAILED, **slot)
    swept(), swept()
    assert [notice.to for notice in Notice.objects.filter(kind="failed").select_related("to")] == [cast.ops]
    assert len(mail.outbox) == 1
    assert mail.outbox[0].subject.startswith("Fetching exchange rates of")


def test_done_here_a_row_that_was_tried_too_often_is_given_up_and_told(cast: Any, swept: Any) -> None:
    run = RetierRun.objects.create(
        as_of=timezone.localdate(),
        tiering_model=TieringModel.objects.create(number=1, name="One"),
        requested_by=cast.ops,
        status="computing",
        claimed_by="a worker",
        lease_until=timezone.now() - timedelta(seconds=1),
        attempts=ATTEMPTS,
    )
    found = swept()
    assert (found["done"], len(found["given_up"])) == ([], 1)
    run.refresh_from_db()
    assert run.status == "failed"
    assert [one.subject for one in mail.outbox] == [f"Run {run.pk} failed"]
