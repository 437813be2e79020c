"""A file as read: headers, rows of cells, and the line each row started on."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from operator import itemgetter


@dataclass(frozen=True)
class BrokenCell:
    """A spreadsheet cell without a usable value (an error, or a formula nobody calculated)."""

    shown: str
    sentence: str

    def __str__(self) -> str:
        return self.shown


# Text files give text only. Workbooks also give numbers and dates as such: nothing to guess there.
Cell = str | int | Decimal | date | BrokenCell


@dataclass
class Table:
    """`lines[i]` is where row i starts, counted from the header = 1; blank rows are left out."""

    headers: list[str]
    rows: list[Sequence[Cell]] = field(default_factory=list)
    lines: "array[int]" = field(default_factory=lambda: array("q"))
    blank_rows: int = 0
    kind: str = "csv"
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    remarks: list[str] = field(default_factory=list)

    def column(self, index: int) -> list[Cell]:
        """The cells of one column; rows that are too short give a blank."""
        try:
            return list(map(itemgetter(index), self.rows))
        except IndexError:  # a ragged row
            return [row[index] if index < len(row) else "" for row in self.rows]


def is_blank(cell: Cell) -> bool:
    """Whether a cell holds nothing at all; 0 is something."""
    return isinstance(cell, str) and not cell.strip()
