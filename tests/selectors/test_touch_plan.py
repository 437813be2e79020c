"""The touch plan of customers, what comes next with each, and the hours that touches took."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Customer
from allocation.models import TierHolding, Touch
from allocation.selectors.book_facts import book_facts
from allocation.selectors.book_ground import book_ground
from allocation.selectors.book_touches import touches_of_book
from allocation.selectors.touch_plan import touch_plan, touch_plan_answer
from allocation.selectors.touches import (
    customers_of_run,
    hours_done,
    state_of_touch,
)
from allocation.services.touches import plan_touches
from tests.factories import TODAY, CSMFactory, CustomerFactory, TierFactory, TouchActivityFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
STATEMENTS = 6


@pytest.fixture
def high():
    tier = TierFactory(slug="high", touch_level="high")
    TouchActivityFactory(tier=tier, name="QBR", times_a_year=4, hours_each=5)
    TouchActivityFactory(tier=tier, name="Meeting", times_a_year=26, hours_each=Decimal("1.5"))
    return tier


@pytest.fixture
def customer(high):
    return CustomerFactory(tier=high, tier_since=TODAY)


def lines(customer, on=TODAY, **more):
    return touch_plan(customers=[customer.pk], on=on, **more)[customer.pk]


def book_touches():
    """Of everybody, in the book of one CSM."""
    csm = CSMFactory()
    Customer.objects.update(csm=csm, csm_since=TODAY)
    facts = book_facts(csm=csm, on=TODAY, ground=book_ground(csm=csm, on=TODAY))
    return touches_of_book(rows=facts.touches, on=TODAY)


def names(found):
    return Counter(line.activity for line in found)


@pytest.mark.parametrize("planned", [True, False])
def test_twelve_months_have_what_the_plan_says_whether_it_is_stored_or_not(customer, planned):
    if planned:
        plan_touches(on=TODAY)
    found = lines(customer)
    assert names(found) == {"QBR": 4, "Meeting": 26}
    assert any(line.touch_id for line in found) is planned
    assert [line.due_on for line in found] == sorted(line.due_on for line in found)


def test_what_is_projected_is_what_planning_stores_later(customer, settings):
    plan_touches(on=TODAY)
    projected = {(line.activity, line.slot_on, line.due_on, line.hours) for line in lines(customer)}
    settings.TOUCH_HORIZON_DAYS = 365
    plan_touches(on=TODAY)
    stored = {(line.activity, line.slot_on, line.due_on, line.hours) for line in lines(customer)}
    assert projected == stored
    assert all(line.touch_id for line in lines(customer))


def test_a_tier_that_changed_a_moment_ago_counts_before_anybody_planned(customer):
    plan_touches(on=TODAY)
    low = TierFactory(slug="low", touch_level="low")
    TouchActivityFactory(tier=low, name="Check-in", times_a_year=4)
    Customer.objects.update(tier=low)
    assert names(lines(customer)) == {"Check-in": 4}
    customer.refresh_from_db()
    assert touch_plan_answer(customer=customer, on=TODAY)["tier"] == "low"


def test_late_ones_are_in_it_and_those_done_or_skipped_within(customer):
    plan_touches(on=TODAY)
    late, done, skipped, *_ = Touch.objects.filter(due_on__gt=TODAY).order_by("due_on", "pk")
    Touch.objects.filter(pk=late.pk).update(due_on=TODAY - DAY)
    Touch.objects.filter(pk=done.pk).update(status="done", done_on=TODAY)
    Touch.objects.filter(pk=skipped.pk).update(status="skipped", words="They wished so.")
    Touch.objects.create(
        customer=customer, name="Call", due_on=TODAY - DAY, done_on=TODAY - DAY, status="done", hours=1
    )
    found = {line.touch_id: line.status for line in lines(customer) if line.touch_id}
    assert [found[one.pk] for one in (late, done, skipped)] == ["late", "done", "skipped"]
    assert names(lines(customer)) == {"QBR": 4, "Meeting": 26}, "yesterday's call is over"


@pytest.mark.parametrize(
    ("days", "standing"), [(-1, "late"), (0, "due"), (6, "due"), (7, "planned"), (90, "planned")]
)
def test_an_open_touch_is_late_after_its_day_and_due_in_the_week_before(days, standing):
    assert state_of_touch(status="planned", due_on=TODAY + days * DAY, on=TODAY) == standing
    touches = Touch.objects
    CustomerFactory()
    Touch.objects.create(customer=Customer.objects.get(), name="Call", due_on=TODAY + days * DAY, hours=1)
    found = {
        "late": touches.late_on(TODAY),
        "due": touches.due_on(TODAY),
        "planned": touches.coming_on(TODAY),
    }
    assert [name for name, rows in found.items() if rows.exists()] == [standing]


def test_many_customers_cost_as_many_statements_as_one(high):
    def statements():
        with CaptureQueriesContext(connection) as asked:
            found = touch_plan(customers=Customer.objects.filter(tier=high), on=TODAY)
            hours_done(customer_ids=list(found), first=TODAY, before=TODAY + DAY)
        return len(found), len(asked)

    CustomerFactory(tier=high, tier_since=TODAY)
    plan_touches(on=TODAY)
    assert statements() == (1, STATEMENTS)
    for _ in range(20):
        CustomerFactory(tier=high, tier_since=TODAY)
    plan_touches(on=TODAY)
    assert statements() == (21, STATEMENTS)


def test_of_nobody_there_is_nothing(high):
    assert touch_plan(customers=[], on=TODAY) == {}
    assert book_touches().next == {}
    left = CustomerFactory(tier=high, tier_since=TODAY, status="left")
    assert touch_plan(customers=[left.pk], on=TODAY) == {left.pk: ()}


def test_next_is_the_open_touch_with_the_earliest_day(customer):
    other = CustomerFactory()
    done = {"customer": customer, "hours": 1, "status": "done", "done_on": TODAY}
    Touch.objects.create(name="Done", due_on=TODAY - 9 * DAY, **done)
    for name, days in (("Planned", 30), ("Late", -2), ("Due", 1)):
        Touch.objects.create(customer=customer, name=name, due_on=TODAY + days * DAY, hours=1)
    twice = [Touch.objects.create(customer=other, name="Call", due_on=TODAY, hours=1) for _ in range(2)]
    found = book_touches().next
    assert (found[customer.pk].activity, found[customer.pk].status) == ("Late", "late")
    assert (found[other.pk].touch_id, found[other.pk].status) == (twice[0].pk, "due")


def test_the_next_touch_is_found_however_far_away_and_only_near_ones_ask_for_an_hour(customer):
    """90 days are near, 91 are not (docs/engine/next-hour.md); who has a near one is not shown a far one."""
    other = CustomerFactory()
    for of, days in ((customer, 400), (customer, 91), (other, 90), (other, 91)):
        Touch.objects.create(customer=of, name=f"In {days}", due_on=TODAY + days * DAY, hours=1)
    found = book_touches()
    assert {pk: line.activity for pk, line in found.next.items()} == {
        customer.pk: "In 91",
        other.pk: "In 90",
    }
    assert {pk: [touch.days for touch in touches] for pk, touches in found.near.items()} == {other.pk: [90]}


def test_what_was_done_with_a_book_is_what_hours_done_counts(customer):
    """From the first of the month to the day, by the day it was done, in whole minutes."""
    for days, hours in ((0, "0.33"), (0, "1.17"), (-(TODAY.day - 1), "2"), (-TODAY.day, "4"), (1, "8")):
        day = TODAY + days * DAY
        Touch.objects.create(
            customer=customer, name="Call", due_on=TODAY, hours=Decimal(hours), status="done", done_on=day
        )
    found = book_touches()
    assert found.done == hours_done(
        customer_ids=[customer.pk], first=TODAY.replace(day=1), before=TODAY + DAY
    )
    assert found.done[customer.pk] == 20 + 70 + 120
    assert found.next == {}


def test_hours_done_are_minutes_from_the_first_day_to_the_day_before_the_end(customer):
    other = CustomerFactory()

    def done(of, day, hours, **more):
        given = {"status": "done", "done_on": TODAY + day * DAY, **more}
        Touch.objects.create(customer=of, name="Call", due_on=TODAY, hours=Decimal(hours), **given)

    done(customer, 0, "1.5")
    done(customer, 6, "0.33")  # 19.8 minutes
    done(customer, 6, "0.01")  # 0.6 of a minute: each is rounded by itself
    done(customer, -1, "8")
    done(customer, 7, "8")
    done(other, 3, "0.25")
    Touch.objects.create(customer=other, name="Open", due_on=TODAY, hours=4)
    found = hours_done(customer_ids=[customer.pk, other.pk], first=TODAY, before=TODAY + 7 * DAY)
    assert found == {customer.pk: 90 + 20 + 1, other.pk: 15}


def test_the_customers_of_a_run_are_those_whose_tier_it_gave_and_nobody_changed_since(high):
    given, changed, undone, other = (CustomerFactory(tier=high, tier_since=TODAY) for _ in range(4))

    def holds(customer, source="run", source_id=7, **more):
        day = {"starts_on": TODAY, **more}
        TierHolding.objects.create(customer=customer, tier=high, source=source, source_id=source_id, **day)

    holds(given)
    holds(changed, ends_before=TODAY)
    holds(changed, source="override", source_id=7)
    holds(undone, source="undo")
    holds(other, source_id=8)
    assert customers_of_run(run_id=7) == sorted([given.pk, undone.pk])
