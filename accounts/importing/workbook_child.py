"""Runs as `python -m accounts.importing.workbook_child LIMITS`: a workbook on stdin, JSON lines on stdout.

A crafted workbook of 1.4 KB can ask its reader for gigabytes, so the parser works here, in a process of
its own that the kernel stops at a memory and a time limit. First line: {"sheet", "others"}; then lines as in
`workbook_blocks`. Another {"sheet", "others"} takes back what came before. A refusal is one line {"refused": sentence}.
No Django here: starting up must be quick and lean.
"""

import io
import json
import resource
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetVisibleEnum

from accounts.importing.workbook_archive import NOT_A_WORKBOOK, Archive, Refused, Unusable
from accounts.importing.workbook_blocks import BLOCK_ROWS, block, check_extent
from accounts.importing.workbook_pieces import NotInPieces, read_in_pieces


def main() -> int:
    """Read, write JSON lines, return the exit code."""
    limits: dict[str, int] = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (limits["reader_memory_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (limits["reader_seconds"],) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = sys.stdin.buffer.read()
    try:
        for record in records(data, limits):
            _say(record)
    except Refused as refusal:
        _say({"refused": str(refusal)})
    return 0


def _say(record: Any) -> None:
    line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    sys.stdout.buffer.write(line.encode() + b"\n")


def records(data: bytes, limits: dict[str, int]) -> Iterator[Any]:
    """What is to be said of a workbook: in pieces where that is certain to be the same. Raises Refused."""
    try:
        yield from read_in_pieces(data, limits)
        return
    except NotInPieces:
        pass  # what it held is let go of first
    yield from read_whole(data, limits)


def read_whole(data: bytes, limits: dict[str, int]) -> Iterator[Any]:
    """The records of the first visible sheet that holds anything. Raises Refused."""
    archive = Archive(data, limits)
    archive.check()
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheet, others = _first_sheet(workbook)
    except PasswordError:
        raise Refused(
            "The workbook is protected by a password; save it without one and send it again."
        ) from None
    except (CalamineError, OSError, ValueError):
        raise Refused(NOT_A_WORKBOOK) from None
    if sheet is None or sheet.start is None:
        raise Refused("The workbook is empty: it has no header row and no rows.")
    check_extent(sheet.width, sheet.height, limits)
    members = list(archive.sheets())
    member = members[0] if len(members) == 1 else _member_of(workbook, sheet)
    unusable = _unusable_of(sheet, archive.unusable.get(member, {}))
    yield {"sheet": sheet.name, "others": others}
    top = 0  # rows come from the first of the sheet on, blank ones too; columns from the first that holds anything
    rows = sheet.iter_rows()
    while part := list(islice(rows, BLOCK_ROWS)):
        here = unusable.keys() & range(top, top + len(part)) if unusable else ()
        yield block(part, limits, {row - top: unusable[row] for row in here})
        top += len(part)


def _first_sheet(workbook: CalamineWorkbook) -> tuple[CalamineSheet | None, list[str]]:
    """(the first visible sheet with content, the other visible ones with content)."""
    chosen: CalamineSheet | None = None
    others: list[str] = []
    for meta in workbook.sheets_metadata:
        if meta.visible != SheetVisibleEnum.Visible:
            continue
        if chosen is None:
            sheet = workbook.get_sheet_by_name(meta.name)
            chosen = sheet if sheet.start is not None else None
        else:
            others.append(meta.name)
    return chosen, others


def _member_of(workbook: CalamineWorkbook, sheet: CalamineSheet) -> str:
    """Of several, members are numbered in workbook order by every writer we know."""
    return f"xl/worksheets/sheet{workbook.sheet_names.index(sheet.name) + 1}.xml"


def _unusable_of(sheet: CalamineSheet, unusable: Unusable) -> dict[int, dict[int, str]]:
    """Unusable cells of the chosen sheet by row and column, this one counted from the first that holds anything."""
    left = sheet.start[1] if sheet.start else 0
    by_row: dict[int, dict[int, str]] = {}
    for (row, column), why in unusable.items():
        if left <= column < left + sheet.width:
            by_row.setdefault(row, {})[column - left] = why
    return by_row


if __name__ == "__main__":
    sys.exit(main())
