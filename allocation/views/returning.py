"""Back to where a form was sent from: an address of this site that the form names, or the usual one."""

from __future__ import annotations

from django.http import HttpRequest

from allocation.views.override_card import safe_address

NEXT = "next"
BOOKS = ("/book/", "/books/")


def asked_back(request: HttpRequest) -> str:
    """The address in `next`, if it is one of this site; empty otherwise."""
    return safe_address((request.POST if request.method == "POST" else request.GET).get(NEXT, ""))


def is_book(address: str) -> bool:
    """Whether it leads to a page of a book: then what was sent came from the actions of a row."""
    return address.startswith(BOOKS)


def at_row(address: str, customer_id: int) -> str:
    """The row of the customer on that page."""
    return f"{address.split('#')[0]}#row-{customer_id}"
