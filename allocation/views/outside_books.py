"""What stands beside the books, as words: below the balance and the pyramid, so that every sum closes."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from allocation.selectors import wording
from allocation.selectors.outside_books import OutsideBooks
from allocation.views.pyramid_tables import exact_hours, money


@dataclass(frozen=True)
class OutsideWords:
    """lent, borrowed: empty where no hour crosses the fence. whole: what it comes to together with the books; empty if not asked."""

    has_nobody: bool
    where: str
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
    whole: str = ""
    whole_trace: str = ""


@dataclass(frozen=True)
class Books:
    """What the books of a page come to; the hours are those that their CSMs carry."""

    customers: int
    arr_cents: int
    minutes: int


def outside_words(outside: OutsideBooks, *, books: Books | None = None) -> OutsideWords | None:
    """None where the books are all there is. books: those above, where it is to be said what all comes to."""
    if not outside:
        return None
    base = settings.BASE_CURRENCY
    return OutsideWords(
        has_nobody=bool(outside.customers),
        where="In nobody's book, or in books of other teams then"
        if outside.elsewhere
        else "In nobody's book",
        customers=wording.counted(outside.customers, "customer"),
        customers_trace=_nobody_trace(outside),
        arr=f"{money(outside.arr_cents)}{wording.SPACE}{base}",
        arr_trace=f"Their ARR, each turned into {base} at today's rate and rounded to the cent, added up.",
        hours=_hours(outside.minutes),
        hours_trace=f"What their touch plans ask: {exact_hours(outside.minutes)}."
        if outside.elsewhere
        else f"What their touch plans ask: {exact_hours(outside.minutes)}, with nobody to give them.",
        lent=_hours(outside.lent) if outside.lent else "",
        lent_trace=f"Who is away is covered by a CSM of another team: {exact_hours(outside.lent)} count there and not here. "
        "Customers and ARR stay here.",
        borrowed=_hours(outside.borrowed) if outside.borrowed else "",
        borrowed_trace=f"CSMs of other teams are away and covered from here: {exact_hours(outside.borrowed)} count here. "
        "Customers and ARR stay there.",
        **(_whole(outside, books) if books else {}),
    )


def _nobody_trace(outside: OutsideBooks) -> str:
    said = (
        "Active customers without a CSM: of a tier that has none (self-service), or waiting for a book plan. "
    )
    if outside.elsewhere:
        number = wording.counted(outside.elsewhere, "customer")
        said += f"With {number} of your teams now that others had on that day. "
    return said + "The books and these are the whole customer list."


def _whole(outside: OutsideBooks, books: Books) -> dict[str, str]:
    base, customers = settings.BASE_CURRENCY, books.customers + outside.customers
    cents, minutes = books.arr_cents + outside.arr_cents, books.minutes + outside.minutes_to_add
    signed = (
        ("+", outside.minutes, "of nobody's"),
        ("+", outside.lent, "lent"),
        ("−", outside.borrowed, "borrowed"),
    )
    crossed = "".join(f" {sign} {exact_hours(part)} {words}" for sign, part, words in signed if part)
    hours = f"Hours: {exact_hours(books.minutes)} in the books{crossed} = {exact_hours(minutes)}."
    return {
        "whole": f"{wording.counted(customers, 'customer')}, {money(cents)}{wording.SPACE}{base} of ARR "
        f"and {_hours(minutes)} a month",
        "whole_trace": f"Customers: {books.customers:,} in the books + {outside.customers:,} of nobody.\n"
        f"ARR: {money(books.arr_cents)} + {money(outside.arr_cents)} = {money(cents)} {base}.\n{hours}",
    }


def _hours(minutes: int) -> str:
    return f"{wording.hours_and_minutes(minutes)}{wording.SPACE}hours"
