"""What the digest of CS ops tells: what failed, what was missed, what waits for them and what is out of date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import Q
from django.utils.timezone import localtime

from accounts.models import Customer, ImportBatch
from allocation.models import BookPlan, Notice, RetierRun, RunStatus, Slot, TieringModel
from allocation.selectors.digest_people import Reader, midnight
from allocation.selectors.runs import last_full_run
from allocation.selectors.todo import currencies_without_rate, is_looked_at_by
from allocation.snapshots.figures import customer_figures
from allocation.snapshots.figures_summed import currencies_in

Import = ImportBatch.Status


@dataclass(frozen=True, slots=True)
class Standing:
    """How things are, whatever the days covered. full_run_due: since when the next full run is. unused: number of the
    published version by which no full run was applied. currencies: those without a rate near enough.
    """

    asking: int
    staged: int
    full_run_due: date | None
    last_full_run: date | None
    unused: int | None
    currencies: tuple[str, ...]


@dataclass(slots=True)
class OpsNews:
    """Of the days covered: ids of runs and plans that failed, imports that came to nothing, scheduled work that failed or
    was missed (by its kind), notices that could not be sent. standing: what is so anyway.
    """

    standing: Standing
    runs: list[int] = field(default_factory=list)
    plans: list[int] = field(default_factory=list)
    imports: int = 0
    failed_work: dict[str, int] = field(default_factory=dict)
    missed_work: dict[str, int] = field(default_factory=dict)
    unsent: int = 0


def ops_news(*, readers: Iterable[Reader], on: date) -> Mapping[int, OpsNews]:
    """{person: news}, of those readers who are CS ops; a fixed number of queries."""
    people = [reader for reader in readers if reader.is_ops]
    if not people:
        return {}
    first = min(reader.since for reader in people)
    standing = _standing(on)
    happened = [*_runs_and_plans(first, on), *_imports(first, on), *_slots(first, on), *_notices(first, on)]
    news = {reader.pk: OpsNews(standing) for reader in people}
    for reader in people:
        for what, key, moment in happened:
            if localtime(moment).date() >= reader.since:
                _count(news[reader.pk], what, key)
    return news


Happened = tuple[str, Any, datetime]


def _count(told: OpsNews, what: str, key: Any) -> None:
    if what in ("runs", "plans"):
        getattr(told, what).append(key)
    elif what in ("imports", "unsent"):
        setattr(told, what, getattr(told, what) + 1)
    else:
        by_work: dict[str, int] = getattr(told, what)
        by_work[key] = by_work.get(key, 0) + 1


def _within(field: str, first: date, on: date) -> dict[str, datetime]:
    return {f"{field}__gte": midnight(first), f"{field}__lt": midnight(on)}


def _runs_and_plans(first: date, on: date) -> list[Happened]:
    """Those that failed; what a person stopped did not."""
    found: list[Happened] = []
    for what, model in (("runs", RetierRun), ("plans", BookPlan)):
        rows = model._default_manager.filter(
            status=RunStatus.FAILED, cancel_asked_at__isnull=True, **_within("finished_at", first, on)
        )
        found += [(what, pk, moment) for pk, moment in rows.order_by("pk").values_list("pk", "finished_at")]
    return found


def _imports(first: date, on: date) -> list[Happened]:
    """Refused, or dropped since nobody confirmed them. One that a person discards or stops says nothing any more."""
    came_to_nothing = Q(status=Import.FAILED) | Q(status=Import.DISCARDED) & ~Q(message="")
    rows = ImportBatch.objects.filter(
        came_to_nothing, cancel_asked_at__isnull=True, **_within("finished_at", first, on)
    )
    return [("imports", pk, moment) for pk, moment in rows.order_by("pk").values_list("pk", "finished_at")]


def _slots(first: date, on: date) -> list[Happened]:
    rows = Slot.objects.filter(
        status__in=(Slot.Status.FAILED, Slot.Status.MISSED), **_within("finished_at", first, on)
    )
    return [
        ("failed_work" if status == Slot.Status.FAILED else "missed_work", work, moment)
        for work, status, moment in rows.order_by("pk").values_list("work", "status", "finished_at")
    ]


def _notices(first: date, on: date) -> list[Happened]:
    rows = Notice.objects.given_up().filter(**_within("tried_at", first, on))
    return [("unsent", pk, moment) for pk, moment in rows.order_by("pk").values_list("pk", "tried_at")]


def _standing(on: date) -> Standing:
    counts = dict.fromkeys((Import.ASKING, Import.STAGED), 0)
    for (status,) in ImportBatch.objects.filter(status__in=counts).order_by("pk").values_list("status"):
        counts[Import(status)] += 1
    model = TieringModel.objects.filter(status=TieringModel.Status.PUBLISHED).defer("definition").first()
    last = last_full_run() if model is not None else None
    some_have_tiers = Customer.objects.active().filter(tier__isnull=False).exists()
    is_unused = model is not None and some_have_tiers and not is_looked_at_by(model)
    is_due = last is not None and last.due_on <= on and not is_unused
    return Standing(
        asking=counts[Import.ASKING],
        staged=counts[Import.STAGED],
        full_run_due=last.due_on if last is not None and is_due else None,
        last_full_run=last.as_of if last is not None else None,
        unused=model.number if model is not None and is_unused else None,
        currencies=tuple(
            currencies_without_rate(used=currencies_in(customer_figures(), potential=True), today=on)
        ),
    )
