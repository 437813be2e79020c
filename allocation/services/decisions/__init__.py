"""The only writer of a customer's tier and CSM. Each change leaves a row in the dated ledger.

Both doors work in sets: a fixed number of statements a call (grouped UPDATEs, one bulk insert), inside one
transaction, whatever the number of customers. A change names what it starts from; a customer that meanwhile
stands elsewhere is left alone and returned as skipped. Handovers follow the CSMs in the same transaction
(allocation.services.decisions.handing_over).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from django.db import transaction
from django.db.models import Max, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Greatest

from accounts.bulk_rows import insert_rows
from accounts.kept_statements import Kept, KeptChange, padded
from accounts.models import Customer
from allocation.models import BookHolding, Departure, Source, TierHolding
from allocation.services.decisions.handing_over import Ends, cancel_handovers_of_left, follow_changes

# Either ledger; they differ in the one column `field` names.
HoldingModel = type[TierHolding] | type[BookHolding]

CHUNK = 500  # well under SQLite's limit of parameters in a statement


@dataclass(frozen=True, slots=True)
class DecisionSource:
    """By what a change was decided: kept with every ledger row."""

    kind: Source
    source_id: int | None = None  # id of the run, plan, override or import
    actor_id: int | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class TierChange:
    """since: what the customer's tier-since becomes, if not the day of the call; gives_back: what kind of decision had
    set the tier that comes back. Both are for undoing.
    """

    customer_id: int
    from_tier_id: int | None
    to_tier_id: int | None
    since: date | None = None
    gives_back: str = ""


@dataclass(frozen=True, slots=True)
class CsmChange:
    """since, gives_back: as of a TierChange."""

    customer_id: int
    from_csm_id: int | None
    to_csm_id: int | None
    since: date | None = None
    gives_back: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What a call did: ids of customers changed, already so, and skipped because they stood elsewhere."""

    changed: tuple[int, ...]
    already: tuple[int, ...]
    skipped: tuple[int, ...]


def set_tiers(*, changes: Sequence[TierChange], on: date, decision: DecisionSource) -> Written:
    """Give customers their tier from day `on`, and write the ledger, in one transaction."""
    rows = [
        _Change(change.customer_id, change.from_tier_id, change.to_tier_id, change.since, change.gives_back)
        for change in changes
    ]
    return _write(rows, on=on, decision=decision, field="tier", holding=TierHolding)


def set_csms(
    *,
    changes: Sequence[CsmChange],
    on: date,
    decision: DecisionSource,
    handed_over_from: date | None = None,
) -> Written:
    """Give customers their CSM from day `on`, write the ledger, and open or cancel handovers, in one transaction.

    handed_over_from: the day from which the days of a handover count, where it is not `on` (a plan is carried out later
    than the day it looks at).
    """
    rows = [
        _Change(change.customer_id, change.from_csm_id, change.to_csm_id, change.since, change.gives_back)
        for change in changes
    ]
    with transaction.atomic():
        written = _write(rows, on=on, decision=decision, field="csm", holding=BookHolding)
        done = set(written.changed)
        follow_changes(
            changed={row.customer_id: Ends(row.start, row.target) for row in rows if row.customer_id in done},
            on=handed_over_from or on,
            source=decision.kind,
            source_id=decision.source_id,
        )
    return written


def note_departures(*, customer_ids: Sequence[int], on: date, decision: DecisionSource) -> None:
    """Write down who of these customers left on day `on`, and who came back, as their status says now.

    In the transaction that wrote the status; repeating changes nothing.
    """
    for chunk in _chunks(sorted(customer_ids)):
        left = set(Customer.objects.filter(pk__in=chunk, status="left").values_list("pk", flat=True))
        away = Departure.objects.current().filter(customer_id__in=chunk)
        known = set(away.values_list("customer_id", flat=True))
        # Nothing ends before it began, on whatever day this is said.
        away.exclude(customer_id__in=left).update(ends_before=Greatest("starts_on", Value(on)))
        Departure.objects.bulk_create(
            Departure(
                customer_id=customer_id,
                starts_on=on,
                source=decision.kind,
                source_id=decision.source_id,
                actor_id=decision.actor_id,
                words=decision.words[:500],
            )
            for customer_id in sorted(left - known)
        )
        cancel_handovers_of_left(customer_ids=sorted(left - known))


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of either kind."""

    customer_id: int
    start: int | None
    target: int | None
    since: date | None = None
    gives_back: str = ""


@dataclass(frozen=True, slots=True)
class _Alike:
    """What customers changed alike have in common. on: first day of the ledger row."""

    target: int | None
    since: date
    on: date
    gives_back: str


Groups = dict[_Alike, list[int]]


def _write(
    rows: Sequence[_Change],
    *,
    on: date,
    decision: DecisionSource,
    field: str,
    holding: HoldingModel,
) -> Written:
    ids = [row.customer_id for row in rows]
    if len(set(ids)) != len(ids):
        raise ValueError("A customer may be named once in a call.")
    changed: list[int] = []
    already: list[int] = []
    skipped: list[int] = []
    if not rows:
        return Written((), (), ())
    with transaction.atomic():
        now = _locked(ids, field)
        late = _later_days(holding, ids, on)
        groups: Groups = defaultdict(list)
        for row in rows:
            held = now.get(row.customer_id, _GONE)
            if held is not _GONE and held == row.target:
                already.append(row.customer_id)
            elif held is not _GONE and held == row.start:
                day = late.get(row.customer_id, on)
                groups[_Alike(row.target, row.since or day, day, row.gives_back)].append(row.customer_id)
                changed.append(row.customer_id)
            else:
                skipped.append(row.customer_id)
        for alike, members in groups.items():
            since = alike.since if alike.target is not None else None
            for chunk in _chunks(members):
                _HELD[field].run(ids=padded(chunk), target=alike.target, since=since)
        _close_and_open(holding, field, groups, decision=decision)
    return Written(tuple(changed), tuple(already), tuple(skipped))


_GONE: Any = object()


def _giving(field: str) -> KeptChange:
    return KeptChange(
        lambda *, ids, target, since: (
            Customer.objects.filter(pk__in=ids),
            {f"{field}_id": target, f"{field}_since": since},
        )
    )


_HELD: Mapping[str, KeptChange] = {field: _giving(field) for field in ("tier", "csm")}


def _locked(ids: Sequence[int], field: str) -> dict[int, int | None]:
    """What each customer holds now; rows locked in key order so that two writers cannot deadlock."""
    held: dict[int, int | None] = {}
    for chunk in _chunks(sorted(ids)):
        held.update(dict(_holders(field).rows(ids=padded(chunk))))
    return held


@cache
def _holders(field: str) -> Kept:
    return Kept(
        lambda *, ids: (
            Customer.objects.select_for_update(of=("self",))
            .filter(pk__in=ids)
            .order_by("pk")
            .values_list("pk", f"{field}_id")
        )
    )


def _later_days(holding: HoldingModel, ids: Sequence[int], on: date) -> dict[int, date]:
    """Customers whose ledger knows a later day than `on`: history is not rewritten, so their change counts from there."""
    return {
        customer_id: day
        for chunk in _chunks(ids)
        for customer_id, day in _later(holding).rows(ids=padded(chunk), on=on)
        if day is not None
    }


@cache
def _later(holding: HoldingModel) -> Kept:
    """Asked customer by customer: for some hundred of them at once a database that misjudges their number reads the whole ledger."""
    last_known = Greatest("starts_on", Coalesce("ends_before", "starts_on"))

    def last_days(*, ids: tuple[int, ...], on: date) -> QuerySet[Any, Any]:
        rows = holding.objects.filter(Q(starts_on__gt=on) | Q(ends_before__gt=on), customer=OuterRef("pk"))
        last = rows.order_by().values("customer").annotate(last=Max(last_known)).values("last")
        customers: QuerySet[Any, Any] = Customer.objects.filter(pk__in=ids).annotate(last=Subquery(last))
        return customers.values_list("pk", "last")

    return Kept(last_days)


@cache
def _closing(holding: HoldingModel) -> KeptChange:
    return KeptChange(
        lambda *, ids, day: (holding.objects.current().filter(customer_id__in=ids), {"ends_before": day})
    )


def _close_and_open(holding: HoldingModel, field: str, groups: Groups, *, decision: DecisionSource) -> None:
    by_day: dict[date, list[int]] = defaultdict(list)
    for alike, members in groups.items():
        by_day[alike.on] += members
    for day, members in by_day.items():
        for chunk in _chunks(members):
            _closing(holding).run(ids=padded(chunk), day=day)
    opened = [
        (customer_id, alike)
        for alike, members in groups.items()
        if alike.target is not None
        for customer_id in members
    ]
    insert_rows(
        holding,
        {
            "customer_id": [customer_id for customer_id, _ in opened],
            f"{field}_id": [alike.target for _, alike in opened],
            "starts_on": [alike.on for _, alike in opened],
            "gives_back": [alike.gives_back for _, alike in opened],
        },
        alike={
            "source": str(decision.kind),
            "source_id": decision.source_id,
            "actor_id": decision.actor_id,
            "words": decision.words[:500],
        },
    )


def _chunks(ids: Iterable[int]) -> Iterable[list[int]]:
    every = list(ids)
    for start in range(0, len(every), CHUNK):
        yield every[start : start + CHUNK]
