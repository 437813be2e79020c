"""Text files: which encoding, which delimiter, and the rows with the line each one starts on."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from threading import Lock

from accounts.importing.errors import FileRefused
from accounts.importing.escaping import unmark_formula
from accounts.importing.limits import Limits
from accounts.importing.tables import Filler, Table

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
SAMPLE_CHARACTERS = 256 * 1024
SAMPLE_ROWS = 200
BLOCK_ROWS = 500  # what fits into the processor's cache

# Longest marks first: the UTF-16 mark is the beginning of the UTF-32 one.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


# The csv module knows one limit on cells for the whole process: one file at a time has its own.
_LIMITED = Lock()


@contextmanager
def _cells_of_at_most(characters: int) -> Iterator[None]:
    """The csv module's limit on a cell, and as it was afterwards: other readers of this process have theirs."""
    with _LIMITED:
        before = csv.field_size_limit(characters)
        try:
            yield
        finally:
            csv.field_size_limit(before)


def read_delimited(*, data: bytes, limits: Limits) -> Table:
    """The table in a text file. Raises FileRefused with a sentence when there is none to be had."""
    # Before anything is looked at: what the delimiter is must not depend on anybody else's limit.
    with _cells_of_at_most(limits.cell_characters):
        return _read(data, limits)


def _read(data: bytes, limits: Limits) -> Table:
    encoding, text = decode(data)
    text, stated = _take_separator_line(text)
    if not text.strip():
        raise FileRefused("The file is empty: it has no header row and no rows.")
    delimiter = stated or find_delimiter(text)
    table = Table(headers=[], kind="csv", encoding=encoding, delimiter=delimiter)
    if _read_in_blocks(table, text, limits):
        return table
    table = Table(headers=[], kind="csv", encoding=encoding, delimiter=delimiter)
    _read_row_by_row(table, text, limits)
    return table


def _read_row_by_row(table: Table, text: str, limits: Limits) -> None:
    filler: Filler | None = None
    header_line = cells = 0
    for line, row in _records(text=text, delimiter=table.delimiter, limits=limits):
        if not _says_something(row):
            table.blank_rows += 1 if filler else 0
            continue
        if filler is None:
            header_line = line
            table.headers = [header.strip() for header in row]
            filler = Filler(table)
            continue
        cells += len(row)
        if len(table) >= limits.rows:
            raise FileRefused(f"The file has more than {limits.rows:,} rows; send it in parts.")
        if cells > limits.cells:
            raise FileRefused(f"The file has more than {limits.cells:,} cells; send it in parts.")
        filler.add([row], [line - header_line + 1])


def _read_in_blocks(table: Table, text: str, limits: Limits) -> bool:
    """Read a file of one line a record, thousands at a time. False: it is no such file, or one to refuse.

    Whatever is out of the ordinary is left to the reading row by row, which knows what to say and of which line.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=table.delimiter, strict=True)
    marked = re.search(rf"(?:^|[{table.delimiter}\r\n\"])'", text) if "'" in text else None
    filler: Filler | None = None
    header_line = done = cells = 0
    try:
        while block := list(islice(reader, BLOCK_ROWS)):
            cells += sum(map(len, block))
            if reader.line_num != done + len(block) or not _within(limits, block, len(table), cells):
                return False
            lines: Sequence[int] = range(done + 1, done + 1 + len(block))
            done += len(block)
            if marked:
                block = [list(map(unmark_formula, row)) for row in block]
            # A row whose first cell says something is no blank one.
            if not all(row and row[0] and not row[0].isspace() for row in block):
                if filler is None:
                    return False
                lines = [line for line, row in zip(lines, block, strict=True) if _says_something(row)]
                table.blank_rows += len(block) - len(lines)
                block = [row for row in block if _says_something(row)]
            if filler is None:
                table.headers, header_line = [header.strip() for header in block[0]], lines[0]
                block, lines = block[1:], lines[1:]
                filler = Filler(table)
            filler.add(block, [line - header_line + 1 for line in lines])
    except csv.Error:
        return False
    return filler is not None


def _within(limits: Limits, block: Sequence[Sequence[str]], rows: int, cells: int) -> bool:
    widest = max(map(len, block))
    return widest <= limits.columns and rows + len(block) <= limits.rows and cells <= limits.cells


def _says_something(row: Sequence[str]) -> bool:
    return any(field.strip() for field in row)


def decode(data: bytes) -> tuple[str, str]:
    """(encoding, text) of a file: its byte order mark, else UTF-8, else UTF-16 or Windows-1252."""
    for mark, name in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return name, _decode_as(data, name)
    unmarked = _unmarked_utf16(data)
    if unmarked:
        return unmarked, _decode_as(data, unmarked)
    try:
        return "utf-8", data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252", _decode_as(data, "cp1252")


def _decode_as(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise FileRefused(
            f"The file is not a text file that can be read: line {line} holds bytes that are no letters "
            f"in {encoding}. Save it as CSV in UTF-8, or as an .xlsx workbook."
        ) from None


def _unmarked_utf16(data: bytes) -> str:
    """UTF-16 without a mark shows itself by a zero in every other byte of its (Latin) header."""
    head = data[:400]
    if len(head) < 4:
        return ""
    if head[1::2].count(0) > 0.8 * len(head[1::2]) and not head[0::2].count(0):
        return "utf-16-le"
    if head[0::2].count(0) > 0.8 * len(head[0::2]) and not head[1::2].count(0):
        return "utf-16-be"
    return ""


def _take_separator_line(text: str) -> tuple[str, str]:
    """Excel's own first line `sep=;` states the delimiter; it is taken off."""
    first, newline, rest = text.partition("\n")
    stated = first.strip().strip('"')
    if newline and stated.lower().startswith("sep=") and stated[4:] in DELIMITERS:
        return rest, stated[4:]
    return text, ""


def find_delimiter(text: str) -> str:
    """The delimiter under which the header is widest and the rows are as wide as the header."""
    sample = text[:SAMPLE_CHARACTERS]
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        widths = _widths(sample, delimiter, cut=len(sample) < len(text))
        if not widths or widths[0] < 2:
            continue
        even = sum(width == widths[0] for width in widths) / len(widths)
        # Rows that fit come first, the number of columns second.
        score = (1.0 if even >= 0.8 else even, widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _widths(sample: str, delimiter: str, *, cut: bool) -> list[int]:
    """Fields of each sampled row, the header first; the last row of a cut sample is left out."""
    widths: list[int] = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            if any(field.strip() for field in row):
                widths.append(len(row))
            if len(widths) > SAMPLE_ROWS:
                return widths
    except csv.Error:
        return widths
    return widths[:-1] if cut and len(widths) > 1 else widths


def _records(*, text: str, delimiter: str, limits: Limits) -> Iterator[tuple[int, list[str]]]:
    """(physical line on which the record starts, its fields)."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for row in reader:
            if len(row) > limits.columns:
                raise FileRefused(
                    f"Line {start} has {len(row):,} columns; at most {limits.columns} are accepted."
                )
            yield start, list(map(unmark_formula, row))
            start = reader.line_num + 1
    except csv.Error as error:
        raise FileRefused(_quoting_sentence(str(error), start, limits)) from None


def _quoting_sentence(error: str, line: int, limits: Limits) -> str:
    if "field limit" in error or "field larger" in error:
        return f"Line {line} has a cell of more than {limits.cell_characters:,} characters."
    if "unexpected end" in error:
        return f"A quotation mark opened on line {line} is never closed, so the rest of the file is one cell."
    return (
        f"The quotation marks from line {line} on do not match up ({error}), so it is not certain where a "
        "cell ends. Save the file as CSV again, or send an .xlsx workbook."
    )
