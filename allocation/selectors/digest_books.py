"""What a CSM's digest tells of the own book, read for all books at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q
from django.utils.timezone import localtime

from accounts.models import Customer, Leave
from allocation.models import BookHolding, Departure, Handover, TierHolding, Touch
from allocation.querysets.touches import DUE_DAYS
from allocation.selectors.digest_people import Reader, midnight
from allocation.selectors.home import THIS_MONTH
from allocation.selectors.thresholds import LOW_HEALTH

AWAY_SOON = timedelta(days=14)
# Of one customer: (holder, first day, day it ended or None, when it was written down), the oldest first.
History = Sequence[tuple[int, date, date | None, date]]


@dataclass(frozen=True, slots=True)
class Absence:
    """Leave that holds or begins soon: of `csm`, covered by `cover` (empty: by nobody who is there).

    For the cover, in the days in which the cover sees it: book, and what is in it that does not wait.
    """

    csm: str
    cover: str
    starts_on: date
    ends_before: date
    book: int | None = None
    renewals: int = 0
    low: int = 0


@dataclass(slots=True)
class BookNews:
    """came, gone: names of customers, by name. served_otherwise: customers whose service changed. renewals: (customer,
    day), the nearest first. worse: those of `low` whose figure is of the days covered. touches_due, touches_late: open
    ones of the own book. covers: leave of colleagues that this CSM covers; away: the own.
    """

    came: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    served_otherwise: int = 0
    renewals: list[tuple[str, date]] = field(default_factory=list)
    renewals_past: int = 0
    low: int = 0
    worse: int = 0
    touches_due: int = 0
    touches_late: int = 0
    handovers: int = 0
    handovers_late: int = 0
    covers: list[Absence] = field(default_factory=list)
    away: list[Absence] = field(default_factory=list)


def book_news(*, readers: Iterable[Reader], on: date) -> Mapping[int, BookNews]:
    """{CSM: what happened in the book and what is to come}, of those readers who have a book; nine queries."""
    since = {reader.csm_id: reader.since for reader in readers if reader.csm_id is not None}
    news = {csm_id: BookNews() for csm_id in since}
    if news:
        _changes_of_book(news, since, on)
        _changes_of_service(news, since, on)
        _customers(news, since, on)
        _touches(news, on)
        _handovers(news, on)
        _absences(news, on)
    return news


def _changes_of_book(news: Mapping[int, BookNews], since: Mapping[int, date], on: date) -> None:
    """Who held a customer when the days covered began, and when they ended; who left us meanwhile."""
    first = min(since.values())
    changed = BookHolding.objects.filter(
        Q(recorded_at__gte=midnight(first), recorded_at__lt=midnight(on))
        | Q(ends_before__gte=first, ends_before__lt=on)
    )
    rows = BookHolding.objects.filter(customer__in=changed.order_by().values("customer"))
    histories: dict[tuple[str, int], list[tuple[int, date, date | None, date]]] = defaultdict(list)
    for customer_id, name, csm_id, starts_on, ends_before, recorded_at in rows.order_by("pk").values_list(
        "customer_id", "customer__name", "csm_id", "starts_on", "ends_before", "recorded_at"
    ):
        histories[name, customer_id].append((csm_id, starts_on, ends_before, _day(recorded_at)))
    for (name, _), history in sorted(histories.items()):
        after = holder(history, on)
        for csm_id in {held[0] for held in history} & news.keys():
            before = holder(history, since[csm_id])
            if after == csm_id != before:
                news[csm_id].came.append(name)
            if before == csm_id != after:
                news[csm_id].gone.append(name)
    _departures(news, since, on)


def holder(history: History, day: date) -> int | None:
    """Who held the customer as the day began, as far as was known then.

    A row is closed by the next one, in the moment that is written down; where no row follows, on the day it ended.
    """
    known = [at for at, row in enumerate(history) if row[3] < day]
    if not known:
        return None
    at = known[-1]
    csm_id, _, ends_before, _ = history[at]
    closed_by_next = at + 1 < len(history) and history[at + 1][1] == ends_before
    return csm_id if ends_before is None or closed_by_next or ends_before >= day else None


def _departures(news: Mapping[int, BookNews], since: Mapping[int, date], on: date) -> None:
    rows = Departure.objects.current().filter(
        recorded_at__gte=midnight(min(since.values())),
        recorded_at__lt=midnight(on),
        customer__csm__in=list(news),
    )
    for name, csm_id, recorded_at in rows.order_by("customer__name", "pk").values_list(
        "customer__name", "customer__csm_id", "recorded_at"
    ):
        if _day(recorded_at) >= since[csm_id] and name not in news[csm_id].gone:
            news[csm_id].gone.append(name)


def _changes_of_service(news: Mapping[int, BookNews], since: Mapping[int, date], on: date) -> None:
    """Customers of the book today that are served another way than before. A first way is no change."""
    earlier = TierHolding.objects.filter(customer=OuterRef("customer"), pk__lt=OuterRef("pk"))
    rows = TierHolding.objects.filter(
        Exists(earlier),
        recorded_at__gte=midnight(min(since.values())),
        recorded_at__lt=midnight(on),
        customer__csm__in=list(news),
        customer__status=Customer.Status.ACTIVE,
    )
    changed: dict[int, set[int]] = defaultdict(set)
    for csm_id, customer_id, recorded_at in rows.order_by("pk").values_list(
        "customer__csm_id", "customer_id", "recorded_at"
    ):
        if _day(recorded_at) >= since[csm_id]:
            changed[csm_id].add(customer_id)
    for csm_id, customers in changed.items():
        news[csm_id].served_otherwise = len(customers)


def _customers(news: Mapping[int, BookNews], since: Mapping[int, date], on: date) -> None:
    theirs = Customer.objects.active().filter(csm__in=list(news))
    renewing = theirs.filter(renewal_date__lte=on + THIS_MONTH).order_by("renewal_date", "name", "pk")
    for csm_id, name, renewal in renewing.values_list("csm_id", "name", "renewal_date"):
        if renewal < on:
            news[csm_id].renewals_past += 1
        else:
            news[csm_id].renewals.append((name, renewal))
    low = theirs.filter(health__lt=LOW_HEALTH).order_by("pk")
    for csm_id, health_on in low.values_list("csm_id", "health_on"):
        news[csm_id].low += 1
        news[csm_id].worse += health_on is not None and since[csm_id] <= health_on


def _touches(news: Mapping[int, BookNews], on: date) -> None:
    rows = Touch.objects.of_active_customers().open().filter(customer__csm__in=list(news)).order_by()
    found = rows.filter(due_on__lt=on + timedelta(days=DUE_DAYS)).values("customer__csm_id")
    for row in found.annotate(every=Count("pk"), late=Count("pk", filter=Q(due_on__lt=on))):
        told = news[row["customer__csm_id"]]
        told.touches_due, told.touches_late = row["every"] - row["late"], row["late"]


def _handovers(news: Mapping[int, BookNews], on: date) -> None:
    rows = Handover.objects.filter(status=Handover.Status.OPEN)
    concern = Q(from_csm__in=list(news)) | Q(to_csm__in=list(news))
    for *ends, due_on in (
        rows.filter(concern).order_by("pk").values_list("from_csm_id", "to_csm_id", "due_on")
    ):
        for csm_id in news.keys() & set(ends):
            news[csm_id].handovers += 1
            news[csm_id].handovers_late += due_on < on


def _absences(news: Mapping[int, BookNews], on: date) -> None:
    """Leave of today and soon; of a book that is covered today also what the cover has to look at.

    Who is named, but is away too, has left or signs in no more covers nobody: that is said to neither.
    """
    soon = Leave.objects.filter(ends_before__gt=on, starts_on__lte=on + AWAY_SOON)
    soon = soon.with_cover(on).with_cover_at_first(on)
    concern = Q(csm__in=list(news)) | Q(covered_by__in=list(news))
    rows = list(soon.filter(concern).select_related("csm", "covered_by").order_by("starts_on", "pk"))
    asked = _asked_by_covered({row.csm_id for row in rows if row.is_covered}, on)
    for row in rows:
        if row.csm_id in news:
            cover = row.covered_by.name if row.is_covered_at_first else ""
            news[row.csm_id].away.append(Absence(row.csm.name, cover, row.starts_on, row.ends_before))
        if row.covered_by_id in news and row.is_covered_at_first:
            seen = (row.csm_id, *asked.get(row.csm_id, (0, 0))) if row.is_covered else ()
            told = Absence(row.csm.name, row.covered_by.name, row.starts_on, row.ends_before, *seen)
            news[row.covered_by_id].covers.append(told)


def _asked_by_covered(csm_ids: Collection[int], on: date) -> dict[int, tuple[int, int]]:
    """{CSM: renewals of the coming days, customers to look at first}."""
    soon = Q(renewal_date__gte=on, renewal_date__lte=on + THIS_MONTH)
    rows = Customer.objects.active().filter(csm__in=csm_ids).order_by().values("csm_id")
    found = rows.annotate(renewals=Count("pk", filter=soon), low=Count("pk", filter=Q(health__lt=LOW_HEALTH)))
    return {row["csm_id"]: (row["renewals"], row["low"]) for row in found}


def _day(moment: datetime) -> date:
    return localtime(moment).date()
