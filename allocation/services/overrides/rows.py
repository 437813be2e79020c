"""What the services of overrides have in common: rows held until the transaction ends, and mail about them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.utils.timezone import localtime

from accounts.models import Customer, Leave, User
from allocation.models import Notice, Override
from allocation.selectors import notice_words
from allocation.selectors.approvers import approvers_of_team

ANSWERS = ("decided", "ended")  # what the asker is told of whoever has the customer by now
UNKNOWN = "This override is unknown, or outside what you may see."


def held_customer(customer_id: int, actor: Any) -> Customer | None:
    """The customer, if the person may see it, held until the transaction ends: all changes of its overrides queue up here."""
    rows = Customer.objects.visible_to(actor).select_for_update(of=("self",)).select_related("csm", "tier")
    found: Customer | None = rows.filter(pk=customer_id).first()
    return found


def held_override(override_id: int, actor: Any) -> tuple[Override | None, Customer | None]:
    """The override as it stands once its customer is held; both None where the person may not see the customer."""
    of = Override.objects.filter(pk=override_id).values_list("customer_id", flat=True).first()
    customer = None if of is None else held_customer(of, actor)
    if customer is None:
        return None, None
    joins = ("tier", "asked_by", "decided_by", "ended_by")
    override: Override | None = Override.objects.select_related(*joins).filter(pk=override_id).first()
    return override, customer


def tell_who_decides(override: Override, customer: Customer, *, on: date, at: datetime) -> None:
    """A notice to those who can decide the request as it is now."""
    editors = override.edits.values_list("editor_id", flat=True)
    team_id = customer.csm.team_id if customer.csm else None
    found = approvers_of_team(team_id=team_id, on=on, without={override.asked_by_id, *editors})
    subject, body = notice_words.waits_for_you(customer=customer.name, link=f"{settings.SITE_URL}/approvals/")
    about = f"override-{override.pk}-asked-{override.version}"
    Notice.objects.leave(
        to=found.people, kind=Notice.Kind.TO_DECIDE, about=about, subject=subject, body=body, at=at
    )


def tell_those_concerned(
    override: Override,
    customer: Customer,
    *,
    what: str,
    words: tuple[str, str],
    kind: str,
    at: datetime,
    but: Any,
) -> None:
    """A notice to who asked, to the CSM of the customer and to who covers; `but` is who did it and knows."""
    covers = Leave.objects.covered_on(localtime(at).date()).filter(csm=customer.csm_id)
    people = {
        override.asked_by_id,
        customer.csm.user_id if customer.csm else None,
        *covers.values_list("covered_by__user_id", flat=True),
    }
    told = [pk for pk in people if pk is not None and (but is None or pk != but.pk)]
    active = User.objects.filter(pk__in=told, is_active=True)
    # Who may not see the customer any more is not told of it either; who asked, that there is an answer.
    seeing = [one.pk for one in active if Customer.objects.visible_to(one).filter(pk=customer.pk).exists()]
    Notice.objects.leave(
        to=seeing,
        kind=kind,
        about=f"override-{override.pk}-{what}",
        subject=words[0],
        body=words[1],
        at=at,
    )
    if what in ANSWERS and override.asked_by_id in {one.pk for one in active} - set(seeing):
        subject, body = notice_words.yours_was_seen_to(link=notice_words.notices_link())
        about = f"override-{override.pk}-{what}"
        Notice.objects.leave(
            to=[override.asked_by_id], kind=kind, about=about, subject=subject, body=body, at=at
        )


def link_to(customer: Customer) -> str:
    """The customer's page, for a mail."""
    return f"{settings.SITE_URL}/customers/{customer.pk}/"
