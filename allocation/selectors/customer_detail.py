"""One customer with everything its page shows but the reasons of its tier (selectors.explanations has those)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from accounts.models import CustomAttribute, Customer, Goal
from allocation.models import (
    OPEN_STATUSES,
    RowStatus,
    TierDecision,
)
from allocation.selectors import wording
from allocation.selectors.customer_events import Event, customer_events
from allocation.selectors.overrides import CustomerOverrides, customer_overrides


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class FactGroup:
    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class GoalLine:
    pk: int
    name: str
    since: str
    until: str
    owner: str
    owner_id: int | None
    words: str
    open: bool


@dataclass(frozen=True, slots=True)
class CustomerDetail:
    customer: Customer
    parent: Customer | None
    groups: tuple[FactGroup, ...]
    goals: tuple[GoalLine, ...]
    events: tuple[Event, ...]
    overrides: CustomerOverrides
    proposed: TierDecision | None


def customer_detail(*, customer: Customer, user: Any, today: date) -> CustomerDetail:
    """Facts, goals, ledger, overrides and what an open run proposes for a customer the person may see; a fixed number of statements."""
    parent = (
        Customer.objects.visible_to(user).filter(pk=customer.parent_id).first()
        if customer.parent_id
        else None
    )
    return CustomerDetail(
        customer=customer,
        parent=parent,
        groups=_groups(customer, today),
        goals=_goals(customer, today),
        events=customer_events(customer=customer),
        overrides=customer_overrides(customer=customer, today=today),
        proposed=_proposed(customer),
    )


def _proposed(customer: Customer) -> TierDecision | None:
    """The newest change of tier that waits for somebody to apply its run."""
    rows = TierDecision.objects.filter(
        customer=customer, status=RowStatus.PROPOSED, run__status__in=OPEN_STATUSES
    )
    found: TierDecision | None = (
        rows.changes()
        .select_related("run", "effective")
        .defer("run__population", "run__vocabulary", "run__rates")
        .order_by("-run_id")
        .first()
    )
    return found


def customer_in_scope(*, user: Any, pk: int) -> Customer | None:
    joins = ("tier", "csm__team", "vertical", "region", "language", "paid_tier", "sentiment_by")
    return Customer.objects.visible_to(user).select_related(*joins).filter(pk=pk).first()


def _groups(customer: Customer, today: date) -> tuple[FactGroup, ...]:
    money = wording.money
    worth = (
        Fact("ARR", money(customer.arr, customer.currency, places=wording.places_of([customer.arr]))),
        Fact(
            "Could reach",
            money(
                customer.potential_arr, customer.currency, places=wording.places_of([customer.potential_arr])
            ),
            "potential ARR",
        ),
        Fact("Package", customer.package or wording.DASH),
        Fact("Products", ", ".join(customer.products) or wording.DASH),
        Fact(
            "Employees", wording.DASH if customer.employees is None else wording.grouped(customer.employees)
        ),
        Fact("Pays for tier", str(customer.paid_tier or wording.DASH)),
    )
    relation = (
        Fact("Health", _points(customer.health), _as_of(customer.health_on)),
        Fact("Adoption", _points(customer.adoption)),
        Fact(
            "CSM sentiment", _of(customer.sentiment, 5), _as_of(customer.sentiment_on, customer.sentiment_by)
        ),
        Fact("Champion", _yes_no(customer.champion)),
        Fact("Teams we know", _plain(customer.relationship_breadth)),
        Fact("Reputation", _points(customer.reputation)),
        Fact("Complexity", _points(customer.complexity)),
        Fact("Loss would be felt", _yes_no(customer.loss_felt)),
        Fact("Wished engagement", customer.get_wished_engagement_display() or wording.DASH),
    )
    contract = (
        Fact("Status", customer.get_status_display()),
        Fact("Contract since", wording.day(customer.contract_start)),
        Fact("First renewal done", _yes_no(customer.first_renewal_done)),
        Fact(
            "Renewal",
            wording.day(customer.renewal_date),
            wording.days_from(customer.renewal_date, today=today),
        ),
        Fact("CSM kept until", wording.day(customer.csm_locked_until)),
    )
    place = (
        Fact("Vertical", str(customer.vertical or wording.DASH)),
        Fact("Region", str(customer.region or wording.DASH)),
        Fact("Country", customer.country or wording.DASH),
        Fact("Language", str(customer.language or wording.DASH)),
    )
    groups = [
        FactGroup("Value", worth),
        FactGroup("Relationship", relation),
        FactGroup("Contract", contract),
        FactGroup("Where and what", place),
    ]
    own = _custom(customer)
    return (*groups, FactGroup("Own attributes", own)) if own else tuple(groups)


def _custom(customer: Customer) -> tuple[Fact, ...]:
    return tuple(
        Fact(label, _yes_no(value) if isinstance(value, bool) else _plain(value))
        for slug, label in CustomAttribute.objects.filter(retired=False)
        .order_by("label", "pk")
        .values_list("slug", "label")
        if (value := customer.attributes.get(slug)) is not None
    )


def _goals(customer: Customer, today: date) -> tuple[GoalLine, ...]:
    rows = (
        Goal.objects.filter(customer=customer).select_related("kind", "owner").order_by("-starts_on", "-pk")
    )
    lines = [
        GoalLine(
            pk=goal.pk,
            name=goal.kind.name,
            since=wording.day(goal.starts_on),
            until=wording.day(goal.ends_before) if goal.ends_before else "",
            owner=str(goal.owner or ""),
            owner_id=goal.owner_id,
            words=goal.words,
            open=goal.ends_before is None or goal.ends_before > today,
        )
        for goal in rows
    ]
    return tuple(sorted(lines, key=lambda line: not line.open))


def _points(value: Any) -> str:
    return wording.DASH if value is None else _trimmed(f"{value:f}") + " of 100"


def _of(value: Any, most: int) -> str:
    return wording.DASH if value is None else f"{value} of {most}"


def _plain(value: Any) -> str:
    return wording.DASH if value in (None, "") else str(value)


def _yes_no(value: bool | None) -> str:
    return wording.DASH if value is None else "Yes" if value else "No"


def _as_of(day: date | None, who: Any = None) -> str:
    if day is None:
        return ""
    return f"as of {wording.day(day)}" + (f", {who}" if who else "")


def _trimmed(digits: str) -> str:
    """ "70.50" → "70.5", "70" stays."""
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
