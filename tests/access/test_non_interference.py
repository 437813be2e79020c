"""Whatever happens in one book leaves every page of the people of another as it was, to the byte."""

import datetime

import pytest

from accounts.models import CSM, Customer, Goal, Leave, User
from allocation.models import Handover, Move, Notice, Objection, Override, Touch
from tests import factories
from tests.access.calling import foreign_words, text_of
from tests.access.routes import arguments_of, routes
from tests.access.test_matrix import MASKED
from tests.access.world import A2, NOW, B
from tests.factories import TODAY

pytestmark = pytest.mark.django_db

QUERIES = ("", "?sort=-arr", "?status=all&sort=renewal", "?show=first", "?show=held", "?q=e", "?gap=no_tier")


def pages(world, person):
    """{address: what it says} of every address that opens for this person, with the usual questions."""
    found = {}
    client = world.clients[person]
    for route in routes().values():
        if route.address.startswith("admin/"):
            continue
        path = route.path(**arguments_of(route, world))
        for query in QUERIES:
            response = client.get(path + query)
            if response.status_code != 200:
                break
            found[path + query] = MASKED.sub("", text_of(response))
    return found


def everything_happens_in(book, world):
    """Facts, goals, overrides, people and moves of one book change."""
    csm, rows = world.csms[book], Customer.objects.filter(csm=world.csms[book])
    for customer in rows:
        customer.name, customer.arr, customer.health = f"{book} renamed {customer.pk}", customer.arr * 7, 1
        customer.renewal_date = TODAY + datetime.timedelta(days=3)
        customer.attributes, customer.country, customer.potential_arr = {}, f"{book} land", None
        customer.save()
    vertical = factories.VerticalFactory(name=f"{book} other vertical")
    rows.filter(pk=rows.order_by("pk")[2].pk).update(status="left", vertical=vertical)
    factories.CustomerFactory(name=f"{book} new", csm=csm, csm_since=TODAY, vertical=vertical)
    Goal.objects.filter(customer__csm=csm).update(words=f"{book} other words")
    Goal.objects.create(
        customer=rows.order_by("pk")[1], kind=factories.GoalKindFactory(slug="adoption"), starts_on=TODAY
    )
    asked = Override.objects.filter(customer__csm=csm, status="asked")
    asked.update(status="withdrawn", ended_at=NOW, ended_by=world.persons["ops"])
    Touch.objects.filter(customer__csm=csm).update(
        name=f"{book} other touch", due_on=TODAY - datetime.timedelta(days=2)
    )
    Leave.objects.filter(csm=csm).delete()
    Handover.objects.filter(to_csm=csm).update(
        notes=f"{book} other notes", due_on=TODAY + datetime.timedelta(days=9)
    )
    Objection.objects.filter(csm=csm).update(withdrawn_at=NOW)
    Move.objects.filter(customer__csm=csm).update(
        reason=f"{book} other reason", approval_words=f"{book} other"
    )
    Notice.objects.filter(to=csm.user).update(body=f"{book} other body")
    CSM.objects.filter(pk=csm.pk).update(name=f"{book} renamed", hours_per_month=20, overhead_pct=50)
    User.objects.filter(pk=csm.user_id).update(
        name=f"{book} renamed", email=f"{book.lower()}-other@example.com"
    )
    # A colleague who joins with a customer of the own.
    colleague = factories.CSMFactory(name=f"{book} colleague", team=csm.team)
    factories.CustomerFactory(name=f"{book} newest", csm=colleague, csm_since=TODAY, arr=5_000_000)


@pytest.mark.parametrize(
    ("person", "book"),
    [("csm_a", B), ("csm_a", A2), ("csm_a2", B), ("manager_a", B), ("csm_b", A2), ("nobody", B)],
)
def test_a_change_in_one_book_leaves_the_pages_of_others_as_they_were(world, person, book):
    before = pages(world, person)
    everything_happens_in(book, world)
    after = pages(world, person)
    assert set(before) == set(after)
    assert [path for path, text in before.items() if after[path] != text] == []
    assert len(before) > {"nobody": 4, "manager_a": 30}.get(person, 12), len(before)


def test_the_control_the_own_pages_do_change(world):
    before = pages(world, "csm_b")
    everything_happens_in(B, world)
    after = pages(world, "csm_b")
    assert len([path for path, text in before.items() if after.get(path) != text]) > 5


@pytest.mark.parametrize("person", ["csm_a", "manager_b"])
def test_pages_with_every_usual_question_name_no_other_book(world, person):
    assert {
        path: found for path, text in pages(world, person).items() if (found := foreign_words(text, person))
    } == {}
