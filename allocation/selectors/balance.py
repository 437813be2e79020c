"""How the books stand beside each other: a line per CSM, and how even hours, ARR and customers are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from accounts.models import CSM, Customer, User
from allocation.engine.attention import hours_of
from allocation.engine.balance import Balance, balance
from allocation.engine.books import caps
from allocation.engine.books_report import book_rows
from allocation.engine.facts.books import BookRow
from allocation.models import AllocationPolicy
from allocation.selectors.book_sums import BookSums, Nobodys, book_sums
from allocation.selectors.covers import HIDDEN
from allocation.selectors.renewals import Renewals, renewals_by_csm
from allocation.snapshots.books import book_snapshot
from allocation.snapshots.covers import Covers, covers_on
from allocation.snapshots.figures import Everybody, customer_figures
from allocation.snapshots.held import changed_since


@dataclass(frozen=True, slots=True)
class Workload:
    """Lines by CSM in the order of name and key, with the figures of each measure.

    covers: who is away on the day and whom the person may read of. seen: keys of the CSMs whose names the person sees.
    csm_ids, renewals, largest_cents: by CSM key; the last is the ARR of the largest customer of a book. nobodys: of everybody's
    customers, those in nobody's book; None of a past day, of which nobody counted them.
    """

    rows: tuple[BookRow, ...]
    utilisation: Balance
    arr: Balance
    customers: Balance
    covers: Covers = field(default_factory=Covers)
    seen: frozenset[str] = frozenset()
    csm_ids: Mapping[str, int] = field(default_factory=dict)
    renewals: Mapping[str, Renewals] = field(default_factory=dict)
    largest_cents: Mapping[str, int] = field(default_factory=dict)
    nobodys: Nobodys | None = None

    def among(self, rows: Sequence[BookRow]) -> Workload:
        """The same day, of these books only."""
        figures = measured(rows=rows)
        return replace(
            self,
            rows=figures.rows,
            utilisation=figures.utilisation,
            arr=figures.arr,
            customers=figures.customers,
        )


def workload(
    *,
    as_of: date,
    user: User | None = None,
    rates_on: date | None = None,
    everybody: Everybody | None = None,
) -> Workload:
    """Books as of a day, of the CSMs ``user`` may see (None: all). A past day is read from the ledger.
    rates_on: the day of the exchange rates, where another (amounts are today's, whatever the day). everybody: the columns of
    customers, where they were read already.

    Who is away on the day and covered keeps customers and ARR; the hours these ask count with the cover. What all books
    ask together is the same with and without covers.

    Raises UnknownRate where an exchange rate is missing. The same number of queries at any size.
    """
    policy = AllocationPolicy.objects.active().first() or AllocationPolicy()
    if changed_since(as_of=as_of):
        found = _past_sums(as_of=as_of, user=user, rates_on=rates_on or as_of, policy=policy)
    else:
        found = book_sums(
            everybody=customer_figures() if everybody is None else everybody,
            as_of=as_of,
            rates_on=rates_on or as_of,
            policy=policy,
        )
    covers = covers_on(on=as_of)
    rows = carried(rows=found.rows, covers=covers)
    seen = frozenset(row.csm for row in rows)
    if user is not None:
        seen = frozenset(CSM.objects.visible_to(user).keys_by_id().values())
        rows = tuple(row for row in rows if row.csm in seen)
    return replace(
        measured(rows=rows, covers=covers, seen=seen),
        csm_ids=found.csm_ids,
        renewals=found.renewals,
        largest_cents=found.largest_cents,
        nobodys=found.nobodys,
    )


def _past_sums(*, as_of: date, user: User | None, rates_on: date, policy: AllocationPolicy) -> BookSums:
    """Of a past day, customer by customer: the ledgers say who held whom."""
    snapshot = book_snapshot(
        as_of=as_of,
        policy=policy,
        by_ledger=True,
        with_digest=False,
        with_seats=False,
        rates_on=rates_on,
        # Of a past book only what is in the person's scope now: the rest is other people's customers.
        among=None if user is None or user.is_ops else Customer.objects.visible_to(user),
    )
    facts = snapshot.facts
    rows = book_rows(
        customers=facts.customers,
        csms=facts.csms,
        tiers=facts.tiers,
        caps=caps(csms=facts.csms, tiers=facts.tiers, policy=snapshot.policy),
        seats=facts.customers.csm,
    )
    books = facts.customers
    cents: list[int] = books.arr_cents.tolist()
    largest: dict[str, int] = {}
    for key, amount in zip(books.csm, cents, strict=True):
        largest[key] = max(largest.get(key, 0), amount)
    return BookSums(
        rows=rows,
        largest_cents=largest,
        renewals=renewals_by_csm(csm=books.csm, cents=cents, dates=snapshot.renewals, on=as_of),
        csm_ids=snapshot.csm_ids,
    )


def carried(*, rows: Sequence[BookRow], covers: Covers) -> tuple[BookRow, ...]:
    """The same books with the hours of who is away with the cover; the sum over all of them stays the same."""
    there = {row.csm for row in rows}
    to = {
        one.key: one.cover_key
        for one in covers.away.values()
        if one.cover_id is not None and one.cover_key in there
    }
    minutes: Counter[str] = Counter()
    for row in rows:
        minutes[to.get(row.csm, row.csm)] += row.minutes
    return tuple(replace(row, minutes=minutes[row.csm], covered=row.csm in to) for row in rows)


def measured(
    *, rows: Sequence[BookRow], covers: Covers | None = None, seen: frozenset[str] = frozenset()
) -> Workload:
    """The lines with their figures. covers, seen: of the day, where it is a day and not a plan that is looked at."""
    return Workload(
        rows=tuple(sorted(rows, key=lambda row: (row.name, row.csm))),
        utilisation=balance(values=[_utilisation(row) for row in rows]),
        arr=balance(values=[row.arr_cents for row in rows]),
        customers=balance(values=[row.customers for row in rows]),
        covers=covers or Covers(),
        seen=seen,
    )


def _utilisation(row: BookRow) -> Fraction | None:
    return Fraction(row.minutes, row.capacity_minutes) if row.is_measured else None


def covered_answer(*, found: Workload) -> dict[str, Any]:
    """`workload_answer` with who covers whom on the day, and whose book nobody covers: the `workload_balance` command."""
    lines = [
        {**csm_answer(row=row), **cover_answer(csm=row.csm, covers=found.covers, seen=found.seen)}
        for row in found.rows
    ]
    uncovered = [line["csm"] for line in lines if line["away"] and not line["covered_by"]]
    return {**workload_answer(found=found), "csms": lines, "uncovered": uncovered}


def cover_answer(*, csm: str, covers: Covers, seen: frozenset[str] | None = None) -> dict[str, Any]:
    """Keys `away`, `covered_by` and `covers` of one CSM. seen: keys that may be named (None: all); a cover of the own book may."""
    found = next((one for one in covers.away.values() if one.key == csm), None)
    whose = sorted(
        one.key for one in covers.away.values() if one.cover_id is not None and one.cover_key == csm
    )
    return {
        "away": found is not None,
        "covered_by": (found.cover_key or None) if found else None,
        "covers": [key if seen is None or key in seen else HIDDEN for key in whose],
    }


def workload_answer(*, found: Workload) -> dict[str, Any]:
    """Under the JSON keys of the `workload_balance` command."""
    return {
        "csms": [csm_answer(row=row) for row in found.rows],
        **asdict(found.utilisation),
        "arr": asdict(found.arr),
        "customers": asdict(found.customers),
    }


def csm_answer(*, row: BookRow) -> dict[str, Any]:
    """One CSM's line; hours and money as numbers with two decimals at most, utilisation as a share of 1."""
    share = _utilisation(row)
    return {
        "csm": row.csm,
        "name": row.name,
        "team": row.team,
        "customers": row.customers,
        "by_tier": dict(row.by_tier),
        "cap_room": dict(row.cap_room),
        "arr": money_number(cents=row.arr_cents),
        "hours": float(hours_of(row.minutes)),
        "capacity": float(hours_of(row.capacity_minutes)),
        "utilisation": None if share is None else round(float(share), 4),
    }


def money_number(*, cents: int) -> int | float:
    """Cents as a JSON number of the base currency: whole where there are no cents."""
    return cents // 100 if cents % 100 == 0 else float(Decimal(cents) / 100)
