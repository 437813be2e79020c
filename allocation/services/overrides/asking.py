"""Asking for an override, and changing a request that waits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.models import Customer, Tier
from allocation.models import Override, OverrideEdit
from allocation.models.overrides import LONGEST_WORDS
from allocation.selectors import wording
from allocation.selectors.explanations import customer_explanation
from allocation.selectors.override_rights import NOT_YOURS, override_rights
from allocation.selectors.overrides import latest_end
from allocation.services.overrides.rows import UNKNOWN, held_customer, held_override, tell_who_decides

LONGEST_EDIT_WORDS = 500
SAY_WHY = "Say why, so that the approver can judge."
# Of an explanation: what the report on overruled rules and criteria reads.
KEPT_OF_THE_MODEL = (
    "run",
    "model_version",
    "segment",
    "rule",
    "score",
    "suggested",
    "effective",
    "decided_by",
    "contributions",
)


class UnableToRequestOverride(ValueError):
    """The override cannot be asked for; the message says why and what to do."""


class UnableToEditOverride(ValueError):
    """The request cannot be changed; the message says why."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is asked for."""

    tier: Tier | None
    starts_on: date
    expires_on: date


def request_override(
    *,
    customer_id: int,
    tier_id: int,
    reason_kind: str,
    words: str,
    starts_on: date,
    expires_on: date,
    actor: Any,
    on: date,
    at: datetime,
    evidence: str = "",
) -> Override:
    """Ask that a customer in the person's scope be in a tier, whatever the model says, from `starts_on` until `expires_on`.

    `expires_on` is the first day it no longer holds, at most `OVERRIDE_MONTHS` after the start. What the model says today
    is kept beside the request; those who can decide get a notice. Raises UnableToRequestOverride.
    """
    said = _said(words=words, evidence=evidence, reason_kind=reason_kind)
    with transaction.atomic():
        customer = held_customer(customer_id, actor)
        if customer is None:
            raise UnableToRequestOverride("This customer is unknown, or outside what you may change.")
        tier = Tier.objects.filter(pk=tier_id).first()
        fault = _fault_of_customer(customer) or _fault_of_wish(
            _Wish(tier, starts_on, expires_on), customer, on
        )
        if fault or tier is None:
            raise UnableToRequestOverride(fault)
        try:
            with transaction.atomic():
                override: Override = Override.objects.create(
                    customer=customer,
                    tier=tier,
                    starts_on=starts_on,
                    expires_on=expires_on,
                    tier_when_asked_id=customer.tier_id,
                    model_said=_model_said(customer, on),
                    asked_by=actor,
                    due_on=on + timedelta(days=settings.APPROVAL_DAYS),
                    **said,
                )
        except IntegrityError:  # only where rows cannot be held: the constraint decides
            raise UnableToRequestOverride(_asked_already(customer)) from None
        tell_who_decides(override, customer, on=on, at=at)
        return override


def edit_override(
    *,
    override_id: int,
    actor: Any,
    words: str,
    on: date,
    at: datetime,
    tier_id: int | None = None,
    starts_on: date | None = None,
    expires_on: date | None = None,
    seen_version: int | None = None,
) -> Override:
    """Change tier or days of a request that waits; what is None stays. Who edits it does not decide it.

    The asker, managers of the customer's team and CS ops may. words: why. seen_version: the version the person was shown;
    another one by now is refused. Raises UnableToEditOverride.
    """
    fault = wording.fault_of(words, if_none="Say why the request is changed.", most=LONGEST_EDIT_WORDS)
    if fault:
        raise UnableToEditOverride(fault)
    with transaction.atomic():
        override, customer = held_override(override_id, actor)
        if override is None or customer is None:
            raise UnableToEditOverride(UNKNOWN)
        if override.status != Override.Status.ASKED:
            raise UnableToEditOverride(
                f"It is {override.get_status_display().lower()}: only a request that waits can be changed."
            )
        if not override_rights(override=override, customer=customer, user=actor).change:
            raise UnableToEditOverride(NOT_YOURS)
        if seen_version not in {None, override.version}:
            raise UnableToEditOverride("The request was changed since you looked at it. Look again.")
        wish = _Wish(
            override.tier if tier_id is None else Tier.objects.filter(pk=tier_id).first(),
            starts_on or override.starts_on,
            expires_on or override.expires_on,
        )
        before = _as_json(_Wish(override.tier, override.starts_on, override.expires_on))
        fault = _fault_of_wish(wish, customer, on, edited=override)
        if fault:
            raise UnableToEditOverride(fault)
        after = _as_json(wish)
        if after == before:
            raise UnableToEditOverride("Nothing is changed: tier and days are as they were.")
        OverrideEdit.objects.create(
            override=override, editor=actor, at=at, before=before, after=after, words=words.strip()
        )
        Override.objects.filter(pk=override.pk).update(
            tier=wish.tier, starts_on=wish.starts_on, expires_on=wish.expires_on, version=F("version") + 1
        )
        override.refresh_from_db()
        tell_who_decides(override, customer, on=on, at=at)
        return override


def _said(*, words: str, evidence: str, reason_kind: str) -> dict[str, str]:
    """The texts of a request, fit to be kept. Raises UnableToRequestOverride."""
    fault = wording.fault_of(words, if_none=SAY_WHY, most=LONGEST_WORDS) or wording.fault_of(
        evidence, if_none="", most=LONGEST_WORDS
    )
    if not fault and reason_kind not in Override.Reason.values:
        fault = f"Choose a kind of reason: {', '.join(Override.Reason.values)}."
    if fault:
        raise UnableToRequestOverride(fault)
    return {"words": words.strip(), "evidence": evidence.strip(), "reason_kind": reason_kind}


def _fault_of_customer(customer: Customer) -> str:
    if customer.status != Customer.Status.ACTIVE:
        return f"{customer} has left: there is no tier to override."
    if Override.objects.asked().filter(customer=customer).exists():
        return _asked_already(customer)
    return ""


def _asked_already(customer: Customer) -> str:
    first = Override.objects.asked().filter(customer=customer).select_related("asked_by", "tier").first()
    if first is None:
        return f"Somebody else asked for {customer} at the same moment: look again."
    return (
        f"{first.asked_by} asked for {first.tier} for {customer} on {wording.moment(first.asked_at)} already; "
        "it waits for a decision. Change or withdraw that request first."
    )


def _fault_of_wish(wish: _Wish, customer: Customer, on: date, *, edited: Override | None = None) -> str:
    """edited: the request that is changed; its start may have passed while it waited."""
    starts_as_before = edited is not None and wish.starts_on == edited.starts_on
    if wish.tier is None:
        return "There is no such tier."
    if wish.tier.retired:
        return f"The tier {wish.tier} is retired: choose one that is in use."
    if wish.starts_on < on and not starts_as_before:
        return "An override cannot start in the past: choose today or a later day."
    if wish.expires_on <= max(wish.starts_on, on):
        return "An override must expire after it starts, on a day to come."
    latest = latest_end(wish.starts_on)
    if wish.expires_on > latest:
        return (
            f"An override lasts {settings.OVERRIDE_MONTHS} months at most: let it expire by {wording.day(latest)} "
            "and ask again then, if it is still needed."
        )
    return fault_of_start(wish.starts_on, customer, on)


def fault_of_start(starts_on: date, customer: Customer, on: date) -> str:
    """One that begins later cannot be approved beside one that holds now: a customer has one approved override."""
    holds = Override.objects.filter(
        customer=customer, status=Override.Status.APPROVED, expires_on__gt=on
    ).first()
    if holds is None or starts_on <= on:
        return ""
    return (
        f"{customer} has an approved override until {wording.day(holds.expires_on)}. Ask for one that starts today (it "
        "takes the place of that one), or wait until that one ends."
    )


def _as_json(wish: _Wish) -> dict[str, Any]:
    return {
        "tier": wish.tier.slug if wish.tier else None,
        "starts_on": wish.starts_on.isoformat(),
        "expires_on": wish.expires_on.isoformat(),
    }


def _model_said(customer: Customer, on: date) -> dict[str, Any]:
    """What the model says of the customer now; empty when no run has decided it yet."""
    explanation = customer_explanation(customer_id=customer.pk, today=on)
    if explanation is None:
        return {}
    kept = {key: explanation.found.get(key) for key in KEPT_OF_THE_MODEL}
    found: dict[str, Any] = json.loads(json.dumps(kept, default=str))
    return found
