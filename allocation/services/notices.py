"""Notices: write down whom to tell that something waits, and send what is written down.

The row is the record, so a mail is lost by no crash: whoever sends claims the row by a conditional UPDATE, sends, then
marks it. A crash in between repeats the mail once, with the same Message-ID; nothing else repeats.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.timezone import localtime

from accounts.models import Leave
from allocation.models import BookPlan, Move, Notice, RetierRun, RunStatus
from allocation.querysets.notices import ATTEMPTS, Letter
from allocation.selectors import notice_words
from allocation.selectors.approvers import Managers, managers_on

# Between two attempts; longer than a task may run, so that a row is not taken from somebody who still sends.
PAUSE = timedelta(minutes=30)
# So long mail that is done with is kept: it names customers, and nobody asks for it any more.
KEEP = timedelta(days=180)
GONE = "this person no longer signs in, so nothing is sent"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SentNotices:
    """failed: tried now without success; they are tried again, at most five times in all. reached: the server answered."""

    sent: int = 0
    failed: int = 0
    reached: bool = True


def due_notices(*, at: datetime) -> QuerySet[Notice]:
    """Notices to be sent now, the oldest first: not sent, not given up, not held back for a digest, and not tried a short
    while ago.
    """
    rested = Q(tried_at__isnull=True) | Q(tried_at__lt=at - PAUSE)
    rows: QuerySet[Notice] = Notice.objects.to_send(at=at).filter(rested)
    return rows.order_by("created_at", "pk")


def send_notices(*, at: datetime, limit: int) -> SentNotices:
    """Send what is due, at most `limit` mails. Safe to run twice at once: each mail is sent by one of them.

    A failing address stops nobody else's mail. Where the mail server cannot be reached at all nothing counts as tried.
    """
    keys = list(due_notices(at=at).values_list("pk", flat=True)[:limit])
    if not keys:
        return SentNotices()
    connection = get_connection()
    try:
        connection.open()
    except Exception as error:  # whatever a mail server and the network between may do
        logger.warning("The mail server cannot be reached (%s); notices wait.", type(error).__name__)
        return SentNotices(reached=False)
    try:
        results = [_send_one(pk, at, connection) for pk in keys]
    finally:
        connection.close()
    return SentNotices(sent=results.count(True), failed=results.count(False))


def _send_one(pk: int, at: datetime, connection: BaseEmailBackend) -> bool | None:
    """Whether it was sent; None when somebody else has it."""
    mine = due_notices(at=at).filter(pk=pk)
    # Of two who begin at once only one finds it rested; later writes name the attempt, so that a late one changes nothing.
    if mine.order_by().update(attempts=F("attempts") + 1, tried_at=at, fault="") != 1:
        return None
    row = Notice.objects.select_related("to").get(pk=pk)
    claimed = Notice.objects.unsent().filter(pk=pk, tried_at=at)
    if not row.to.is_active:
        claimed.update(attempts=ATTEMPTS, fault=GONE)
        return False
    try:
        _mail(row, connection).send()
    except (
        Exception
    ) as error:  # a bad address, a full box, a server that hangs up: the others still get theirs
        logger.warning("Notice %s was not sent (%s).", pk, type(error).__name__)
        claimed.update(fault=f"{type(error).__name__}: {_line(str(error))}"[:300])
        connection.close()  # it may be unusable now; the next mail opens it again
        return False
    claimed.update(sent_at=at, fault="")
    return True


def _mail(row: Notice, connection: BaseEmailBackend) -> EmailMessage:
    """Plain text to one person. The Message-ID is fixed, and says nothing of what the notice is about."""
    digest = hashlib.sha256(f"notice {row.key}".encode()).hexdigest()[:32]
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    return EmailMessage(
        subject=_line(row.subject),
        body=row.body,
        to=[row.to.email],
        headers={"Message-ID": f"<{digest}@{host}>", "Auto-Submitted": "auto-generated"},
        connection=connection,
    )


def _line(text: str) -> str:
    """One line: a break in a subject would begin a header of somebody's choosing."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def tell_who_decides(*, at: datetime) -> int:
    """Write a notice down for everybody who may decide a run or plan that waits, and was not told yet. Returns how many.

    It looks at what waits, not at what somebody did: so no way into waiting is forgotten, a crash delays it at most, and
    a delegate is told on the first day. Repeating it tells nobody twice.
    """
    runs = list(
        RetierRun.objects.filter(status=RunStatus.AWAITING_APPROVAL).values_list("pk", "requested_by_id")
    )
    plans = list(BookPlan.objects.filter(status=RunStatus.AWAITING_APPROVAL).values_list("pk", flat=True))
    if not runs and not plans:
        return 0
    managers = managers_on(on=localtime(at).date())
    told = 0
    for pk, asker in runs:
        people = managers.of_everybody(without=_some(asker)).people
        words = notice_words.job_waits_for_you(what=f"run {pk}", link=notice_words.run_link(pk))
        told += _leave(dict.fromkeys(people, f"run-{pk}-waits"), words, at)
    for pk in plans:
        words = notice_words.job_waits_for_you(what=f"book plan {pk}", link=notice_words.plan_link(pk))
        told += _leave(_of_plan(pk, managers), words, at)
    return told


def _of_plan(plan_id: int, managers: Managers) -> dict[int, str]:
    """{person: what the notice is about}: another one once a move that waits for the person was re-pointed since."""
    newest: dict[int, str] = {}
    for team, asker, repointed_by, repointed_at in _waiting_moves(plan_id):
        for person in managers.of_team(team, without=_some(asker, repointed_by)).people:
            when = _stamp(repointed_at) if repointed_at else ""
            newest[person] = max(newest.get(person, ""), when)
    waits = f"plan-{plan_id}-waits"
    return {person: f"{waits}-since-{when}" if when else waits for person, when in newest.items()}


def _waiting_moves(plan_id: int) -> Iterator[tuple[int | None, int | None, int | None, datetime | None]]:
    """Team that decides, who asked for the plan, who named the CSM and when, of each move that waits."""
    rows = Move.objects.filter(plan_id=plan_id).waiting_for_approval().order_by("pk")
    for held, team, to_team, *others in rows.values_list(
        "customer__csm_id",
        "customer__csm__team_id",
        "to_csm__team_id",
        "plan__requested_by_id",
        "repointed_by_id",
        "repointed_at",
    ):
        # A customer without a CSM belongs to the team it would come to.
        yield (to_team if held is None else team, *others)


def forget_old_notices(*, at: datetime) -> int:
    """Drop what was sent, told in a digest or given up and is older than 180 days; returns how many.

    Two things stay: the newest digest of each person, which says up to when that person was told (and a digest while one
    of its lines stays); and a notice of what waits or holds still, since it would be written anew.
    """
    over = Q(sent_at__isnull=False) | Q(told_in__isnull=False) | Q(attempts__gte=ATTEMPTS)
    old = Notice.objects.filter(over, created_at__lt=at - KEEP)
    plain = old.exclude(kind=Notice.Kind.DIGEST).exclude(pk__in=_of_what_is_so_still(old, at))
    lines, _ = plain.delete()
    later = Notice.objects.filter(kind=Notice.Kind.DIGEST, to=OuterRef("to"), key__gt=OuterRef("key"))
    told = Notice.objects.filter(told_in=OuterRef("pk"))
    digests, _ = old.filter(Exists(later), ~Exists(told), kind=Notice.Kind.DIGEST).delete()
    return lines + digests


def _of_what_is_so_still(old: QuerySet[Notice], at: datetime) -> list[int]:
    """Notices that `tell_who_decides` or services.covering would write again: their key begins with what they are about."""
    waits = {"status": RunStatus.AWAITING_APPROVAL}
    away = Leave.objects.filter(ends_before__gt=localtime(at).date())
    rows = {
        "run": RetierRun.objects.filter(**waits),
        "plan": BookPlan.objects.filter(**waits),
        "leave": away,
    }
    so = {
        (what, str(pk))
        for what, found in rows.items()
        for pk in found.order_by("pk").values_list("pk", flat=True)
    }
    asked = old.filter(kind__in=(Notice.Kind.TO_DECIDE, Notice.Kind.DELEGATED, Notice.Kind.ENDS_SOON))
    told = asked.order_by("pk").values_list("pk", "key")
    return [pk for pk, key in told if tuple(key.split("-")[:2]) in so]


def _leave(about: Mapping[int, str], words: tuple[str, str], at: datetime) -> int:
    """about: what of it each person is told, by person."""
    letters = [
        Letter(what, [pk for pk, told in about.items() if told == what], *words)
        for what in sorted(set(about.values()))
    ]
    return Notice.objects.leave_each(letters, kind=Notice.Kind.TO_DECIDE, at=at)


def _some(*ids: int | None) -> frozenset[int]:
    return frozenset(pk for pk in ids if pk is not None)
