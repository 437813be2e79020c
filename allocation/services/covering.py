"""Leave and its cover: recorded, changed, and told to whom it concerns.

Nothing here begins or ends a cover: rights and hours follow the days of the leave (accounts.querysets.people.covered_on).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from accounts import roles
from accounts.models import CSM, Leave, User
from allocation.models import Notice
from allocation.selectors import notice_words
from allocation.selectors.approvers import Managers, managers_on
from allocation.selectors.covers import uncovered
from allocation.selectors.wording import counted, day

LONGEST = timedelta(days=366 * 2)


class UnableToRecordLeave(ValueError):
    """The leave cannot be so, or not be recorded by this person; the message says why and what to do."""


def record_leave(
    *,
    csm_id: int,
    leave_id: int | None,
    starts_on: date,
    ends_before: date,
    covered_by_id: int | None,
    actor: Any,
    on: date,
) -> Leave:
    """A CSM's days away and who covers: a new leave, or (leave_id) a changed one. Raises UnableToRecordLeave.

    By CS ops, or by a manager for CSMs of the own teams. What is over stays as it was; of a leave that has begun the first
    day stays. Days in the past are recorded by CS ops in the admin.
    """
    with transaction.atomic():
        seen = CSM.objects.visible_to(actor).people().select_for_update(of=("self",)).filter(pk=csm_id)
        csm = seen.first() if actor.is_ops or actor.is_manager else None
        if csm is None:
            raise UnableToRecordLeave("There is no such CSM in your teams.")
        row = _row(csm, leave_id, on)
        if row.pk is None or row.starts_on > on:
            if starts_on < on:
                raise UnableToRecordLeave(
                    "Choose today or a later day to begin: CS ops records what is past."
                )
        elif starts_on != row.starts_on:
            raise UnableToRecordLeave(
                f"It began on {day(row.starts_on)}, and that stays: change when {csm.name} is back, or who covers."
            )
        if ends_before < on:
            raise UnableToRecordLeave(f"Choose {day(on)} or a later day to be back: what is past stays.")
        if ends_before - starts_on > LONGEST:
            raise UnableToRecordLeave("Choose a day to be back within two years.")
        _refuse_foreign_cover(row, covered_by_id, actor)
        row.starts_on, row.ends_before, row.covered_by_id = starts_on, ends_before, covered_by_id
        try:
            row.full_clean()
        except ValidationError as faults:
            raise UnableToRecordLeave(" ".join(faults.messages)) from faults
        row.save()
    return row


def _refuse_foreign_cover(row: Leave, covered_by_id: int | None, actor: Any) -> None:
    """A manager names covers of the own teams; one that CS ops named from another team may stay."""
    if covered_by_id in {None, row.covered_by_id}:
        return
    if not CSM.objects.visible_to(actor).people().filter(pk=covered_by_id).exists():
        raise UnableToRecordLeave("Choose a cover of your own teams, or ask CS ops for one of another team.")


def _row(csm: CSM, leave_id: int | None, on: date) -> Leave:
    """A new leave of the CSM, or the one meant, locked with its CSM. Raises UnableToRecordLeave."""
    if leave_id is None:
        return Leave(csm=csm)
    row: Leave | None = Leave.objects.filter(csm=csm, pk=leave_id).first()
    if row is None:
        raise UnableToRecordLeave(f"{csm.name} has no such leave any more: look again.")
    if row.ends_before <= on:
        raise UnableToRecordLeave(f"{csm.name} was back on {day(row.ends_before)}: what is past stays.")
    return row


def tell_of_leave(*, on: date, at: datetime) -> str:
    """Mail to the cover and the manager on the first and the last day of a leave, and to the manager some days before
    (`LEAVE_WARNING_DAYS`) and once it began where nobody covers. Returns a sentence that says what was told.

    What was missed while the timetable stood still is told late as long as it holds. Repeating it tells nobody twice, but
    whoever is named as cover later is told then.
    """
    managers = managers_on(on=on)
    begin = sum([_tell_of_begin(row, managers, at) for row in _covered(on).filter(starts_on__lte=on)])
    end = sum([_tell_of_end(row, managers, at) for row in _ending(on)])
    bare = list(uncovered(on=on).select_related("csm__team"))
    told = [(row, _tell_of_lack(row, managers, on, at)) for row in bare]
    without = sum(new for row, new in told if row.starts_on <= on)
    soon = sum(new for row, new in told if row.starts_on > on)
    said = [
        f"{counted(begin, 'leave')} {_verb(begin, 'begin')}" if begin else "",
        f"{end} {_verb(end, 'end')} tomorrow" if end else "",
        f"{without} {_verb(without, 'begin')} without a cover" if without else "",
        f"{soon} will begin without a cover" if soon else "",
    ]
    sentence = ", ".join(words for words in said if words)
    return f"{sentence}." if sentence else "Nobody had to be told of leave."


def _verb(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb


def _covered(on: date) -> QuerySet[Leave]:
    rows: QuerySet[Leave] = Leave.objects.covered_on(on)
    return rows.select_related("csm", "covered_by").order_by("starts_on", "pk")


def _ending(on: date) -> QuerySet[Leave]:
    """Covered ones whose last day it is; of a single day the mail of the first says when it ends."""
    return _covered(on).filter(ends_before=on + timedelta(days=1), starts_on__lt=on)


def _tell_of_begin(row: Leave, managers: Managers, at: datetime) -> bool:
    given: dict[str, Any] = {
        "csm": row.csm.name,
        "ends_before": row.ends_before,
        "link": notice_words.book_link(row.csm_id),
    }
    about = f"leave-{row.pk}-begins-with-{row.covered_by_id}"
    cover = _leave(
        _cover(row), Notice.Kind.DELEGATED, about, words=notice_words.you_cover_for(**given), at=at
    )
    lead = _leave(
        set(_leads(row, managers)) - set(_cover(row)),
        Notice.Kind.DELEGATED,
        f"{about}-told",
        words=notice_words.is_away(cover=str(row.covered_by), **given),
        at=at,
    )
    return cover or lead


def _tell_of_end(row: Leave, managers: Managers, at: datetime) -> bool:
    link = notice_words.book_link(row.csm_id)
    words = notice_words.cover_ends(csm=row.csm.name, ends_before=row.ends_before, link=link)
    people = {*_cover(row), *_leads(row, managers)}
    about = f"leave-{row.pk}-ends-{row.ends_before:%Y%m%d}"
    return _leave(people, Notice.Kind.ENDS_SOON, about, words=words, at=at)


def _tell_of_lack(row: Leave, managers: Managers, on: date, at: datetime) -> bool:
    link = notice_words.book_link(row.csm_id)
    words = notice_words.nobody_covers(
        csm=row.csm.name, starts_on=row.starts_on, ends_before=row.ends_before, link=link
    )
    when = "now" if row.starts_on <= on else "soon"
    # Another first day, or another cover who is not there either, is something new.
    about = f"leave-{row.pk}-lacks-{row.covered_by_id or 'any'}-{when}-{row.starts_on:%Y%m%d}"
    return _leave(_leads(row, managers), Notice.Kind.TO_DECIDE, about, words=words, at=at)


def _cover(row: Leave) -> tuple[int, ...]:
    """The cover's sign-in, where there is one that may see the book."""
    user_id = row.covered_by.user_id if row.covered_by else None
    may = User.objects.filter(pk=user_id, is_active=True, groups__name=roles.CSM)
    return (user_id,) if user_id is not None and may.exists() else ()


def _leads(row: Leave, managers: Managers) -> tuple[int, ...]:
    """The manager of who is away, with delegates: the nearest one there is, but who is away."""
    return managers.of_team(row.csm.team_id, without=[row.csm.user_id] if row.csm.user_id else []).people


def _leave(
    people: Iterable[int], kind: Notice.Kind, about: str, *, words: tuple[str, str], at: datetime
) -> bool:
    """Whether somebody was told anew."""
    subject, body = words
    return Notice.objects.leave(to=people, kind=kind, about=about, subject=subject, body=body, at=at) > 0
