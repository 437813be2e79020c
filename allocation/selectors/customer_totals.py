"""What the customers that fit a filter come to, so that a list reconciles with books, balance and pyramid."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import QuerySet

from accounts.models import Customer
from accounts.selectors.paging import COUNTED
from allocation.selectors.amounts import in_base_cents, known_rates
from allocation.selectors.pyramid_columns import scope_by, scope_of
from allocation.snapshots.books import TouchPlans
from allocation.snapshots.figures import UNKNOWN, CustomerFigures, Everybody, customer_figures
from allocation.snapshots.figures_summed import Cells, Scope, added_up, answered, cells, currencies_in
from allocation.snapshots.figures_worked import Activities, Rates, base_cents, minutes, touch_activities


@dataclass(frozen=True, slots=True)
class CustomerTotals:
    """Money in cents of the base currency, minutes of a month; customers who left ask for none (`left` says how many there are).

    without_arr: whose ARR is not known; they count 0. problem: why amounts in some currency are missing from the sum.
    """

    customers: int
    left: int
    arr_cents: int
    without_arr: int
    minutes: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The active customers in scope, narrowed by ids alone, with the rates of what they bring; worked out once for all that a list shows.

    problem: why amounts in some currency are missing.
    """

    everybody: Everybody
    scope: Scope
    rates: Rates
    problem: str = ""


def narrowed_customers(*, user: Any, as_of: date, chosen: Mapping[str, int]) -> Narrowed:
    """chosen: ids of tier, csm, team, vertical, region."""
    return _with_rates(customer_figures(), scope_by(user=user, chosen=chosen), as_of=as_of)


def list_totals(
    *, user: Any, as_of: date, narrowed: Narrowed | None, rows: QuerySet[Customer]
) -> CustomerTotals | None:
    """Of a list: of `narrowed`, where it is narrowed by nothing but ids; else of `rows`, which the filters leave, where these are no more
    than are counted. None where they are more: nobody counted them.
    """
    if narrowed is not None:
        return totals_by_figures(narrowed=narrowed, as_of=as_of)
    found = list(rows.order_by().values_list("pk", "status")[: COUNTED + 1])
    if len(found) > COUNTED:
        return None
    if all(status == Customer.Status.ACTIVE for _, status in found):
        return totals_of(user=user, as_of=as_of, customer_ids=[pk for pk, _ in found])
    return customer_totals(rows=rows, as_of=as_of)


def totals_by_figures(*, narrowed: Narrowed, as_of: date) -> CustomerTotals:
    """The same numbers as `customer_totals`, without a row for each. The same number of statements at any size."""
    question = _Totals(narrowed.scope, narrowed.rates, settings.BASE_CURRENCY, touch_activities(), as_of)
    customers, cents, without_arr, asked = answered(narrowed.everybody, question)
    return CustomerTotals(
        customers=customers,
        left=0,
        arr_cents=cents,
        without_arr=without_arr,
        minutes=asked,
        problem=narrowed.problem,
    )


def totals_of(*, user: Any, as_of: date, customer_ids: Collection[int]) -> CustomerTotals:
    """The same of these customers, where they are active and in scope."""
    found = Everybody((customer_figures().of(customer_ids),))
    return totals_by_figures(narrowed=_with_rates(found, scope_of(user=user), as_of=as_of), as_of=as_of)


def _with_rates(everybody: Everybody, scope: Scope, *, as_of: date) -> Narrowed:
    rates, problem = known_rates(currencies=currencies_in(everybody, scope=scope), as_of=as_of)
    return Narrowed(everybody, scope, tuple(rates.items()), problem)


@dataclass(frozen=True, slots=True)
class _Totals:
    scope: Scope
    rates: Rates
    base: str
    activities: Activities
    on: date

    def of(self, everybody: CustomerFigures) -> Cells:
        found = self.scope.of(everybody)
        rates = dict(self.rates)
        cents, _ = base_cents(cents=found.arr, currency=found.currency, rates=rates, base=self.base)
        asked = minutes(figures=found, activities=self.activities, as_of=self.on)
        return cells(np.zeros(len(found), dtype=np.int64), cents, found.arr == UNKNOWN, asked)

    def together(self, parts: Sequence[Cells]) -> list[int]:
        return [amounts[0] for amounts in added_up(parts, amounts=3)]


def customer_totals(*, rows: QuerySet[Customer], as_of: date) -> CustomerTotals:
    """Over all rows, whatever page of them is shown; the same number of statements at any size.

    Rows are read one by one, since each customer is rounded by itself, to the cent and the minute, which no sum in the database
    does: 35 to 55 ms for 10 000 customers.
    """
    found = list(rows.order_by().values_list("pk", "tier_id", "arr", "currency", "status"))
    cents, problem = in_base_cents(amounts=[(row[2], row[3]) for row in found], as_of=as_of)
    plans = TouchPlans(as_of=as_of, among=rows.order_by().values("pk"))
    active = [row for row in found if row[4] == Customer.Status.ACTIVE]
    return CustomerTotals(
        customers=len(found),
        left=len(found) - len(active),
        arr_cents=sum(cents),
        without_arr=sum(row[2] is None for row in found),
        minutes=sum(plans.minutes(customer_id=row[0], tier_id=row[1]) for row in active),
        problem=problem,
    )
