import pytest
from auditlog import get_logentry_model

from accounts.changes import acting
from accounts.models import Customer
from allocation.services.sentiment import UnableToSetSentiment, set_sentiment
from tests.factories import TODAY, CustomerFactory


@pytest.fixture
def customer(cast):
    return CustomerFactory(csm=cast.csm_a.csm, csm_since=TODAY, sentiment=2, version=7)


@pytest.mark.parametrize("role", ["ops", "manager", "csm_a"])
def test_whoever_sees_the_customer_sets_it_with_day_and_name(cast, customer, role):
    actor = getattr(cast, role)
    set_sentiment(customer_id=customer.pk, sentiment=5, actor=actor, on=TODAY)
    row = Customer.objects.get(pk=customer.pk)
    assert (row.sentiment, row.sentiment_on, row.sentiment_by, row.version) == (5, TODAY, actor, 8)


@pytest.mark.parametrize("role", ["csm_b", "nobody"])
def test_nobody_else_does(cast, customer, role):
    with pytest.raises(UnableToSetSentiment, match="outside what you may change"):
        set_sentiment(customer_id=customer.pk, sentiment=5, actor=getattr(cast, role), on=TODAY)
    assert Customer.objects.get(pk=customer.pk).sentiment == 2


@pytest.mark.parametrize(("value", "taken"), [(0, False), (1, True), (5, True), (6, False)])
def test_it_is_one_to_five(cast, customer, value, taken):
    if taken:
        assert set_sentiment(customer_id=customer.pk, sentiment=value, actor=cast.ops, on=TODAY)
    else:
        with pytest.raises(UnableToSetSentiment, match=r"1 \(very poor\) to 5"):
            set_sentiment(customer_id=customer.pk, sentiment=value, actor=cast.ops, on=TODAY)


def test_of_a_customer_that_left_it_is_no_longer_asked(cast, customer):
    Customer.objects.filter(pk=customer.pk).update(status="left")
    with pytest.raises(UnableToSetSentiment, match="has left"):
        set_sentiment(customer_id=customer.pk, sentiment=3, actor=cast.ops, on=TODAY)


def test_the_log_of_changes_says_who_and_from_what_to_what(cast, customer):
    with acting(lambda: cast.csm_a):
        set_sentiment(customer_id=customer.pk, sentiment=4, actor=cast.csm_a, on=TODAY)
        set_sentiment(customer_id=customer.pk, sentiment=4, actor=cast.csm_a, on=TODAY)
    lines = get_logentry_model().objects.filter(object_id=customer.pk, content_type__model="customer")
    assert [(line.changes, line.actor) for line in lines] == [({"sentiment": [2, 4]}, cast.csm_a)]
