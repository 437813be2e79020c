"""Both ledgers of one customer in one line of time: what it held, by which decision, who asked, approved and acted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet

from accounts.models import Customer
from allocation.models import (
    BookHolding,
    BookPlan,
    Departure,
    Override,
    RetierRun,
    Source,
    TierHolding,
)
from allocation.selectors import wording

# The kind of decision behind a row, and the page that its id leads to (an undo leads to what it undid).
PAGES = {Source.RUN: "run", Source.PLAN: "plan", Source.OVERRIDE: "override", Source.IMPORT: "import"}
UNDONE = {"tier": ("run", "re-tiering run"), "csm": ("plan", "book plan")}


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the ledger as people read it. people: who asked for and who approved the decision, in words."""

    on: date
    until: date | None
    what: str
    why: str
    words: str
    actor: str
    kind: str
    page: str
    page_id: int | None
    over: bool
    people: str = ""

    @property
    def when(self) -> str:
        return wording.day(self.on) + (f" to {wording.day(self.until)}" if self.until else "")


def customer_events(*, customer: Customer, day: date | None = None) -> tuple[Event, ...]:
    """The newest first; as of a day, as the ledgers stood then. At most six statements."""
    rows = _rows(customer, day)
    decided = _Decided.behind([(row, kind) for row, _, kind in rows])
    return tuple(_event(row, what, kind, decided, day) for row, what, kind in rows)


def _rows(customer: Customer, day: date | None) -> list[tuple[Any, str, str]]:
    tiers: QuerySet[Any] = TierHolding.objects.filter(customer=customer).select_related("tier", "actor")
    books: QuerySet[Any] = BookHolding.objects.filter(customer=customer).select_related("csm", "actor")
    gone: QuerySet[Any] = Departure.objects.filter(customer=customer).select_related("actor")
    rows = [
        *((row, f"Tier {row.tier}", "tier") for row in tiers),
        *((row, f"CSM {row.csm}", "csm") for row in books),
        *((row, "Left", "left") for row in gone),
    ]
    rows = [entry for entry in rows if day is None or entry[0].starts_on <= day]
    rows.sort(key=lambda entry: (entry[0].starts_on, entry[0].recorded_at, entry[2]), reverse=True)
    return rows


def _event(row: Any, what: str, kind: str, decided: _Decided, day: date | None) -> Event:
    until = row.ends_before if day is None or (row.ends_before and row.ends_before <= day) else None
    page = PAGES.get(row.source, "")
    why = row.get_source_display() + (f" {row.source_id}" if page and row.source_id else "")
    if row.source == Source.UNDO and kind in UNDONE and row.source_id:
        page, named = UNDONE[kind]
        why = f"Undo of {named} {row.source_id}"
    return Event(
        on=row.starts_on,
        until=until,
        what=what,
        why=why,
        words=row.words,
        actor=str(row.actor or ""),
        kind=kind,
        page=page if row.source_id else "",
        page_id=row.source_id,
        over=until is not None,
        people=decided.people(row),
    )


@dataclass(frozen=True, slots=True)
class _Decided:
    """The overrides, runs and plans behind some rows, by id."""

    overrides: dict[int, Override]
    runs: dict[int, RetierRun]
    plans: dict[int, BookPlan]

    @classmethod
    def behind(cls, rows: Sequence[tuple[Any, str]]) -> _Decided:
        def ids(source: Source) -> list[int]:
            return [row.source_id for row, _ in rows if row.source == source and row.source_id]

        who = ("requested_by", "approved_by")
        names = [f"{person}__{part}" for person in who for part in ("name", "email")]
        return cls(
            overrides=Override.objects.select_related("asked_by", "decided_by").in_bulk(ids(Source.OVERRIDE)),
            runs=RetierRun.objects.select_related(*who).only(*who, *names).in_bulk(ids(Source.RUN)),
            plans=BookPlan.objects.select_related(*who).only(*who, *names).in_bulk(ids(Source.PLAN)),
        )

    def people(self, row: Any) -> str:
        override = self.overrides.get(row.source_id) if row.source == Source.OVERRIDE else None
        if override is not None:
            return _people(override.asked_by, override.decided_by)
        proposals: dict[int, Any] = {Source.RUN: self.runs, Source.PLAN: self.plans}.get(row.source, {})
        proposal = proposals.get(row.source_id)
        return _people(proposal.requested_by, proposal.approved_by) if proposal is not None else ""


def _people(asked: Any, approved: Any) -> str:
    said = [
        f"{word} by {person}" for word, person in (("asked for", asked), ("approved", approved)) if person
    ]
    return ", ".join(said)
