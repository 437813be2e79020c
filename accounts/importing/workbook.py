"""Workbooks: read by a child process that may be stopped, and taken over from it block by block."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from accounts.importing.errors import FileRefused
from accounts.importing.limits import Limits
from accounts.importing.tables import BrokenCell, Cell, Coded, Filler, Table, is_blank
from accounts.importing.workbook_blocks import SIGNS

WHOLE_BELOW = 1e15  # a spreadsheet keeps 15 digits
ROOT = Path(__file__).resolve().parents[2]
STOPPED = (
    "The workbook is too large or not a normal workbook: reading it was stopped at "
    "{seconds} seconds or {memory} MB. Save the list alone in a new workbook, or as CSV."
)


def read_workbook(*, data: bytes, limits: Limits) -> Table:
    """The table in an .xlsx file. Raises FileRefused; a parser that runs away is stopped."""
    with tempfile.TemporaryFile() as source:
        source.write(data)
        source.seek(0)
        child = _started(source.fileno(), limits)
        overtime = threading.Timer(limits.reader_seconds, _end, [child])
        overtime.start()
        try:
            return _answered(child, limits)
        finally:
            overtime.cancel()
            _end(child)


def _started(source: int, limits: Limits) -> subprocess.Popen[bytes]:
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "2"}
    return subprocess.Popen(
        [sys.executable, "-m", "accounts.importing.workbook_child", json.dumps(asdict(limits))],
        stdin=source,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=ROOT,
        start_new_session=True,
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child if it still runs; it leads a process group of its own."""
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _answered(child: subprocess.Popen[bytes], limits: Limits) -> Table:
    """What the child says, read while it says it. Whatever a child says that did not end well does not count."""
    assert child.stdout is not None  # noqa: S101
    refused: FileRefused | None = None
    table: Table | None = None
    with child.stdout as answer:
        try:
            table = table_of(answer)
        except FileRefused as refusal:
            refused = refusal
        except ValueError:
            pass  # half a line: it was stopped
        for _ in answer:  # so that it can end
            pass
    if child.wait() != 0 or (table is None and refused is None):
        raise FileRefused(
            STOPPED.format(seconds=limits.reader_seconds, memory=limits.reader_memory_bytes // 2**20)
        )
    if table is None:
        raise refused or FileRefused(STOPPED)
    return table


def table_of(answer: Iterable[bytes]) -> Table:
    """The child's lines as a table; line numbers are those of the sheet, the header being 1."""
    taking = _Taking({"sheet": "", "others": []})
    first = True
    numbers = _Numbers().__getitem__
    for line in answer:
        record = json.loads(line, parse_float=numbers)
        if isinstance(record, list):
            taking.add([_cells(column) for column in record])
        elif "refused" in record:
            raise FileRefused(record["refused"])
        else:  # the first line, or one that takes back what came before
            taking, first = _Taking(record), False
    if first:
        raise FileRefused("The workbook is empty.")
    return taking.table


class _Taking:
    """A table that is made of a sheet's blocks."""

    def __init__(self, begun: dict[str, Any]) -> None:
        self.table = Table(headers=[], kind="xlsx", sheet=begun["sheet"])
        if begun["others"]:
            names = ", ".join(f"“{name}”" for name in begun["others"])
            self.table.remarks.append(f"Only the sheet “{begun['sheet']}” was read; left out: {names}.")
        self._filler: Filler | None = None
        self._line = 1  # of the next row

    def add(self, columns: Sequence[list[Cell] | Coded]) -> None:
        """The next rows of the sheet."""
        filler = self._filler
        if filler is None:
            self._begin([list(column) for column in columns])
        elif _some_blank(columns[0]):
            self._add_rows(filler, zip(*columns, strict=True))
        else:
            filler.add_columns(columns, self._lines(len(columns[0])))

    def _begin(self, columns: list[list[Cell]]) -> None:
        """The first row that is not blank is the header."""
        for at, row in enumerate(zip(*columns, strict=True), start=1):
            if not all(map(is_blank, row)):
                self.table.headers = [str(cell).strip() for cell in row]
                self._filler, self._line = Filler(self.table), 2
                if at < len(columns[0]):
                    self.add([column[at:] for column in columns])
                return

    def _add_rows(self, filler: Filler, rows: Iterable[Sequence[Cell]]) -> None:
        """Rows among which there may be blank ones."""
        for row in rows:
            lines = self._lines(1)
            if all(map(is_blank, row)):
                self.table.blank_rows += 1
            else:
                filler.add([row], lines)

    def _lines(self, rows: int) -> range:
        """The lines of the next rows."""
        self._line += rows
        return range(self._line - rows, self._line)


def _some_blank(cells: list[Cell] | Coded) -> bool:
    return any(map(is_blank, cells.cells.values() if isinstance(cells, Coded) else cells))


class _Numbers(dict[str, int | Decimal]):
    """Numbers by their text: whole ones as such, the others exactly as they are written."""

    def __missing__(self, text: str) -> int | Decimal:
        number = float(text)
        whole = number.is_integer() and abs(number) < WHOLE_BELOW
        made = self[text] = int(number) if whole else Decimal(text)
        return made


def _cells(column: Any) -> list[Cell] | Coded:
    if isinstance(column, dict):
        return Coded(dict(zip(SIGNS, column["of"], strict=False)), column["at"])
    return column if set(map(type, column)) <= {str, int, Decimal} else list(map(_cell, column))


def _cell(value: Any) -> Cell:
    if isinstance(value, list):
        if value[0] == "d":
            return date.fromisoformat(value[1])
        return BrokenCell(shown=value[1], sentence=value[2])
    cell: Cell = "" if value is None else value
    return cell
