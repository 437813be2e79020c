"""Beat outlives its database, and the entries of the code are those in the database."""

import pytest
from celery import Celery
from django.db import OperationalError
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks
from django_celery_beat.schedulers import DatabaseScheduler

from allocation.models import Pulse
from cstiers.beat import OURS, Timetable

pytestmark = pytest.mark.django_db(transaction=True)

ENTRIES = {
    "sweep": {"task": "allocation.sweep", "schedule": 30, "options": {"expires": 30}},
    "send notices": {"task": "allocation.send_notices", "schedule": 30},
}


def app_with(entries):
    app = Celery("beat-test", broker="memory://", set_as_current=False)
    app.conf.update(beat_schedule=entries, result_expires=None, timezone="UTC")
    return app


def names():
    return set(PeriodicTask.objects.values_list("name", flat=True))


@pytest.fixture(autouse=True)
def _no_rows_of_schedules(db):
    """Those of the timetable are written when migrating."""
    PeriodicTask.objects.all().delete()


@pytest.fixture
def away(monkeypatch):
    """`away(True)`: every question of beat to the database fails, as while PostgreSQL restarts."""
    state = {"away": False}
    ask = PeriodicTasks.last_change

    def last_change():
        if state["away"]:
            raise OperationalError("the database system is shutting down")
        return ask()

    monkeypatch.setattr(PeriodicTasks, "last_change", last_change)
    return lambda yes: state.update(away=yes)


def test_entries_of_the_code_are_written_and_those_that_are_gone_are_taken_away():
    Timetable(app=app_with(ENTRIES))
    assert names() == {"sweep", "send notices"}
    Timetable(app=app_with({"sweep": ENTRIES["sweep"]}))
    assert names() == {"sweep"}


def test_a_row_of_somebody_else_is_left_alone():
    every = IntervalSchedule.objects.create(every=1, period="days")
    PeriodicTask.objects.create(name="full_run", task="allocation.keep_timetable", interval=every)
    Timetable(app=app_with({}))
    assert names() == {"full_run"}


def test_a_message_that_waits_longer_than_its_period_expires():
    """The library's table has another word for it than Celery, and would drop it without one."""
    Timetable(app=app_with(ENTRIES))
    assert PeriodicTask.objects.get(name="sweep").expire_seconds == 30
    assert PeriodicTask.objects.get(name="sweep").description == OURS


def test_a_tick_leaves_a_pulse_and_waits_no_longer_than_until_the_next(settings):
    settings.PULSE_SECONDS = 2
    beat = Timetable(app=app_with(ENTRIES))
    assert beat.tick() <= 2
    assert Pulse.objects.get().part == "beat"


def test_a_database_that_is_away_costs_a_tick_and_what_changed_meanwhile_is_read_after(away):
    beat = Timetable(app=app_with(ENTRIES))
    beat.tick()
    away(True)
    beat.tick()
    PeriodicTask.objects.filter(name="sweep").update(enabled=False)  # noted nowhere: update() tells no one
    away(False)
    beat.tick()
    assert set(beat.schedule) == {"send notices"}


def test_a_database_that_is_away_at_the_start_is_waited_for(monkeypatch):
    def refuse(*args, **named):
        raise OperationalError("connection refused")

    with monkeypatch.context() as while_away:
        while_away.setattr(Timetable, "_write_entries", refuse)
        beat = Timetable(app=app_with(ENTRIES))
        beat.tick()
        assert not names()
    beat.tick()
    assert set(beat.schedule) == names() == set(ENTRIES)


def test_what_could_not_be_written_down_stays_to_be_written(away):
    beat = Timetable(app=app_with(ENTRIES))
    beat.reserve(beat.schedule["sweep"])
    away(True)
    beat.sync()
    away(False)
    beat.sync()
    assert not beat._dirty
    assert PeriodicTask.objects.get(name="sweep").total_run_count == 1


def test_the_librarys_own_scheduler_ends_with_its_database(away, monkeypatch):
    """The control: what is mended above is broken there."""

    def refuse(self):
        raise OperationalError("connection refused")

    beat = DatabaseScheduler(app=app_with(ENTRIES))
    monkeypatch.setattr(DatabaseScheduler, "all_as_schedule", refuse)
    PeriodicTasks.update_changed()
    PeriodicTasks.update_changed()
    _ = beat.schedule_changed()
    PeriodicTasks.update_changed()
    with pytest.raises(OperationalError):
        beat.tick()
