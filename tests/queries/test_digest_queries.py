"""Digests are written by the same number of statements for two people and for twenty, two customers and twenty."""

import datetime
from types import SimpleNamespace

import pytest

from accounts.models import Leave
from allocation.models import Handover, Notice, Slot
from allocation.services.digests import write_digests
from allocation.services.failures import tell_of_failures
from tests import factories
from tests.pages import approval_cast
from tests.queries.counting import queries_of
from tests.services.digest_cast import DAY, MONDAY, another_team, customer, give, morning, serve, wishes

pytestmark = pytest.mark.django_db

MOST = 50  # "a few dozen", whatever the size of the company


def a_team_with_a_book(cast: SimpleNamespace, *, customers: int, day: datetime.date) -> None:
    team = another_team(cast)
    for person in (team.manager, team.person):
        wishes(person, "daily", at_once=False)
        Notice.objects.leave(
            to=[person.pk], kind="decided", about=f"{person.pk}-{day}", subject="S", body="B", at=morning(day)
        )
    for number in range(customers):
        one = customer(team.csm, f"{team.csm.name} {number}", health=1, renewal_date=day, on=day - 5 * DAY)
        serve(one, "low", on=day - 5 * DAY)
        serve(one, "high", on=day - DAY)
        approval_cast.asked(cast, one, actor=team.person)
        Handover.objects.create(customer=one, to_csm=team.csm, due_on=day)
    gone = customer(team.csm, f"{team.csm.name} gone", on=day - 9 * DAY)
    give(gone, None, on=day - DAY)
    Leave.objects.create(csm=team.csm, starts_on=day, ends_before=day + 3 * DAY)


def test_the_number_of_statements_grows_neither_with_people_nor_with_customers(cast: SimpleNamespace) -> None:
    approval_cast.build(cast)
    wishes(cast.ops, "daily", at_once=False)
    approval_cast.waiting_run(cast.ops)
    approval_cast.waiting_plan(cast.ops, cast.customers, to=None)
    asked = {}
    for teams, day in ((1, MONDAY), (10, MONDAY + DAY)):
        for _ in range(teams):
            a_team_with_a_book(cast, customers=2 * teams, day=day)
        asked[teams] = queries_of(lambda day=day: write_digests(on=day, at=morning(day)))
    told = Notice.objects.filter(kind="digest", key__startswith=f"digest-{MONDAY + DAY}")
    assert told.count() > 20
    assert len(asked[1]) == len(asked[10]), "\n".join(asked[10])
    assert len(asked[10]) <= MOST


def test_telling_of_failures_asks_equally_often_whatever_failed(cast: SimpleNamespace) -> None:
    def fail(number: int) -> None:
        for one in range(number):
            Slot.objects.create(
                work="rates", slot=f"{number} {one}", due_at=morning(MONDAY - one * DAY), status="failed",
                finished_at=morning(MONDAY + number * datetime.timedelta(minutes=1)),
            )  # fmt: skip

    # SQLite takes about a hundred rows in a statement: four people and twenty failures are one.
    for _ in range(3):
        factories.UserFactory().groups.add(*cast.ops.groups.all())
    asked = []
    for number in (2, 20):
        fail(number)
        asked.append(len(queries_of(lambda: tell_of_failures(at=morning(MONDAY, 9)))))
    assert asked[0] == asked[1]
