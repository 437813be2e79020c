"""A statement that is compiled once says what the ORM says, whatever the values, and refuses what it could get wrong."""

from datetime import timedelta
from random import Random

import pytest
from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.test.utils import CaptureQueriesContext

from accounts.kept_statements import DerivedValue, Kept
from accounts.models import Customer, Leave
from allocation.models import Override, Touch
from allocation.selectors.book_facts import _CUSTOMERS, _GOALS, _TOUCHES
from allocation.selectors.book_ground import _KEPT
from tests.factories import TODAY, CSMFactory, CustomerFactory, GoalFactory, GoalKindFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def theirs(*, csm_ids, on):
    asked = Override.objects.filter(customer=OuterRef("pk")).in_force(on)
    return (
        Customer.objects.filter(Q(csm__in=csm_ids) | Q(renewal_date__lt=on))
        .annotate(marked=Exists(asked))
        .order_by("pk")
        .values_list("pk", "name", "arr", "renewal_date", "health", "marked")
    )


def test_it_gives_what_the_query_gives_for_every_value_and_number_of_ids():
    csms = [CSMFactory() for _ in range(3)]
    for number in range(12):
        CustomerFactory(
            csm=csms[number % 3], csm_since=TODAY, arr=None if number == 4 else f"{number}.25",
            health=number * 7, renewal_date=TODAY + (number - 6) * 30 * DAY,
        )  # fmt: skip
    kept = Kept(theirs)
    for ids in ((csms[0].pk,), (csms[2].pk,), (csms[0].pk, csms[1].pk), (csms[1].pk, csms[1].pk), (0,), ()):
        for on in (TODAY, TODAY + 90 * DAY, TODAY - 400 * DAY):
            found, said = kept.rows(csm_ids=ids, on=on), list(theirs(csm_ids=ids, on=on)) if ids else None
            if ids:
                assert found == said
                assert [list(map(type, row)) for row in found] == [list(map(type, row)) for row in said]


def test_every_call_asks_the_database_and_sees_what_has_changed():
    csm = CSMFactory()
    kept = Kept(theirs)
    assert kept.rows(csm_ids=(csm.pk,), on=TODAY) == []
    one = CustomerFactory(csm=csm, csm_since=TODAY)
    with CaptureQueriesContext(connection) as asked:
        assert [row[0] for row in kept.rows(csm_ids=(csm.pk,), on=TODAY)] == [one.pk]
    assert len(asked) == 1


@pytest.mark.parametrize(
    "build",
    [
        lambda *, on: Customer.objects.filter(renewal_date__lt=on + DAY).values_list("pk"),
        lambda *, on: Customer.objects.filter(renewal_date__month=on.month).values_list("pk"),
        lambda *, on: Customer.objects.values_list("pk"),
    ],
    ids=["a later day", "its month", "not at all"],
)
def test_a_value_that_is_worked_on_is_refused(build):
    with pytest.raises(DerivedValue):
        Kept(build).rows(on=TODAY)


def test_the_statements_of_a_book_are_those_of_the_orm():
    """Independent of what is kept: each is made anew for the values, and compared row by row."""
    chance = Random(7)
    csms = [CSMFactory() for _ in range(3)]
    kind = GoalKindFactory()
    for _ in range(25):
        customer = CustomerFactory(
            csm=chance.choice(csms), csm_since=TODAY, arr=chance.choice([None, "12.50"]),
            status=chance.choice(["active", "active", "left"]), renewal_date=TODAY + chance.randint(-20, 200) * DAY,
        )  # fmt: skip
        if chance.random() < 0.4:
            GoalFactory(customer=customer, kind=kind)
        for _ in range(chance.randint(0, 4)):
            Touch.objects.create(
                customer=customer, name="Call", due_on=TODAY + chance.randint(-30, 200) * DAY, hours="0.75"
            )
    Leave.objects.create(csm=csms[0], covered_by=csms[1], starts_on=TODAY, ends_before=TODAY + 9 * DAY)
    for ids in [(csm.pk,) for csm in csms] + [(csms[0].pk, csms[2].pk)]:
        given = {"csm_ids": ids, "on": TODAY}
        spans = {"first": TODAY.replace(day=1), "week": TODAY + 7 * DAY, "until": TODAY + 90 * DAY}
        assert _CUSTOMERS.rows(**given) == list(_CUSTOMERS._build(**given))
        assert _GOALS.rows(**given) == list(_GOALS._build(**given))
        assert _TOUCHES.rows(**given, **spans) == list(_TOUCHES._build(**given, **spans))
    for viewer in (None, 1):
        given = {"csm": csms[0].pk, "on": TODAY, "until": TODAY + 30 * DAY, "base": "EUR", "viewer": viewer}
        found = _KEPT.rows(**given)
        assert found == list(_KEPT._build(**given))
        assert found
