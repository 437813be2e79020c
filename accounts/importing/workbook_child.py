"""Runs as `python -m accounts.importing.workbook_child LIMITS`: a workbook on stdin, JSON lines on stdout.

A crafted workbook of 1.4 KB can ask its reader for gigabytes, so the parser works here, in a process of
its own that the kernel stops at a memory and a time limit. First line: {"sheet", "others", "start"}; then
some thousand rows a line, as a JSON list of columns; a number is a JSON number, a date ["d", ISO], an unusable cell
["e", shown, why].
A refusal is one line {"refused": sentence}. No Django here: starting up must be quick and lean.
"""

import io
import json
import re
import resource
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetVisibleEnum

NOT_A_WORKBOOK = (
    "The file is not an .xlsx workbook, whatever its name says; save it as .xlsx or CSV and send it again."
)
FORMULA = "the cell holds a formula whose result is not stored in the file; open the workbook, calculate it and save it"
ERROR = "the cell shows a spreadsheet error such as #N/A or #DIV/0!; correct it and save the workbook"
CHUNK = 1024 * 1024
# A formula with no stored value reads as an empty cell, which would clear what is known: it must be seen.
# The parser also gives error values as empty cells, with the same consequence.
UNUSABLE = re.compile(
    rb'<c\b([^>]*)>\s*<f[^>]*(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>|<c\b([^>]*\bt="e"[^>]*)>'
)
REFERENCE = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')


BLOCK_ROWS = 2_000
PLAIN = {str, float}
HIDDEN = "_xFFF"  # the beginning of the two escapes that the parser leaves as they are

Unusable = dict[tuple[int, int], str]  # (row, column), both from 0 -> why the cell cannot be used


class Refused(Exception):
    """The workbook is refused with a sentence."""


def main() -> int:
    """Read, write JSON lines, return the exit code."""
    limits: dict[str, int] = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (limits["reader_memory_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (limits["reader_seconds"],) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = sys.stdin.buffer.read()
    out = sys.stdout
    try:
        unusable = check_archive(data, limits)
        for record in read_sheet(data, limits, unusable):
            out.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")))
            out.write("\n")
    except Refused as refusal:
        out.write(json.dumps({"refused": str(refusal)}) + "\n")
    return 0


def check_archive(data: bytes, limits: dict[str, int]) -> dict[str, Unusable]:
    """Unzip everything once, counting; gives the cells without a usable value by member name."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise Refused(NOT_A_WORKBOOK) from None
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/workbook") for name in names):
        raise Refused(NOT_A_WORKBOOK)
    if len(names) > 2_000:
        raise Refused(f"The workbook is made of {len(names):,} parts; that is not a normal workbook.")
    unusable: dict[str, Unusable] = {}
    total = 0
    for info in archive.infolist():
        total = _count_member(archive, info, total, len(data), limits, unusable)
    return unusable


def _count_member(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    total: int,
    zipped: int,
    limits: dict[str, int],
    unusable: dict[str, Unusable],
) -> int:
    """The running total of unzipped bytes after this member; what the archive claims is not believed."""
    if info.flag_bits & 0x1:
        raise Refused("The workbook is protected by a password; save it without one and send it again.")
    is_sheet = info.filename.startswith("xl/worksheets/") and info.filename.endswith(".xml")
    tail = b""
    try:
        with archive.open(info) as member:
            while block := member.read(CHUNK):
                total += len(block)
                _check_size(total, zipped, limits)
                if is_sheet:
                    tail = _find_unusable(tail + block, unusable.setdefault(info.filename, {}))
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, ValueError, zlib.error):
        raise Refused("The workbook is damaged: one of its parts cannot be unzipped.") from None
    return total


def _check_size(total: int, zipped: int, limits: dict[str, int]) -> None:
    if total > limits["unzipped_bytes"]:
        raise Refused(
            f"The workbook is too large: unzipped it is more than {limits['unzipped_bytes'] // 2**20} MB. "
            "Send it in parts, or as CSV."
        )
    if total > 10 * CHUNK and total > zipped * limits["unzipped_ratio"]:
        raise Refused(
            f"The workbook unpacks to more than {limits['unzipped_ratio']} times its size; that is too large for a "
            "normal list. Save the list alone in a new workbook, or as CSV."
        )


def _find_unusable(text: bytes, found: Unusable) -> bytes:
    """Note formula cells without a value and error cells; gives the end of the text, where a cell may be cut in two."""
    suspicious = b"<f" in text or b't="e"' in text  # most sheets have neither, and the pattern is slow
    for match in UNUSABLE.finditer(text) if suspicious else ():
        reference = REFERENCE.search(match[1] or match[2])
        if reference:
            found[int(reference[2]) - 1, _column_index(reference[1])] = FORMULA if match[1] else ERROR
    cut = text.rfind(b"<c ")
    return text[cut:][-4096:] if cut >= 0 else b""


def _column_index(letters: bytes) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + letter - 64
    return index - 1


def read_sheet(data: bytes, limits: dict[str, int], unusable: dict[str, Unusable]) -> Iterator[Any]:
    """The records described at the top, for the first visible sheet that holds anything."""
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
    _check_extent(sheet, limits)
    top, left = sheet.start
    formulas = _formulas_of(workbook, sheet.name, unusable)
    yield {"sheet": sheet.name, "others": others}
    rows = sheet.iter_rows()
    while block := list(islice(rows, BLOCK_ROWS)):
        columns = [_column(values, limits) for values in zip(*block, strict=True)]
        for offset in formulas.keys() & range(top, top + len(block)) if formulas else ():
            for column, why in formulas[offset]:
                if left <= column < left + len(columns):
                    shown = "formula" if why == FORMULA else "error"
                    columns[column - left][offset - top] = ["e", shown, why]
        top += len(block)
        yield columns


def _column(values: Sequence[object], limits: dict[str, int]) -> list[Any]:
    """Some cells of a column as JSON can carry them without loss; plain ones, which are nearly all, together."""
    kinds = set(map(type, values))
    texts = [value for value in values if isinstance(value, str)]
    short = max(map(len, texts), default=0) <= limits["cell_characters"]
    if kinds <= PLAIN and short and HIDDEN not in "".join(texts):
        return list(values)
    return [_plain(value, limits) for value in values]


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


def _check_extent(sheet: CalamineSheet, limits: dict[str, int]) -> None:
    if sheet.width > limits["columns"]:
        raise Refused(f"The sheet has {sheet.width:,} columns; at most {limits['columns']} are accepted.")
    if sheet.height - 1 > limits["rows"]:
        raise Refused(f"The sheet has more than {limits['rows']:,} rows; send it in parts.")
    if sheet.width * sheet.height > limits["cells"]:
        raise Refused(f"The sheet has more than {limits['cells']:,} cells; send it in parts.")


def _formulas_of(
    workbook: CalamineWorkbook, name: str, unusable: dict[str, Unusable]
) -> dict[int, list[tuple[int, str]]]:
    """Unusable cells of the chosen sheet by row. Members are numbered in workbook order by every writer we know."""
    position = workbook.sheet_names.index(name) + 1
    by_row: dict[int, list[tuple[int, str]]] = {}
    for (row, column), why in unusable.get(f"xl/worksheets/sheet{position}.xml", {}).items():
        by_row.setdefault(row, []).append((column, why))
    return by_row


def _plain(value: object, limits: dict[str, int]) -> Any:
    """A cell as JSON can carry it without loss."""
    if isinstance(value, str):
        if len(value) > limits["cell_characters"]:
            raise Refused(f"A cell has more than {limits['cell_characters']:,} characters.")
        # The parser decodes every escaped character (_x0007_) but these two.
        return value.replace("_xFFFE_", "\ufffe").replace("_xFFFF_", "\uffff")
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    return _moment(value)


def _moment(value: object) -> Any:
    if isinstance(value, datetime):
        return ["d", value.date().isoformat()] if value.time() == time(0) else value.isoformat(" ")
    if isinstance(value, date):
        return ["d", value.isoformat()]
    if isinstance(value, time | timedelta):
        return str(value)
    return value


if __name__ == "__main__":
    sys.exit(main())
