"""What stands beside the books, as words: below the balance and the pyramid, so that every sum closes."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from allocation.selectors import wording
from allocation.selectors.outside_books import OutsideBooks
from allocation.views.pyramid_tables import exact_hours, money


@dataclass(frozen=True)
class OutsideWords:
    """lent, borrowed: empty where no hour crosses the fence."""

    has_nobody: bool
    customers: str
    customers_trace: str
    arr: str
    arr_trace: str
    hours: str
    hours_trace: str
    lent: str
    lent_trace: str
    borrowed: str
    borrowed_trace: str


def outside_words(outside: OutsideBooks) -> OutsideWords | None:
    """None where the books are all there is."""
    if not outside:
        return None
    base = settings.BASE_CURRENCY
    return OutsideWords(
        has_nobody=bool(outside.customers),
        customers=wording.counted(outside.customers, "customer"),
        customers_trace="Active customers without a CSM: of a tier that has none (self-service), or waiting for a book plan. "
        "The books and these are the whole customer list.",
        arr=f"{money(outside.arr_cents)}{wording.SPACE}{base}",
        arr_trace=f"Their ARR, each turned into {base} at today's rate and rounded to the cent, added up.",
        hours=_hours(outside.minutes),
        hours_trace=f"What their touch plans ask: {exact_hours(outside.minutes)}, with nobody to give them.",
        lent=_hours(outside.lent) if outside.lent else "",
        lent_trace=f"Who is away is covered by a CSM of another team: {exact_hours(outside.lent)} count there and not here. "
        "Customers and ARR stay here.",
        borrowed=_hours(outside.borrowed) if outside.borrowed else "",
        borrowed_trace=f"CSMs of other teams are away and covered from here: {exact_hours(outside.borrowed)} count here. "
        "Customers and ARR stay there.",
    )


def _hours(minutes: int) -> str:
    said = wording.minutes_as_hours(minutes)
    return f"{said}{wording.SPACE}{'hour' if said == '1' else 'hours'}"
