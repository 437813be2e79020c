"""An open seat is part of plans and of nothing else: each figure and list of today is the same with and without seats."""

import datetime
import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from accounts.models import CSM, Leave
from allocation.models import AllocationPolicy
from allocation.selectors.full_time import full_time
from allocation.services.covering import UnableToRecordLeave, record_leave
from allocation.snapshots.books import book_snapshot
from tests.factories import TODAY
from tests.pages.reading import plain, read
from tests.services.headcount_cast import company, open_seat


@pytest.fixture(autouse=True)
def day(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


@pytest.fixture
def made(cast):
    return company(cast, customers=6, held=4)


def balance_now():
    out = StringIO()
    call_command("workload_balance", format="json", stdout=out)
    return json.loads(out.getvalue())


def keys(**given):
    facts = book_snapshot(as_of=TODAY, policy=AllocationPolicy.objects.get(), **given).facts
    return {csm.key for csm in facts.csms if csm.is_seat}


def test_a_plan_counts_with_a_seat_and_what_tells_of_today_does_not(made):
    seat = open_seat()
    assert keys() == {seat.name}
    assert keys(with_seats=False) == set()


def test_the_balance_is_the_same_with_seats(made):
    before = balance_now()
    open_seat()
    assert balance_now() == before
    assert len(before["csms"]) == 2


def test_mean_hours_of_a_csm_are_the_same_with_seats(made, cast):
    before = full_time(user=cast.ops, on=TODAY)
    open_seat(overhead_pct=80)
    assert full_time(user=cast.ops, on=TODAY) == before


@pytest.mark.parametrize(
    "name", ["home", "balance", "books", "customers", "touches", "handovers", "approvals", "pyramid"]
)
def test_no_page_of_today_speaks_of_a_seat(made, cast, sign_in, name):
    for person in (cast.ops, cast.manager):
        client = sign_in(person)
        before = plain(read(client.get(reverse(name))).words)
        open_seat(f"Quokka seat {person.pk}", team=cast.team_a)
        after = plain(read(client.get(reverse(name))).words)
        assert "Quokka" not in after
        assert after == before


def test_nobody_is_covered_by_a_seat(made, cast):
    seat = open_seat(team=cast.team_a)
    days = {
        "starts_on": TODAY,
        "ends_before": TODAY + datetime.timedelta(days=5),
        "actor": cast.manager,
        "on": TODAY,
    }
    with pytest.raises(UnableToRecordLeave, match="Choose a cover of your own teams"):
        record_leave(csm_id=cast.csm_a.csm.pk, leave_id=None, covered_by_id=seat.pk, **days)
    with pytest.raises(UnableToRecordLeave, match="no such CSM"):
        record_leave(csm_id=seat.pk, leave_id=None, covered_by_id=None, **days)
    Leave.objects.create(
        csm=cast.csm_a.csm, starts_on=TODAY, ends_before=days["ends_before"], covered_by=seat
    )
    assert not Leave.objects.covered_on(TODAY).exists()


def test_a_seat_serves_nobody_and_is_no_choice(made, cast):
    seat = open_seat(team=cast.team_a)
    assert seat not in CSM.objects.people()
    assert seat not in CSM.objects.serving(TODAY)
    CSM.objects.filter(pk=seat.pk).update(is_seat=False)
    assert seat in CSM.objects.serving(TODAY)


@pytest.mark.parametrize("page", ["book", "book_csv", "book_attention"])
def test_an_open_seat_has_no_book_to_look_at(made, cast, client, page):
    client.force_login(cast.ops)
    seat = open_seat()
    assert client.get(reverse(page, args=[seat.pk])).status_code == 404
    CSM.objects.filter(pk=seat.pk).update(is_seat=False)
    assert client.get(reverse(page, args=[seat.pk])).status_code == 200
