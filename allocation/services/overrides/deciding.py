"""A manager of the customer's team approves a request or declines it, with words."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction

from accounts.models import Customer
from allocation.models import Notice, Override
from allocation.models.overrides import LONGEST_WORDS
from allocation.selectors import notice_words, wording
from allocation.selectors.override_rights import NO_MANAGER, override_rights
from allocation.services.overrides.asking import fault_of_start
from allocation.services.overrides.giving import RAN_OUT, give_tier
from allocation.services.overrides.rows import UNKNOWN, held_override, link_to, tell_those_concerned


class UnableToDecideOverride(ValueError):
    """The request does not wait for this person; the message says why.

    decided: the override as somebody else decided it, where somebody was first; else None.
    """

    def __init__(self, sentence: str, *, decided: Override | None = None) -> None:
        super().__init__(sentence)
        self.decided = decided


def approve_override(
    *, override_id: int, actor: Any, words: str, on: date, at: datetime, seen_version: int | None = None
) -> Override:
    """Let the override hold. If its first day has come the customer gets the tier at once, in the same transaction.

    An approved override of the customer is ended: this one takes its place. seen_version: the version the manager was
    shown; another one by now is refused. Raises UnableToDecideOverride.
    """
    said = _said(words, "Say why it is approved, so that the next reader understands.")
    with transaction.atomic():
        override, customer = _decidable(override_id, actor, seen_version)
        fault = _fault_of_approving(override, customer, on)
        if fault:
            raise UnableToDecideOverride(fault)
        _take_the_place_of_others(override, actor=actor, on=on, at=at)
        decided = _decide(override, Override.Status.APPROVED, actor=actor, words=said, at=at)
        if decided.starts_on <= on:
            give_tier(override=decided, customer=customer, on=on, at=at)
        _tell(decided, customer, actor=actor, at=at)
        return decided


def decline_override(
    *, override_id: int, actor: Any, words: str, on: date, at: datetime, seen_version: int | None = None
) -> Override:
    """Say no: the customer stays where it is. Raises UnableToDecideOverride."""
    said = _said(words, "Say why it is declined, so that who asked understands.")
    with transaction.atomic():
        override, customer = _decidable(override_id, actor, seen_version)
        decided = _decide(override, Override.Status.DECLINED, actor=actor, words=said, at=at)
        _tell(decided, customer, actor=actor, at=at)
        return decided


def _said(words: str, if_none: str) -> str:
    fault = wording.fault_of(words, if_none=if_none, most=LONGEST_WORDS)
    if fault:
        raise UnableToDecideOverride(fault)
    return words.strip()


def _decidable(override_id: int, actor: Any, seen_version: int | None) -> tuple[Override, Customer]:
    """The request and its customer, held, if this person may decide it as it was shown. Raises UnableToDecideOverride."""
    override, customer = (None, None) if actor is None else held_override(override_id, actor)
    if override is None or customer is None:
        raise UnableToDecideOverride(UNKNOWN)
    rights = override_rights(override=override, customer=customer, user=actor)
    if rights.not_deciding == NO_MANAGER:
        raise UnableToDecideOverride(NO_MANAGER)
    if override.status != Override.Status.ASKED:
        raise UnableToDecideOverride(_who_was_first(override), decided=override)
    if not rights.decide:
        raise UnableToDecideOverride(rights.not_deciding)
    if seen_version not in {None, override.version}:
        raise UnableToDecideOverride("The request was changed since you looked at it. Look again.")
    return override, customer


def _who_was_first(override: Override) -> str:
    """What happened to it meanwhile: who, what, when."""
    who, when = (
        (override.decided_by, override.decided_at)
        if override.decided_at
        else (override.ended_by, override.ended_at)
    )
    moment = wording.moment(when) if when else ""
    by = f" by {who}" if who else ""
    ended = (
        f" It is {override.get_status_display().lower()} since."
        if override.decided_at and override.ended_at
        else ""
    )
    what = (
        "approved"
        if override.status == Override.Status.APPROVED or ended
        else override.get_status_display().lower()
    )
    return f"It was {what}{by} already ({moment}).{ended}"


def _fault_of_approving(override: Override, customer: Customer, on: date) -> str:
    if override.expires_on <= on:
        return f"It would have ended on {wording.day(override.expires_on)}: decline it, or change its days first."
    if customer.status != Customer.Status.ACTIVE:
        return f"{customer} has left: there is no tier to override. Decline it."
    if override.tier.retired:
        return f"The tier {override.tier} was retired meanwhile: decline it, or change the tier first."
    return fault_of_start(override.starts_on, customer, on)


def _take_the_place_of_others(override: Override, *, actor: Any, on: date, at: datetime) -> None:
    """What holds now is ended by what takes its place; one that has run out and waits for the calendar is ended as well."""
    others = Override.objects.filter(customer_id=override.customer_id, status=Override.Status.APPROVED)
    others.filter(expires_on__lte=on).update(status=Override.Status.EXPIRED, ended_at=at, ended_words=RAN_OUT)
    others.update(
        status=Override.Status.WITHDRAWN,
        ended_by=actor,
        ended_at=at,
        ended_words=f"Override {override.pk} takes its place.",
    )


def _decide(override: Override, status: str, *, actor: Any, words: str, at: datetime) -> Override:
    changed = Override.objects.filter(
        pk=override.pk, status=Override.Status.ASKED, version=override.version
    ).update(status=status, decided_by=actor, decided_at=at, decided_words=words)
    decided: Override = Override.objects.select_related("tier", "asked_by", "decided_by").get(pk=override.pk)
    if changed != 1:
        raise UnableToDecideOverride(_who_was_first(decided), decided=decided)
    return decided


def _tell(override: Override, customer: Customer, *, actor: Any, at: datetime) -> None:
    words = notice_words.was_decided(customer=customer.name, by=str(actor), link=link_to(customer))
    tell_those_concerned(
        override, customer, what="decided", words=words, kind=Notice.Kind.DECIDED, at=at, but=actor
    )
