"""Workbooks: started in a child process that may be stopped, read back row by row."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from accounts.importing.errors import FileRefused
from accounts.importing.limits import Limits
from accounts.importing.tables import BrokenCell, Cell, Table

ROOT = Path(__file__).resolve().parents[2]
STOPPED = (
    "The workbook is too large or not a normal workbook: reading it was stopped at "
    "{seconds} seconds or {memory} MB. Save the list alone in a new workbook, or as CSV."
)


def read_workbook(*, data: bytes, limits: Limits) -> Table:
    """The table in an .xlsx file. Raises FileRefused; a parser that runs away is stopped."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as answer:
        source.write(data)
        source.seek(0)
        code = _run_child(source.fileno(), answer.fileno(), limits)
        if code != 0:
            raise FileRefused(
                STOPPED.format(seconds=limits.reader_seconds, memory=limits.reader_memory_bytes // 2**20)
            )
        answer.seek(0)
        return _table(answer)


def _run_child(source: int, answer: int, limits: Limits) -> int:
    """The child's exit code; not 0 when it was stopped."""
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    child = subprocess.Popen(
        [sys.executable, "-m", "accounts.importing.workbook_child", json.dumps(asdict(limits))],
        stdin=source,
        stdout=answer,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        return child.wait(timeout=limits.reader_seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return -signal.SIGKILL


def _table(answer: Any) -> Table:
    """The child's lines as a table; line numbers are those of the sheet, the header being 1."""
    first = json.loads(next(iter(answer), b'{"refused": "The workbook is empty."}'))
    if "refused" in first:
        raise FileRefused(first["refused"])
    table = Table(headers=[], kind="xlsx", sheet=first["sheet"])
    if first["others"]:
        names = ", ".join(f"“{name}”" for name in first["others"])
        table.remarks.append(f"Only the sheet “{first['sheet']}” was read; left out: {names}.")
    seen: dict[str, str] = {}
    header_at = 0
    for at, line in enumerate(answer):
        record = json.loads(line, parse_float=Decimal)
        if isinstance(record, dict):
            raise FileRefused(record["refused"])
        row = [_cell(value, seen) for value in record]
        if all(isinstance(cell, str) and not cell.strip() for cell in row):
            table.blank_rows += 1 if table.headers else 0
        elif not table.headers:
            header_at = at
            table.headers = [str(cell).strip() for cell in row]
        else:
            table.rows.append(row)
            table.lines.append(at - header_at + 1)
    return table


def _cell(value: Any, seen: dict[str, str]) -> Cell:
    if isinstance(value, str):
        return seen.setdefault(value, value)
    if isinstance(value, list):
        if value[0] == "d":
            return date.fromisoformat(value[1])
        return BrokenCell(shown=value[1], sentence=value[2])
    if value is None:
        return ""
    number: int | Decimal = value
    return number
