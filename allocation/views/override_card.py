"""The card "Override" of the customer's page: what holds, what waits, what was, and the forms to ask and to take back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import Customer
from allocation.forms.overrides import OverrideForm, WithdrawForm
from allocation.models import Override
from allocation.selectors.explanations import Explanation
from allocation.selectors.override_rights import override_rights
from allocation.selectors.overrides import CustomerOverrides, tiers_to_wish
from allocation.selectors.runs import GUARD_WORDS
from allocation.views.parts import page_url

# The tag of messages that the card says.
PLACE = "override"


@dataclass(frozen=True)
class Faulty:
    """A form that was sent and refused, to be shown again with what was typed. ask: for one; back: take `pk` back."""

    ask: OverrideForm | None = None
    back: WithdrawForm | None = None
    pk: int | None = None


NO_FAULT = Faulty()


@dataclass(frozen=True)
class Shown:
    """One override. said: the tier the model suggested when it was asked for. withdraw: None for who may not take it back."""

    row: Override
    said: str
    withdraw: WithdrawForm | None = None
    opened: bool = False


def override_card(
    *,
    customer: Customer,
    found: CustomerOverrides,
    explanation: Explanation | None,
    user: Any,
    day: date,
    asking: bool,
    back: str,
    faulty: Faulty,
) -> dict[str, Any]:
    """What the card needs. asking: the form to ask stands open, as from a link of the book."""
    return {
        "overrides": found,
        "approved": _open(found.approved, found, customer, user, faulty),
        "waiting": _open(found.waiting, found, customer, user, faulty),
        "past": [_shown(row, found) for row in found.past],
        "request_url": page_url("approval_override", found.waiting.pk) if found.waiting else "",
        "decides": found.waiting is not None
        and override_rights(override=found.waiting, customer=customer, user=user).decide,
        "model_says": _model_says(explanation),
        "override_form": faulty.ask or _ask_form(customer, found, day, back),
        "asking": asking or faulty.ask is not None,
        "report_url": page_url("override_report") if user.is_ops or user.is_manager else "",
    }


def ask_form(data: Any, *, day: date) -> OverrideForm:
    """The form as it was sent."""
    return OverrideForm(data, tiers=_tiers(), today=day, auto_id="override_%s")


def safe_address(address: str) -> str:
    """An address of this site to go back to; empty for any other."""
    inside = address.startswith("/") and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if inside else ""


def _tiers() -> list[tuple[int, str]]:
    return list(tiers_to_wish().values_list("pk", "name"))


def _ask_form(customer: Customer, found: CustomerOverrides, day: date, back: str) -> OverrideForm | None:
    """None while one waits, and for a customer that left."""
    if found.waiting is not None or customer.status != Customer.Status.ACTIVE:
        return None
    initial = {"back": safe_address(back)}
    return OverrideForm(initial=initial, tiers=_tiers(), today=day, auto_id="override_%s")


def _shown(row: Override, found: CustomerOverrides) -> Shown:
    return Shown(row, found.tier_names.get((row.model_said or {}).get("suggested") or "", ""))


def _open(
    row: Override | None, found: CustomerOverrides, customer: Customer, user: Any, faulty: Faulty
) -> Shown | None:
    """One that holds, will hold or waits, with the form to take it back."""
    if row is None:
        return None
    shown = _shown(row, found)
    if not override_rights(override=row, customer=customer, user=user).change:
        return shown
    sent = faulty.back if faulty.pk == row.pk else None
    form = sent or WithdrawForm(auto_id=f"withdraw_{row.pk}_%s")
    return replace(shown, withdraw=form, opened=sent is not None)


def _model_says(explanation: Explanation | None) -> str:
    """ "The model says Global, score 71.20": what holds without the override, as far as a run looked."""
    if explanation is None or explanation.found["suggested"] is None:
        return ""
    score, by = explanation.found["score"], explanation.found["decided_by"]
    words = f"The model says {explanation.suggested}"
    if score is not None:
        words += f", score {score}"
    if by not in {"rule", "override"}:
        words += f"; held by: {GUARD_WORDS.get(by, by).lower()}"
    return words + f" (run {explanation.run.pk})."
