"""The table of the balance page as CSV: the lines as the page has them, and the sum."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpResponse

from accounts.importing.escaping import mark_formula
from allocation.selectors import wording
from allocation.selectors.balance_groups import Group
from allocation.selectors.balance_lines import Page

FIXED = ("line", "name", "part_of", "csms", "customers")
FIGURES = ("arr", "hours", "capacity", "utilisation_pct", "outside_15_pct_csms", "heads_to_spare")


def as_csv(*, groups: Sequence[Group], total: Group, page: Page, day: date) -> HttpResponse:
    """Amounts in the base currency, hours with four decimals, so that the lines add up to the total to the minute. A team's line holds those of the teams below it too."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="balance-{day}.csv"'
    writer = csv.writer(response)
    writer.writerow([mark_formula(cell) for cell in _headings(page)])
    for kind, group in [*((_kind(one), one) for one in groups), ("total", total)]:
        cells = _cells(kind, group, page)
        writer.writerow([mark_formula(cell) if isinstance(cell, str) else cell for cell in cells])
    return response


def _headings(page: Page) -> Iterator[str]:
    yield from FIXED
    for tier in page.tiers:
        yield from (tier.slug, f"{tier.slug}_over_cap")
    yield from FIGURES
    for period in page.periods:
        yield from (f"renewals_{period.key}", f"renewals_arr_{period.key}")


def _kind(group: Group) -> str:
    return "team" if group.team or group.name != group.rows[0].name else "csm"


def _cells(kind: str, group: Group, page: Page) -> Iterator[Any]:
    yield from (kind, group.name, group.above, len(group.rows), group.customers)
    for tier in page.tiers:
        room = group.room(tier.slug)
        yield from (group.of_tier(tier.slug), "" if room is None else room.over)
    share = group.utilisation
    yield from (
        wording.from_cents(group.arr_cents),
        wording.exact_hours_of(group.minutes),
        wording.exact_hours_of(group.capacity_minutes),
        "" if share is None else f"{float(100 * share):.2f}",
        group.outside(page.mean) if group.measured else "",
        # A number, whatever its sign: a leading minus is no formula here.
        "" if group.heads is None else Decimal(group.heads),
    )
    found = group.renewals(page.found.renewals)
    for number, cents in zip(found.customers, found.arr_cents, strict=True):
        yield from (number, wording.from_cents(cents))
