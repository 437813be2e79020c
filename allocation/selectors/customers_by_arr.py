"""The list of customers by what they bring: a database would put amounts in several currencies in order one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.db.models import QuerySet

from accounts.models import Customer
from accounts.selectors.paging import COUNTED
from allocation.selectors.customer_totals import Narrowed
from allocation.snapshots.figures import UNKNOWN, Column, CustomerFigures
from allocation.snapshots.figures_summed import Scope, answered, first_of
from allocation.snapshots.figures_worked import Rates, base_cents

_LAST = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class _ByArr:
    scope: Scope
    rates: Rates
    base: str
    descending: bool

    def of(self, everybody: CustomerFigures) -> tuple[Column, Column]:
        """What puts each in order, and their ids."""
        figures = self.scope.of(everybody)
        cents, known = base_cents(
            cents=figures.arr, currency=figures.currency, rates=dict(self.rates), base=self.base
        )
        worth = np.where(known, cents, figures.arr)
        order = np.where(figures.arr == UNKNOWN, _LAST, -worth if self.descending else worth)
        return order, figures.ids.copy()  # no view of the sheet, which would live as long as the answer

    def together(self, parts: Sequence[tuple[Column, Column]]) -> list[int]:
        rows = first_of(*(np.array(part) for part in parts), keys=2, at_most=COUNTED)
        found: list[int] = rows[1].tolist()
        return found


class RowsByArr:
    """The first customers that pages show, in the order of ``by_base_amount`` to the cent: unknown amounts last either way, an amount
    without a rate as it is, ties by id. ``rows``: where those of one page are read. For a paginator: it has a length and gives slices.
    """

    def __init__(self, ids: Sequence[int], rows: QuerySet[Customer]) -> None:
        self._ids, self._rows = ids, rows

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, part: slice) -> list[Customer]:
        ids = self._ids[part]
        found = {row.pk: row for row in self._rows.order_by().filter(pk__in=ids)}
        return [found[pk] for pk in ids if pk in found]


def rows_by_arr(*, narrowed: Narrowed, descending: bool, rows: QuerySet[Customer]) -> RowsByArr:
    """Of the customers of a list that is narrowed by ids alone; `rows`: the same customers."""
    question = _ByArr(narrowed.scope, narrowed.rates, settings.BASE_CURRENCY, descending)
    return RowsByArr(answered(narrowed.everybody, question), rows)
