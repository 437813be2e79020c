"""The zip archive that a workbook is: everything in it unzipped once, counted, and looked through for unusable cells.

Part of the child process of `workbook_child`: no Django here, and nothing that is slow to start.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator

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

Unusable = dict[tuple[int, int], str]  # (row, column), both from 0 -> why the cell cannot be used


class Refused(Exception):
    """The workbook is refused with a sentence."""


class Archive:
    """A workbook's members, `chunk` bytes at a time; `unusable` fills, by member name, while they are unzipped."""

    def __init__(self, data: bytes, limits: dict[str, int], *, chunk: int = CHUNK) -> None:
        self.unusable: dict[str, Unusable] = {}
        self._zipped, self._limits, self._total, self._chunk = len(data), limits, 0, chunk
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
            names = self._archive.namelist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            raise Refused(NOT_A_WORKBOOK) from None
        if "[Content_Types].xml" not in names or not any(name.startswith("xl/workbook") for name in names):
            raise Refused(NOT_A_WORKBOOK)
        if len(names) > 2_000:
            raise Refused(f"The workbook is made of {len(names):,} parts; that is not a normal workbook.")

    def sheets(self) -> dict[str, int]:
        """Names of the members that are sheets, and how long they claim to be."""
        return {info.filename: info.file_size for info in self._archive.infolist() if _is_sheet(info)}

    def check(self) -> None:
        """Unzip everything. Raises Refused."""
        for _ in self.unzipped():
            pass

    def unzipped(self) -> Iterator[tuple[str, bytes]]:
        """(member, the next part of its content) of all members, sheets last; what the archive claims is not believed."""
        for info in sorted(self._archive.infolist(), key=_is_sheet):
            if info.flag_bits & 0x1:
                raise Refused(
                    "The workbook is protected by a password; save it without one and send it again."
                )
            try:
                yield from self._member(info)
            except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, ValueError, zlib.error):
                raise Refused("The workbook is damaged: one of its parts cannot be unzipped.") from None

    def _member(self, info: zipfile.ZipInfo) -> Iterator[tuple[str, bytes]]:
        tail = b""
        with self._archive.open(info) as member:
            while block := member.read(self._chunk):
                self._total += len(block)
                self._check_size()
                if _is_sheet(info):
                    tail = find_unusable(tail + block, self.unusable.setdefault(info.filename, {}))
                yield info.filename, block

    def _check_size(self) -> None:
        total, limits = self._total, self._limits
        if total > limits["unzipped_bytes"]:
            raise Refused(
                f"The workbook is too large: unzipped it is more than {limits['unzipped_bytes'] // 2**20} MB. "
                "Send it in parts, or as CSV."
            )
        if total > 10 * CHUNK and total > self._zipped * limits["unzipped_ratio"]:
            raise Refused(
                f"The workbook unpacks to more than {limits['unzipped_ratio']} times its size; that is too large for a "
                "normal list. Save the list alone in a new workbook, or as CSV."
            )


def _is_sheet(info: zipfile.ZipInfo) -> bool:
    return info.filename.startswith("xl/worksheets/") and info.filename.endswith(".xml")


def find_unusable(text: bytes, found: Unusable) -> bytes:
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
