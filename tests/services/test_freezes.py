"""In a freeze runs and plans are proposed and not applied: the claim itself looks, what was begun is finished."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from allocation.models import BookPlan, Freeze, Notice, RetierRun, RunStatus
from allocation.selectors.freezes import frozen, refusal_while_frozen, told_when_accepted
from allocation.services import accepting, planning, retiering
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import UnableToApplyRun, apply_run, applying
from tests.factories import TODAY
from tests.services import plan_cast
from tests.services.retiering_cast import customer, half_applied, proposed, tiers

pytestmark = pytest.mark.django_db

FIRST, FREE = TODAY, TODAY + timedelta(days=21)
LAST = FREE - timedelta(days=1)
OPEN_DAYS = (FIRST - timedelta(days=1), FREE)
FROZEN_DAYS = (FIRST, LAST)


def freeze(**given: Any) -> Freeze:
    return Freeze.objects.create(
        **{"name": "year end", "starts_on": FIRST, "ends_before": FREE, "words": "The books close.", **given}
    )


def moment(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)


@pytest.fixture
def run() -> RetierRun:
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    customer(800000)
    made: RetierRun = proposed()
    return made


def apply(run: RetierRun, on: date) -> bool:
    found = apply_run(run_id=run.pk, owner="test", at=timezone.now(), on=on)
    run.refresh_from_db()
    return found


@pytest.mark.parametrize("on", OPEN_DAYS)
def test_the_day_before_and_the_day_after_a_run_is_applied(run: RetierRun, on: date) -> None:
    freeze()
    assert apply(run, on) is True


@pytest.mark.parametrize("on", FROZEN_DAYS)
def test_on_the_first_day_and_the_last_it_is_not_and_says_until_when(run: RetierRun, on: date) -> None:
    freeze()
    with pytest.raises(UnableToApplyRun) as refused:
        apply(run, on)
    assert str(refused.value).replace("\u00a0", " ") == (
        "Nothing is applied from 22 Nov 2026 to 12 Dec 2026 (year end). The proposal stays; it can be applied from "
        "13 Dec 2026 on."
    )
    run.refresh_from_db()
    assert (run.status, set(tiers().values())) == (RunStatus.PROPOSED, {None})


@pytest.mark.parametrize(
    ("on", "is_applied"), [*((day, True) for day in OPEN_DAYS), *((day, False) for day in FROZEN_DAYS)]
)
def test_a_plan_keeps_to_the_same_days(cast: Any, on: date, is_applied: bool) -> None:
    plan_cast.books(cast)
    plan = plan_cast.proposed()
    freeze()
    if is_applied:
        assert (
            planning.apply_plan(plan_id=plan.pk, actor=None, owner="test", on=on).status == RunStatus.APPLIED
        )
    else:
        with pytest.raises(planning.UnableToPlanBooks, match="The proposal stays; it can be applied from"):
            planning.apply_plan(plan_id=plan.pk, actor=None, owner="test", on=on)
        plan.refresh_from_db()
        assert plan.status == RunStatus.PROPOSED


def test_without_a_day_that_of_the_moment_counts(run: RetierRun) -> None:
    freeze()
    with pytest.raises(UnableToApplyRun):
        apply_run(run_id=run.pk, owner="test", at=moment(LAST))
    assert apply_run(run_id=run.pk, owner="test", at=moment(FREE)) is True


def test_a_freeze_saved_just_before_the_claim_counts(run: RetierRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """After every look of the service, before the statement that claims: only that statement can see it."""
    real = applying._refuse

    def refuse(this: RetierRun) -> None:
        real(this)
        freeze()

    monkeypatch.setattr(applying, "_refuse", refuse)
    with pytest.raises(UnableToApplyRun, match="Nothing is applied"):
        apply(run, FIRST)
    run.refresh_from_db()
    assert run.status == RunStatus.PROPOSED


def test_what_was_begun_before_the_freeze_is_finished_in_it(
    cast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    for _ in range(2):
        customer(800000)
    run = half_applied(monkeypatch)
    freeze()
    assert apply(run, FIRST) is True, "its worker died"
    assert None not in tiers().values()


def test_a_stopped_run_is_gone_on_with_in_a_freeze(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    for _ in range(2):
        customer(800000)
    run = half_applied(monkeypatch)
    retiering.cancel_run(run_id=run.pk, actor=cast.ops, at=timezone.now())
    freeze()
    assert apply(run, FIRST) is True


def test_undoing_goes_on_in_a_freeze(run: RetierRun) -> None:
    apply(run, OPEN_DAYS[0])
    freeze()
    assert retiering.undo_run(run_id=run.pk, owner="test", at=timezone.now(), on=FIRST)


def test_a_wish_waits_and_is_due_on_the_first_day_after(run: RetierRun, cast: Any) -> None:
    freeze()
    accepting.accept_run(run_id=run.pk, actor=cast.ops)
    for on in FROZEN_DAYS:
        assert not RetierRun.objects.wished(on=on).exists()
    assert RetierRun.objects.wished(on=FREE).get() == run
    with pytest.raises(UnableToApplyRun, match="it is applied by itself on"):
        apply(run, LAST)
    assert apply(run, FREE) is True


def test_the_wish_for_a_plan_waits_as_well(cast: Any) -> None:
    plan_cast.books(cast)
    plan = plan_cast.proposed()
    freeze()
    accepting.accept_plan(plan_id=plan.pk, actor=cast.ops, on=FIRST)
    assert not BookPlan.objects.wished(on=LAST).exists()
    assert BookPlan.objects.wished(on=FREE).exists()


def told() -> list[tuple[str, str]]:
    return list(Notice.objects.order_by("pk").values_list("to__email", "subject"))


def test_who_wished_a_run_applied_is_told_when_a_newer_one_takes_its_place(run: RetierRun, cast: Any) -> None:
    freeze()
    accepting.accept_run(run_id=run.pk, actor=cast.ops)
    goals = proposed(scope="goals")
    run.refresh_from_db()
    assert (run.is_accepted, told()) == (True, []), "of another scope"
    newer = proposed()
    run.refresh_from_db()
    assert (run.status, run.message) == (RunStatus.STALE, f"Run {newer.pk} proposes anew.")
    assert told() == [(cast.ops.email, f"Run {run.pk} is not applied")]
    assert f"/runs/{newer.pk}/" in Notice.objects.get().body
    proposed()
    goals.refresh_from_db()
    assert len(told()) == 1, "nobody had wished that one applied"


def test_who_wished_a_plan_applied_is_told_as_well(cast: Any) -> None:
    plan_cast.books(cast)
    plan = plan_cast.proposed()
    freeze()
    accepting.accept_plan(plan_id=plan.pk, actor=cast.ops, on=FIRST)
    newer = plan_cast.proposed()
    assert told() == [(cast.ops.email, f"Book plan {plan.pk} is not applied")]
    assert f"/plans/{newer.pk}/" in Notice.objects.get().body


def test_the_sentence_of_a_wish_says_what_can_come_between(run: RetierRun) -> None:
    freeze()
    assert "unless a newer one is proposed" in refusal_while_frozen(on=FIRST, wished=True)
    assert "unless a newer one is proposed" in told_when_accepted(what="Run 1", on=FIRST)


def test_freezes_that_follow_each_other_end_with_the_last() -> None:
    freeze()
    freeze(name="audit", starts_on=FREE - timedelta(days=2), ends_before=FREE + timedelta(days=5))
    freeze(name="far away", starts_on=FREE + timedelta(days=6), ends_before=FREE + timedelta(days=9))
    found = frozen(on=FIRST)
    assert found is not None
    assert (found.name, found.free_on) == ("year end", FREE + timedelta(days=5))
    assert frozen(on=FREE + timedelta(days=5)) is None
    assert refusal_while_frozen(on=FREE + timedelta(days=5)) == ""


@pytest.fixture
def today_is_frozen() -> None:
    today = timezone.localdate()
    freeze(starts_on=today, ends_before=today + timedelta(days=3))


NOT_NOW = r"Nothing is applied from .* it can be applied from"
LATER = r"it is applied by itself on .*, as was asked for"


@pytest.mark.usefixtures("today_is_frozen")
def test_the_doors_that_apply_runs_end_with_the_sentence(run: RetierRun) -> None:
    with pytest.raises(CommandError, match=NOT_NOW):
        call_command("run", "apply", str(run.pk))
    with pytest.raises(CommandError, match=LATER):
        call_command("retier", "--apply")
    assert RetierRun.objects.filter(status="proposed", apply_when_proposed=True).count() == 1
    call_command("retier")
    assert RetierRun.objects.filter(status="proposed").count() == 1, "proposing goes on"


@pytest.mark.usefixtures("today_is_frozen")
def test_the_doors_that_apply_plans_end_with_the_sentence(cast: Any) -> None:
    plan_cast.books(cast)
    plan = plan_cast.proposed()
    with pytest.raises(CommandError, match=NOT_NOW):
        call_command("plan", "apply", str(plan.pk))
    with pytest.raises(CommandError, match=LATER):
        call_command("plan_books", "--apply")
    assert not BookPlan.objects.filter(status="applied").exists()
