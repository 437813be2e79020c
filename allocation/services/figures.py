"""Keeps the sheets of figures: the only writer of them. ``docs/figures.md``."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from django.db import connection, transaction

from allocation.models import FigureMark, FigureSheet
from allocation.models.figures import SHEET
from allocation.snapshots.figures import packed, read_sheets

AT_ONCE = 32  # sheets read and written together: about a quarter of a million customers, some forty megabytes
_LOCK = 7_204_024  # of sheets, among the advisory locks of the database


def write_sheets() -> int:
    """Write every marked sheet anew, some at a time, each in a transaction of its own; how many were written.

    Safe to repeat and to run beside anything: a mark left while a sheet is written stays. One at a time: where another writes,
    nothing is done. Readers wait for nothing: until a sheet is written they read its customers.
    """
    if connection.vendor != "postgresql":
        return 0
    written = 0
    while (done := _write_some()) > 0:
        written += done
    return written


def _write_some() -> int:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
            if not cursor.fetchone()[0]:
                return 0
        marks = FigureMark.objects.order_by().values_list("number", flat=True).distinct()
        numbers = sorted(marks[: AT_ONCE * 4])[:AT_ONCE]
        if not numbers:
            return 0
        # Deleted first and read afterwards: whoever commits in between leaves a mark that is not among these, so that the sheet is
        # written once more, never once too few.
        FigureMark.objects.filter(number__in=numbers).delete()
        FigureSheet.objects.filter(number__in=numbers).delete()
        FigureSheet.objects.bulk_create(_sheets(numbers))
        return len(numbers)


def differing_sheets(*, repair: bool = True) -> tuple[int, ...]:
    """Numbers of unmarked sheets that differ from their customers, or are missing; they are marked unless `repair` is off.

    None is the only good answer: a number here means that something wrote past the database's triggers.
    """
    if connection.vendor != "postgresql":
        return ()
    found = []
    alone = not connection.in_atomic_block
    for numbers in _in_pieces():
        with transaction.atomic(), connection.cursor() as cursor:
            if alone:  # sheets, marks and customers of one moment
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            marked = set(FigureMark.objects.filter(number__in=numbers).values_list("number", flat=True))
            there = {one.number: one for one in FigureSheet.objects.filter(number__in=numbers)}
            for sheet in _sheets(numbers):
                kept = there.get(sheet.number)
                same = (
                    not sheet.customers
                    if kept is None
                    else (bytes(kept.customers), bytes(kept.goals)) == (sheet.customers, sheet.goals)
                )
                if sheet.number not in marked and not same:
                    found.append(sheet.number)
    if repair:
        FigureMark.objects.bulk_create(FigureMark(number=number) for number in found)
    return tuple(found)


def _in_pieces() -> Iterator[list[int]]:
    """The numbers of all sheets that there are or should be."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT id / {SHEET} FROM accounts_customer UNION SELECT number FROM allocation_figuresheet ORDER BY 1"  # noqa: S608
        )
        numbers = [number for (number,) in cursor.fetchall()]
    for start in range(0, len(numbers), AT_ONCE):
        yield numbers[start : start + AT_ONCE]


def _sheets(numbers: list[int]) -> list[FigureSheet]:
    """Unsaved, of the customers as they are."""
    made = []
    for number, customers, goals in read_sheets(numbers):
        there, open_and_closed = packed(customers=customers, goals=goals)
        made.append(
            FigureSheet(number=number, version=secrets.randbits(62), customers=there, goals=open_and_closed)
        )
    return made
