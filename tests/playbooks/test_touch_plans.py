"""The calendars of Company A and Company B under touch-by-goal: what high touch and low touch mean day by day."""

import itertools
import math
from collections import Counter
from datetime import date, timedelta
from urllib.parse import urlsplit

import pytest
from django.core.management.base import CommandError
from django.urls import reverse
from icalendar import Calendar

from accounts.models import Customer, TouchActivity
from allocation.models import Touch
from allocation.services.touches import plan_touches
from tests.pages.reading import read
from tests.playbooks.door import answer
from tests.playbooks.test_touch_by_goal import COMPANY_A, COMPANY_B

LOW = {"Business review": 1, "Quarterly check-in": 4, "Digital adoption flow": 12}
HIGH_B = {"QBR": 4, "Fortnightly meeting": 26, "High-touch adoption flow": 12, "Success plan review": 2}
HIGH_A = {**HIGH_B, "Success plan review": 4, "Save plan review": 12}


TODAY = date(2026, 11, 27)  # a Friday on which no touch of either is due: today's stay when a plan changes


@pytest.fixture(autouse=True)
def today(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


@pytest.fixture
def playbook(company):
    found = company("touch-by-goal")
    found.customers([COMPANY_A, COMPANY_B])
    found.retier()
    return found


def night():
    """What the timetable does every night."""
    return plan_touches(on=TODAY)


def plan_of(external_id):
    return answer("touch_plan", external_id)


def times(external_id):
    return Counter(touch["activity"] for touch in plan_of(external_id)["touches"])


def stored(external_id):
    return Touch.objects.filter(customer__external_id=external_id)


@pytest.mark.parametrize("planned", [False, True])
def test_company_b_has_four_business_reviews_and_fortnightly_meetings_in_its_calendar(playbook, planned):
    """With the first night or before it: the calendar is the same."""
    if planned:
        night()
    found = plan_of("B")
    assert (found["external_id"], found["tier"]) == ("B", "high-commercial")
    assert times("B") == HIGH_B
    assert set(found["touches"][0]) == {"activity", "due_on", "hours", "status"}
    days = sorted(
        date.fromisoformat(touch["due_on"]) for touch in found["touches"] if touch["activity"] == "QBR"
    )
    # a quarter apart, up to the three days a weekend may move each of the two
    assert all(88 <= (later - one).days <= 95 for one, later in itertools.pairwise(days))
    assert all(day.weekday() < 5 for day in days)
    assert {touch["status"] for touch in found["touches"]} <= {"due", "planned"}


def test_the_csm_of_both_sees_their_hours_their_touches_and_their_calendar(playbook, cast, sign_in, client):
    """(4 × 5 h + 26 × 1 h + 12 × 1 h + 2 × 1 h) ÷ 12 = 5 h a month for B; (5 h + 4 × 1 h + 12 × ¼ h) ÷ 12 = 1 h for A."""
    csm = cast.csm_a.csm
    Customer.objects.filter(external_id__in="AB").update(csm=csm, csm_since=TODAY)
    night()
    names = dict(Customer.objects.values_list("external_id", "name"))
    hers = sign_in(cast.csm_a)

    rows = {row["external_id"]: row for row in answer("attention", csm.key)["customers"]}
    assert (rows["A"]["base_hours"], rows["B"]["base_hours"]) == (1, 5)
    shown = read(hers.get(reverse("my_attention"))).shown
    assert "Net hours 120:00" in shown
    assert "Base hours 6:00" in shown
    # By the return on the CSM's time all that is left goes to B: A has nothing to win and nothing at risk.
    assert "B: 119:00 hours, base 5:00, share 114:00" in shown
    assert "A: 1:00 hours, base 1:00, share 0:00" in shown

    listed = hers.get(reverse("touches"), {"show": "coming"}).context["page"].object_list
    planned = stored("B").filter(due_on__gte=TODAY + timedelta(days=7))
    assert len([one for one in listed if one.customer_id == planned[0].customer_id]) == planned.count()

    address = hers.post(reverse("calendar_make")).context["address"]
    feed = Calendar.from_ical(client.get(urlsplit(address).path).content)
    year = [
        event for event in feed.walk("VEVENT") if TODAY <= event["DTSTART"].dt < TODAY + timedelta(days=365)
    ]
    said = Counter(str(event["SUMMARY"]) for event in year)
    # A year of days due; one whose slot is of the year may be due up to six days after it.
    assert abs(said[f"QBR with {names['B']}"] - 4) <= 1
    assert abs(said[f"Fortnightly meeting with {names['B']}"] - 26) <= 1
    assert said[f"Quarterly check-in with {names['A']}"] in (4, 5)
    assert f"QBR with {names['A']}" not in said


def test_company_a_has_the_calendar_of_low_touch(playbook):
    night()
    assert plan_of("A")["tier"] == "low-enterprise"
    assert times("A") == LOW


def test_the_calendar_ahead_is_stored_and_the_rest_worked_out(playbook, settings):
    night()
    horizon = TODAY + timedelta(days=settings.TOUCH_HORIZON_DAYS)
    assert 0 < stored("B").count() <= math.ceil(44 / 365 * settings.TOUCH_HORIZON_DAYS) + 4
    assert all(day < horizon for day in stored("B").values_list("slot_on", flat=True))
    before = plan_of("B")
    settings.TOUCH_HORIZON_DAYS = 365
    night()
    assert stored("B").count() == 44
    assert plan_of("B") == before


def test_a_goal_gives_company_a_the_calendar_of_high_touch_and_closing_it_takes_it_back(playbook):
    night()
    low, of_b = plan_of("A")["touches"], plan_of("B")
    playbook.customers([{"external_id": "A", "goals": "risk-mitigation"}])
    playbook.retier("--scope", "goals")
    night()
    assert plan_of("A")["tier"] == "high-enterprise"
    assert times("A") == HIGH_A
    assert night().added == 0

    review = stored("A").filter(name="Save plan review").order_by("due_on").first()
    meeting = stored("A").filter(name="Fortnightly meeting").order_by("due_on").first()
    for touch in (review, meeting):
        touch.status, touch.done_on, touch.words = "done", TODAY, "They stay."
        touch.full_clean()
        touch.save()
    playbook.customers([{"external_id": "A", "goals": ""}])
    playbook.retier("--scope", "goals")
    night()
    found = plan_of("A")
    assert found["tier"] == "low-enterprise"
    assert times("A") == Counter({**LOW, "Save plan review": 1, "Fortnightly meeting": 1})
    kept = [touch for touch in found["touches"] if touch["status"] == "done"]
    assert sorted(touch["activity"] for touch in kept) == ["Fortnightly meeting", "Save plan review"]
    # the calendar of before is there again
    assert [touch for touch in found["touches"] if touch not in kept] == low
    assert plan_of("B") == of_b, "nobody else's calendar moved"


def test_what_a_person_moved_stays_through_the_nights(playbook):
    night()
    meeting = stored("B").filter(name="Fortnightly meeting").order_by("due_on").last()
    meeting.due_on += timedelta(days=4)
    meeting.save()
    assert (night().added, night().dropped) == (0, 0)
    assert str(meeting.due_on) in {touch["due_on"] for touch in plan_of("B")["touches"]}
    assert times("B") == HIGH_B


def test_a_playbook_published_anew_takes_what_its_plan_no_longer_has_out_of_the_future(playbook):
    """What is planned keeps its activity, at nought times a year; the next night takes what is due later away."""
    own = TouchActivity.objects.create(
        tier_id=stored_tier("B"), name="Site visit", times_a_year=24, hours_each=3
    )
    night()
    done = stored("B").filter(name="Site visit").order_by("due_on").first()
    Touch.objects.filter(pk=done.pk).update(status="done", done_on=TODAY)
    answer("load_playbook", "three-axis", "--publish")
    answer("load_playbook", "touch-by-goal", "--publish")
    own.refresh_from_db()
    assert own.times_a_year == 0
    night()
    assert list(stored("B").filter(name="Site visit")) == [done]
    assert times("B") == {**HIGH_B, "Site visit": 1}


def stored_tier(external_id):
    return Customer.objects.get(external_id=external_id).tier_id


def test_an_unknown_customer_is_refused(playbook):
    with pytest.raises(CommandError, match="There is no customer Z"):
        answer("touch_plan", "Z")


def test_somebody_elses_customer_is_as_unknown(playbook, cast):
    assert answer("touch_plan", "B", acting=cast.ops.email)["external_id"] == "B"
    with pytest.raises(CommandError, match="There is no customer B"):
        answer("touch_plan", "B", acting=cast.csm_a.email)
