"""A fault that can pass ends a command, and its row rests: the sweep goes on with it, without waiting for a dead claim."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts.querysets.jobs import JobQuerySet
from allocation.models import BookPlan, RetierRun
from tests import factories
from tests.commands.test_retier import answer
from tests.services.plan_cast import books as made_books
from tests.services.plan_cast import proposed as proposed_plan

pytestmark = pytest.mark.django_db


def a_run() -> RetierRun:
    answer("load_playbook", "three-axis", "--publish")
    factories.CustomerFactory(external_id="A", arr=800000)
    return RetierRun.objects.get(pk=answer("retier")["run"])


def a_plan(cast: SimpleNamespace) -> BookPlan:
    made_books(cast)
    plan: BookPlan = proposed_plan()
    return plan


MAKE: dict[str, Callable[[SimpleNamespace], Any]] = {"run": lambda cast: a_run(), "plan": a_plan}


@pytest.mark.parametrize("what", ["run", "plan"])
@pytest.mark.parametrize("act", ["apply", "undo"])
def test_the_row_rests_and_is_free_for_whoever_comes_next(
    what: str, act: str, cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = MAKE[what](cast)
    words = (what, "apply", str(row.pk)) if act == "apply" else ("undo", what, str(row.pk))
    if act == "undo":
        answer(what, "apply", str(row.pk))

    def busy(*args: Any, **given: Any) -> bool:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patched:
        patched.setattr(JobQuerySet, "heartbeat", busy)
        with pytest.raises(OperationalError):
            answer(*words)
    row.refresh_from_db()
    assert (row.status, row.claimed_by) == ("applying" if act == "apply" else "undoing", "")
    assert row.rest_until > timezone.now()
    assert row.message.startswith("The last try failed because the database was busy")
    type(row).objects.update(rest_until=None)
    answer(*words)
    row.refresh_from_db()
    assert row.status == ("applied" if act == "apply" else "undone")


def test_a_refusal_is_a_sentence_and_no_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    run = a_run()
    answer("run", "discard", str(run.pk))
    with pytest.raises(Exception, match="only a proposed run can be applied"):
        answer("run", "apply", str(run.pk))
    assert not [line for line in caplog.records if line.levelname == "ERROR"]
