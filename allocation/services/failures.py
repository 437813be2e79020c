"""Work that nobody stands beside and that failed or was missed: CS ops are told by mail, once each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q
from django.utils.timezone import localtime

from accounts.models import ImportBatch
from accounts.querysets.jobs import ATTEMPTS
from allocation.models import BookPlan, Notice, RetierRun, RunStatus, Slot
from allocation.querysets.notices import Letter
from allocation.selectors import digest_words, notice_words
from allocation.selectors.approvers import cs_ops

# Who becomes CS ops today is not told of the failures of last year, nor anybody after an upgrade.
LOOKS_BACK = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Failure:
    """about: what makes it one of a kind. subject, body: the mail."""

    about: str
    subject: str
    body: str


def tell_of_failures(*, at: datetime) -> int:
    """Write a notice down for each of CS ops about work that failed or was missed lately, and was not told of yet.

    Told of: scheduled work (one mail a kind of work and day, however often it failed on that day, or however many times
    were found to be missed on it), runs and plans that no person asked for, and any run, plan or import that was given up
    after several attempts. Not of what a person stopped; and what is refused to the person who asked for it is told on
    that person's page alone. It looks at the rows, so nothing that fails can forget to tell, and repeating it tells nobody
    twice. Returns how many notices were written.
    """
    found = {failure.about: failure for failure in _failures(at)}
    if not found:
        return 0
    people = sorted(cs_ops())
    letters = [Letter(about, people, failure.subject, failure.body) for about, failure in found.items()]
    return Notice.objects.leave_each(letters, kind=Notice.Kind.FAILED, at=at)


def _failures(at: datetime) -> Iterator[Failure]:
    since = at - LOOKS_BACK
    yield from _of_failed_slots(since)
    yield from _of_missed_slots(since)
    given_up = Q(attempts__gte=ATTEMPTS)
    unattended = given_up | Q(requested_by__isnull=True)
    # What a person stopped has the mark of it still, and did not fail.
    failed = Q(cancel_asked_at__isnull=True, finished_at__gte=since)
    # A slot that failed with its run is one piece of news.
    told = Slot.objects.filter(status=Slot.Status.FAILED)
    runs = RetierRun.objects.filter(unattended, failed, status=RunStatus.FAILED)
    runs = runs.exclude(pk__in=told.filter(run__isnull=False).order_by().values("run"))
    for pk in runs.order_by("pk").values_list("pk", flat=True):
        yield _failure(f"failed-run-{pk}", f"Run {pk}", notice_words.run_link(pk))
    plans = BookPlan.objects.filter(unattended, failed, status=RunStatus.FAILED)
    plans = plans.exclude(pk__in=told.filter(plan__isnull=False).order_by().values("plan"))
    for pk in plans.order_by("pk").values_list("pk", flat=True):
        yield _failure(f"failed-plan-{pk}", f"Book plan {pk}", notice_words.plan_link(pk))
    imports = ImportBatch.objects.filter(given_up, failed, status=ImportBatch.Status.FAILED)
    for pk in imports.order_by("pk").values_list("pk", flat=True):
        yield _failure(f"failed-import-{pk}", f"Import {pk}", digest_words.imports_link())


def _of_failed_slots(since: datetime) -> Iterator[Failure]:
    """Hourly work that fails all day is one mail of that day, not twenty-four."""
    rows = Slot.objects.filter(status=Slot.Status.FAILED, finished_at__gte=since)
    for work, due_at in rows.order_by("due_at", "pk").values_list("work", "due_at"):
        day = localtime(due_at).date()
        what = f"{_words(work)} of {notice_words.plain_day(day)}"
        yield _failure(f"failed-{work}-{day.isoformat()}", what, digest_words.slots_link())


def _of_missed_slots(since: datetime) -> Iterator[Failure]:
    """What was missed is found when somebody keeps the timetable again: a mail of that day, however long nobody did."""
    rows = Slot.objects.filter(status=Slot.Status.MISSED, finished_at__gte=since)
    found: dict[tuple[str, date], list[date]] = {}
    for work, noted_at, due_at in rows.order_by("due_at", "pk").values_list("work", "finished_at", "due_at"):
        found.setdefault((work, localtime(noted_at).date()), []).append(localtime(due_at).date())
    for (work, noted_on), days in found.items():
        words = notice_words.work_was_missed(what=_words(work), days=days, link=digest_words.slots_link())
        yield Failure(f"missed-{work}-{noted_on.isoformat()}", *words)


def _words(work: str) -> str:
    words = digest_words.work_words(work=work)
    return f"{words[:1].upper()}{words[1:]}"


def _failure(about: str, what: str, link: str) -> Failure:
    return Failure(about, *notice_words.work_failed(what=what, link=link))
