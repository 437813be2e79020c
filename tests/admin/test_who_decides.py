"""Delegations and notices in the admin: looked at, never edited; a delegation is ended by an action."""

import datetime

import pytest

from accounts import roles
from accounts.models import Delegation
from allocation.models import Notice
from tests.factories import TODAY, UserFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/accounts/delegation/"
NOTICES = "/admin/allocation/notice/"
NOW = datetime.datetime.combine(TODAY, datetime.time(9), tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


@pytest.fixture(autouse=True)
def _a_fixed_day(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


def delegation(cast, starts_on, days):
    return Delegation.objects.create(
        manager=cast.manager,
        delegate=UserFactory(role=roles.MANAGER),
        starts_on=starts_on,
        ends_before=starts_on + days * DAY,
        created_by=cast.manager,
        created_at=NOW,
    )


def notice(cast, number, **more):
    return Notice.objects.create(
        to=cast.manager,
        kind="decided",
        key=f"thing-{number}",
        subject=f"Thing {number}",
        body="Look.",
        created_at=NOW,
        **more,
    )


def test_ops_end_what_holds_and_are_told_of_what_is_over(cast, sign_in):
    holds, over = delegation(cast, TODAY, 3), delegation(cast, TODAY - 9 * DAY, 3)
    given = {"action": "end_delegations", "_selected_action": [holds.pk, over.pk]}
    said = sign_in(cast.ops).post(LIST, given, follow=True).content.decode()
    assert "1 ended" in said
    assert "It is over since" in said
    holds.refresh_from_db()
    over.refresh_from_db()
    assert (holds.ended_by, over.ended_by) == (cast.ops, None)


def test_nothing_is_done_to_all_rows_of_a_list_that_was_not_counted_to_its_end(cast, sign_in, monkeypatch):
    """Also where an old page, or none, asks for it."""
    row = delegation(cast, TODAY, 3)
    delegation(cast, TODAY + 9 * DAY, 3)
    monkeypatch.setattr("accounts.selectors.paging.COUNTED", 1)
    given = {"action": "end_delegations", "_selected_action": [row.pk], "select_across": "1"}
    said = sign_in(cast.ops).post(LIST, given, follow=True).content.decode()
    assert "Nothing was done" in said
    assert Delegation.objects.filter(ended_by=None).count() == 2


def test_nothing_is_entered_or_edited_there(cast, sign_in):
    row, client = delegation(cast, TODAY, 3), sign_in(cast.ops)
    assert client.get(LIST + "add/").status_code == 403
    assert client.post(f"{LIST}{row.pk}/change/", {"words": "x"}).status_code == 403
    assert client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_filters_say_what_holds_and_what_is_over(cast, sign_in):
    delegation(cast, TODAY, 3), delegation(cast, TODAY - 9 * DAY, 3)
    client = sign_in(cast.ops)
    for value in ("open", "over"):
        assert len(client.get(LIST, {"standing": value}).context["cl"].result_list) == 1


def test_what_was_not_sent_comes_first(cast, sign_in):
    sent = notice(cast, 1, sent_at=NOW, attempts=1)
    waits, given_up = notice(cast, 2), notice(cast, 3, attempts=5, fault="mailbox full")
    client = sign_in(cast.ops)
    shown = list(client.get(NOTICES).context["cl"].result_list)
    assert shown == [given_up, waits, sent]
    for value, row in (("no", waits), ("given_up", given_up), ("yes", sent)):
        assert list(client.get(NOTICES, {"sent": value}).context["cl"].result_list) == [row]
    assert "mailbox full" in client.get(NOTICES).content.decode()
