"""What must hold in any installation at any time, counted anew from the rows (not by the code that wrote them)."""

from typing import Any

from django.db import connection
from django.db.models import Count, Q
from django.utils import timezone

from accounts.models import Customer, ImportBatch
from allocation.models import BookHolding, BookPlan, Override, RetierRun, Source, TierHolding


def faults() -> list[str]:
    """Sentences about what is wrong; empty when all is well."""
    return [
        *_ledger(TierHolding, "tier"),
        *_ledger(BookHolding, "csm"),
        *_overrides(),
        *_dead_claims(),
        *_broken_references(),
    ]


def _ledger(holding: type[Any], field: str) -> list[str]:
    """The open row of each customer's ledger names what the customer holds, since the same day; rows do not overlap."""
    found = []
    held = dict(holding.objects.filter(ends_before=None).values_list("customer_id", f"{field}_id"))
    for key, value, since in Customer.objects.values_list("pk", f"{field}_id", f"{field}_since"):
        if held.get(key) != value:
            found.append(f"Customer {key} holds {field} {value}, its ledger says {held.get(key)}.")
        if (value is None) != (since is None):
            found.append(f"Customer {key}: {field} {value} since {since}.")
    twice = (
        holding.objects.filter(ends_before=None).values("customer").annotate(n=Count("pk")).filter(n__gt=1)
    )
    found += [f"Customer {row['customer']} holds two rows of {field} at once." for row in twice]
    ends: dict[int, Any] = {}
    for row in holding.objects.order_by("customer_id", "starts_on", "pk"):
        before = ends.get(row.customer_id)
        if before is not None and row.starts_on < before:
            found.append(f"Ledger rows of {field} of customer {row.customer_id} overlap.")
        ends[row.customer_id] = row.ends_before
    return found


def _overrides() -> list[str]:
    """Decided once, by another than who asked or edited; one that holds and was begun is in the customer's ledger."""
    found = []
    for row in Override.objects.select_related("customer").prefetch_related("edits"):
        authors = {row.asked_by_id, *(edit.editor_id for edit in row.edits.all())}
        if row.decided_by_id in authors:
            found.append(f"Override {row.pk} is decided by somebody who asked for it or edited it.")
        begun = TierHolding.objects.filter(source=Source.OVERRIDE, source_id=row.pk)
        if begun.count() > 1 or (begun.exists() and row.begun_at is None):
            found.append(f"Override {row.pk} gave its tier {begun.count()} times.")
    return found


def _dead_claims() -> list[str]:
    """Every row somebody works on has a live lease; every claim is of a row somebody works on."""
    found = []
    for model in (RetierRun, BookPlan, ImportBatch):
        working = Q(status__in=model.WORKING)
        dead = model.objects.filter(working & (Q(lease_until=None) | Q(lease_until__lt=timezone.now())))
        idle = model.objects.filter(~working & Q(lease_until__isnull=False))
        found += [f"{row} is {row.status} without a live lease." for row in dead]
        found += [f"{row} is {row.status} and still claimed." for row in idle]
    return found


def _broken_references() -> list[str]:
    if connection.vendor != "sqlite":
        return []  # PostgreSQL checks each reference at commit
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_key_check")
        return [f"Broken reference: {row}" for row in cursor.fetchall()]
