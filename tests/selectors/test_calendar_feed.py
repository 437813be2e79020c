"""A CSM's calendar: which days are in it, and that no name or word of ours breaks out of it or says what is internal."""

import datetime
from decimal import Decimal

import pytest
from icalendar import Calendar

from accounts.models import Customer, Leave, Tier
from allocation.models import TieringModel, Touch
from allocation.selectors.calendar_feed import calendar_answer, calendar_file
from allocation.selectors.calendar_words import OutsideWords
from allocation.services.touches import plan_touches
from tests.factories import NOW, TODAY, CustomerFactory, TierFactory, TouchActivityFactory

DAY = datetime.timedelta(days=1)


@pytest.fixture
def customer(cast):
    tier = TierFactory(slug="gold", name="Gold")
    return CustomerFactory(
        name="Acme", csm=cast.csm_a.csm, csm_since=TODAY, tier=tier, tier_since=TODAY - 400 * DAY
    )


@pytest.fixture
def qbr(customer):
    return TouchActivityFactory(tier=customer.tier, name="QBR", times_a_year=4, hours_each=Decimal(5))


def touch(customer, line, due_on, **more):
    given = {
        "activity": line,
        "name": line.name,
        "slot_on": due_on,
        "due_on": due_on,
        "hours": line.hours_each,
    }
    return Touch.objects.create(customer=customer, **{**given, **more})


def events(csm, on=TODAY):
    """The calendar as a program reads it."""
    return Calendar.from_ical(calendar_file(answer=calendar_answer(csm=csm, on=on))).walk("VEVENT")


def said(csm, on=TODAY):
    return [(event["DTSTART"].dt, str(event["SUMMARY"])) for event in events(csm, on)]


def test_an_event_is_a_whole_day_with_customer_hours_channel_and_the_way_to_its_page(
    cast, customer, qbr, settings
):
    settings.SITE_URL = "https://cs.example.com"
    qbr.times_a_year = 0
    qbr.save()
    touch(customer, qbr, TODAY + 3 * DAY)
    Touch.objects.update(
        slot_on=TODAY + 2 * DAY, due_on=TODAY - DAY
    )  # late: what is planned no more would go
    (event,) = events(cast.csm_a.csm)
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (TODAY - DAY, TODAY)
    assert str(event["SUMMARY"]) == "Late: QBR with Acme"
    link = f"https://cs.example.com/customers/{customer.pk}/"
    assert str(event["DESCRIPTION"]) == f"5:00 hours, meeting\nIts day has passed.\n{link}"
    assert str(event["URL"]) == link
    assert (str(event["TRANSP"]), str(event["CLASS"])) == ("TRANSPARENT", "PRIVATE")
    assert str(event["UID"]).endswith("@cs.example.com")


def test_four_qbrs_a_year_are_four_days_before_and_after_they_are_stored_and_keep_their_ids(
    cast, customer, qbr
):
    before = events(cast.csm_a.csm)
    assert len(before) == 4
    plan_touches(on=TODAY)
    assert Touch.objects.exists()
    after = events(cast.csm_a.csm)
    assert [event.to_ical() for event in after] == [event.to_ical() for event in before]
    assert len({str(event["UID"]) for event in after}) == 4


def test_a_touch_that_is_moved_or_done_keeps_its_id(cast, customer, qbr):
    plan_touches(on=TODAY)
    first = Touch.objects.order_by("due_on").first()
    uid = next(str(e["UID"]) for e in events(cast.csm_a.csm) if e["DTSTART"].dt == first.due_on)
    Touch.objects.filter(pk=first.pk).update(due_on=first.due_on + DAY)
    (moved,) = (e for e in events(cast.csm_a.csm) if str(e["UID"]) == uid)
    assert moved["DTSTART"].dt == first.due_on + DAY
    Touch.objects.filter(pk=first.pk).update(status="done", done_on=TODAY, closed_at=NOW)
    (done,) = (e for e in events(cast.csm_a.csm) if str(e["UID"]) == uid)
    assert str(done["SUMMARY"]) == "Done: QBR with Acme"


def test_done_ones_of_the_last_thirty_days_are_marked_and_skipped_ones_are_left_out(cast, customer, qbr):
    qbr.times_a_year = 0
    qbr.save()
    done = {"status": "done", "done_on": TODAY, "closed_at": NOW}
    touch(customer, qbr, TODAY - 30 * DAY, **done)
    touch(customer, qbr, TODAY - 31 * DAY, **done)
    touch(customer, qbr, TODAY - 3 * DAY, status="skipped", words="Away")
    touch(customer, qbr, TODAY - 2 * DAY, slot_on=None, activity=None, name="Call", **done)
    assert said(cast.csm_a.csm) == [
        (TODAY - 30 * DAY, "Done: QBR with Acme"),
        (TODAY - 2 * DAY, "Done: Call with Acme"),
    ]


@pytest.mark.parametrize("day", [TODAY, TODAY - DAY])  # of the plan's days, and of those before
def test_what_people_called_a_logged_touch_is_not_said(cast, customer, qbr, day):
    qbr.times_a_year = 0
    qbr.save()
    words = "They threaten to leave for Globex"
    more = {
        "slot_on": None,
        "logged": True,
        "status": "done",
        "done_on": day,
        "closed_at": NOW,
        "name": words,
    }
    touch(customer, qbr, day, activity=None, **more)
    touch(customer, qbr, day, **more)
    assert sorted(said(cast.csm_a.csm)) == [(day, "Done: Contact with Acme"), (day, "Done: QBR with Acme")]


def test_renewals_are_in_it(cast, customer):
    Customer.objects.filter(pk=customer.pk).update(renewal_date=TODAY + 365 * DAY)
    CustomerFactory(csm=cast.csm_a.csm, csm_since=TODAY, renewal_date=TODAY + 366 * DAY)
    assert said(cast.csm_a.csm) == [(TODAY + 365 * DAY, "Renewal of Acme")]


def test_customers_of_others_and_those_that_left_are_not_and_covered_ones_are_in_the_days_of_the_leave(
    cast, customer
):
    Customer.objects.filter(pk=customer.pk).update(renewal_date=TODAY + DAY)
    CustomerFactory(name="Gone", csm=cast.csm_b.csm, csm_since=TODAY, status="left", renewal_date=TODAY + DAY)
    assert said(cast.csm_b.csm) == []
    Leave.objects.create(
        csm=cast.csm_a.csm, starts_on=TODAY, ends_before=TODAY + 9 * DAY, covered_by=cast.csm_b.csm
    )
    assert said(cast.csm_b.csm) == [(TODAY + DAY, "Renewal of Acme")]
    assert said(cast.csm_b.csm, TODAY + 9 * DAY) == []


HOSTILE = [
    "Acme\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:forged",
    "Acme; ATTENDEE=x, \\n \\; \\, semicolons",
    "Acme\u2028\u2029\x0b\x0c\x85 separators",
    "Ünïcode " + "日本語" * 20,
    "x" * 200,
    '"quoted": ^n caret',
    "END:VCALENDAR",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_out(cast, customer, name, qbr):
    Customer.objects.filter(pk=customer.pk).update(name=name, renewal_date=TODAY + DAY)
    found = events(cast.csm_a.csm)
    assert len(found) == 5
    assert {str(event["URL"]) for event in found} == {f"http://localhost:8000/customers/{customer.pk}/"}
    assert all(len(event.keys()) == 9 for event in found)
    renewal = next(str(event["SUMMARY"]) for event in found if str(event["SUMMARY"]).startswith("Renewal"))
    plain = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    assert renewal.removeprefix("Renewal of ")[:40] == plain[:40]
    text = calendar_file(answer=calendar_answer(csm=cast.csm_a.csm, on=TODAY))
    assert all(len(line) <= 75 for line in text.split(b"\r\n"))
    assert b"\n" not in text.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("name", "channel", "outside"),
    [
        ("QBR", "meeting", "QBR"),
        ("High-touch adoption flow", "meeting", "Adoption flow"),
        ("Adoption flow (tech touch)", "digital", "Adoption flow"),
        ("Self-service webinar", "digital", "Webinar"),
        ("Gold review", "meeting", "Review"),  # the name of a tier
        ("Golden hour", "meeting", "Golden hour"),
        ("Commercial check-in", "call", "Check-in"),  # the name of a segment
        ("High touch", "visit", "Visit"),
        ("Health and usage review", "internal", "Health and usage review"),
        ("Sentiment check", "call", "Call"),
        ("Tier review", "internal", "Internal review"),
        ("Tier talk", "email", "E-mail"),
        ("Talk about the override", "", "Contact"),
        ("Scoring", "digital", "Digital contact"),
        ("Frontier call", "call", "Frontier call"),
        ("High-touch-like call", "call", "Call"),
    ],
)
def test_names_of_activities_say_no_level_tier_segment_score_or_override(db, name, channel, outside):
    TierFactory(slug="gold", name="Gold")
    TieringModel.objects.create(
        number=1,
        name="One",
        status="published",
        definition={"segments": [{"name": "Commercial", "when": []}]},
    )
    assert OutsideWords().words_of(name, channel) == outside


def test_the_mark_changes_with_what_is_said_and_with_nothing_else(cast, customer, qbr):
    first = calendar_answer(csm=cast.csm_a.csm, on=TODAY)
    Customer.objects.filter(pk=customer.pk).update(arr=Decimal(7), health=3)
    Tier.objects.filter(pk=customer.tier_id).update(name="Silver")
    assert calendar_answer(csm=cast.csm_a.csm, on=TODAY).etag == first.etag
    Customer.objects.filter(pk=customer.pk).update(name="Acme Ltd")
    assert calendar_answer(csm=cast.csm_a.csm, on=TODAY).etag != first.etag


def test_it_asks_the_database_equally_often_at_any_size(cast, qbr, customer, django_assert_num_queries):
    for _ in range(2):
        with django_assert_num_queries(13):
            calendar_answer(csm=cast.csm_a.csm, on=TODAY)
        for _ in range(9):
            CustomerFactory(csm=cast.csm_a.csm, csm_since=TODAY, tier=customer.tier, tier_since=TODAY)
