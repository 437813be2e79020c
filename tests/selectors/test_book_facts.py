"""What the page of a book reads: which touches of a customer, and nobody else's."""

from datetime import timedelta

import pytest

from allocation.models import Touch
from allocation.selectors.book_facts import book_facts
from allocation.selectors.book_ground import book_ground
from tests.factories import TODAY, CSMFactory, CustomerFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
FIRST = TODAY.replace(day=1)


@pytest.mark.parametrize(
    ("due", "more", "read"),
    [
        (TODAY - 40 * DAY, {}, True),  # late
        (TODAY + 6 * DAY, {}, True),  # due within the week
        (TODAY + 7 * DAY, {}, False),  # another is open before it
        (TODAY, {"status": "done", "done_on": TODAY}, True),
        (TODAY, {"status": "done", "done_on": FIRST}, True),
        (TODAY, {"status": "done", "done_on": FIRST - DAY}, False),  # last month
        (TODAY, {"status": "done", "done_on": TODAY + DAY}, False),
        (TODAY, {"status": "skipped", "words": "On holiday"}, False),
    ],
)
def test_what_is_pressing_and_what_was_done_this_month_is_read(due, more, read):
    csm = CSMFactory()
    customer = CustomerFactory(csm=csm, csm_since=TODAY)
    first = Touch.objects.create(customer=customer, name="First", due_on=TODAY - 50 * DAY, hours=1)
    touch = Touch.objects.create(customer=customer, name="Call", due_on=due, hours=1, **more)
    for other in (CustomerFactory(csm=csm, csm_since=TODAY, status="left"), CustomerFactory()):
        Touch.objects.create(customer=other, name="Call", due_on=due, hours=1, **more)
    assert _read(csm) == [first.pk, *([touch.pk] if read else [])]


@pytest.mark.parametrize(("renewal", "read"), [(90, True), (91, False), (None, False)])
def test_before_a_near_renewal_everything_planned_is_read(renewal, read):
    csm = CSMFactory()
    day = None if renewal is None else TODAY + renewal * DAY
    customer = CustomerFactory(csm=csm, csm_since=TODAY, renewal_date=day)
    touches = [
        Touch.objects.create(customer=customer, name="Call", due_on=TODAY + days * DAY, hours=1)
        for days in (20, 90, 91)
    ]
    assert _read(csm) == [touch.pk for touch in (touches[:2] if read else touches[:1])]


def _read(csm):
    ground = book_ground(csm=csm, on=TODAY, user=csm.user)
    return [row[1] for row in book_facts(csm=csm, on=TODAY, ground=ground).touches]
