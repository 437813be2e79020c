"""A column of a file as plain values: one for each distinct cell, spread over the rows only where they are needed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any


@dataclass(frozen=True, slots=True)
class Column:
    """`by_cell` gives the value of each distinct cell, in the form of `rows.plain`; `cells` are those of the rows."""

    cells: Sequence[Any]
    by_cell: Mapping[Any, Any]

    @classmethod
    def of(cls, values: Sequence[Any]) -> "Column":
        """A column whose cells are its values."""
        return cls(values, {value: value for value in dict.fromkeys(values)})

    def __len__(self) -> int:
        return len(self.cells)

    def values(self) -> list[Any]:
        """The value of every row."""
        return list(map(self.by_cell.__getitem__, self.cells))

    def at(self, row: int) -> Any:
        """The value of one row."""
        return self.by_cell[self.cells[row]]

    def part(self, within: slice) -> "Column":
        """The same of some rows."""
        return Column(self.cells[within], self.by_cell)

    def chosen(self, chosen: Iterable[bool]) -> "Column":
        """The same of the rows that are chosen."""
        return Column(list(compress(self.cells, chosen)), self.by_cell)
