"""A run over the change limit is declined by a manager who did not ask for it: discarded, with words and who."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from allocation.models import Notice, RetierRun, RunStatus
from allocation.services.retiering import (
    UnableToApproveRun,
    UnableToDeclineRun,
    approve_run,
    decline_run,
)
from tests.pages import approval_cast
from tests.pages.approval_cast import NOW, waiting_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(cast: SimpleNamespace) -> SimpleNamespace:
    return approval_cast.build(cast)


def decline(run: RetierRun, actor: Any, words: str = "Half of them renew in March", **seen: Any) -> RetierRun:
    return decline_run(run_id=run.pk, actor=actor, words=words, at=NOW, **seen)


def test_it_is_discarded_and_says_by_whom_and_why(world: SimpleNamespace) -> None:
    run = decline(waiting_run(world.ops), world.manager)
    assert (run.status, run.finished_at) == (RunStatus.DISCARDED, NOW)
    assert run.message == "Declined by Mia Manager: Half of them renew in March"
    assert run.approved_by is None


@pytest.mark.parametrize("who", ["ops", "csm_a", "nobody"])
def test_only_a_manager_declines(world: SimpleNamespace, who: str) -> None:
    run = waiting_run(world.csm_b)
    with pytest.raises(UnableToDeclineRun, match="by a manager"):
        decline(run, getattr(world, who))
    with pytest.raises(UnableToDeclineRun, match="by a manager"):
        decline(run, None)


def test_who_asked_for_it_does_not_decline_it(world: SimpleNamespace) -> None:
    with pytest.raises(UnableToDeclineRun, match="You asked for run"):
        decline(waiting_run(world.manager), world.manager)


@pytest.mark.parametrize(
    ("words", "sentence"), [("", "Say why"), (" \n", "Say why"), ("x" * 201, "at most 200"), ("a\0", "NUL")]
)
def test_it_needs_words_that_can_be_kept(world: SimpleNamespace, words: str, sentence: str) -> None:
    run = waiting_run(world.ops)
    with pytest.raises(UnableToDeclineRun, match=sentence):
        decline(run, world.manager, words)
    run.refresh_from_db()
    assert run.status == RunStatus.AWAITING_APPROVAL


def test_the_longest_words_of_the_longest_name_are_kept(world: SimpleNamespace) -> None:
    world.manager.name = "M" * 200
    world.manager.save()
    run = decline(waiting_run(world.ops), world.manager, "x" * 200)
    assert run.message.endswith("x" * 200)


def test_a_run_that_was_reviewed_since_is_looked_at_again(world: SimpleNamespace) -> None:
    run = waiting_run(world.ops, review_version=3)
    with pytest.raises(UnableToDeclineRun, match="changed since you looked at it"):
        decline(run, world.manager, seen_version=2)
    assert decline(run, world.manager, seen_version=3).status == RunStatus.DISCARDED


def test_who_comes_second_is_told_who_was_first(world: SimpleNamespace) -> None:
    declined = waiting_run(world.ops)
    decline(declined, world.manager)
    with pytest.raises(UnableToApproveRun, match=r"Declined by Mia Manager: Half of them .*22"):
        approve_run(run_id=declined.pk, actor=world.director, at=NOW)
    approved = waiting_run(world.ops, moves=0)
    approve_run(run_id=approved.pk, actor=world.director, at=NOW)
    with pytest.raises(UnableToDeclineRun, match=r"Dora Director approved it on 22"):
        decline(approved, world.manager)


def test_who_asked_is_told_in_either_case_and_a_command_is_not(world: SimpleNamespace) -> None:
    decline(waiting_run(world.ops), world.manager)
    approve_run(run_id=waiting_run(world.ops, moves=0).pk, actor=world.manager, at=NOW)
    decline(waiting_run(None), world.manager)
    told = Notice.objects.filter(kind="decided").select_related("to")
    assert [notice.to for notice in told] == [world.ops, world.ops]


def test_the_command_declines_as_a_person_and_refuses_as_the_service_does(
    world: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    run = waiting_run(world.ops)
    given = ["run", "decline", str(run.pk), "--format", "json", "--words", "Not now"]
    with pytest.raises((CommandError, SystemExit)):
        call_command(*given, "--as", world.ops.email)
    capsys.readouterr()
    call_command(*given, "--as", world.manager.email)
    assert json.loads(capsys.readouterr().out)["status"] == "discarded"


@pytest.mark.parametrize(
    "change", [{"declined_words": "Other words"}, {"declined_by": None}, {"status": "proposed"}]
)
def test_a_declined_run_stays_declined(world: SimpleNamespace, change: dict[str, Any]) -> None:
    run = decline(waiting_run(world.ops), world.manager)
    assert (run.declined_by, run.declined_words) == (world.manager, "Half of them renew in March")
    with pytest.raises(IntegrityError), transaction.atomic():
        RetierRun.objects.filter(pk=run.pk).update(**change)
