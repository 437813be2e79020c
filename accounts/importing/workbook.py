"""Workbooks: read by a child process that may be stopped, and taken over from it block by block."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from accounts.importing.errors import FileRefused
from accounts.importing.limits import Limits
from accounts.importing.tables import BrokenCell, Cell, Filler, Table, is_blank

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
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
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
            table = _table(answer)
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


def _table(answer: IO[bytes]) -> Table:
    """The child's lines as a table; line numbers are those of the sheet, the header being 1."""
    first = json.loads(next(iter(answer), b'{"refused": "The workbook is empty."}'))
    if "refused" in first:
        raise FileRefused(first["refused"])
    table = Table(headers=[], kind="xlsx", sheet=first["sheet"])
    if first["others"]:
        names = ", ".join(f"“{name}”" for name in first["others"])
        table.remarks.append(f"Only the sheet “{first['sheet']}” was read; left out: {names}.")
    numbers = _Numbers().__getitem__
    filler: Filler | None = None
    line = 1
    for block in answer:
        record = json.loads(block, parse_float=numbers)
        if isinstance(record, dict):
            raise FileRefused(record["refused"])
        columns = [_cells(column) for column in record]
        rows = len(columns[0])
        if filler is None or any(map(is_blank, columns[0])):
            line, filler = _add_rows(table, filler, list(zip(*columns, strict=True)), line)
        else:
            filler.add_columns(columns, range(line, line + rows))
            line += rows
    return table


def _add_rows(
    table: Table, filler: Filler | None, rows: Sequence[Sequence[Cell]], line: int
) -> tuple[int, Filler | None]:
    """Rows among which are blank ones or the header. Gives the line of the next row and what takes it."""
    for row in rows:
        blank = all(map(is_blank, row))
        if filler is not None:
            if blank:
                table.blank_rows += 1
            else:
                filler.add([row], [line])
        elif not blank:
            table.headers = [str(cell).strip() for cell in row]
            filler = Filler(table)
        line += filler is not None
    return line, filler


class _Numbers(dict[str, int | Decimal]):
    """Numbers by their text: whole ones as such, the others exactly as they are written."""

    def __missing__(self, text: str) -> int | Decimal:
        number = float(text)
        whole = number.is_integer() and abs(number) < WHOLE_BELOW
        made = self[text] = int(number) if whole else Decimal(text)
        return made


def _cells(column: list[Any]) -> list[Cell]:
    return column if set(map(type, column)) <= {str, int, Decimal} else list(map(_cell, column))


def _cell(value: Any) -> Cell:
    if isinstance(value, list):
        if value[0] == "d":
            return date.fromisoformat(value[1])
        return BrokenCell(shown=value[1], sentence=value[2])
    cell: Cell = "" if value is None else value
    return cell
