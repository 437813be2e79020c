"""The sentiment in a customer's history: what people set, by whom, and what it was before."""

import datetime
from unittest import mock

import pytest
from auditlog import get_logentry_model
from django.utils import timezone

from accounts.changes import acting
from accounts.models import Customer
from allocation.selectors.customer_events import Event
from allocation.selectors.sentiments import with_sentiments
from allocation.services.sentiment import set_sentiment
from tests.factories import TODAY, CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(cast):
    return CustomerFactory(csm=cast.csm_a.csm, csm_since=TODAY, sentiment=None)


def put(customer, sentiment, actor, *, ago):
    """Set it, so many days ago: a line of the log cannot be changed, so its clock is."""
    moment = timezone.make_aware(datetime.datetime.combine(days_ago(ago), datetime.time(12)))
    clock = get_logentry_model()._meta.get_field("timestamp")
    with acting(lambda: actor), mock.patch.object(clock, "_get_default", return_value=moment):
        set_sentiment(customer_id=customer.pk, sentiment=sentiment, actor=actor, on=days_ago(ago))


def days_ago(number):
    return TODAY - datetime.timedelta(days=number)


def told(events):
    return [(event.on, event.what, event.why) for event in events]


def ledger(on):
    return Event(on, None, "Tier Gold", "Run", "", "", "tier", "", None, over=False)


def test_each_change_says_who_made_it_and_what_was_there_before(cast, customer, django_assert_num_queries):
    put(customer, 4, cast.csm_a, ago=9)
    put(customer, 2, cast.manager, ago=3)
    with django_assert_num_queries(1):
        found = with_sentiments((), customer=customer)
    assert told(found) == [
        (days_ago(3), "Sentiment 2 of 5 · poor", f"set by {cast.manager}, before: 4 of 5 · good"),
        (days_ago(9), "Sentiment 4 of 5 · good", f"set by {cast.csm_a}, not set before"),
    ]


def test_it_stands_among_tiers_and_csms_by_its_day(cast, customer):
    put(customer, 4, cast.csm_a, ago=5)
    found = with_sentiments((ledger(days_ago(2)), ledger(days_ago(8))), customer=customer)
    assert [event.on for event in found] == [days_ago(2), days_ago(5), days_ago(8)]


def test_as_of_a_day_nothing_later_is_said(cast, customer):
    put(customer, 4, cast.csm_a, ago=5)
    put(customer, 1, cast.csm_a, ago=4)
    assert len(with_sentiments((), customer=customer, day=days_ago(4))) == 2
    assert told(with_sentiments((), customer=customer, day=days_ago(5))) == [
        (days_ago(5), "Sentiment 4 of 5 · good", f"set by {cast.csm_a}, not set before")
    ]
    assert with_sentiments((), customer=customer, day=days_ago(6)) == ()


def test_the_same_again_and_another_customer_s_leave_no_line(cast, customer):
    put(customer, 4, cast.csm_a, ago=5)
    put(customer, 4, cast.csm_a, ago=1)
    put(CustomerFactory(csm=cast.csm_a.csm, csm_since=TODAY, sentiment=3), 1, cast.csm_a, ago=1)
    assert len(with_sentiments((), customer=customer)) == 1


def test_what_a_file_brought_is_said_as_what_was_there_before(cast, customer):
    put(customer, 4, cast.csm_a, ago=5)
    Customer.objects.filter(pk=customer.pk).update(sentiment=1)
    put(customer, 3, cast.csm_a, ago=1)
    assert [event.why for event in with_sentiments((), customer=customer)] == [
        f"set by {cast.csm_a}, before: 1 of 5 · very poor",
        f"set by {cast.csm_a}, not set before",
    ]
