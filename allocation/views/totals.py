"""The totals line of a list of customers: of all that fit the filter, whatever page is shown."""

from __future__ import annotations

from django.conf import settings

from allocation.selectors import wording
from allocation.selectors.customer_totals import CustomerTotals
from allocation.views.parts import Kpi
from allocation.views.pyramid_tables import exact_hours, money


def totals_line(found: CustomerTotals) -> list[Kpi]:
    """Customers, ARR to the cent, hours of a month, each with how it came."""
    base = settings.BASE_CURRENCY
    unknown = f" {found.without_arr:,} without a known ARR count 0." if found.without_arr else ""
    problem = f" {found.problem} Until then these amounts count 0." if found.problem else ""
    left = f" {found.left:,} of them left and ask for no hours." if found.left else ""
    return [
        Kpi(
            "customers" if found.customers != 1 else "customer",
            wording.grouped(found.customers),
            trace=f"Customers that you may see and that fit the filter, on all pages of the list.{left}",
        ),
        Kpi(
            "ARR, some amounts have no rate" if found.problem else "ARR",
            f"{money(found.arr_cents)}{wording.SPACE}{base}",
            trace=f"ARR of each, turned into {base} at today's rate and rounded to the cent, added up.{unknown}{problem}",
        ),
        Kpi(
            "hours a month",
            wording.hours_and_minutes(found.minutes),
            trace=f"What their touch plans ask: {exact_hours(found.minutes)}, each customer to the minute.{left}",
        ),
    ]
