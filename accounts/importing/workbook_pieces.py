"""A long sheet parsed in pieces: each is a workbook of its own with some thousand of the rows, and two are parsed at once.

The parser gives no row before it has read the last one. In pieces the first rows are handed over, and worked on, while the
others are still unzipped; the parser holds no lock of Python's, so that two cores are used. Only sheets are cut of which it is
certain that the pieces say what the whole says. Everything else is told apart by NotInPieces and parsed whole.
"""

import io
import re
import zipfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from accounts.importing.workbook_archive import Archive, Unusable
from accounts.importing.workbook_blocks import BLOCK_ROWS, Marks, block, check_extent

PIECE_BYTES = 1024 * 1024  # what fits into the processor's cache
AT_ONCE = 2
ROWS_LOOKED_AT = 20
AHEAD = 4  # pieces unzipped before the first of them is handed over
# Every piece has the shared strings and the styles with it: they must be little beside its rows, and pieces lie in memory several
# times over. What every workbook has is nothing to speak of.
TIMES_NEEDED = 4
SMALL, LARGEST = 64 * 1024, 16 * 1024 * 1024
NEEDED = (
    "[content_types].xml",
    "_rels/",
    "xl/_rels/workbook",
    "xl/workbook",
    "xl/styles",
    "xl/sharedstrings",
)
BEGINNING, END = b"<sheetData>", b"</sheetData>"
PLAIN_HEAD = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml\b(?:(?!encoding)[^?>]|encoding=[\"'](?i:utf-8)[\"'])*\?>)?\s*"
    rb"<worksheet[\s>](?:[^<]|<(?![!?]))*\Z"
)
# Where a row begins that says itself which one it is, after one that has ended.
CUT = re.compile(rb'</row>\s*(?=<row r="[0-9])')


class NotInPieces(Exception):
    """This sheet is to be parsed whole; what was handed over does not count."""


def read_in_pieces(data: bytes, limits: dict[str, int], *, piece_bytes: int = PIECE_BYTES) -> Iterator[Any]:
    """The records of `workbook_child`, of a workbook with one long sheet. Raises NotInPieces, or Refused."""
    archive = Archive(data, limits, chunk=piece_bytes)
    sheets = archive.sheets()
    if len(sheets) != 1 or min(sheets.values()) < 2 * piece_bytes:
        raise NotInPieces
    (member,) = sheets
    needed, blocks = _opened(archive, member)
    size = max(piece_bytes, TIMES_NEEDED * (sum(map(len, needed.values())) - SMALL))
    if size > LARGEST or sheets[member] < 2 * size:
        raise NotInPieces
    sheet = _Sheet(limits, archive.unusable.setdefault(member, {}))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting: deque[Future[CalamineSheet]] = deque()
        for piece in _cut(blocks, size):
            waiting.append(pool.submit(_parsed, needed, member, piece))
            if len(waiting) > AHEAD:
                yield from sheet.records(waiting.popleft().result())
        while waiting:
            yield from sheet.records(waiting.popleft().result())
    if not sheet.begun:
        raise NotInPieces  # empty: said where sheets are read whole


def _opened(archive: Archive, member: str) -> tuple[dict[str, bytes], Iterator[bytes]]:
    """(what every piece needs from the file, by member; the sheet, some at a time)."""
    found: dict[str, list[bytes]] = {}
    unzipped = archive.unzipped()
    for name, content in unzipped:
        if name == member:  # the only sheet, and so the last
            needed = {name: b"".join(parts) for name, parts in found.items()}
            return needed, chain([content], (more for _, more in unzipped))
        if name.lower().startswith(NEEDED):
            found.setdefault(name, []).append(content)
    raise NotInPieces


def _cut(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """A sheet's text as the texts of sheets with some of its rows each."""
    text = bytearray(next(blocks, b""))
    begun = text.find(BEGINNING) + len(BEGINNING)
    head = bytes(text[:begun])
    if begun < len(BEGINNING) or not PLAIN_HEAD.match(head):
        raise NotInPieces
    del text[:begun]
    for more in blocks:
        text += more
        if len(text) >= size and END not in text:
            cut = _last_cut(text)
            with memoryview(text) as whole:
                piece = b"".join((head, whole[:cut], END, b"</worksheet>"))
            del text[:cut]
            yield _without_comments(piece, len(head))
    yield _without_comments(head + text, len(head))  # with the sheet's own end


def _without_comments(piece: bytes, head: int) -> bytes:
    """Raises NotInPieces for a piece that has any: what looks like a row may stand in one."""
    for sign in (b"!", b"?"):  # one sign is found much faster than two
        if piece.find(sign, head) >= 0 and piece.find(b"<" + sign, head) >= 0:
            raise NotInPieces
    return piece


def _last_cut(text: bytearray) -> int:
    """Where the last row begins that can be told from its beginning. Raises NotInPieces where there is none near the end."""
    at = len(text)
    for _ in range(ROWS_LOOKED_AT):
        at = text.rfind(b"</row>", 0, at)
        if found := CUT.match(text, max(at, 0)):
            return found.end()
    raise NotInPieces


def _parsed(needed: dict[str, bytes], member: str, piece: bytes) -> CalamineSheet:
    """The sheet of a workbook that has these rows and everything but rows from the file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, content in needed.items():
            archive.writestr(name, content)
        archive.writestr(member, piece)
    made.seek(0)
    try:
        workbook = CalamineWorkbook.from_filelike(made)
        (only,) = workbook.sheets_metadata
        if only.visible != SheetVisibleEnum.Visible or only.typ != SheetTypeEnum.WorkSheet:
            raise NotInPieces
        return workbook.get_sheet_by_name(only.name)
    except (CalamineError, OSError, ValueError):  # what is wrong with it is said where it is read whole
        raise NotInPieces from None


@dataclass
class _Sheet:
    """Puts pieces under one another. Rows and columns count from 0, in the whole sheet."""

    limits: dict[str, int]
    unusable: Unusable
    begun: bool = False
    top: int = 0
    left: int = 0
    width: int = 0
    next_row: int = 0

    def records(self, piece: CalamineSheet) -> Iterator[Any]:
        """What is to be said of this piece."""
        if piece.start is None:
            return
        row, column = piece.start
        if not self.begun:
            self.begun, self.top, self.left, self.width, self.next_row = True, row, column, piece.width, row
            yield {"sheet": piece.name, "others": []}
        before = column - self.left
        after = self.width - before - piece.width
        if row < self.next_row or before < 0 or after < 0:
            raise NotInPieces  # the header would not be as wide as the widest row
        check_extent(self.width, row + piece.height - self.top, self.limits)
        rows: list[Any] = [[""] * self.width for _ in range(row - self.next_row)]
        cells: list[Any] = piece.to_python()
        rows += [[""] * before + line + [""] * after for line in cells] if before or after else cells
        for start in range(0, len(rows), BLOCK_ROWS):
            part = rows[start : start + BLOCK_ROWS]
            end = self.next_row + len(part)
            yield block(part, self.limits, self._unusable_until(end))
            self.next_row = end

    def _unusable_until(self, end: int) -> Marks:
        """The unusable cells of the next rows, counted from the first of them."""
        marks: dict[int, dict[int, str]] = {}
        for row, column in [place for place in self.unusable if place[0] < end]:
            why = self.unusable.pop((row, column))
            if row >= self.next_row and 0 <= column - self.left < self.width:
                marks.setdefault(row - self.next_row, {})[column - self.left] = why
        return marks
