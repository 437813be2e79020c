"""The next hours of a book: what is read of customers and touches, of the own book and of those covered."""

from __future__ import annotations

import datetime
import random
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Customer, Leave
from allocation.models import AttentionPolicy, Touch
from allocation.selectors.attention import book_care, done_minutes
from allocation.selectors.book_facts import book_facts
from allocation.selectors.book_ground import book_ground
from allocation.selectors.book_touches import touches_of_book
from allocation.selectors.next_hours import next_hours
from tests.factories import (
    TODAY,
    CustomerFactory,
    GoalFactory,
    GoalKindFactory,
    TierFactory,
    TouchActivityFactory,
)

pytestmark = pytest.mark.django_db

DAY = datetime.timedelta(days=1)


@pytest.fixture
def book(cast: SimpleNamespace) -> SimpleNamespace:
    """Ada, with 120 hours, has three customers of an hour a month each."""
    tier = TierFactory(slug="one", rank=1)
    activity = TouchActivityFactory(tier=tier, times_a_year=Decimal(12), hours_each=Decimal(1))
    ada = cast.csm_a.csm
    rows = [customer(f"C{n}", ada, tier) for n in range(3)]
    return SimpleNamespace(cast=cast, ada=ada, tier=tier, activity=activity, rows=rows)


def customer(external_id: str, csm: Any, tier: Any, **facts: Any) -> Customer:
    unknown = {
        "health": None,
        "sentiment": None,
        "champion": None,
        "potential_arr": None,
        "renewal_date": None,
    }
    row: Customer = CustomerFactory(
        external_id=external_id, tier=tier, tier_since=TODAY, csm=csm, csm_since=TODAY, **(unknown | facts)
    )
    return row


def touch(row: Customer, days: int = 0, **given: Any) -> Touch:
    facts = {"name": "QBR", "due_on": TODAY + days * DAY, "hours": Decimal("1.5")} | given
    return Touch.objects.create(customer=row, **facts)


def test_late_and_due_touches_are_read_with_their_days_and_hours(book: SimpleNamespace) -> None:
    first, second, third = book.rows
    touch(second, -3)
    touch(third, 2, name="Call")
    touch(first, -9, status="skipped", words="no need")
    touch(first, -9, status="done", done_on=TODAY - 9 * DAY)
    found = next_hours(csm=book.ada, on=TODAY)
    assert list(found) == [second.pk, third.pk, first.pk]
    assert (found[second.pk].words, found[second.pk].minutes) == ("QBR is 3 days late", 90)
    assert found[third.pk].words == "Call is due in 2 days"
    assert found[first.pk].reason == "nothing"


def test_an_internal_review_counts_less_than_a_contact_and_goals_at_stake_are_read(
    book: SimpleNamespace,
) -> None:
    first, second, third = book.rows
    review = TouchActivityFactory(tier=book.tier, name="Usage review", channel="internal")
    touch(first, -3, activity=review, name="Usage review")
    touch(second, 2, activity=book.activity)
    kind = GoalKindFactory(slug="key-contact-turnover")
    GoalFactory(customer=third, kind=kind, starts_on=TODAY - DAY, ends_before=TODAY + DAY)
    found = next_hours(csm=book.ada, on=TODAY)
    assert list(found) == [third.pk, second.pk, first.pk]
    assert found[third.pk].words == "An open goal of key-contact turnover"
    assert next_hours(csm=book.ada, on=TODAY + DAY)[third.pk].reason == "nothing"


def test_what_is_planned_before_a_renewal_is_seen_up_to_ninety_days_ahead(book: SimpleNamespace) -> None:
    first, second, _ = book.rows
    Customer.objects.filter(pk__in=[first.pk, second.pk]).update(renewal_date=TODAY + 90 * DAY)
    touch(first, 90)
    touch(second, 91)
    found = next_hours(csm=book.ada, on=TODAY)
    assert (found[first.pk].reason, found[second.pk].reason) == ("nothing", "unplanned")


def test_what_was_done_this_month_is_taken_off_the_attention(book: SimpleNamespace) -> None:
    """120 h shared evenly are 40 h each; an expansion waits once all of them are done."""
    first, second, third = book.rows
    ends = {"status": "done", "hours": Decimal(40)}
    touch(first, **ends, done_on=TODAY)
    touch(second, **ends, done_on=TODAY.replace(day=1) - DAY)
    touch(third, **ends, done_on=TODAY + DAY)
    assert done_minutes(customer_ids=[row.pk for row in book.rows], on=TODAY) == {first.pk: 2400}
    Customer.objects.update(champion=True, arr=100, potential_arr=200)
    found = next_hours(csm=book.ada, on=TODAY)
    assert [found[row.pk].reason for row in book.rows] == ["nothing", "expansion", "expansion"]


def test_the_basis_in_force_says_with_whom_an_hour_is_worth_more(book: SimpleNamespace) -> None:
    for row, reputation in zip(book.rows, (10, 90, 50), strict=True):
        Customer.objects.filter(pk=row.pk).update(reputation=reputation, sentiment=2)
    AttentionPolicy.objects.create(name="Voices", basis="advocacy", is_active=True)
    first, second, third = book.rows
    assert list(next_hours(csm=book.ada, on=TODAY)) == [second.pk, third.pk, first.pk]


def test_covered_customers_are_among_them_and_a_covered_csm_has_none(book: SimpleNamespace) -> None:
    ben = book.cast.csm_b.csm
    other = customer("B1", ben, book.tier)
    Leave.objects.create(csm=ben, covered_by=book.ada, starts_on=TODAY, ends_before=TODAY + DAY)
    assert set(next_hours(csm=book.ada, on=TODAY)) == {*(row.pk for row in book.rows), other.pk}
    assert next_hours(csm=ben, on=TODAY) == {}
    assert set(next_hours(csm=ben, on=TODAY + DAY)) == {other.pk}


def test_an_amount_without_a_rate_is_not_known_and_asks_for_nothing(book: SimpleNamespace) -> None:
    Customer.objects.update(arr=1, potential_arr=9, champion=True, currency="CHF")
    care = book_care(csm=book.ada, as_of=TODAY)
    assert "CHF" in care.problem
    assert {one.reason for one in next_hours(csm=book.ada, on=TODAY, care=care).values()} == {"nothing"}


def test_it_asks_equally_often_at_any_size(book: SimpleNamespace) -> None:
    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as said:
            next_hours(csm=book.ada, on=TODAY)
        return len(said)

    before = asked()
    for n in range(20):
        touch(customer(f"D{n}", book.ada, book.tier, renewal_date=TODAY + n * DAY), n - 10)
    assert asked() == before <= 10


@pytest.mark.parametrize("seed", range(6))
def test_the_touches_that_the_page_reads_rank_as_all_near_ones_do(book: SimpleNamespace, seed: int) -> None:
    """The page leaves out what is due after a week where no renewal is near."""
    chance = random.Random(seed)
    for number in range(8):
        renewal = chance.choice([None, *range(-10, 200, 10)])
        row = customer(
            f"R{number}", book.ada, book.tier, health=chance.choice([None, 10, 80]), sentiment=chance.choice([None, 1, 4]),
            renewal_date=None if renewal is None else TODAY + renewal * DAY,
        )  # fmt: skip
        for _ in range(chance.randint(0, 6)):
            touch(row, chance.choice([-20, -1, 0, 6, 7, 8, 30, 89, 90, 91, 200]), name=chance.choice("AB"))
    facts = book_facts(csm=book.ada, on=TODAY, ground=book_ground(csm=book.ada, on=TODAY))
    read = touches_of_book(rows=facts.touches, on=TODAY)
    assert next_hours(csm=book.ada, on=TODAY, done=read.done, touches=read.near) == next_hours(
        csm=book.ada, on=TODAY
    )
    late = {
        row.pk: Touch.objects.filter(customer=row).late_on(TODAY).count()
        for row in Customer.objects.filter(csm=book.ada)
    }
    assert {pk: line.late for pk, line in read.next.items()} == {pk: late[pk] for pk in read.next}
