"""What digests tell managers and CS ops: the same that their pages say, and nothing of other teams."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import ExchangeRate, ImportBatch, Leave
from allocation.models import BookPlan, Move, Notice, Override, RetierRun, Slot, TieringModel, Work
from allocation.selectors import approvals, digest_words
from allocation.selectors.balance import workload
from allocation.selectors.digest_people import readers_on
from allocation.selectors.digest_teams import team_news
from allocation.services.importing import discard_abandoned_imports
from tests.factories import CSMFactory, CustomerFactory, TierFactory, TouchActivityFactory
from tests.pages import approval_cast
from tests.pages.approval_cast import asked, due, waiting_plan, waiting_run
from tests.services.digest_cast import (
    DAY,
    MONDAY,
    customer,
    digest_of,
    give,
    lines_of,
    morning,
    serve,
    wishes,
    write,
)

pytestmark = pytest.mark.django_db

SUNDAY = MONDAY - DAY


@pytest.fixture
def world(cast: SimpleNamespace) -> SimpleNamespace:
    return approval_cast.build(cast)


def test_what_is_overdue_comes_first(world: SimpleNamespace) -> None:
    run = waiting_run(world.ops, finished=morning())
    plan = waiting_plan(world.ops, world.customers[:2], to=None, finished=morning(MONDAY - 9 * DAY))
    due(asked(world), MONDAY + DAY)
    write()
    assert lines_of(world.manager)[:3] == [
        f"Book plan {plan.pk}: 2 moves to decide, 2 overdue since 21 Nov 2026.",
        "1 request waits for your decision.",
        f"Run {run.pk} waits for your decision.",
    ]
    Override.objects.update(due_on=SUNDAY)
    Notice.objects.all().delete()
    write()
    assert lines_of(world.manager)[0] == "1 request waits for your decision, overdue since 22 Nov 2026."


def test_each_is_told_what_the_queue_offers_to_decide(world: SimpleNamespace) -> None:
    """Requests, runs and moves, asked for, edited and re-pointed by one or another: the figures are those of /approvals/."""
    asked(world, world.customers[0]), asked(world, world.customers[1], actor=world.manager)
    edited = asked(world, world.customers[2])
    edited.edits.create(editor=world.director, at=morning())
    asked(world, world.foreign, actor=world.csm_b)
    waiting_run(world.manager), waiting_run(world.ops)
    plan = waiting_plan(world.ops, [*world.customers, world.foreign], to=None)
    Move.objects.filter(plan=plan, customer=world.customers[0]).update(
        repointed_by=world.manager, repointed_at=morning(), to_csm=world.csm_b.csm
    )
    unheld = CustomerFactory()
    Move.objects.create(
        plan=plan, customer=unheld, to_csm=world.csm_a.csm, reason="New", needs_approval=True, from_csm=None
    )
    news = team_news(readers=readers_on(on=MONDAY), on=MONDAY)
    for person in (world.manager, world.director, world.other):
        mine = approvals.mine_to_decide(approvals.waiting(user=person), user=person)
        told = news[person.pk]
        assert told.requests.count == mine.overrides.count(), person
        assert set(told.runs) == set(mine.runs.values_list("pk", flat=True)), person
        assert sum(waits.count for waits in told.plans.values()) == mine.moves.count(), person
    assert [news[one.pk].requests.count for one in (world.manager, world.director, world.other)] == [2, 2, 1]


def test_books_are_compared_within_what_the_manager_sees(world: SimpleNamespace) -> None:
    """The figures of `/balance/`: who is outside, and who asks more than there is."""
    tier = TierFactory(slug="heavy", rank=3)
    TouchActivityFactory(tier=tier, times_a_year=12, hours_each=30)
    full = CSMFactory(name="Full", team=world.team_a, hours_per_month=40)
    for number in range(2):
        serve(customer(full, f"Heavy {number}"), "heavy", on=SUNDAY - DAY)
    serve(world.customers[0], "heavy", on=SUNDAY - DAY)
    CSMFactory(name="Zebra full", team=world.team_b)
    write()
    found = workload(as_of=MONDAY, user=world.manager)
    news = team_news(readers=[], on=MONDAY)
    assert news == {}
    text = digest_of(world.manager)
    assert "1 CSM over capacity: Full 200 %." in text  # 2 × 30 hours of 40 × 75 %
    outside = round((found.utilisation.outside_15_pct or 0) * len(found.rows) / 100)
    assert outside == 2
    assert "2 of 2 books more than 15 % from the mean: Ada Book 25 %, Full 200 %." in text
    assert "Zebra" not in text


def test_a_book_without_any_capacity_is_over_it(world: SimpleNamespace) -> None:
    tier = TierFactory(slug="heavy", rank=3)
    TouchActivityFactory(tier=tier, times_a_year=12, hours_each=30)
    serve(
        customer(CSMFactory(name="Gone", team=world.team_a, leaves_on=SUNDAY), "Left"),
        "heavy",
        on=SUNDAY - DAY,
    )
    write()
    assert "1 CSM over capacity: Gone without capacity." in digest_of(world.manager)
    assert "1 CSM with customers leaving soon: Gone (22 Nov 2026, 1 customer)." in digest_of(world.manager)


def test_where_a_rate_is_missing_the_digest_says_so_and_tells_the_rest(world: SimpleNamespace) -> None:
    customer(world.csm_a.csm, "Euro", currency="EUR")
    Leave.objects.create(csm=world.csm_a.csm, starts_on=MONDAY, ends_before=MONDAY + 3 * DAY)
    write()
    assert lines_of(world.manager) == [
        "How full the books are cannot be said today: an exchange rate is missing, and CS ops are told.",
        "1 absence that nobody covers: Ada Book (23 Nov 2026, back on 26 Nov 2026).",
    ]
    assert "1 exchange rate missing or too old: EUR." in lines_of(world.ops)


def test_leave_that_is_covered_and_a_leaver_without_customers_are_no_news(world: SimpleNamespace) -> None:
    CSMFactory(name="Goer", team=world.team_a, leaves_on=MONDAY + DAY)
    dates = {"starts_on": MONDAY, "ends_before": MONDAY + 3 * DAY}
    Leave.objects.create(csm=world.csm_a.csm, covered_by=world.csm_b.csm, **dates)
    Leave.objects.create(csm=CSMFactory(team=world.team_a), **dates)
    write()
    assert lines_of(world.manager) == []


def slot(work: str, status: str, ended: Any, name: str = "2026-11-22 02:30", **more: Any) -> Slot:
    return Slot.objects.create(work=work, slot=name, due_at=ended, status=status, finished_at=ended, **more)


def test_cs_ops_are_told_what_failed_was_missed_and_waits_for_them(cast: SimpleNamespace) -> None:
    wishes(cast.ops)
    noon = morning(SUNDAY, 12)
    slot(Work.RATES, "failed", noon, message="QuokkaWords")
    slot(Work.HOUSEKEEPING, "missed", noon)
    slot(Work.HOUSEKEEPING, "missed", noon, "2026-11-22 03:30")
    slot(Work.DIGESTS, "done", noon)
    slot(Work.OVERRIDES, "failed", morning(SUNDAY - DAY, 12))  # of a day that is covered no more
    model = TieringModel.objects.create(number=4, name="Four")
    run = RetierRun.objects.create(
        as_of=SUNDAY, tiering_model=model, status="failed", finished_at=noon, message="QuokkaWords"
    )
    for status, message in (
        ("failed", "Refused"),
        ("discarded", "Dropped"),
        ("discarded", ""),
        ("asking", ""),
        ("staged", ""),
    ):
        ImportBatch.objects.create(
            kind="customers", file_name="QuokkaFile", status=status, message=message, finished_at=noon
        )
    Notice.objects.create(
        to=cast.csm_a,
        kind="decided",
        key="lost",
        subject="QuokkaSubject",
        created_at=noon,
        tried_at=noon,
        attempts=5,
    )
    write()
    assert lines_of(cast.ops) == [
        "Scheduled work failed 1 time: fetching exchange rates.",
        "Scheduled work was missed 2 times: housekeeping.",
        f"Run {run.pk} failed.",
        "2 imports came to nothing: refused, or not confirmed in time.",
        "1 notice could not be sent.",
        "1 import needs an answer.",
        "1 import waits for a confirmation.",
    ]
    assert "Quokka" not in digest_of(cast.ops)
    write(MONDAY + DAY)
    assert lines_of(cast.ops, MONDAY + DAY) == [
        "1 import needs an answer.",
        "1 import waits for a confirmation.",
    ]


def test_an_import_that_nobody_confirms_is_told_when_it_is_dropped_and_one_that_failed_when_it_failed(
    cast: SimpleNamespace,
) -> None:
    wishes(cast.ops)
    old = {"kind": "customers", "file_name": "x", "queued_at": morning(SUNDAY - 2 * DAY, 12)}
    ImportBatch.objects.create(status="staged", finished_at=morning(SUNDAY - 2 * DAY, 12), **old)
    ImportBatch.objects.create(
        status="failed", message="No", finished_at=morning(SUNDAY - 2 * DAY, 12), **old
    )
    write(SUNDAY - DAY)
    assert "1 import came to nothing" in digest_of(cast.ops, SUNDAY - DAY)
    assert discard_abandoned_imports(before=morning(SUNDAY - DAY, 13)) == 2
    write(SUNDAY)
    write(MONDAY)
    assert digest_of(cast.ops, SUNDAY) == ""
    assert "1 import came to nothing" in digest_of(cast.ops)


def test_what_a_person_stopped_is_no_failure_in_the_digest(cast: SimpleNamespace) -> None:
    wishes(cast.ops)
    noon = morning(SUNDAY, 12)
    stopped = {
        "finished_at": noon,
        "cancel_asked_at": noon,
        "cancel_asked_by": cast.ops,
        "message": "Stopped",
    }
    model = TieringModel.objects.create(number=4, name="Four")
    RetierRun.objects.create(as_of=SUNDAY, tiering_model=model, status="failed", **stopped)
    for status in ("failed", "discarded"):
        ImportBatch.objects.create(kind="customers", file_name="x", status=status, **stopped)
    plan = waiting_plan(cast.ops, [], to=None)
    BookPlan.objects.filter(pk=plan.pk).update(status="failed", **stopped)
    write()
    assert digest_of(cast.ops) == ""


def test_cs_ops_are_told_that_the_model_is_stale(cast: SimpleNamespace) -> None:
    model = TieringModel.objects.create(number=4, name="Four", status="published", published_at=morning())
    serve(customer(cast.csm_a.csm, "Acme"), "scale", on=SUNDAY)
    wishes(cast.ops)
    write()
    assert lines_of(cast.ops) == ["Version 4 was published, and no full run by it was applied."]
    RetierRun.objects.create(as_of=MONDAY - 365 * DAY, tiering_model=model, status="applied")
    write(MONDAY + DAY)
    assert lines_of(cast.ops, MONDAY + DAY) == [
        "The full run is due since 23 Nov 2026, the last one was as of 23 Nov 2025."
    ]
    RetierRun.objects.create(as_of=MONDAY, tiering_model=model, status="applied")
    write(MONDAY + 2 * DAY)
    assert digest_of(cast.ops, MONDAY + 2 * DAY) == ""


def test_rates_that_are_near_enough_are_no_news(cast: SimpleNamespace) -> None:
    customer(cast.csm_a.csm, "Euro", currency="EUR")
    ExchangeRate.objects.create(currency="EUR", day=MONDAY - 7 * DAY, rate="0.9", base="USD")
    write()
    assert digest_of(cast.ops) == ""


def test_every_kind_of_scheduled_work_has_words_of_its_own() -> None:
    said = [digest_words.work_words(work=work) for work in Work.values]
    assert len(set(said)) == len(Work.values)
    assert digest_words.work_words(work="another") == "work by the timetable"


def test_a_plan_that_failed_leads_to_its_page(cast: SimpleNamespace, settings: Any) -> None:
    wishes(cast.ops)
    plan = waiting_plan(cast.ops, [], to=None)
    BookPlan.objects.filter(pk=plan.pk).update(status="failed", finished_at=morning(SUNDAY))
    write()
    assert f"- Book plan {plan.pk} failed.\n  {settings.SITE_URL}/plans/{plan.pk}/" in digest_of(cast.ops)
    assert timezone.is_aware(morning())
    give(customer(None, "Unused"), cast.csm_a.csm, on=SUNDAY)
