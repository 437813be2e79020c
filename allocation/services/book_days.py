"""The figures of each book, kept once a day, so that a trend is read and not computed anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction

from allocation.models import BookDay
from allocation.selectors.balance import workload
from allocation.selectors.ledger import books_known_since

# Every day is kept for a little more than a year, so that a year back can be compared; then the last one of a month.
KEEP_EVERY_DAY = timedelta(days=400)
MONTHS_BACK = 12


@dataclass(frozen=True, slots=True)
class KeptDays:
    """books: lines of the day. worked_out: month ends of the past that were added from the ledgers. forgotten: old days."""

    books: int
    worked_out: tuple[date, ...]
    forgotten: int


def keep_book_days(*, on: date) -> KeptDays:
    """Write down the figures of all books on a day, as the balance page shows them.

    Safe to repeat: a day has one line a book, and the last writing counts. Of the last twelve month ends those that have
    no line yet are worked out from the ledgers (who held which tier and CSM then, with amounts, rates and working hours of
    today), as far back as the ledgers go. Of days older than 400 days the last one of each month stays.

    Raises UnknownRate where an exchange rate is missing; then nothing of that day is written. A fixed number of statements
    a day that is written.
    """
    books = _keep(day=on, rates_on=on)
    worked_out = _missing_month_ends(on=on)
    for day in worked_out:
        _keep(day=day, rates_on=on)
    return KeptDays(books=books, worked_out=worked_out, forgotten=_forget_old_days(on=on))


def _keep(*, day: date, rates_on: date) -> int:
    found = workload(as_of=day, rates_on=rates_on)
    lines = [
        BookDay(
            on=day,
            csm_id=found.csm_ids[row.csm],
            customers=row.customers,
            by_tier=dict(row.by_tier),
            minutes=row.minutes,
            capacity_minutes=row.capacity_minutes,
            arr_cents=row.arr_cents,
            covered=row.covered,
        )
        for row in found.rows
    ]
    with transaction.atomic():
        # A book that is not there any more, after an earlier writing on the same day, would count twice.
        BookDay.objects.filter(on=day).exclude(csm_id__in=[line.csm_id for line in lines]).delete()
        BookDay.objects.bulk_create(
            lines,
            update_conflicts=True,
            unique_fields=["on", "csm"],
            update_fields=["customers", "by_tier", "minutes", "capacity_minutes", "arr_cents", "covered"],
        )
    return len(lines)


def _missing_month_ends(*, on: date) -> tuple[date, ...]:
    """The oldest first; none from before the ledgers begin."""
    since = books_known_since()
    if since is None:
        return ()
    ends = [day for day in month_ends_before(on=on) if day >= since]
    there = set(BookDay.objects.filter(on__in=ends).order_by().values_list("on", flat=True).distinct())
    return tuple(sorted(set(ends) - there))


def month_ends_before(*, on: date) -> list[date]:
    """The last twelve days before `on` that end a month, the newest first."""
    found: list[date] = []
    day = on.replace(day=1)
    for _ in range(MONTHS_BACK):
        found.append(day - timedelta(days=1))
        day = found[-1].replace(day=1)
    return found


def _forget_old_days(*, on: date) -> int:
    """How many days went."""
    old = BookDay.objects.filter(on__lt=on - KEEP_EVERY_DAY)
    days = sorted(set(old.order_by().values_list("on", flat=True).distinct()))
    last_of_month = {(day.year, day.month): day for day in days}
    gone = [day for day in days if last_of_month[day.year, day.month] != day]
    BookDay.objects.filter(on__in=gone).delete()
    return len(gone)
