"""A file as read: headers, rows of cells, and the line each row started on."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


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
    _columns: list[tuple[Cell, ...]] | None = field(default=None, init=False, repr=False, compare=False)

    def column(self, index: int) -> Sequence[Cell]:
        """The cells of one column; rows that are too short give a blank."""
        if self._columns is None:
            self._columns = self._turned()
        return self._columns[index]

    def cut(self, width: int) -> None:
        """Leave out the columns from `width` on; only rows as wide as the header lose theirs."""
        full = len(self.headers)
        self.headers = self.headers[:width]
        self.rows = [row[:width] if len(row) == full else row for row in self.rows]
        self._columns = None

    def _turned(self) -> list[tuple[Cell, ...]]:
        width = len(self.headers)
        if self.rows and set(map(len, self.rows)) == {width}:
            return list(zip(*self.rows, strict=True))
        return [tuple(row[index] if index < len(row) else "" for row in self.rows) for index in range(width)]


def is_blank(cell: Cell) -> bool:
    """Whether a cell holds nothing at all; 0 is something."""
    return isinstance(cell, str) and not cell.strip()
