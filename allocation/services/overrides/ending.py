"""The end of an override: withdrawn by a person, or run out by the calendar. The tier stays until a run decides anew."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import Customer
from allocation.models import Notice, Override
from allocation.models.overrides import LONGEST_WORDS
from allocation.selectors import notice_words, wording
from allocation.selectors.override_rights import NOT_YOURS, override_rights
from allocation.services.overrides.giving import RAN_OUT
from allocation.services.overrides.rows import UNKNOWN, held_override, link_to, tell_those_concerned

NOT_DECIDED = "Nobody decided it before it would have ended."
LIMIT = 1000


class UnableToWithdrawOverride(ValueError):
    """The override cannot be withdrawn, or not by this person; the message says why."""


def withdraw_override(*, override_id: int, actor: Any, words: str, on: date, at: datetime) -> Override:
    """Take a request back, or end an override that was approved before its time.

    Who asked, managers of the customer's team and CS ops may. The tier of one that held stays until a run decides the
    customer anew, which the edge asks for. Raises UnableToWithdrawOverride.
    """
    fault = wording.fault_of(words, if_none="Say why it is withdrawn.", most=LONGEST_WORDS)
    if fault:
        raise UnableToWithdrawOverride(fault)
    with transaction.atomic():
        override, customer = (None, None) if actor is None else held_override(override_id, actor)
        if override is None or customer is None:
            raise UnableToWithdrawOverride(UNKNOWN)
        if not override_rights(override=override, customer=customer, user=actor).change:
            raise UnableToWithdrawOverride(NOT_YOURS)
        ended = Override.objects.filter(
            pk=override.pk, status__in=(Override.Status.ASKED, Override.Status.APPROVED)
        ).update(status=Override.Status.WITHDRAWN, ended_by=actor, ended_at=at, ended_words=words.strip())
        if ended != 1:
            raise UnableToWithdrawOverride(f"It is {override.get_status_display().lower()} already.")
        override.refresh_from_db()
        _tell_it_ended(override, customer, at=at, but=actor)
        return override


def expire_overrides(*, on: date, at: datetime) -> tuple[int, ...]:
    """What the calendar ends: overrides that no longer hold, and requests that nobody decided in time.

    Returns the ids of customers whose override held until now, by id: the edge has a run proposed that decides them anew.
    No tier is changed here. Safe to repeat.
    """
    ended = []
    due = Override.objects.run_out(on).order_by("pk").values_list("pk", "customer_id")
    for override_id, customer_id in list(due[:LIMIT]):
        with transaction.atomic():
            customer = (
                Customer.objects.select_for_update(of=("self",)).select_related("csm").get(pk=customer_id)
            )
            override = Override.objects.run_out(on).filter(pk=override_id).first()
            if override is None:  # somebody withdrew it meanwhile
                continue
            held = override.status == Override.Status.APPROVED
            Override.objects.filter(pk=override.pk, status=override.status).update(
                status=Override.Status.EXPIRED, ended_at=at, ended_words=RAN_OUT if held else NOT_DECIDED
            )
            if held and override.begun_at:
                ended.append(customer_id)
            _tell_it_ended(override, customer, at=at, but=None)
    return tuple(sorted(ended))


def warn_of_ending(*, on: date, at: datetime) -> int:
    """Tell who asked (and the CSM) that an override ends soon: OVERRIDE_WARNING_DAYS before, of a short one after half its
    time. Once an override. Returns how many.
    """
    warned = 0
    soon = on + timedelta(days=settings.OVERRIDE_WARNING_DAYS)
    due = Override.objects.in_force(on).filter(expires_on__lte=soon, warned_at__isnull=True)
    for override in due.select_related("customer__csm").order_by("pk")[:LIMIT]:
        half = (override.expires_on - override.starts_on) // 2
        if on < override.expires_on - half:
            continue
        with transaction.atomic():
            first = Override.objects.in_force(on).filter(pk=override.pk, warned_at__isnull=True)
            if first.update(warned_at=at) != 1:
                continue
            customer = override.customer
            words = notice_words.ends_soon(
                customer=customer.name, on=override.expires_on, link=link_to(customer)
            )
            tell_those_concerned(
                override, customer, what="ends", words=words, kind=Notice.Kind.ENDS_SOON, at=at, but=None
            )
            warned += 1
    return warned


def _tell_it_ended(override: Override, customer: Customer, *, at: datetime, but: Any) -> None:
    words = notice_words.has_ended(customer=customer.name, link=link_to(customer))
    tell_those_concerned(
        override, customer, what="ended", words=words, kind=Notice.Kind.ENDED, at=at, but=but
    )
