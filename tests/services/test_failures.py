"""Work that nobody stands beside and that fails is told to CS ops, once each, without a word of what it said."""

from types import SimpleNamespace
from typing import Any

import pytest

from accounts.models import ImportBatch, User
from allocation.models import BookPlan, Notice, RetierRun, Slot, TieringModel, Work
from allocation.services.failures import LOOKS_BACK, tell_of_failures
from tests.factories import UserFactory
from tests.pages.approval_cast import waiting_plan
from tests.services.digest_cast import DAY, MONDAY, morning

pytestmark = pytest.mark.django_db

NOW = morning(MONDAY, 12)


def slot(work: str, status: str, name: str = "2026-11-23 02:30", **more: Any) -> Slot:
    given = {"due_at": morning(MONDAY, 3), "finished_at": morning(MONDAY, 4)}
    return Slot.objects.create(work=work, slot=name, status=status, message="Quokka", **(given | more))


def run(**more: Any) -> RetierRun:
    model, _ = TieringModel.objects.get_or_create(number=1, defaults={"name": "One"})
    given = {"status": "failed", "finished_at": morning(MONDAY, 4), "message": "Quokka", "attempts": 1}
    return RetierRun.objects.create(as_of=MONDAY, tiering_model=model, **(given | more))


def batch(**more: Any) -> ImportBatch:
    given = {"status": "failed", "finished_at": morning(MONDAY, 4), "message": "Quokka", "attempts": 5}
    return ImportBatch.objects.create(kind="csms", file_name="Quokka.csv", **(given | more))


def subjects() -> list[str]:
    return list(Notice.objects.order_by("key").values_list("subject", flat=True))


def test_scheduled_work_that_failed_or_was_missed_is_told_once(cast: SimpleNamespace) -> None:
    slot(Work.RATES, "failed"), slot(Work.FULL_RUN, "missed"), slot(Work.DIGESTS, "done")
    slot(Work.LEAVE, "queued"), slot(Work.OVERRIDES, "working")
    assert [tell_of_failures(at=NOW) for _ in range(3)] == [2, 0, 0]
    assert subjects() == [
        "Fetching exchange rates of 23 Nov 2026 failed",
        "The full run of 23 Nov 2026 was missed",
    ]
    assert {row.to for row in Notice.objects.select_related("to")} == {cast.ops}
    assert all("Quokka" not in row.body and "http" in row.body for row in Notice.objects.all())


def test_work_that_fails_every_hour_is_one_mail_a_day(cast: SimpleNamespace) -> None:
    for hour in range(5):
        slot(Work.OVERRIDES, "failed", f"2026-11-23 {hour:02d}:10", due_at=morning(MONDAY, hour))
    slot(Work.OVERRIDES, "failed", "2026-11-22 23:10", due_at=morning(MONDAY - DAY, 23))
    assert tell_of_failures(at=NOW) == 2


def test_what_an_outage_missed_is_one_mail_a_kind_of_work(cast: SimpleNamespace) -> None:
    """Found on one day, however many days it was due on."""
    for days in range(14):
        due = morning(MONDAY - days * DAY, 2)
        slot(Work.GOALS_RUN, "missed", f"{due:%Y-%m-%d %H:%M}", due_at=due)
    for hour in (1, 2):
        slot(Work.OVERRIDES, "missed", f"2026-11-23 {hour:02d}:05", due_at=morning(MONDAY, hour))
    slot(Work.RATES, "missed")
    assert [tell_of_failures(at=NOW) for _ in range(2)] == [3, 0]
    assert set(subjects()) == {
        "The run after goals was missed 14 times, from 10 Nov 2026 to 23 Nov 2026",
        "What was agreed for a time was missed 2 times on 23 Nov 2026",
        "Fetching exchange rates of 23 Nov 2026 was missed",
    }


def test_what_is_missed_on_another_day_is_another_mail(cast: SimpleNamespace) -> None:
    for day in (MONDAY - DAY, MONDAY):
        slot(Work.RATES, "missed", f"{day} 18:00", due_at=morning(day - DAY, 18), finished_at=morning(day, 3))
    assert tell_of_failures(at=NOW) == 2


def test_runs_and_plans_that_nobody_asked_for_are_told(cast: SimpleNamespace) -> None:
    failed = run(scope="goals")
    plan = waiting_plan(None, [], to=None)
    BookPlan.objects.filter(pk=plan.pk).update(status="failed", finished_at=morning(MONDAY, 4))
    run(status="discarded")
    assert tell_of_failures(at=NOW) == 2
    assert subjects() == [f"Book plan {plan.pk} failed", f"Run {failed.pk} failed"]


def test_what_is_refused_to_who_asked_is_told_there_alone(cast: SimpleNamespace) -> None:
    run(requested_by=cast.ops), batch(attempts=1, requested_by=cast.ops)
    assert tell_of_failures(at=NOW) == 0


def test_what_was_given_up_after_several_attempts_is_told_whoever_asked(cast: SimpleNamespace) -> None:
    given_up, refused = run(requested_by=cast.ops, attempts=5), batch(requested_by=cast.ops)
    assert tell_of_failures(at=NOW) == 2
    assert subjects() == [f"Import {refused.pk} failed", f"Run {given_up.pk} failed"]


def test_what_a_person_stopped_is_no_failure(cast: SimpleNamespace) -> None:
    stopped = {"cancel_asked_at": morning(MONDAY, 4), "cancel_asked_by": cast.ops}
    run(attempts=5, **stopped), batch(**stopped)
    plan = waiting_plan(None, [], to=None)
    rows = BookPlan.objects.filter(pk=plan.pk)
    rows.update(status="failed", finished_at=morning(MONDAY, 4), **stopped)
    assert tell_of_failures(at=NOW) == 0


def test_a_slot_that_failed_with_its_run_is_one_piece_of_news(cast: SimpleNamespace) -> None:
    slot(Work.FULL_RUN, "failed", run=run())
    assert tell_of_failures(at=NOW) == 1
    assert subjects() == ["The full run of 23 Nov 2026 failed"]


def test_what_failed_long_ago_is_told_to_nobody(cast: SimpleNamespace) -> None:
    slot(Work.RATES, "failed", finished_at=NOW - LOOKS_BACK)
    assert tell_of_failures(at=NOW + DAY) == 0
    assert tell_of_failures(at=NOW) == 1


def test_all_of_cs_ops_are_told_once_each_and_nobody_else(cast: SimpleNamespace) -> None:
    second = UserFactory(email="second@example.com")
    second.groups.add(*cast.ops.groups.all())
    User.objects.filter(pk=second.pk).update(is_superuser=True)
    User.objects.filter(pk=UserFactory(email="gone@example.com").pk).update(
        is_superuser=True, is_active=False
    )
    slot(Work.RATES, "failed")
    assert tell_of_failures(at=NOW) == 2
    assert set(Notice.objects.values_list("to__email", flat=True)) == {
        "ops@example.com",
        "second@example.com",
    }
