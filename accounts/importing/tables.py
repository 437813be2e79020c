"""A file as read: headers, columns of cells, and the line each row started on."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
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


@dataclass(frozen=True, slots=True)
class Coded:
    """Some cells of a column in which few different ones stand: `cells` by sign, and a sign for each row."""

    cells: dict[str, Cell]
    signs: str

    def __len__(self) -> int:
        return len(self.signs)

    def __iter__(self) -> Iterator[Cell]:
        return map(self.cells.__getitem__, self.signs)


@dataclass
class Table:
    """`lines[i]` is where row i starts, counted from the header = 1; blank rows are left out.

    Cells lie by column: a list of cells for each of 200 000 rows would cost more to keep than to read.
    """

    headers: list[str]
    columns: list[list[Cell]] = field(default_factory=list)
    # Rows that are not as wide as the header, as they stand; in the columns they are filled up with blanks, or cut.
    distinct: list[dict[Cell, Cell]] = field(default_factory=list)  # of each column, in the order of the file
    ragged: dict[int, Sequence[Cell]] = field(default_factory=dict)
    lines: "array[int]" = field(default_factory=lambda: array("q"))
    blank_rows: int = 0
    kind: str = "csv"
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    remarks: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, index: int) -> list[Cell]:
        """The cells of one column; rows that are too short give a blank."""
        return self.columns[index]

    def row(self, at: int) -> Sequence[Cell]:
        """The cells of one row, as many as it has."""
        return self.ragged[at] if at in self.ragged else [column[at] for column in self.columns]

    def cut(self, width: int) -> None:
        """Leave out the columns from `width` on; a row that was not as wide as the header may fit it now."""
        self.headers, self.columns = self.headers[:width], self.columns[:width]
        self.distinct = self.distinct[:width]
        self.ragged = {at: row for at, row in self.ragged.items() if len(row) != width}


class Filler:
    """Puts rows into a table whose headers are known; equal cells of a column share one object."""

    def __init__(self, table: Table) -> None:
        self._table, self._width = table, len(table.headers)
        table.columns, table.distinct = [[] for _ in table.headers], [{} for _ in table.headers]

    def add(self, rows: Sequence[Sequence[Cell]], lines: Iterable[int]) -> None:
        """The next rows of the file; lines counted from the header = 1."""
        if not rows:
            return
        if set(map(len, rows)) != {self._width}:
            rows = self._evened(rows)
        self.add_columns(zip(*rows, strict=True), lines)

    def add_columns(self, columns: Iterable[Sequence[Cell] | Coded], lines: Iterable[int]) -> None:
        """The next rows, by column; all as wide as the header."""
        table = self._table
        for column, seen, cells in zip(table.columns, table.distinct, columns, strict=True):
            if isinstance(cells, Coded):
                shared = {sign: seen.setdefault(cell, cell) for sign, cell in cells.cells.items()}
                column.extend(map(shared.__getitem__, cells.signs))
            else:
                column.extend(map(seen.setdefault, cells, cells))
        self._table.lines.extend(lines)

    def _evened(self, rows: Sequence[Sequence[Cell]]) -> list[Sequence[Cell]]:
        first, width = len(self._table), self._width
        blanks = [""] * width
        self._table.ragged.update({first + at: row for at, row in enumerate(rows) if len(row) != width})
        return [row if len(row) == width else [*row, *blanks][:width] for row in rows]


def is_blank(cell: Cell) -> bool:
    """Whether a cell holds nothing at all; 0 is something."""
    return isinstance(cell, str) and not cell.strip()
