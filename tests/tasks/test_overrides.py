"""Overrides by the calendar: told before they end, ended on their day, and one goals run that proposes what follows."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Customer, Tier
from allocation.models import Notice, Override, RetierRun, Schedule, TierDecision, TierHolding
from allocation.services import overrides
from allocation.services.overrides import approve_override, decline_override, request_override
from allocation.services.playbooks import load_playbook
from allocation.tasks.overrides import keep_overrides
from allocation.tasks.retiering import propose_retier_run
from allocation.tasks.timetable import propose_goals_run
from tests.factories import TODAY, CustomerFactory
from tests.services.retiering_cast import applied, looked_at


def ask_for_due_goals_run():
    """What the timetable does of it."""
    propose_goals_run(timezone.localdate(), timezone.now())


DAY = timedelta(days=1)
ENDS = TODAY + 60 * DAY


@pytest.fixture
def clock(monkeypatch):
    """`clock(day)`: from now on it is that day. The tasks read it once, at the edge."""

    def set_to(day):
        monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: day)

    set_to(TODAY)
    return set_to


@pytest.fixture
def rung(monkeypatch):
    bells = []
    monkeypatch.setattr("allocation.tasks.retiering.ring", lambda task, **ids: bells.append((task, ids)))
    return bells


@pytest.fixture
def world(cast, clock):
    """Two customers that the model puts into Scale, decided by an applied run; `.one` is in the book of CSM A."""
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    cast.one = CustomerFactory(arr=10_000, csm=cast.csm_a.csm, csm_since=TODAY)
    cast.other = CustomerFactory(arr=10_000)
    applied(as_of=TODAY - DAY)
    return cast


def held(world, **days):
    asked = request_override(
        customer_id=world.one.pk,
        tier_id=Tier.objects.get(slug="global").pk,
        reason_kind="risk",
        words="Their sponsor leaves",
        actor=world.csm_a,
        on=TODAY,
        at=timezone.now(),
        **{"starts_on": TODAY, "expires_on": ENDS, **days},
    )
    return approve_override(
        override_id=asked.pk, actor=world.manager, words="Agreed", on=TODAY, at=timezone.now()
    )


def tier(world):
    return Customer.objects.get(pk=world.one.pk).tier.slug


def status(override):
    return Override.objects.get(pk=override.pk).status


def goals_runs():
    return RetierRun.objects.filter(scope="goals").order_by("pk")


def computed(rung):
    """Do what the bells ask for."""
    for task, ids in rung:
        assert task is propose_retier_run
        propose_retier_run(**ids)
    rung.clear()


def seen_by_a_run_of(day):
    """A run of that day, applied: the override is no news to the next one."""
    applied(as_of=day)


def test_the_day_before_its_end_nothing_happens_and_on_the_day_a_run_proposes_the_models_tier(
    world, rung, clock
):
    override = held(world)
    seen_by_a_run_of(TODAY)
    clock(ENDS - DAY)
    keep_overrides()
    assert (status(override), tier(world), goals_runs().count()) == ("approved", "global", 0)
    clock(ENDS)
    keep_overrides()
    assert (status(override), tier(world)) == (
        "expired",
        "global",
    )  # it ran out, and nobody moved the customer
    run = goals_runs().get()
    assert (run.as_of, run.requested_by, run.apply_when_proposed) == (ENDS, None, False)
    computed(rung)
    run.refresh_from_db()
    assert (run.status, looked_at(run)) == ("proposed", {world.one.pk})
    row = TierDecision.objects.get(run=run, customer=world.one)
    assert (row.previous.slug, row.effective.slug, row.suggested.slug, row.decided_by, row.status) == (
        "global", "scale", "scale", "rule", "proposed",
    )  # fmt: skip
    assert tier(world) == "global"
    assert TierHolding.objects.current().get(customer=world.one).tier.slug == "global"


def test_who_asked_is_told_before_it_ends_and_once(world, rung, clock):
    override = held(world)
    told = Notice.objects.filter(to=world.csm_a, kind="ends_soon")
    clock(ENDS - 15 * DAY)
    keep_overrides()
    assert not told.exists()
    for day in (ENDS - 14 * DAY, ENDS - 14 * DAY, ENDS - 3 * DAY):
        clock(day)
        keep_overrides()
    notice = told.get()
    assert str(world.one) in notice.body
    assert "Global" not in notice.subject + notice.body
    assert status(override) == "approved"


def test_one_that_begins_later_begins_on_its_day(world, rung, clock):
    starts = TODAY + 5 * DAY
    override = held(world, starts_on=starts)
    for day, expected in ((TODAY, "scale"), (starts - DAY, "scale"), (starts, "global")):
        clock(day)
        keep_overrides()
        assert tier(world) == expected, day
    holding = TierHolding.objects.current().get(customer=world.one)
    assert (holding.source, holding.source_id, holding.starts_on) == ("override", override.pk, starts)
    assert goals_runs().get().as_of == starts


def test_a_request_that_nobody_decided_expires_and_no_run_follows(world, rung, clock):
    asked = request_override(
        customer_id=world.one.pk,
        tier_id=Tier.objects.get(slug="global").pk,
        reason_kind="risk",
        words="Their sponsor leaves",
        starts_on=TODAY,
        expires_on=ENDS,
        actor=world.csm_a,
        on=TODAY,
        at=timezone.now(),
    )
    clock(ENDS)
    keep_overrides()
    ask_for_due_goals_run()
    assert (status(asked), tier(world), goals_runs().count()) == ("expired", "scale", 0)
    assert Notice.objects.filter(to=world.csm_a, kind="ended").count() == 1


def test_one_that_was_declined_is_left_alone(world, rung, clock):
    asked = request_override(
        customer_id=world.one.pk,
        tier_id=Tier.objects.get(slug="global").pk,
        reason_kind="risk",
        words="Their sponsor leaves",
        starts_on=TODAY,
        expires_on=ENDS,
        actor=world.csm_a,
        on=TODAY,
        at=timezone.now(),
    )
    decline_override(override_id=asked.pk, actor=world.manager, words="No", on=TODAY, at=timezone.now())
    clock(ENDS)
    keep_overrides()
    assert (status(asked), goals_runs().count()) == ("declined", 0)


TASKS = {"keep": keep_overrides, "due": ask_for_due_goals_run}


@pytest.mark.parametrize(
    "order",
    [
        ("keep", "due", "keep", "due"),
        ("due", "keep", "due", "keep"),
        ("keep", "keep", "keep"),
        ("due", "keep"),
    ],
)
def test_exactly_one_goals_run_follows_an_end_whatever_comes_first(world, rung, clock, order):
    held(world)
    seen_by_a_run_of(TODAY)
    clock(ENDS)
    for name in order:
        TASKS[name]()
        computed(rung)
    clock(ENDS + DAY)
    for name in order:
        TASKS[name]()
        computed(rung)
    assert [run.as_of for run in goals_runs()] == [ENDS]
    assert looked_at(goals_runs().get()) == {world.one.pk}


@pytest.mark.parametrize("order", [("keep", "due"), ("due", "keep")])
def test_exactly_one_goals_run_follows_a_beginning(world, rung, clock, order):
    starts = TODAY + 5 * DAY
    held(world, starts_on=starts)
    clock(starts)
    for name in (*order, *order):
        TASKS[name]()
        computed(rung)
    assert [run.as_of for run in goals_runs()] == [starts]


def stopped(**kwargs):
    raise ConnectionError("The worker was killed here.")


@pytest.mark.parametrize("days_later", [0, 1, 4])
def test_a_run_is_not_lost_when_the_task_dies_between_ending_and_asking(
    world, rung, clock, monkeypatch, days_later
):
    """What ended is committed, the asking is not done: the other task finds it, on the day or later."""
    held(world)
    seen_by_a_run_of(TODAY)
    clock(ENDS)
    monkeypatch.setattr("allocation.tasks.overrides.ask_for_goals_run", stopped)
    with pytest.raises(ConnectionError):
        keep_overrides()
    assert goals_runs().count() == 0
    clock(ENDS + days_later * DAY)
    monkeypatch.undo()
    monkeypatch.setattr("allocation.tasks.retiering.ring", lambda task, **ids: rung.append((task, ids)))
    clock(ENDS + days_later * DAY)
    for _ in range(2):
        ask_for_due_goals_run()
        computed(rung)
    assert looked_at(goals_runs().get()) == {world.one.pk}


def test_a_calendar_that_was_away_for_days_ends_what_is_due(world, rung, clock):
    override = held(world)
    seen_by_a_run_of(TODAY)
    clock(ENDS + 9 * DAY)
    keep_overrides()
    assert status(override) == "expired"
    assert goals_runs().get().as_of == ENDS + 9 * DAY


def test_twice_at_once_does_everything_once(world, rung, clock, monkeypatch):
    """The second of two workers finds the work done under its hands."""
    override = held(world)
    seen_by_a_run_of(TODAY)
    clock(ENDS)
    real = overrides.expire_overrides

    def second_is_faster(**given):
        first = real(**given)
        return real(**given) or first

    monkeypatch.setattr("allocation.services.overrides.expire_overrides", second_is_faster)
    keep_overrides()
    assert status(override) == "expired"
    assert goals_runs().count() == 1
    assert Notice.objects.filter(to=world.csm_a, kind="ended").count() == 1


def test_the_sweep_does_it_where_no_timetable_runs(world, rung, clock):
    override = held(world)
    seen_by_a_run_of(TODAY)
    clock(ENDS)
    Schedule.objects.update(since=timezone.now() - 2 * DAY)  # so that every kind of work is due
    call_command("sweep", stdout=StringIO())  # a dry run
    assert status(override) == "approved"
    call_command("sweep", here=True, stdout=StringIO(), stderr=StringIO())
    assert status(override) == "expired"
    assert goals_runs().get().as_of == ENDS
