"""Schedules, what was done, freezes: CS ops change when, not what; a button does the work once besides."""

import pytest
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from allocation.models import Freeze, Schedule, Slot, Work

CHANGED = {
    "enabled": "on",
    "rhythm": "weekly",
    "at_time": "09:15",
    "month": "1",
    "day": "1",
    "weekday": "6",
}


@pytest.fixture
def schedule(cast):
    return Schedule.objects.get(work=Work.RATES)


@pytest.fixture(autouse=True)
def rung(monkeypatch):
    bells = []
    monkeypatch.setattr("allocation.admin.timetable.ring", lambda task, **ids: bells.append((task.name, ids)))
    return bells


def page(schedule, what="change"):
    return f"/admin/allocation/schedule/{schedule.pk}/{what}/"


def test_a_change_counts_from_now_on_reaches_beat_and_is_logged(cast, sign_in, schedule):
    before = schedule.since
    client = sign_in(cast.ops)
    assert client.post(page(schedule), CHANGED).status_code == 302
    schedule.refresh_from_db()
    assert (schedule.rhythm, schedule.weekday, f"{schedule.at_time:%H:%M}") == ("weekly", 6, "09:15")
    assert schedule.since > before
    crontab = PeriodicTask.objects.get(name="rates").crontab
    assert (crontab.minute, crontab.hour, crontab.day_of_week) == ("15", "9", "0")
    history = client.get(page(schedule, "history")).content.decode()
    assert "Every week" in history


@pytest.mark.parametrize("day", ["0", "29", "31", ""])
def test_a_day_that_not_every_month_has_is_refused_in_the_form(cast, sign_in, schedule, day):
    answer = sign_in(cast.ops).post(page(schedule), CHANGED | {"rhythm": "monthly", "day": day})
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors
    schedule.refresh_from_db()
    assert schedule.rhythm == "daily"


def test_nobody_adds_or_deletes_a_schedule(cast, sign_in, schedule):
    client = sign_in(cast.ops)
    assert client.get("/admin/allocation/schedule/add/").status_code == 403
    assert client.post(page(schedule, "delete"), {"post": "yes"}).status_code == 403


def test_do_it_now_asks_once_however_often_it_is_clicked(cast, sign_in, schedule, rung):
    client = sign_in(cast.ops)
    for _ in range(20):
        assert client.post(page(schedule, "now")).status_code == 302
    slot = Slot.objects.get(work=Work.RATES)
    assert (slot.status, slot.requested_by) == ("queued", cast.ops)
    assert rung == [("allocation.carry_out_slot", {"slot_id": slot.pk})]
    assert "It is queued already." in client.get(page(schedule)).content.decode()


@pytest.mark.parametrize("who", ["manager", "csm_a", "nobody"])
def test_others_start_and_change_nothing(cast, sign_in, schedule, who):
    client = sign_in(getattr(cast, who))
    for what, data in (("now", {}), ("change", CHANGED)):
        assert client.post(page(schedule, what), data, follow=True).status_code == 403
    assert not Slot.objects.exists()
    schedule.refresh_from_db()
    assert schedule.rhythm == "daily"


def test_the_library_s_own_pages_are_not_there(cast, sign_in):
    """They would let a person start any task with any arguments."""
    client = sign_in(cast.ops)
    for model in ("periodictask", "crontabschedule", "intervalschedule"):
        assert client.get(f"/admin/django_celery_beat/{model}/").status_code == 404


def test_a_freeze_that_ends_before_it_begins_is_refused_in_the_form(cast, sign_in):
    given = {"name": "Year end", "starts_on": "2026-12-20", "ends_before": "2026-12-19", "words": ""}
    client = sign_in(cast.ops)
    answer = client.post("/admin/allocation/freeze/add/", given)
    assert "A freeze cannot end before its first day." in answer.content.decode()
    assert (
        client.post("/admin/allocation/freeze/add/", given | {"ends_before": "2027-01-04"}).status_code == 302
    )
    assert Freeze.objects.get().name == "Year end"


@pytest.mark.parametrize(
    ("status", "is_under_way"),
    [("queued", True), ("working", True), ("done", False), ("failed", False), ("missed", False)],
)
def test_the_page_of_work_looks_again_by_itself_until_there_is_a_result(cast, sign_in, status, is_under_way):
    slot = Slot.objects.create(work=Work.RATES, slot="2026-11-22 02:30", due_at=timezone.now(), status=status)
    client = sign_in(cast.ops)
    address = f"/admin/allocation/slot/{slot.pk}/progress/"
    shown = client.get(f"/admin/allocation/slot/{slot.pk}/change/").content.decode()
    assert (f'data-progress-url="{address}"' in shown) is is_under_way
    assert ("cstiers/js/progress.js" in shown) is is_under_way
    answer = client.get(address).json()
    assert (answer["status"], answer["finished"]) == (status, not is_under_way)
    # What the script shows meanwhile, and what it reads of every job.
    assert answer["message"] and set(answer) == {"status", "done", "total", "message", "note", "finished"}
