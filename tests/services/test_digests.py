"""One digest a person and day: when it comes, what it covers, and that nothing is told twice or lost."""

import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail

from accounts import roles
from accounts.models import CSM, Customer, Delegation, Leave, User
from allocation.models import Handover, Notice, Touch
from allocation.services.notices import send_notices
from tests.factories import CSMFactory, UserFactory
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

SUNDAY, TUESDAY = MONDAY - DAY, MONDAY + DAY


@pytest.fixture
def book(cast: SimpleNamespace) -> SimpleNamespace:
    """A customer of csm_a whose renewal is near: there is something to say every day."""
    cast.customer = customer(cast.csm_a.csm, "Acme", renewal_date=MONDAY + 20 * DAY)
    return cast


def days_told(person: User) -> list[str]:
    rows = Notice.objects.filter(kind="digest", to=person).order_by("key")
    return [key[7:17] for key in rows.values_list("key", flat=True)]


def test_who_chose_nothing_has_a_digest_on_mondays(book: SimpleNamespace) -> None:
    for n in range(-2, 10):
        write(MONDAY + n * DAY)
    assert days_told(book.csm_a) == ["2026-11-23", "2026-11-30"]


@pytest.mark.parametrize(("digest", "days"), [("daily", 3), ("weekly", 1), ("never", 0)])
def test_each_gets_it_as_often_as_chosen(book: SimpleNamespace, digest: str, days: int) -> None:
    wishes(book.csm_a, digest)
    for n in range(3):
        write(MONDAY + n * DAY)
    assert len(days_told(book.csm_a)) == days


def test_writing_three_times_leaves_one(book: SimpleNamespace) -> None:
    assert write() == "1 digest written."
    assert write() == "Nobody who wants a digest today had anything to be told, or they were told already."
    write()
    assert days_told(book.csm_a) == ["2026-11-23"]


def test_who_has_nothing_to_be_told_gets_no_mail(cast: SimpleNamespace) -> None:
    for person in (cast.ops, cast.manager, cast.csm_a, cast.csm_b, cast.nobody):
        wishes(person)
    assert write() == "Nobody who wants a digest today had anything to be told, or they were told already."
    assert not Notice.objects.exists()


def test_neither_who_has_no_role_nor_who_no_longer_signs_in_gets_one(book: SimpleNamespace) -> None:
    wishes(book.nobody)
    User.objects.filter(pk=book.csm_a.pk).update(is_active=False)
    write()
    assert not Notice.objects.exists()


def test_a_digest_is_sent_like_every_notice(book: SimpleNamespace) -> None:
    write()
    assert send_notices(at=morning(), limit=10).sent == 1
    assert mail.outbox[0].to == ["csm-a@example.com"]
    assert mail.outbox[0].subject == "1 renewal in the coming 30 days (digest of 23 Nov 2026)"
    assert "Acme (13 Dec 2026)" in mail.outbox[0].body
    assert "Change what you get: http" in mail.outbox[0].body


def test_every_line_has_a_figure_and_a_link(book: SimpleNamespace) -> None:
    customer(book.csm_a.csm, "Newcomer", on=SUNDAY)
    customer(book.csm_a.csm, "Past", renewal_date=MONDAY - DAY)
    text = digest_of_after_writing(book.csm_a).splitlines()
    said = [number for number, line in enumerate(text) if line.startswith("- ")]
    assert len(said) == 3
    assert all(any(char.isdecimal() for char in text[number]) for number in said)
    assert all(text[number + 1].startswith("  http") for number in said)


def digest_of_after_writing(person: User, day: datetime.date = MONDAY) -> str:
    write(day)
    return digest_of(person, day)


def test_customers_that_came_and_left_are_named(book: SimpleNamespace) -> None:
    wishes(book.csm_a), wishes(book.csm_b)
    moved = customer(book.csm_a.csm, "Mover")
    give(moved, book.csm_b.csm, on=SUNDAY)
    customer(book.csm_a.csm, "Newcomer", on=SUNDAY)
    write()
    assert lines_of(book.csm_a)[:2] == [
        "1 customer came to your book: Newcomer.",
        "1 customer left your book: Mover.",
    ]
    assert lines_of(book.csm_b)[0] == "1 customer came to your book: Mover."


def test_one_that_went_and_came_back_is_no_change(book: SimpleNamespace) -> None:
    give(book.customer, book.csm_b.csm, on=MONDAY - 3 * DAY)
    give(book.customer, book.csm_a.csm, on=MONDAY - 2 * DAY)
    assert "came" not in digest_of_after_writing(book.csm_a)
    assert digest_of(book.csm_b) == ""


def test_one_that_nobody_serves_any_more_left_the_book(book: SimpleNamespace) -> None:
    give(book.customer, None, on=SUNDAY)
    write()
    assert lines_of(book.csm_a) == ["1 customer left your book: Acme."]


@pytest.mark.parametrize("away", range(1, 8))
def test_each_change_is_told_in_exactly_one_daily_digest(book: SimpleNamespace, away: int) -> None:
    """Whatever day it is written down on, and whether somebody else takes the customer or nobody does."""
    wishes(book.csm_a)
    other, dropped = customer(book.csm_a.csm, "Other"), customer(book.csm_a.csm, "Dropped")
    day = MONDAY + away * DAY
    for n in range(away):
        write(MONDAY + n * DAY)
    give(other, book.csm_b.csm, on=day)
    give(dropped, None, on=day)
    for n in range(away, 12):
        write(MONDAY + n * DAY)
    told = [day for day in days_told(book.csm_a) if "left your book" in digest_of(book.csm_a, day)]  # type: ignore[arg-type]
    assert told == [str(day + DAY)]
    assert "2 customers left your book: Dropped, Other" in digest_of(book.csm_a, day + DAY)


def test_a_digest_covers_all_since_the_last_one(book: SimpleNamespace) -> None:
    """The Monday between had none: nobody kept the timetable."""
    wishes(book.csm_a, "weekly")
    write(MONDAY)
    customer(book.csm_a.csm, "Early", on=MONDAY + DAY)
    customer(book.csm_a.csm, "Late", on=MONDAY + 12 * DAY)
    assert "2 customers came to your book: Early, Late" in digest_of_after_writing(
        book.csm_a, MONDAY + 14 * DAY
    )


def test_that_customers_are_served_otherwise_is_a_number_without_a_name(book: SimpleNamespace) -> None:
    wishes(book.csm_a)
    serve(book.customer, "scale", on=MONDAY - 50 * DAY)
    serve(book.customer, "strategic", on=SUNDAY)
    first = customer(book.csm_a.csm, "First")
    serve(first, "scale", on=SUNDAY)  # its first one is no change
    write()
    assert lines_of(book.csm_a)[0] == "The service of 1 customer changed."
    assert "trategic" not in digest_of(book.csm_a)
    assert "The service" not in digest_of_after_writing(book.csm_a, TUESDAY)


@pytest.mark.parametrize(("away", "told"), [(-1, "past"), (0, "soon"), (30, "soon"), (31, "")])
def test_renewals_of_thirty_days_are_told_and_those_that_passed_are_counted(
    cast: SimpleNamespace, away: int, told: str
) -> None:
    customer(cast.csm_a.csm, "Acme", renewal_date=MONDAY + away * DAY)
    text = digest_of_after_writing(cast.csm_a)
    assert ("1 renewal in the coming 30 days: Acme" in text) == (told == "soon")
    assert ("1 customer with a renewal date that has passed" in text) == (told == "past")


def test_who_is_to_be_looked_at_first_is_a_number(cast: SimpleNamespace) -> None:
    wishes(cast.csm_a)
    customer(cast.csm_a.csm, "Low", health=39, health_on=MONDAY - 20 * DAY)
    customer(cast.csm_a.csm, "Sunk", health=10, health_on=SUNDAY)
    customer(cast.csm_a.csm, "Fine", health=40, health_on=SUNDAY)
    write()
    assert lines_of(cast.csm_a) == ["2 customers to look at first, 1 of them since the last digest."]
    assert "Sunk" not in digest_of(cast.csm_a)


def test_handovers_and_cover_are_told_to_both_sides(book: SimpleNamespace) -> None:
    Handover.objects.create(
        customer=book.customer, from_csm=book.csm_b.csm, to_csm=book.csm_a.csm, due_on=SUNDAY
    )
    Leave.objects.create(
        csm=book.csm_b.csm, starts_on=MONDAY + DAY, ends_before=MONDAY + 9 * DAY, covered_by=book.csm_a.csm
    )
    write()
    for person in (book.csm_a, book.csm_b):
        assert "1 handover open, 1 overdue." in lines_of(person)
    assert "You cover 1 book: Ben Book is away (24 Nov 2026, back on 2 Dec 2026)." in lines_of(book.csm_a)
    assert "Ada Book covers you while you are away" in digest_of(book.csm_b)


def test_a_cover_is_told_what_the_covered_book_asks_while_it_is_seen(book: SimpleNamespace) -> None:
    wishes(book.csm_b)
    Leave.objects.create(
        csm=book.csm_a.csm, starts_on=MONDAY, ends_before=MONDAY + 2 * DAY, covered_by=book.csm_b.csm
    )
    for n in range(-1, 3):
        write(MONDAY + n * DAY)
    said = "You cover 1 book: Ada Book is away (23 Nov 2026, back on 25 Nov 2026)"
    asks = ", 1 renewal in the coming 30 days, 0 customers to look at first"
    assert lines_of(book.csm_b, SUNDAY) == [f"{said}."]
    assert lines_of(book.csm_b) == lines_of(book.csm_b, TUESDAY) == [f"{said}{asks}."]
    assert lines_of(book.csm_b, MONDAY + 2 * DAY) == []
    assert f"/books/{book.csm_a.csm.pk}/" in digest_of(book.csm_b)
    assert f"/books/{book.csm_a.csm.pk}/" not in digest_of(book.csm_b, SUNDAY)
    assert "Acme" not in digest_of(book.csm_b)


@pytest.mark.parametrize("begins", [MONDAY, MONDAY + 3 * DAY])
@pytest.mark.parametrize("why", ["away", "left", "switched off"])
def test_a_cover_that_is_not_there_is_told_to_neither(
    book: SimpleNamespace, begins: datetime.date, why: str
) -> None:
    """Today, or on the first day of leave that begins soon."""
    away = {"starts_on": begins, "ends_before": begins + 9 * DAY}
    Leave.objects.create(csm=book.csm_a.csm, covered_by=book.csm_b.csm, **away)
    if why == "away":
        Leave.objects.create(csm=book.csm_b.csm, starts_on=begins - DAY, ends_before=begins + DAY)
    elif why == "left":
        CSM.objects.filter(pk=book.csm_b.csm.pk).update(leaves_on=begins)
    else:
        User.objects.filter(pk=book.csm_b.pk).update(is_active=False)
    write()
    assert "Nobody covers you while you are away" in digest_of(book.csm_a)
    assert "Ben Book covers" not in digest_of(book.csm_a)
    assert "You cover" not in digest_of(book.csm_b)


@pytest.mark.parametrize("begins", [MONDAY, MONDAY + 3 * DAY])
def test_a_cover_that_is_away_at_another_time_is_told_to_both(
    book: SimpleNamespace, begins: datetime.date
) -> None:
    """Who is away today and back on the first day, or leaves in the middle, covers at first."""
    away = {"starts_on": begins, "ends_before": begins + 9 * DAY}
    Leave.objects.create(csm=book.csm_a.csm, covered_by=book.csm_b.csm, **away)
    Leave.objects.create(csm=book.csm_b.csm, starts_on=begins - 5 * DAY, ends_before=begins)
    CSM.objects.filter(pk=book.csm_b.csm.pk).update(leaves_on=begins + DAY)
    write()
    assert "Ben Book covers you while you are away" in digest_of(book.csm_a)
    assert "You cover 1 book: Ada Book" in digest_of(book.csm_b)


def test_a_csm_reads_of_no_other_book(book: SimpleNamespace) -> None:
    """Whatever is so in the book of another: no name and no number of it."""
    before = digest_of_after_writing(book.csm_a)
    Notice.objects.all().delete()
    low = customer(book.csm_b.csm, "Zebra one", health=1, health_on=SUNDAY, renewal_date=MONDAY, on=SUNDAY)
    serve(low, "scale", on=MONDAY - 5 * DAY)
    serve(low, "strategic", on=SUNDAY)
    Handover.objects.create(customer=low, to_csm=book.csm_b.csm, due_on=SUNDAY)
    Leave.objects.create(csm=book.csm_b.csm, starts_on=SUNDAY, ends_before=MONDAY + 9 * DAY)
    write()
    assert digest_of(book.csm_a) == before
    assert "Zebra one" in digest_of(book.csm_b)


def test_a_person_with_several_roles_has_one_mail_with_all_parts(book: SimpleNamespace) -> None:
    book.csm_a.groups.add(*UserFactory(role=roles.MANAGER).groups.all(), *book.ops.groups.all())
    User.objects.filter(pk=book.csm_a.pk).update(is_superuser=True)
    book.team_a.manager = book.csm_a
    book.team_a.save()
    CSMFactory(name="Leaver", team=book.team_a, leaves_on=MONDAY + 9 * DAY)
    customer(
        CSMFactory(name="Goer", team=book.team_a, leaves_on=MONDAY + 9 * DAY), "Left behind", currency="EUR"
    )
    write()
    text = digest_of(book.csm_a)
    assert Notice.objects.filter(to=book.csm_a).count() == 1
    assert [heading in text for heading in ("Your teams", "For CS ops", "Your book")] == [True] * 3
    assert "1 CSM with customers leaving soon: Goer (2 Dec 2026, 1 customer)" in text
    assert "1 exchange rate missing or too old: EUR" in text


def test_names_become_one_line_each_and_many_are_counted(cast: SimpleNamespace) -> None:
    for number in range(7):
        customer(cast.csm_a.csm, f"Name {number}\r\n- 9 things\nhttp://x.example/", on=SUNDAY)
    write()
    (line,) = lines_of(cast.csm_a)
    assert line.startswith("7 customers came to your book: Name 0 - 9 things")
    assert line.endswith(" and 2 more.")
    subject = Notice.objects.get().subject
    assert subject == "7 customers came to your book (digest of 23 Nov 2026)"


@pytest.mark.parametrize(
    "day",
    [
        datetime.date(2026, 3, 29),  # 23 hours in London
        datetime.date(2026, 10, 25),  # 25 hours
        datetime.date(2028, 2, 29),
        datetime.date(2026, 12, 31),
    ],
)
def test_on_odd_days_each_hour_is_told_once(cast: SimpleNamespace, settings: Any, day: datetime.date) -> None:
    settings.TIME_ZONE = "Europe/London"
    wishes(cast.csm_a)
    begins, ends = morning(day, 0), morning(day + DAY, 0)
    write_at = [day - DAY, day, day + DAY, day + 2 * DAY]
    hour, made = begins, 0
    while hour < ends:
        give(customer(None, f"Of hour {made:02d}"), cast.csm_a.csm, on=day, at=hour)
        hour, made = (hour.astimezone(datetime.UTC) + datetime.timedelta(hours=1)), made + 1
    for moment in write_at:
        write(moment)
    assert made == {"03-29": 23, "10-25": 25}.get(f"{day:%m-%d}", 24)
    assert [lines_of(cast.csm_a, moment)[:1] != [] for moment in write_at] == [False, False, True, False]
    assert f"{made} customers came to your book" in digest_of(cast.csm_a, day + DAY)


def test_a_delegate_reads_of_the_teams_while_it_lasts(book: SimpleNamespace) -> None:
    other = UserFactory(name="Dele Gate", email="dele@example.com", role=roles.MANAGER)
    wishes(other), wishes(book.manager)
    customer(CSMFactory(name="Goer", team=book.team_a, leaves_on=MONDAY + 20 * DAY), "Left behind")
    Delegation.objects.create(
        manager=book.manager,
        delegate=other,
        starts_on=MONDAY,
        ends_before=TUESDAY,
        created_by=other,
        created_at=morning(),
    )
    for day in (SUNDAY, MONDAY, TUESDAY):
        write(day)
    assert ["Goer" in digest_of(other, day) for day in (SUNDAY, MONDAY, TUESDAY)] == [False, True, False]
    assert ["Goer" in digest_of(book.manager, day) for day in (SUNDAY, MONDAY, TUESDAY)] == [True] * 3


def touch(one: Customer, days: int, **more: Any) -> Touch:
    given = {"name": "High-touch review", "due_on": MONDAY + days * DAY, "hours": 1}
    made: Touch = Touch.objects.create(customer=one, **{**given, **more})
    return made


@pytest.mark.parametrize(
    ("days", "line", "show"),
    [
        ([-1, 0, 3, 6, 7], "3 touches due this week, 1 late.", "late"),
        ([0], "1 touch due this week.", "due"),
        ([-9, -1, 7], "2 touches late.", "late"),
        ([7], None, None),
    ],
)
def test_touches_due_and_late_of_the_own_book_are_a_number_and_a_link(
    book: SimpleNamespace, days: list[int], line: str | None, show: str | None
) -> None:
    for number in days:
        touch(book.customer, number)
    touch(book.customer, -1, status="done", done_on=MONDAY)
    touch(customer(book.csm_b.csm, "Of Ben"), -1)
    touch(customer(book.csm_a.csm, "Left", status="left"), -1)
    write()
    told = digest_of(book.csm_a)
    assert [said for said in lines_of(book.csm_a) if "touch" in said] == ([line] if line else [])
    assert "High-touch" not in told
    assert (f"/touches/?show={show}" in told) == bool(line)
