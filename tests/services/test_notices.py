"""Mail that was written down is sent once, whoever fails; and everybody who may decide what waits is told once."""

import datetime
import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from accounts import roles
from accounts.models import User
from allocation.models import BookPlan, Move, Notice, RetierRun
from allocation.selectors import notice_words
from allocation.services.delegating import delegate_decisions
from allocation.services.notices import ATTEMPTS, PAUSE, SentNotices, send_notices, tell_who_decides
from tests.factories import TODAY, TeamFactory, UserFactory
from tests.pages import approval_cast
from tests.pages.approval_cast import NOW, waiting_plan, waiting_run

pytestmark = pytest.mark.django_db

DAY = datetime.timedelta(days=1)
# What must not be read in a mail: the words of the field, and what says what became of a customer.
INTERNAL = re.compile(
    r"\b(tiers?|tiering|re-tier\w*|segments?|scores?|touch|overrides?|strategic|scale|approved|declined|up|down)\b",
    re.IGNORECASE,
)


def leave(to: Any, *, about: str = "request-1", subject: str = "A request waits", at: Any = NOW) -> Notice:
    Notice.objects.leave(
        to=[to.pk], kind="to_decide", about=about, subject=subject, body="Please decide it.", at=at
    )
    return Notice.objects.get(key=f"{about}-to-{to.pk}")


def send(at: Any = NOW, limit: int = 100) -> SentNotices:
    return send_notices(at=at, limit=limit)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Addresses whose mail the server refuses."""
    refused: set[str] = set()
    real = EmailBackend.send_messages

    def send_messages(self: Any, messages: Any) -> int:
        if any(address in refused for message in messages for address in message.to):
            raise OSError("mailbox full\nX-Evil: 1")
        return real(self, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", send_messages)
    return refused


def test_a_notice_is_sent_to_its_person_once(cast: SimpleNamespace) -> None:
    row = leave(cast.manager)
    assert send() == SentNotices(sent=1)
    assert send(NOW + DAY) == SentNotices()
    (message,) = mail.outbox
    assert (message.to, message.subject, message.body) == (
        ["manager@example.com"],
        "A request waits",
        "Please decide it.",
    )
    row.refresh_from_db()
    assert (row.sent_at, row.attempts, row.fault) == (NOW, 1, "")


def test_the_message_id_is_fixed_and_says_nothing(cast: SimpleNamespace) -> None:
    """A crash after sending repeats the mail; the mail program then knows it as the same."""
    row = leave(cast.manager, about="override-7-asked-1")
    send()
    Notice.objects.filter(pk=row.pk).update(sent_at=None, tried_at=None)
    send(NOW + DAY)
    first, second = (message.message()["Message-ID"] for message in mail.outbox)
    assert first == second
    assert "override" not in first
    leave(cast.ops, about="override-7-asked-1")
    send(NOW + 2 * DAY)
    assert mail.outbox[2].message()["Message-ID"] != first


def test_a_failing_address_stops_nobody_elses_mail(cast: SimpleNamespace, failing: set[str]) -> None:
    failing.add(cast.manager.email)
    bad, good = leave(cast.manager), leave(cast.ops)
    assert send() == SentNotices(sent=1, failed=1)
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.sent_at, good.sent_at) == (None, NOW)
    assert "OSError: mailbox full X-Evil: 1" in bad.fault


def test_what_failed_rests_a_while_and_is_given_up_after_five_times(
    cast: SimpleNamespace, failing: set[str]
) -> None:
    failing.add(cast.manager.email)
    row = leave(cast.manager)
    at = NOW
    for number in range(1, ATTEMPTS + 1):
        assert send(at).failed == 1
        row.refresh_from_db()
        assert row.attempts == number
        assert send(at + PAUSE) == SentNotices()  # a second is missing
        at += PAUSE + datetime.timedelta(seconds=1)
    assert send(at + 30 * DAY) == SentNotices()
    assert (ATTEMPTS, mail.outbox) == (5, [])


def test_it_is_sent_once_the_fault_is_gone(cast: SimpleNamespace, failing: set[str]) -> None:
    failing.add(cast.manager.email)
    leave(cast.manager)
    send()
    failing.clear()
    assert send(NOW + PAUSE + datetime.timedelta(seconds=1)).sent == 1


def test_a_server_that_cannot_be_reached_costs_no_attempt(
    cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = leave(cast.manager)

    def unreachable(self: Any) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "open", unreachable)
        assert send() == SentNotices(reached=False)
    row.refresh_from_db()
    assert (row.attempts, row.fault) == (0, "")
    assert send().sent == 1


def test_a_row_that_somebody_else_is_sending_is_left_alone(
    cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second sender begins while the first is at it: each mail goes out once."""
    leave(cast.manager), leave(cast.ops)
    real = EmailBackend.send_messages
    inner: list[SentNotices] = []

    def send_messages(self: Any, messages: Any) -> int:
        if not inner:
            inner.append(SentNotices())
            inner[0] = send()
        return real(self, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", send_messages)
    outer = send()
    assert (outer.sent, inner[0].sent) == (1, 1)
    assert sorted(message.to[0] for message in mail.outbox) == ["manager@example.com", "ops@example.com"]


def test_one_who_no_longer_signs_in_gets_no_mail(cast: SimpleNamespace) -> None:
    row = leave(cast.manager)
    User.objects.filter(pk=cast.manager.pk).update(is_active=False)
    assert send().failed == 1
    row.refresh_from_db()
    assert (mail.outbox, row.attempts) == ([], ATTEMPTS)
    assert "no longer signs in" in row.fault


def test_the_oldest_go_first_and_no_more_than_the_limit(cast: SimpleNamespace) -> None:
    leave(cast.ops, at=NOW)
    leave(cast.manager, at=NOW - DAY)
    assert send(limit=1).sent == 1
    assert mail.outbox[0].to == ["manager@example.com"]


@pytest.mark.parametrize("breaks", ["\r\nBcc: all@example.com", "\nSubject: other", "\r", "\x0b", "\u2028"])
def test_no_name_becomes_a_header(cast: SimpleNamespace, breaks: str) -> None:
    subject, body = notice_words.waits_for_you(customer=f"Acme{breaks}", link="https://cs.example/approvals/")
    assert "\n" not in subject
    assert "\r" not in subject
    # A text that got into the table some other way is one line all the same.
    leave(cast.manager, subject=f"About Acme{breaks}")
    assert send().sent == 1
    sent = mail.outbox[0]
    assert sent.recipients() == ["manager@example.com"]
    assert sent.message()["Bcc"] is None
    assert "\n" not in sent.subject
    assert body.startswith(subject)


def test_a_nul_in_a_name_is_a_space() -> None:
    subject, body = notice_words.waits_for_you(customer="Ac\x00me", link="x")
    assert subject == "A request about Ac me waits for your decision"
    assert "\x00" not in body


def texts() -> list[tuple[str, str]]:
    link = "https://cs.example/customers/1/"
    return [
        notice_words.waits_for_you(customer="Acme", link=notice_words.approvals_link()),
        notice_words.was_decided(customer="Acme", by="Mia Manager", link=notice_words.run_link(1)),
        notice_words.ends_soon(customer="Acme", on=TODAY, link=link),
        notice_words.has_ended(customer="Acme", link=link),
        notice_words.job_waits_for_you(what="run 3", link=notice_words.run_link(3)),
        notice_words.job_was_decided(what="book plan 3", by="Mia", link=notice_words.plan_link(3)),
        notice_words.job_was_replaced(what="run 3", by="run 4", link=notice_words.run_link(4)),
        notice_words.you_decide_for(manager="Mia", starts_on=TODAY, ends_before=TODAY + DAY, link=link),
        notice_words.you_no_longer_decide_for(manager="Mia", link=link),
        notice_words.you_cover_for(csm="Ada", ends_before=TODAY, link=notice_words.book_link(1)),
        notice_words.is_away(csm="Ada", cover="Ben", ends_before=TODAY, link=notice_words.book_link(1)),
        notice_words.nobody_covers(csm="Ada", starts_on=TODAY, ends_before=TODAY + DAY, link=link),
        notice_words.cover_ends(csm="Ada", ends_before=TODAY, link=link),
    ]


@pytest.mark.parametrize("number", range(13))
def test_no_text_carries_a_word_of_the_field(number: int) -> None:
    subject, body = texts()[number]
    # The address of the installation is the installation's.
    assert INTERNAL.findall(f"{subject}\n{body}") == []
    assert 0 < len(subject) <= 200
    assert "http" in body


def test_the_scan_sees_the_words() -> None:
    """The control: a pattern that finds nothing would be green."""
    assert len(INTERNAL.findall("An override to tier Scale, by score; see /approvals/overrides/3/")) == 5


def test_the_longest_name_fits_the_subject(cast: SimpleNamespace) -> None:
    subject, _ = notice_words.waits_for_you(customer="A" * 5000, link="x")
    assert len(subject) <= 200


@pytest.fixture
def world(cast: SimpleNamespace) -> SimpleNamespace:
    return approval_cast.build(cast)


def told() -> list[tuple[str, str]]:
    rows = Notice.objects.filter(kind="to_decide").order_by("to__name", "subject")
    return [(str(row.to), row.subject) for row in rows.select_related("to")]


def test_of_a_run_the_managers_of_the_top_teams_are_told_once(world: SimpleNamespace) -> None:
    run = waiting_run(world.ops)
    assert tell_who_decides(at=NOW) == 2
    assert tell_who_decides(at=NOW + DAY) == 0
    # Dora leads the top team, Otto team B that is below none; Mia's team is below Dora's.
    assert told() == [
        ("Dora Director", f"Run {run.pk} waits for your decision"),
        ("Otto Other", f"Run {run.pk} waits for your decision"),
    ]


def test_who_asked_for_a_run_is_not_told_to_decide_it(world: SimpleNamespace) -> None:
    waiting_run(world.director)
    tell_who_decides(at=NOW)
    assert [who for who, _ in told()] == ["Otto Other"]


def test_where_no_other_top_manager_is_every_manager_is_asked(world: SimpleNamespace) -> None:
    world.team_b.parent = world.team_a.parent
    world.team_b.save()
    waiting_run(world.director)
    tell_who_decides(at=NOW)
    assert [who for who, _ in told()] == ["Mia Manager", "Otto Other"]


def test_of_moves_the_managers_of_their_customers_are_told(world: SimpleNamespace) -> None:
    plan = waiting_plan(world.ops, [*world.customers, world.foreign], to=None)
    tell_who_decides(at=NOW)
    assert told() == [
        ("Mia Manager", f"Book plan {plan.pk} waits for your decision"),
        ("Otto Other", f"Book plan {plan.pk} waits for your decision"),
    ]


def test_a_move_that_is_repointed_later_is_told_again_to_who_decides_it(world: SimpleNamespace) -> None:
    plan = waiting_plan(world.ops, world.customers[:1], to=world.csm_b.csm)
    tell_who_decides(at=NOW)
    Move.objects.filter(plan=plan).update(repointed_by=world.ops, repointed_at=NOW + DAY)
    assert tell_who_decides(at=NOW + DAY) == 1
    assert tell_who_decides(at=NOW + 2 * DAY) == 0
    assert [who for who, _ in told()] == ["Mia Manager", "Mia Manager"]


def test_what_waits_no_more_is_told_to_nobody(world: SimpleNamespace) -> None:
    run, plan = waiting_run(world.ops), waiting_plan(world.ops, world.customers, to=None)
    RetierRun.objects.filter(pk=run.pk).update(status="proposed")
    BookPlan.objects.filter(pk=plan.pk).update(status="stale")
    assert tell_who_decides(at=NOW) == 0


def test_a_delegate_is_told_on_the_first_day_of_what_waits(world: SimpleNamespace) -> None:
    waiting_plan(world.ops, world.customers, to=None)
    tell_who_decides(at=NOW)
    eve = UserFactory(name="Eve Third", email="eve@example.com", role=roles.MANAGER)
    TeamFactory(name="Eve's", manager=eve, parent=world.team_a.parent)
    delegate_decisions(
        manager=world.manager,
        delegate_id=eve.pk,
        starts_on=TODAY + DAY,
        ends_before=TODAY + 3 * DAY,
        words="",
        actor=world.manager,
        on=TODAY,
        at=NOW,
    )
    assert tell_who_decides(at=NOW) == 0
    assert tell_who_decides(at=NOW + DAY) == 1
    assert ("Eve Third", told()[1][1]) in told()
