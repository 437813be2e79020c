"""Who wants no mail at once gets it as lines of the digest: each once, none lost, whatever the person chooses meanwhile."""

import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from allocation.models import Notice
from allocation.querysets.notices import HELD_AT_MOST
from allocation.services.notices import SentNotices, send_notices
from tests.services.digest_cast import DAY, MONDAY, digest_of, lines_of, morning, wishes, write

pytestmark = pytest.mark.django_db

TUESDAY = MONDAY + DAY
SECOND = datetime.timedelta(seconds=1)


def leave(person: Any, about: str = "request-1", *, kind: str = "to_decide", at: Any = None) -> Notice:
    subject = f"A request about {about} waits for your decision"
    body = f"{subject}.\nPlease decide it.\n\nhttp://localhost:8000/approvals/\n\nFoot\n"
    at = at or morning(MONDAY, 9)
    Notice.objects.leave(to=[person.pk], kind=kind, about=about, subject=subject, body=body, at=at)
    return Notice.objects.get(key=f"{about}-to-{person.pk}")


def send(at: Any = None) -> SentNotices:
    return send_notices(at=at or morning(MONDAY, 10), limit=100)


def test_it_is_not_sent_but_is_a_line_of_the_next_digest_once(cast: SimpleNamespace) -> None:
    wishes(cast.manager, "daily", at_once=False)
    row = leave(cast.manager)
    assert send() == SentNotices()
    write(TUESDAY)
    assert lines_of(cast.manager, TUESDAY) == ["A request about request-1 waits for your decision."]
    assert "  http://localhost:8000/approvals/\n" in digest_of(cast.manager, TUESDAY)
    row.refresh_from_db()
    assert row.told_in == Notice.objects.get(kind="digest")
    assert send(morning(TUESDAY, 10)) == SentNotices(sent=1)
    assert [message.subject for message in mail.outbox] == [
        "A request about request-1 waits for your decision (digest of 24 Nov 2026)"
    ]
    for n in range(2, 20):
        write(MONDAY + n * DAY)
    assert send(morning(MONDAY + 30 * DAY)) == SentNotices()


@pytest.mark.parametrize("kind", ["to_decide", "decided", "ends_soon", "ended", "object", "delegated"])
def test_every_kind_is_held_back(cast: SimpleNamespace, kind: str) -> None:
    wishes(cast.manager, "weekly", at_once=False)
    leave(cast.manager, kind=kind)
    assert send() == SentNotices()


@pytest.mark.parametrize("kind", ["digest", "failed"])
def test_the_digest_itself_and_failures_are_never_held_back(cast: SimpleNamespace, kind: str) -> None:
    wishes(cast.manager, "weekly", at_once=False)
    leave(cast.manager, kind=kind)
    assert send() == SentNotices(sent=1)


def test_without_a_digest_to_wait_for_it_is_sent_at_once(cast: SimpleNamespace) -> None:
    wishes(cast.manager, "never", at_once=False)
    leave(cast.manager)
    assert send() == SentNotices(sent=1)


@pytest.mark.parametrize("choice", [("weekly", True), ("never", False)])
def test_another_choice_frees_what_waits(cast: SimpleNamespace, choice: tuple[str, bool]) -> None:
    wishes(cast.manager, "weekly", at_once=False)
    leave(cast.manager)
    assert send() == SentNotices()
    wishes(cast.manager, choice[0], at_once=choice[1])
    assert send() == SentNotices(sent=1)
    write(MONDAY + 7 * DAY)
    assert digest_of(cast.manager, MONDAY + 7 * DAY) == ""


def test_where_no_digest_comes_for_longer_than_a_week_it_is_sent_by_itself(cast: SimpleNamespace) -> None:
    wishes(cast.manager, "weekly", at_once=False)
    row = leave(cast.manager)
    assert send(row.created_at + HELD_AT_MOST - SECOND) == SentNotices()
    assert send(row.created_at + HELD_AT_MOST) == SentNotices(sent=1)


def test_what_comes_after_the_digest_waits_for_the_next(cast: SimpleNamespace) -> None:
    wishes(cast.manager, "daily", at_once=False)
    leave(cast.manager, "request-1")
    write(MONDAY)
    leave(cast.manager, "request-2")
    write(MONDAY)
    assert len(lines_of(cast.manager, MONDAY)) == 1
    write(TUESDAY)
    assert lines_of(cast.manager, TUESDAY) == ["A request about request-2 waits for your decision."]


def test_each_person_reads_the_own_ones(cast: SimpleNamespace) -> None:
    wishes(cast.manager, "daily", at_once=False), wishes(cast.csm_a, "daily", at_once=False)
    leave(cast.manager, "request-1"), leave(cast.csm_a, "request-2")
    write(TUESDAY)
    assert lines_of(cast.manager, TUESDAY) == ["A request about request-1 waits for your decision."]
    assert lines_of(cast.csm_a, TUESDAY) == ["A request about request-2 waits for your decision."]
    assert all(row.told_in.to_id == row.to_id for row in Notice.objects.filter(told_in__isnull=False))


def test_none_is_left_out_however_many(cast: SimpleNamespace) -> None:
    wishes(cast.manager, "daily", at_once=False)
    for number in range(120):
        leave(cast.manager, f"request-{number}")
    write(TUESDAY)
    assert len(lines_of(cast.manager, TUESDAY)) == 120
    assert not Notice.objects.filter(kind="to_decide", told_in__isnull=True).exists()


def test_what_another_writer_did_not_tell_waits_for_the_next_digest(
    cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two begin at once, a notice comes between their looks: the digest that is kept is the first one's."""
    from allocation.services import digests as service

    wishes(cast.manager, "daily", at_once=False)
    leave(cast.manager, "request-1")
    first = service.digests(on=TUESDAY, at=morning(TUESDAY))
    late = leave(cast.manager, "request-2")
    second = service.digests(on=TUESDAY, at=morning(TUESDAY))
    found = iter([first, second])
    monkeypatch.setattr(service, "digests", lambda **_: next(found))
    write(TUESDAY), write(TUESDAY)
    late.refresh_from_db()
    assert late.told_in is None
    assert len(lines_of(cast.manager, TUESDAY)) == 1


def test_no_notice_is_sent_and_a_line_of_a_digest(cast: SimpleNamespace) -> None:
    digest = leave(cast.manager, "digest", kind="digest")
    row = leave(cast.manager)
    for change in ({"told_in": digest, "sent_at": morning()}, {"told_in": digest, "kind": "digest"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Notice.objects.filter(pk=row.pk).update(**change)
