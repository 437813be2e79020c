"""One door for every file: bytes in, a table out, or a sentence that says why not."""

from accounts.importing.delimited import read_delimited
from accounts.importing.errors import FileRefused
from accounts.importing.keys import word_key
from accounts.importing.limits import Limits
from accounts.importing.tables import Table
from accounts.importing.workbook import read_workbook

ZIP = b"PK\x03\x04"
EMPTY_ZIP = b"PK\x05\x06"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OTHER_KINDS = (
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"SQLite format 3", "a database"),
)


def read_table(*, data: bytes, limits: Limits) -> Table:
    """The table in an uploaded file, found by its content; the file's name plays no part.

    Raises FileRefused. Not one row is half read: the table is whole or there is none.
    """
    if len(data) > limits.file_bytes:
        raise FileRefused(f"The file is larger than {limits.file_bytes // 2**20} MB; send it in parts.")
    if not data.strip(b"\x00 \t\r\n"):
        raise FileRefused("The file is empty: it has no header row and no rows.")
    _refuse_other_kinds(data)
    table = (
        read_workbook(data=data, limits=limits)
        if data.startswith((ZIP, EMPTY_ZIP))
        else read_delimited(data=data, limits=limits)
    )
    _settle_headers(table)
    if not len(table):
        raise FileRefused("The file has a header row but no rows below it.")
    return table


def _refuse_other_kinds(data: bytes) -> None:
    if data.startswith(OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise FileRefused(
                "The workbook is protected by a password; save it without one and send it again."
            )
        raise FileRefused(
            "This is an old Excel workbook (.xls), whatever its name says; save it as .xlsx or CSV."
        )
    for beginning, what in OTHER_KINDS:
        if data.startswith(beginning):
            raise FileRefused(
                f"This is {what}, whatever its name says; a CSV file or an .xlsx workbook is needed."
            )


def _settle_headers(table: Table) -> None:
    """Cut off empty columns at the right; refuse a header that stands twice."""
    width = len(table.headers)
    while (
        width
        and not table.headers[width - 1]
        and not any(str(cell).strip() for cell in table.column(width - 1))
    ):
        width -= 1
    if width < len(table.headers):
        table.cut(width)  # a ragged row must stay visible as such
    if not any(table.headers):
        raise FileRefused("The first row holds no headers, so it is not known which column is which.")
    seen: dict[str, int] = {}
    for position, header in enumerate(table.headers, start=1):
        key = word_key(header)
        if key and key in seen:
            raise FileRefused(
                f"The header “{header}” stands twice, in columns {seen[key]} and {position}; "
                "rename or remove one of them, so that it is certain which one is meant."
            )
        seen[key] = position
