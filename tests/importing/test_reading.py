"""Files as they come: every dialect is found out, and what is no list of customers gets one clear sentence."""

import csv
import io
import struct
import zipfile
from contextlib import suppress
from dataclasses import replace

import openpyxl
import pytest

from accounts.importing.errors import FileRefused
from accounts.importing.reading import read_table
from accounts.importing.tables import BrokenCell
from tests.importing.readers import LIMITS, check, csv_of, refusal, workbook_of

ROWS = [["external_id", "name", "arr"], ["1", "Zoë; “Ltd”, & Co", "1.50"], ["2", "Line\nbreak", "2.50"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_encodings_delimiters_and_line_ends_are_found_out(delimiter: str, encoding: str, ending: str) -> None:
    text = csv_of(ROWS, delimiter).replace("\r\n", ending)
    checked = check(text.encode(encoding))
    assert checked.values["name"] == [ROWS[1][1], ROWS[2][1]]
    assert list(checked.table.lines) == [2, 3]
    assert checked.table.delimiter == delimiter


def test_lines_count_from_the_header_and_blank_lines_count_too() -> None:
    checked = check('\n\nname;arr\n"a\nb";x\n\n;\nc;y\n')
    assert [checked.problems[row][0].line for row in (0, 1)] == [2, 6]
    assert checked.table.blank_rows == 2


def test_a_stated_separator_line_is_followed() -> None:
    assert check("sep=;\nname;package\nA, B;x\n").values["name"] == ["A, B"]


def test_a_single_column_needs_no_delimiter() -> None:
    assert check("name\nAcme\nBeta\n").values["name"] == ["Acme", "Beta"]


@pytest.mark.parametrize(
    ("row", "words"), [("1,A,5,extra", "too many fields: 4"), ("1,A", "too few fields: 2")]
)
def test_a_row_with_a_field_too_many_or_too_few_is_refused_alone(row: str, words: str) -> None:
    checked = check(f"external_id,name,arr\n{row}\n2,B,7\n")
    assert list(checked.problems) == [0]
    assert [(problem.line, problem.column) for problem in checked.problems[0]] == [(2, "")]
    assert words in checked.problems[0][0].message


def test_empty_columns_at_the_right_are_no_columns() -> None:
    checked = check("name,arr,,\nA,1,,\nB,2,,\n")
    assert not checked.problems
    assert checked.table.headers == ["name", "arr"]


REFUSED_TEXTS = [
    (b"", "The file is empty"),
    (b"\xef\xbb\xbf", "The file is empty"),
    (b"\n\n\n", "The file is empty"),
    (b"\x00\x00\x00", "The file is empty"),
    (b"name,arr\n", "no rows below"),
    (b"name,arr\n,\n", "no rows below"),
    (b"name,arr,name\nA,1,B\n", "stands twice, in columns 1 and 3"),
    (b"Name,arr,NAME \nA,1,B\n", "stands twice"),
    (b'name,arr\n"A,1\nB,2\n', "never closed"),
    (b'name,arr\n"A"x,1\n', "do not match up"),
    (b"%PDF-1.7 ...", "a PDF document"),
    (b"\x89PNG\r\n\x1a\n....", "a picture"),
    (b"\x1f\x8b\x08....", "a gzip archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "old Excel workbook"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
    (b"PK\x03\x04 not really", "not an .xlsx workbook"),
    (b"name,arr\n\x81\x8d,1\n", "holds bytes that are no letters"),
    (b"Kunde,Umsatz\nA,1\n", "None of the headers is known: “Kunde”, “Umsatz”"),
    (b"," * 200 + b"\nA\n", "at most 100 are accepted"),
]


@pytest.mark.parametrize(("data", "words"), REFUSED_TEXTS)
def test_what_is_no_list_is_refused_with_a_sentence(data: bytes, words: str) -> None:
    assert words in refusal(data)


def test_limits_are_kept_while_reading() -> None:
    rows = csv_of([["name"], *([f"C{at}"] for at in range(30))])
    assert "more than 20 rows" in refusal(rows, limits=replace(LIMITS, rows=20))
    assert "more than 20 cells" in refusal(rows, limits=replace(LIMITS, cells=20))
    assert "at most 5 are accepted" in refusal(
        "a,b,c,d,e,name\n1,2,3,4,5,6\n", limits=replace(LIMITS, columns=5)
    )
    assert "more than 10 characters" in refusal(
        "name\n" + "x" * 11, limits=replace(LIMITS, cell_characters=10)
    )
    assert "larger than 0 MB" in refusal(rows, limits=replace(LIMITS, file_bytes=10))


@pytest.mark.parametrize(
    "text",
    ["name\nAcme\n", "name\n" + "x" * 11, 'name\n"never closed', ""],
    ids=["read", "refused for its cell", "refused for its quotation marks", "empty"],
)
def test_other_readers_of_this_process_keep_their_limit_on_cells(text: str) -> None:
    """The csv module has one for the whole process, so a file read here must leave it as it was."""
    before = csv.field_size_limit()
    with suppress(FileRefused):
        read_table(data=text.encode(), limits=replace(LIMITS, cell_characters=10))
    assert csv.field_size_limit() == before
    assert list(csv.reader(["x" * 1000])) == [["x" * 1000]]


def test_the_limit_of_one_file_does_not_decide_the_delimiter_of_the_next() -> None:
    refusal("name\n" + "x" * 11, limits=replace(LIMITS, cell_characters=10))
    found = check("external_id\tname\nA\tAcme and a long name\n")
    assert (found.values["external_id"], found.problems) == (["A"], {})


def test_a_workbook_is_read_like_a_text_file() -> None:
    rows = [
        ["external_id", "name", "champion", "arr"],
        ["007", "Zoë", True, 1.5],
        [None] * 4,
        [8, "=1", False, 2],
    ]
    checked = check(workbook_of([[None] * 4, *rows[:-1], ["8", "plain", False, 2]]))
    assert checked.values["external_id"] == ["007", "8"]
    assert checked.values["champion"] == [True, False]
    assert list(checked.table.lines) == [2, 4]


def test_only_the_first_sheet_is_read_and_it_is_said() -> None:
    book = openpyxl.Workbook()
    book.active.append(["name"])
    book.active.append(["A"])
    book.create_sheet("Archive").append(["name"])
    out = io.BytesIO()
    book.save(out)
    assert any("Archive" in remark for remark in check(out.getvalue()).remarks)


def test_formulas_without_a_result_and_error_cells_are_refused_not_blank() -> None:
    checked = check(workbook_of([["name", "arr"], ["A", "=1+1"], ["B", "#N/A"], ["C", 1]]))
    assert isinstance(checked.table.row(0)[1], BrokenCell)
    assert "formula" in checked.problems[0][0].message
    assert "spreadsheet error" in checked.problems[1][0].message
    assert 2 not in checked.problems


def test_a_formula_below_blank_first_rows_is_refused_in_its_own_row() -> None:
    checked = check(workbook_of([[None] * 2, [None] * 2, ["name", "arr"], ["A", 1], ["B", "=1+1"], ["C", 1]]))
    assert list(checked.problems) == [1]


SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
ONE = '<row r="1"><c r="A1"><v>1</v></c></row>'


def crafted(sheet: str, **members: bytes) -> bytes:
    """A workbook with its sheet replaced and members added."""
    whole = workbook_of([["name"], ["A"]])
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, sheet if sheet and name == "xl/worksheets/sheet1.xml" else old.read(name))
        for name, content in members.items():
            new.writestr(name.replace("__", "/"), content)
    return out.getvalue()


BOMBS = {
    "two cells at the far corners": (
        SHEET.format(ONE + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
        {},
    ),
    "a million rows": (SHEET.format(ONE + '<row r="1048576"><c r="A1048576"><v>1</v></c></row>'), {}),
    "sixteen thousand columns": (
        SHEET.format('<row r="1"><c r="A1"><v>1</v></c><c r="XFD1"><v>1</v></c></row>'),
        {},
    ),
    "200 MB unzipped": (SHEET.format(ONE), {"xl__media__a.bin": bytes(200 * 2**20)}),
    "200 MB of rows": (SHEET.format(ONE * 5_000_000), {}),
    "no end": (SHEET.format(ONE)[:-40], {}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_workbook_that_would_burst_the_reader_is_refused(name: str) -> None:
    sheet, members = BOMBS[name]
    sentence = refusal(crafted(sheet, **members))
    assert "workbook" in sentence or "sheet" in sentence


def test_a_reader_that_runs_away_is_stopped() -> None:
    rows = workbook_of([["name"], ["A"]])
    assert "stopped" in refusal(rows, limits=replace(LIMITS, reader_seconds=0))
    corners = crafted(BOMBS["two cells at the far corners"][0])
    assert "stopped at 60 seconds or 1024 MB" in refusal(corners)


def test_a_plain_zip_and_an_encrypted_one_are_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("list.csv", "name\nA\n")
    assert "not an .xlsx workbook" in refusal(out.getvalue())
    data = bytearray(workbook_of([["name"], ["A"]]))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + offset : at + offset + 2] = struct.pack("<H", 1)  # "this member is encrypted"
            at = data.find(mark, at + 4)
    assert "password" in refusal(bytes(data))


def test_text_cells_keep_every_character_or_are_refused() -> None:
    checked = check(
        csv_of(
            [
                ["name", "package"],
                [" Acme\u200b ", "a" * 100],
                ["B", "a" * 101],
                ["N\0L", ""],
                ["C", "\ufffe\x07"],
            ]
        )
    )
    assert checked.values["name"][0] == " Acme\u200b "
    assert "At most 100 characters" in checked.problems[1][0].message
    assert "NUL" in checked.problems[2][0].message
    assert checked.values["package"][3] == "\ufffe\x07"


def test_a_long_number_in_an_id_column_of_a_workbook_is_refused() -> None:
    checked = check(
        workbook_of([["external_id", "name"], [1234567890123456, "A"], [123456789012345, "B"], [12, "C"]])
    )
    assert "15 digits" in checked.problems[0][0].message
    assert checked.values["external_id"][1:] == ["123456789012345", "12"]
