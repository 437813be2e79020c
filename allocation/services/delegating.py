"""Delegating: a manager who is away hands the decisions over to another one, who then sees and decides as well.

What that means for rows is said once (accounts.querysets.scope). A delegation is never deleted, only ended: what the
delegate decided was right at the time.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts import roles
from accounts.changes import update_logged
from accounts.models import Delegation, User
from allocation.models import Notice
from allocation.selectors import notice_words, wording

LONGEST_WORDS = 300


class UnableToDelegate(ValueError):
    """The decisions cannot be handed over so, or not be taken back; the message says why and what to do."""


def delegate_decisions(
    *,
    manager: Any,
    delegate_id: int,
    starts_on: date,
    ends_before: date,
    words: str,
    actor: Any,
    on: date,
    at: datetime,
) -> Delegation:
    """From `starts_on` until the day before `ends_before` the delegate decides for `manager` too, and is told by mail.

    A manager delegates for himself, CS ops for any manager. One delegation of a manager at a time, and no chain: who
    decides for another in these days hands nothing on, and who is away is no delegate. Raises UnableToDelegate.
    """
    _refuse_actor(manager, actor)
    _refuse_days(starts_on, ends_before, on)
    fault = wording.fault_of(words, if_none="", most=LONGEST_WORDS)
    if fault:
        raise UnableToDelegate(fault)
    with transaction.atomic():
        people = _locked(manager.pk, delegate_id)
        _refuse_people(people, manager, delegate_id)
        _refuse_overlaps(manager, people[delegate_id], _in_these_days(starts_on, ends_before))
        made: Delegation = Delegation.objects.create(
            manager=manager,
            delegate_id=delegate_id,
            starts_on=starts_on,
            ends_before=ends_before,
            words=words.strip(),
            created_by=actor,
            created_at=at,
        )
        _tell(
            made,
            notice_words.you_decide_for(
                manager=str(manager),
                starts_on=starts_on,
                ends_before=ends_before,
                link=notice_words.approvals_link(),
            ),
            what="given",
            at=at,
        )
    return made


def end_delegation(*, delegation_id: int, actor: Any, on: date, at: datetime) -> Delegation:
    """Take the decisions back before the time, by the manager or by CS ops: it holds no more from this moment.

    The delegate is told by mail. Raises UnableToDelegate, also where it is over or somebody was first.
    """
    with transaction.atomic():
        found = (
            Delegation.objects.visible_to(actor)
            .select_related("manager", "delegate", "ended_by")
            .filter(pk=delegation_id)
            .first()
        )
        if found is None:
            raise UnableToDelegate("There is no such delegation.")
        if not actor.is_ops and found.manager_id != actor.pk:
            raise UnableToDelegate(
                f"Only {found.manager} or CS ops takes this back: the decisions are {found.manager}'s."
            )
        if found.ends_before <= on:
            raise UnableToDelegate(
                f"It is over since {wording.day(found.ends_before)}: there is nothing to take back."
            )
        open_one = Delegation.objects.filter(pk=delegation_id, ended_at__isnull=True)
        if update_logged(open_one, ended_at=at, ended_by=actor) != 1:
            raise UnableToDelegate("Somebody took it back already: look again.")
        _tell(
            found,
            notice_words.you_no_longer_decide_for(
                manager=str(found.manager), link=notice_words.approvals_link()
            ),
            what="ended",
            at=at,
        )
    ended: Delegation = Delegation.objects.select_related("manager", "delegate").get(pk=delegation_id)
    return ended


def _refuse_actor(manager: Any, actor: Any) -> None:
    if actor is None or not (actor.is_ops or (actor.is_manager and actor.pk == manager.pk)):
        raise UnableToDelegate("A manager hands over the own decisions; for somebody else CS ops does it.")


def _refuse_days(starts_on: date, ends_before: date, on: date) -> None:
    if starts_on < on:
        raise UnableToDelegate("Choose today or a later day to begin: what is past is decided.")
    if ends_before <= starts_on:
        raise UnableToDelegate("The first day back must be after the first day away.")
    most = settings.DELEGATION_DAYS
    if (ends_before - starts_on).days > most:
        raise UnableToDelegate(
            f"Decisions are handed over for at most {most} days: for longer, CS ops names another manager of the team."
        )


def _locked(*ids: int) -> dict[int, User]:
    """Both people, held in one order until the transaction ends: two who delegate to each other at once are no chain."""
    rows = User.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    return {person.pk: person for person in rows}


def _refuse_people(people: dict[int, User], manager: Any, delegate_id: int) -> None:
    if delegate_id == manager.pk:
        raise UnableToDelegate("Nobody delegates to oneself: choose another manager.")
    if not _is_manager(people.get(manager.pk)):
        raise UnableToDelegate(f"{manager} is no manager, so there are no decisions to hand over.")
    if not _is_manager(people.get(delegate_id)):
        raise UnableToDelegate("Choose an active person with the role Manager: nobody else decides.")


def _is_manager(person: User | None) -> bool:
    return person is not None and person.is_active and person.groups.filter(name=roles.MANAGER).exists()


def _in_these_days(starts_on: date, ends_before: date) -> QuerySet[Delegation]:
    """Delegations that hold on one of the days."""
    rows: QuerySet[Delegation] = Delegation.objects.filter(
        ended_at__isnull=True, starts_on__lt=ends_before, ends_before__gt=starts_on
    )
    return rows.select_related("manager", "delegate").order_by("starts_on", "pk")


def _refuse_overlaps(manager: Any, delegate: User, these_days: QuerySet[Delegation]) -> None:
    own = these_days.filter(manager=manager).first()
    if own is not None:
        raise UnableToDelegate(
            f"{own.delegate} decides for {manager} {_days(own)} already: end that first, or choose other days."
        )
    taken = these_days.filter(delegate=manager).first()
    if taken is not None:
        raise UnableToDelegate(
            f"{manager} decides for {taken.manager} {_days(taken)}, and nobody passes on what was handed over: "
            f"choose other days, or have {taken.manager} or CS ops end that first."
        )
    away = these_days.filter(manager=delegate).first()
    if away is not None:
        raise UnableToDelegate(f"{delegate} is away {_days(away)}: choose another manager, or other days.")


def _days(row: Delegation) -> str:
    """ "from 3 Mar 2027, back on 10 Mar 2027"."""
    return f"from {wording.day(row.starts_on)}, back on {wording.day(row.ends_before)},"


def _tell(row: Delegation, words: tuple[str, str], *, what: str, at: datetime) -> None:
    subject, body = words
    Notice.objects.leave(
        to=[row.delegate_id],
        kind=Notice.Kind.DELEGATED,
        about=f"delegation-{row.pk}-{what}",
        subject=subject,
        body=body,
        at=at,
    )
