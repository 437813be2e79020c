"""CS ops see who guessed too often and let them in again; nobody else does."""

import pytest
from axes.models import AccessAttempt
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from cstiers.signing_in.throttle import PERSON
from tests.queries.counting import queries_of
from tests.signing_in.conftest import PASSWORD, knock

LIST = "/admin/axes/accessattempt/"


@pytest.fixture
def lock(people):
    for _ in range(6):
        knock("csm-a@example.com", "wrong", REMOTE_ADDR="192.0.2.66")
    return AccessAttempt.objects.get(user_agent=PERSON)


def test_ops_see_the_lock_and_when_it_ends(people, sign_in, lock):
    page = sign_in(people.ops).get(LIST).content.decode()
    assert "csm-a@example.com" in page
    assert "Everybody at this address" in page
    assert "locked until" in page
    assert "5 of 5" in page
    assert "5 of 50" in page


def test_ops_clear_a_lock_and_the_person_comes_in(people, sign_in, lock):
    assert knock("csm-a@example.com", PASSWORD, REMOTE_ADDR="192.0.2.66").status_code == 429
    page = sign_in(people.ops).post(reverse("admin:clear_sign_in_lock", args=[lock.pk]), follow=True)
    assert "Cleared for csm-a@example.com from 192.0.2.66" in page.content.decode()
    assert knock("csm-a@example.com", PASSWORD, REMOTE_ADDR="192.0.2.66").status_code == 302
    assert "Cleared" in LogEntry.objects.get(object_id=str(lock.pk)).change_message


def test_a_lock_is_cleared_by_button_only(people, sign_in, lock):
    assert sign_in(people.ops).get(reverse("admin:clear_sign_in_lock", args=[lock.pk])).status_code == 405
    assert AccessAttempt.objects.filter(pk=lock.pk).exists()


@pytest.mark.parametrize("who", ["manager", "csm_a", "nobody"])
def test_nobody_else_sees_or_clears_one(people, sign_in, lock, who):
    client = sign_in(getattr(people, who))
    clear = reverse("admin:clear_sign_in_lock", args=[lock.pk])
    for answer in (client.get(LIST, follow=True), client.post(clear, follow=True)):
        assert answer.status_code == 403
        assert "192.0.2.66" not in answer.content.decode()
    assert AccessAttempt.objects.filter(pk=lock.pk).exists()


def test_who_is_let_into_the_admin_by_another_way_clears_nothing(people, sign_in, lock, monkeypatch):
    monkeypatch.setattr("cstiers.site.CSTiersAdminSite.has_permission", lambda site, request: True)
    client = sign_in(people.manager)
    assert client.post(reverse("admin:clear_sign_in_lock", args=[lock.pk])).status_code == 403
    assert AccessAttempt.objects.filter(pk=lock.pk).exists()


@pytest.mark.parametrize("door", ["add/", "{pk}/delete/"])
def test_nobody_makes_a_counter_up_or_deletes_it_past_the_button(people, sign_in, lock, door):
    assert sign_in(people.ops).post(LIST + door.format(pk=lock.pk)).status_code == 403


def test_a_counter_that_is_done_with_is_not_shown(people, sign_in):
    knock("csm-a@example.com", "wrong")
    knock("csm-a@example.com", PASSWORD)
    page = sign_in(people.ops).get(LIST).content.decode()
    assert "csm-a@example.com" not in page


def test_the_list_asks_equally_often_at_any_size(people, sign_in, lock):
    client = sign_in(people.ops)
    client.get(LIST)
    few = len(queries_of(lambda: client.get(LIST)))
    for number in range(20):
        knock(f"person{number}@example.com", "wrong")
    assert len(queries_of(lambda: client.get(LIST))) == few
