"""The pack of a handover: what the new CSM has to know, read live, so that it is never older than the customer's page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.timezone import localtime

from accounts.models import Customer
from allocation.models import Handover, Objection, RowStatus, TierDecision, Touch
from allocation.selectors import wording
from allocation.selectors.customer_detail import CustomerDetail, customer_detail
from allocation.selectors.objections import ObjectionLine, objection_line
from allocation.selectors.thresholds import LOW_HEALTH, SOON

AHEAD = timedelta(days=90)
LOW_SENTIMENT = 2  # of 5, and below
LOW_ADOPTION = 40
DONE_SHOWN = 8
OPEN_SHOWN = 40
REASONS_SHOWN = 3
EVENTS_SHOWN = 12
EARLIER_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Risk:
    """tone: "bad" or "warn"."""

    tone: str
    words: str


@dataclass(frozen=True, slots=True)
class TouchLine:
    name: str
    when: str
    when_words: str
    hours: str
    is_late: bool
    words: str


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """What a run said of the customer, in words."""

    run_id: int
    when: str
    reason: str


@dataclass(frozen=True, slots=True)
class EarlierNotes:
    """What was written for an earlier handover of the customer."""

    who: str
    when: str
    words: str


@dataclass(frozen=True, slots=True)
class Pack:
    """detail: facts, goals, history and overrides, as the customer's page says them. hours, hours_trace: of the open touches."""

    customer: Customer
    detail: CustomerDetail
    why: str
    risks: tuple[Risk, ...]
    open_touches: tuple[TouchLine, ...]
    late_touches: int
    hours: str
    hours_trace: str
    done_touches: tuple[TouchLine, ...]
    reasons: tuple[ReasonLine, ...]
    objections: tuple[ObjectionLine, ...]
    earlier: tuple[EarlierNotes, ...]

    @property
    def events(self) -> tuple[Any, ...]:
        return self.detail.events[:EVENTS_SHOWN]

    @property
    def open_goals(self) -> list[Any]:
        return [goal for goal in self.detail.goals if goal.open]


def handover_pack(*, handover: Handover, user: Any, on: date) -> Pack | None:
    """The pack for a person who sees the handover; a fixed number of statements.

    While the handover is open both sides and their leads read all of it. Once it is closed the customer is the new CSM's
    alone, so whoever has lost the customer gets none (None): the checklist and the notes are what was theirs.
    """
    customer = handover.customer
    is_open = handover.status == Handover.Status.OPEN
    if not is_open and not Customer.objects.visible_to(user).filter(pk=customer.pk).exists():
        return None
    detail = customer_detail(customer=customer, user=user, today=on)
    planned = _open_touches(customer, on)
    minutes = sum(round(row.hours * 60) for row in planned)
    late = sum(row.due_on < on for row in planned)
    return Pack(
        customer=customer,
        detail=detail,
        why=_why(handover),
        risks=tuple(_risks(customer, detail, on)),
        open_touches=tuple(_planned(row, on) for row in planned[:OPEN_SHOWN]),
        late_touches=late,
        hours=wording.hours_and_minutes(minutes),
        hours_trace=_hours_trace(planned, late),
        done_touches=tuple(_done(row) for row in _done_touches(customer)),
        reasons=tuple(_reasons(customer)),
        objections=tuple(_objections(handover)),
        earlier=tuple(_earlier(handover, on)),
    )


def _why(handover: Handover) -> str:
    """What made it change hands."""
    if handover.move is None:
        return "The change of CSM was made without a book plan: by an import, by hand, or by undoing a plan."
    reason = handover.move.reason.rstrip(".")
    return f"Book plan {handover.move.plan_id}: {reason}."


def _open_touches(customer: Customer, on: date) -> list[Touch]:
    rows = Touch.objects.open().filter(customer=customer, due_on__lte=on + AHEAD)
    return list(rows.order_by("due_on", "pk"))


def _planned(row: Touch, on: date) -> TouchLine:
    return TouchLine(
        name=row.name,
        when=wording.day(row.due_on),
        when_words=wording.days_from(row.due_on, today=on),
        hours=wording.hours(row.hours),
        is_late=row.due_on < on,
        words=row.words,
    )


def _hours_trace(planned: list[Touch], late: int) -> str:
    if not planned:
        return ""
    said = f"The planned hours of {wording.counted(len(planned), 'open touch', 'open touches')} due in the next 90 days"
    return f"{said}, {late} late among them, added up." if late else f"{said}, added up."


def _done_touches(customer: Customer) -> list[Touch]:
    rows = Touch.objects.done().filter(customer=customer).select_related("done_by")
    return list(rows.order_by("-done_on", "-pk")[:DONE_SHOWN])


def _done(row: Touch) -> TouchLine:
    return TouchLine(
        name=row.name,
        when=wording.day(row.done_on),
        when_words=str(row.done_by or ""),
        hours=wording.hours(row.hours),
        is_late=False,
        words=row.words,
    )


def _reasons(customer: Customer) -> list[ReasonLine]:
    """What the last applied runs that had something to say about the customer said."""
    rows = (
        TierDecision.objects.filter(customer=customer, status=RowStatus.APPLIED)
        .exclude(reason="")
        .order_by("-run_id")
        .values_list("run_id", "run__as_of", "reason")
    )
    return [ReasonLine(run_id, wording.day(as_of), reason) for run_id, as_of, reason in rows[:REASONS_SHOWN]]


def _objections(handover: Handover) -> list[ObjectionLine]:
    """What the CSMs had against this change, and how it was answered."""
    rows = Objection.objects.standing().filter(move_id=handover.move_id or 0)
    return [objection_line(row) for row in rows.select_related("csm", "answered_by").order_by("at", "pk")]


def _earlier(handover: Handover, on: date) -> list[EarlierNotes]:
    rows = (
        Handover.objects.filter(customer_id=handover.customer_id)
        .exclude(pk=handover.pk)
        .exclude(notes="")
        .select_related("from_csm")
        .order_by("-pk")[:EARLIER_SHOWN]
    )
    return [
        EarlierNotes(
            who=str(row.from_csm or ""),
            when=wording.day(localtime(row.closed_at).date() if row.closed_at else row.opened_on),
            words=row.notes,
        )
        for row in rows
    ]


def _risks(customer: Customer, detail: CustomerDetail, on: date) -> list[Risk]:
    return [*_of_relation(customer), *_of_contract(customer, on), *_of_people(customer, detail)]


def _of_relation(customer: Customer) -> list[Risk]:
    found = []
    if customer.health is None:
        found.append(Risk("warn", "Health is not known."))
    elif customer.health < LOW_HEALTH:
        found.append(Risk("bad", f"Health is {float(customer.health):g} of 100, below {LOW_HEALTH}."))
    if customer.sentiment is not None and customer.sentiment <= LOW_SENTIMENT:
        since = f" (as of {wording.day(customer.sentiment_on)})" if customer.sentiment_on else ""
        found.append(Risk("bad", f"The CSM's sentiment is {customer.sentiment} of 5{since}."))
    if customer.adoption is not None and customer.adoption < LOW_ADOPTION:
        found.append(Risk("warn", f"Adoption is {float(customer.adoption):g} of 100, below {LOW_ADOPTION}."))
    return found


def _of_contract(customer: Customer, on: date) -> list[Risk]:
    day = customer.renewal_date
    if day is None or day > on + SOON:
        return []
    away = wording.days_from(day, today=on)
    if day < on:
        return [Risk("bad", f"The renewal date {wording.day(day)} has passed ({away}).")]
    return [Risk("warn", f"The renewal is on {wording.day(day)}, {away}.")]


def _of_people(customer: Customer, detail: CustomerDetail) -> list[Risk]:
    found = []
    if customer.champion is False:
        found.append(Risk("warn", "We have no champion there."))
    if customer.relationship_breadth is not None and customer.relationship_breadth <= 1:
        known = wording.counted(customer.relationship_breadth, "team")
        found.append(Risk("warn", f"We know {known} there: one person leaves, and the contact is gone."))
    if customer.loss_felt:
        found.append(Risk("warn", "Its loss would be felt."))
    overrides = detail.overrides
    if overrides.waiting is not None:
        found.append(Risk("warn", f"An override to {overrides.waiting.tier} waits for a decision."))
    if overrides.approved is not None:
        ends = wording.day(overrides.approved.expires_on)
        found.append(Risk("warn", f"An override to {overrides.approved.tier} ends on {ends}."))
    return found
