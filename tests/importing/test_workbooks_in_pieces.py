"""A long sheet read in pieces says what it says when it is read whole; where that is not certain it is read whole."""

import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import Any

import openpyxl
import pytest

from accounts.importing.errors import FileRefused
from accounts.importing.limits import Limits
from accounts.importing.reading import read_table
from accounts.importing.tables import Table
from accounts.importing.workbook import table_of
from accounts.importing.workbook_archive import Refused
from accounts.importing.workbook_child import read_whole, records
from accounts.importing.workbook_pieces import NotInPieces, read_in_pieces
from tests.importing.readers import LIMITS

PIECE = 600  # bytes: some five rows of those below
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
HEAD = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="{MAIN}"><cols><col min="1" max="2"/></cols>'
MEMBER = "xl/worksheets/sheet1.xml"


def cell(place: str, value: str | float, attributes: str = "") -> str:
    if isinstance(value, str):
        return f'<c r="{place}"{attributes} t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{place}"{attributes}><v>{value}</v></c>'


def row(number: int, *values: str | float, first: str = "A", attributes: str = "") -> str:
    cells = "".join(cell(f"{chr(ord(first) + at)}{number}", value) for at, value in enumerate(values))
    return f'<row r="{number}"{attributes}>{cells}</row>'


def plain(numbers: Iterable[int]) -> list[str]:
    return [row(number, f"C{number}", number / 4, ("yes", "no", "")[number % 3]) for number in numbers]


HEADER = row(1, "external_id", "arr", "champion")


def book(rows: Sequence[str], *, head: str = HEAD, tail: str = "</worksheet>", **members: str) -> bytes:
    """A workbook whose sheet has these rows; the rest is what a spreadsheet writes, or `members`."""
    whole = openpyxl.Workbook()
    out, made = io.BytesIO(), io.BytesIO()
    whole.save(out)
    sheet = f"{head}<sheetData>{''.join(rows)}</sheetData>{tail}"
    with zipfile.ZipFile(out) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr(MEMBER, sheet)  # sheets are read last, wherever they stand
        for name in old.namelist():
            if name != MEMBER:
                new.writestr(name, members.pop(name, old.read(name)))
        for name, content in members.items():
            new.writestr(name, content)
    return made.getvalue()


def lines_of(said: Iterable[Any]) -> list[bytes]:
    return [json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in said]


def in_pieces(data: bytes, limits: Limits = LIMITS) -> list[bytes]:
    return lines_of(read_in_pieces(data, asdict(limits), piece_bytes=PIECE))


def whole(data: bytes, limits: Limits = LIMITS) -> list[bytes]:
    return lines_of(read_whole(data, asdict(limits)))


def typed(table: Table) -> list[list[tuple[str, str]]]:
    return [[(type(one).__name__, repr(one)) for one in column] for column in table.columns]


def dated() -> bytes:
    """A workbook as a library writes it: shared strings, styles, days, numbers, truths."""
    made = openpyxl.Workbook()
    made.active.append(["name", "renewal_date", "arr", "champion", "package"])
    for at in range(60):
        made.active.append([f"N{at}", date(2027, 1, 1 + at % 28), at * 1.25, at % 2 == 0, "Pro"])
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def renamed(data: bytes) -> bytes:
    """The same with its sheet under another member's name."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(
                name.replace("sheet1", "sheet2"), old.read(name).replace(b"sheet1.xml", b"sheet2.xml")
            )
    return made.getvalue()


UNUSABLE = '<row r="{0}"><c r="A{0}" t="inlineStr"><is><t>C{0}</t></is></c><c r="B{0}">{1}</c><c r="C{0}" t="e"><v>#N/A</v></c></row>'
ALIKE = {
    "plain rows": book([HEADER, *plain(range(2, 60))]),
    "one piece less a row": book([HEADER, *plain(range(2, 12))]),
    "blank rows between pieces and in them": book([HEADER, *plain([*range(2, 9), *range(14, 30), 80, *range(95, 120)])]),
    "rows that are there and blank": book([HEADER, *plain(range(2, 20)), '<row r="20"></row>', *plain(range(21, 40))]),
    "rows without cells": book([HEADER, *plain(range(2, 20)), '<row r="20"/>', *plain(range(21, 40))]),
    "a header further down and to the right": book(
        [row(4, "external_id", "arr", first="C"), *(row(n, f"C{n}", n, first="C") for n in range(5, 60))]
    ),
    "pieces that are narrower than the header": book(
        [HEADER, *plain(range(2, 20)), *(row(n, f"C{n}") for n in range(20, 50)), *(row(n, 1.5, first="B") for n in range(50, 90))]
    ),
    "blanks between rows": book([f"\n  {one}\n" for one in [HEADER, *plain(range(2, 60))]]),
    "attributes of rows": book([HEADER, *(row(n, f"C{n}", n, attributes=' spans="1:3" ht="12"') for n in range(2, 60))]),
    "signs that look like something": book([HEADER, *(row(n, "&lt;row r=&quot;1&quot;>! ? &amp;", n, 'a"b\\c') for n in range(2, 60))]),
    "escapes and characters of all lengths": book([HEADER, *(row(n, f"ä€😀_xFFFE_{n}", n, "_x0007_") for n in range(2, 60))]),
    "unusable cells late in the file": book(
        [HEADER, *plain(range(2, 40)), *(UNUSABLE.format(n, f"<f>A{n}</f>") for n in range(40, 45)), *plain(range(45, 70))]
    ),
    "unusable cells below blank first rows": book(
        [
            row(9, "external_id", "arr", "champion"), *plain(range(10, 40)),
            *(UNUSABLE.format(n, f"<f>A{n}</f>") for n in range(40, 45)), *plain(range(45, 70)),
        ]
    ),
    "numbers of all kinds": book([HEADER, *(row(n, f"C{n}", value, "x") for n, value in enumerate([0, -0.0, 1e15, 1e16, 0.1, 1e-7, 12.5, -3] * 8, 2))]),
    "as a library writes it": dated(),
    "its only sheet is not the first by name": renamed(book([HEADER, *plain(range(2, 40)), UNUSABLE.format(40, "<f>A40</f>"), *plain(range(41, 70))])),
    "something after the rows": book([HEADER, *plain(range(2, 60))], tail='<mergeCells count="1"><mergeCell ref="A1:B1"/></mergeCells></worksheet>'),
    "rows after the end of rows": book([HEADER, *plain(range(2, 30))], tail=f"<sheetData>{''.join(plain(range(30, 90)))}</sheetData></worksheet>"),
}  # fmt: skip


@pytest.mark.parametrize("name", ALIKE)
def test_pieces_say_what_the_whole_says(name: str) -> None:
    data = ALIKE[name]
    pieces, together = table_of(in_pieces(data)), table_of(whole(data))
    assert typed(pieces) == typed(together)
    assert pieces == together, "headers, lines, blank rows, what is different in a column"
    assert len(pieces) > 5


def test_rows_are_handed_over_before_the_last_one_is_parsed() -> None:
    said = in_pieces(ALIKE["plain rows"])
    assert len(said) > 5, "a beginning, and a block a piece"


TWO_SHEETS = {"xl/workbook.xml": f'<workbook xmlns="{MAIN}"><sheets><sheet name="A" sheetId="1"/><sheet name="B" sheetId="2"/></sheets></workbook>'}  # fmt: skip
LONG = [HEADER, *plain(range(2, 60))]


def shared_strings(count: int, letters: int) -> str:
    said = "".join(f"<si><t>{n:0{letters}}</t></si>" for n in range(count))
    return f'<sst xmlns="{MAIN}" count="{count}" uniqueCount="{count}">{said}</sst>'


def of_shared_strings(columns: int, count: int) -> bytes:
    """A workbook in which every cell has a text of its own, kept apart."""
    rows = (
        f'<row r="{at + 1}">{"".join(f"""<c t="s"><v>{at * columns + place}</v></c>""" for place in range(columns))}</row>'
        for at in range(count)
    )
    return book(list(rows), **{"xl/sharedStrings.xml": shared_strings(columns * count, 40)})


SOME_MEMORY = 600 * 2**20
UNCERTAIN = {
    "more texts kept apart than rows": book(LONG, **{"xl/sharedStrings.xml": shared_strings(2_000, 60)}),
    "too short": book([HEADER, *plain(range(2, 6))]),
    "a comment": book([*LONG, "<!-- </row><row r='9'> -->", *plain(range(60, 80))]),
    "marked text": book([*LONG, row(60, "<![CDATA[</row><row r=\"7\">]]>"), *plain(range(61, 80))]),
    "an instruction": book([*LONG, "<?xml-stylesheet?>", *plain(range(60, 80))]),
    "a document type": book(LONG, head=HEAD.replace("<worksheet", "<!DOCTYPE worksheet><worksheet")),
    "another encoding": book(LONG, head=HEAD.replace("UTF-8", "ISO-8859-1")),
    "rows that are not numbered": book([HEADER, *(one.replace(f' r="{n}"', "", 1) for n, one in enumerate(plain(range(2, 60)), 2))]),
    "rows in no order": book([HEADER, *plain(range(30, 60)), *plain(range(2, 30))]),
    "wider further down": book([HEADER, *plain(range(2, 40)), row(40, "C40", 1, "yes", "more"), *plain(range(41, 60))]),
    "further left further down": book([row(1, "external_id", "arr", first="B"), *(row(n, f"C{n}", n, first="B") for n in range(2, 40)), row(40, "A")]),
    "a prefix": book([one.replace("<row", "<x:row").replace("</row", "</x:row") for one in LONG]),
    "nothing but blank rows": book([f'<row r="{n}"><c r="A{n}"/></row>' for n in range(1, 90)]),
    "two sheets": book(LONG, **TWO_SHEETS),
    "broken further down": book([*LONG, '<row r="60"><c r="A60"><v>1</row>', *plain(range(61, 80))]),
}  # fmt: skip


@pytest.mark.parametrize("name", UNCERTAIN)
def test_what_is_not_certain_to_be_the_same_is_not_read_in_pieces(name: str) -> None:
    with pytest.raises(NotInPieces):
        in_pieces(UNCERTAIN[name])


def test_what_was_handed_over_is_taken_back_where_a_later_row_is_wider(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = UNCERTAIN["wider further down"]
    monkeypatch.setattr(
        "accounts.importing.workbook_child.read_in_pieces",
        lambda data, limits: read_in_pieces(data, limits, piece_bytes=PIECE),
    )
    said = lines_of(records(data, asdict(LIMITS)))
    assert sum(b'"sheet"' in line for line in said) == 2
    assert table_of(said) == table_of(whole(data))
    assert len(table_of(said).headers) == 4


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (replace(LIMITS, columns=2), "3 columns; at most 2"),
        (replace(LIMITS, rows=50), "more than 50 rows"),
        (replace(LIMITS, cells=100), "more than 100 cells"),
        (replace(LIMITS, cell_characters=10), "more than 10 characters"),
        (replace(LIMITS, unzipped_bytes=9_000), "too large"),
    ],
)
def test_limits_hold_piece_by_piece_and_the_sentence_is_the_same(limits: Limits, words: str) -> None:
    data = ALIKE["plain rows"]
    with pytest.raises(Refused, match=words) as refusal:
        in_pieces(data, limits)
    with pytest.raises(Refused) as of_the_whole:
        whole(data, limits)
    assert str(refusal.value) == str(of_the_whole.value)


def test_rows_are_as_many_as_are_accepted_and_not_one_more() -> None:
    data = ALIKE["plain rows"]
    assert len(table_of(in_pieces(data, replace(LIMITS, rows=58)))) == 58
    with pytest.raises(Refused, match="more than 57 rows"):
        in_pieces(data, replace(LIMITS, rows=57))


def test_a_long_workbook_is_refused_as_a_whole_for_what_stands_at_its_end() -> None:
    rows = [HEADER, *plain(range(2, 30_000))]
    table = read_table(data=book(rows), limits=LIMITS)
    assert (len(table), table.columns[0][-1], table.blank_rows) == (29_998, "C29999", 0)
    with pytest.raises(FileRefused, match="more than 29,990 rows"):
        read_table(data=book(rows), limits=replace(LIMITS, rows=29_990))
    damaged = bytearray(book(rows))
    at = damaged.find(b"PK\x03\x04", 10) - 40  # in the last packed bytes of the sheet
    damaged[at : at + 20] = bytes(20)
    with pytest.raises(FileRefused, match="damaged"):
        read_table(data=bytes(damaged), limits=LIMITS)


def test_a_workbook_of_nothing_but_different_texts_is_read_within_the_memory_of_the_reader() -> None:
    """Its texts lie apart from its rows: in pieces, each with all of them, they would take many times as much."""
    columns, count = 36, 30_000
    table = read_table(
        data=of_shared_strings(columns, count), limits=replace(LIMITS, reader_memory_bytes=SOME_MEMORY)
    )
    assert (len(table.headers), len(table)) == (columns, count - 1)
    assert table.columns[-1][-1] == f"{columns * count - 1:040}"
