"""Figures of everybody as sums over sheets. What a sheet comes to is remembered in the process until its customers change, so that a
look works out only the sheets that changed since the last one; what of it depends on the day, on rates or on touch plans is part
of the question.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol, TypeVar, cast

import numpy as np

from allocation.snapshots.figures import UNKNOWN, Column, CustomerFigures, Everybody
from allocation.snapshots.figures_worked import currency_words, distinct

Part = TypeVar("Part")
Whole = TypeVar("Whole", covariant=True)


class Question(Hashable, Protocol[Part, Whole]):
    """Equal questions have equal answers of the same customers: whatever else an answer depends on is a field of the question."""

    def of(self, figures: CustomerFigures) -> Part:
        """Of one sheet."""

    def together(self, parts: Sequence[Part]) -> Whole:
        """Of all of them. Nobody writes to it afterwards."""


# Serials of the sheets, the answer of each, and what they came to.
_Remembered = tuple[tuple[int, ...], dict[int, Any], Any]
_AT_MOST = 4  # questions of one kind: the last asked, such as those of some managers
_MEMORY: dict[type, OrderedDict[Hashable, _Remembered]] = {}
_LOCK = Lock()


def answered(everybody: Everybody, question: Question[Part, Whole]) -> Whole:
    """Worked out of the sheets that are other ones than at the last look."""
    serials = tuple(sheet.serial for sheet in everybody.sheets)
    if 0 in serials:  # not to be seen again
        return question.together([question.of(sheet) for sheet in everybody.sheets])
    before, known, found = _remembered(question)
    if before == serials:
        return cast(Whole, found)
    parts = {
        sheet.serial: known[sheet.serial] if sheet.serial in known else question.of(sheet)
        for sheet in everybody.sheets
    }
    whole = question.together(list(parts.values()))
    _remember(question, (serials, parts, whole))
    return whole


def _remembered(question: Hashable) -> _Remembered:
    with _LOCK:
        of_kind = _MEMORY.setdefault(type(question), OrderedDict())
        if question not in of_kind:
            return (0,), {}, None
        of_kind.move_to_end(question)
        return of_kind[question]


def _remember(question: Hashable, found: _Remembered) -> None:
    with _LOCK:
        of_kind = _MEMORY[type(question)]
        of_kind[question] = found
        of_kind.move_to_end(question)
        if len(of_kind) > _AT_MOST:
            of_kind.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose figures: of customers in these books (None: in any or none), of one vertical, region, tier, CSM (None: whichever)."""

    books: frozenset[int] | None = None
    vertical: int | None = None
    region: int | None = None
    tier: int | None = None
    csm: int | None = None

    def of(self, figures: CustomerFigures) -> CustomerFigures:
        there = np.ones(len(figures), dtype=np.bool_)
        if self.books is not None:
            there &= np.isin(figures.csm, sorted(self.books))
        for name in ("vertical", "region", "tier", "csm"):
            if (wanted := getattr(self, name)) is not None:
                there &= getattr(figures, name) == wanted
        return figures.among(there)


EVERYBODY = Scope()


@dataclass(frozen=True, slots=True)
class _Currencies:
    scope: Scope
    potential: bool

    def of(self, figures: CustomerFigures) -> frozenset[int]:
        found = self.scope.of(figures)
        known = found.arr != UNKNOWN
        if self.potential:
            known |= found.potential != UNKNOWN
        return frozenset(distinct(found.currency[known]))

    def together(self, parts: Sequence[frozenset[int]]) -> frozenset[str]:
        codes = sorted(frozenset[int]().union(*parts))
        return frozenset(currency_words(np.array(codes, dtype=np.int64)).values())


def currencies_in(everybody: Everybody, *, scope: Scope = EVERYBODY, potential: bool = False) -> set[str]:
    """In which there is a known ARR; potential: or a known potential."""
    return set(answered(everybody, _Currencies(scope, potential)))


@dataclass(frozen=True, slots=True)
class Cells:
    """Sums of one sheet by place, of the places that have anybody: a row that counts, then two rows an amount, its halves."""

    places: Column
    rows: Column


_HALF = 26  # bits of the lower half: halves of a million amounts add up without rounding, in doubles too
_LOW = (1 << _HALF) - 1


def cells(places: Column, *amounts: Column) -> Cells:
    """How many, and how much of each of the amounts, by place; truths are counted."""
    counts = np.bincount(places)
    there = np.flatnonzero(counts)
    rows = [counts[there]]
    for amount in amounts:
        if amount.dtype == np.bool_:
            rows += [
                np.zeros(len(there), dtype=np.int64),
                np.bincount(places[amount], minlength=len(counts))[there],
            ]
            continue
        halves = (amount >> _HALF, amount & _LOW)
        rows += [np.bincount(places, weights=half)[there].astype(np.int64) for half in halves]
    return Cells(there, np.array(rows, dtype=np.int64))


def added_up(parts: Sequence[Cells], *, amounts: int, size: int = 1) -> list[list[int]]:
    """Exact, by place, of `size` places or more: how many, then a list for each of the amounts."""
    size = max([size, *(int(part.places[-1]) + 1 for part in parts if len(part.places))])
    total = np.zeros((1 + 2 * amounts, size), dtype=np.int64)
    for part in parts:
        total[:, part.places] += part.rows
    counts, *halves = total.tolist()
    wholes = zip(halves[::2], halves[1::2], strict=True)
    return [counts, *([(high << _HALF) + low for high, low in zip(*both, strict=True)] for both in wholes)]


def first_of(*parts: Column, keys: int, at_most: int) -> Column:
    """The first of all columns of the parts, in order: by the first row, then by the next one. Each part has `keys` rows."""
    rows: Column = np.concatenate([np.zeros((keys, 0), dtype=np.int64), *parts], axis=1)
    if rows.shape[1] > at_most:
        rows = rows[:, rows[0] <= np.partition(rows[0], at_most - 1)[at_most - 1]]
    return rows[:, np.lexsort(rows[::-1])[:at_most]]
