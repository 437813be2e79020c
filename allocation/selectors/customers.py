"""The customers a person may see, as rows of a list, and one customer with everything its page shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import F, OrderBy, QuerySet

from accounts.models import Customer, Goal, Tier
from allocation.selectors import wording
from allocation.selectors.amounts import by_base_amount

# What a heading may sort by; each ends in the id, so that pages never overlap.
SORTS: Mapping[str, tuple[str, ...]] = {
    "name": ("name",),
    "id": ("external_id",),
    "tier": ("tier__rank", "name"),
    "csm": ("csm__name", "name"),
    "arr": ("arr_base",),
    "health": ("health",),
    "sentiment": ("sentiment", "name"),
    "vertical": ("vertical__name", "name"),
    "renewal": ("renewal_date",),
    "since": ("csm_since",),
}
DEFAULT_SORT = "name"


def visible_customers(*, user: Any) -> QuerySet[Customer]:
    """Every customer the person may see; filters and order come on top."""
    return Customer.objects.visible_to(user)


def ordered(
    rows: QuerySet[Customer], *, sort: str, as_of: date, default: str = DEFAULT_SORT
) -> QuerySet[Customer]:
    """By a heading's name, "-" for descending; unknown values last either way; an unknown name gives the default.

    Amounts in several currencies are put in order by their worth in the base currency on the day.
    """
    name = sort.lstrip("-")
    if name not in SORTS:
        sort, name = default, default.lstrip("-")
    if name == "arr":
        rows = by_base_amount(rows, as_of=as_of)
    descending = sort.startswith("-")
    first, *rest = SORTS[name]
    leading = OrderBy(F(first), descending=descending, nulls_last=True)
    return rows.order_by(leading, *rest, "pk")


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One row of a list, as strings."""

    pk: int
    external_id: str
    name: str
    tier: Tier | None
    csm: str
    csm_id: int | None
    team: str
    vertical: str
    arr: str
    health: Any
    renewal: str
    renewal_words: str
    renewal_soon: bool
    goals: tuple[str, ...]
    left: bool
    csm_since: str
    hours: str = ""
    # An override decides the tier today; one is asked for. Known where the rows were asked for with their marks.
    overridden: bool = False
    override_asked: bool = False


def customer_rows(
    *,
    customers: Sequence[Customer],
    today: date,
    minutes: Mapping[int, int] | None = None,
    with_goals: bool = True,
) -> list[CustomerRow]:
    """A page of customers (with tier, csm, csm__team and vertical joined) as rows; one more query for the open goals."""
    ids = [customer.pk for customer in customers]
    goals = open_goals(customer_ids=ids, on=today) if with_goals else {}
    return [
        CustomerRow(
            pk=customer.pk,
            external_id=customer.external_id,
            name=customer.name,
            tier=customer.tier,
            csm=customer.csm.name if customer.csm else "",
            csm_id=customer.csm_id,
            team=customer.csm.team.name if customer.csm and customer.csm.team else "",
            vertical=customer.vertical.name if customer.vertical else "",
            arr=wording.money(customer.arr, customer.currency),
            health=customer.health,
            renewal=wording.day(customer.renewal_date),
            renewal_words=wording.days_from(customer.renewal_date, today=today),
            renewal_soon=customer.renewal_date is not None
            and 0 <= (customer.renewal_date - today).days <= 90,
            goals=goals.get(customer.pk, ()),
            left=customer.status == Customer.Status.LEFT,
            csm_since=wording.day(customer.csm_since),
            hours=wording.hours_and_minutes((minutes or {}).get(customer.pk)),
            overridden=getattr(customer, "overridden", False),
            override_asked=getattr(customer, "override_asked", False),
        )
        for customer in customers
    ]


def with_joins(rows: QuerySet[Customer]) -> QuerySet[Customer]:
    """The joins a row needs; one statement a page."""
    return rows.select_related("tier", "csm__team", "vertical")


def open_goals(*, customer_ids: Iterable[int], on: date) -> dict[int, tuple[str, ...]]:
    """Names of the goal kinds open on the day, by customer."""
    found: dict[int, list[str]] = {}
    rows = Goal.objects.open_on(on).filter(customer_id__in=list(customer_ids)).order_by("kind__name", "pk")
    for customer_id, name in rows.values_list("customer_id", "kind__name"):
        found.setdefault(customer_id, []).append(name)
    return {customer_id: tuple(names) for customer_id, names in found.items()}
