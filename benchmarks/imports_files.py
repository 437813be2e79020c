"""Customer files for the import benchmark: a company, the same company a month later, and the first as a workbook."""

from __future__ import annotations

import csv
import random
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

COLUMNS = (
    "external_id", "name", "vertical", "region", "country", "language", "arr", "currency", "potential_arr", "package",
    "products", "employees", "adoption", "health", "sentiment", "champion", "relationship_breadth", "contract_start",
    "renewal_date", "status",
)  # fmt: skip
CHANGED = 5  # each so many-th customer has another ARR and health a month later
_NUMBERS = frozenset(
    COLUMNS.index(column)
    for column in (
        "arr",
        "potential_arr",
        "employees",
        "adoption",
        "health",
        "sentiment",
        "relationship_breadth",
    )
)
_CONTENT = (
    '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_LINKS = (
    '<?xml version="1.0" encoding="UTF-8"?><Relationships '
    'xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/{{kind}}" Target="{{target}}"/></Relationships>'
)
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_BOOK = (
    f'<?xml version="1.0" encoding="UTF-8"?><workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="Customers" sheetId="1" r:id="rId1"/></sheets></workbook>'
)


def customers(count: int, *, later: bool = False) -> Iterator[list[str]]:
    """Rows in the order of COLUMNS; the same customers each time, ``later`` some of them with other figures."""
    for at in range(count):
        chance = random.Random(at)
        row = _customer(at, chance)
        if later and not at % CHANGED:
            row[COLUMNS.index("arr")] = f"{chance.lognormvariate(10, 1.3):.2f}"
            row[COLUMNS.index("health")] = f"{chance.uniform(0, 100):.1f}"
        yield row


def _customer(at: int, chance: random.Random) -> list[str]:
    def day(years: range) -> str:
        return f"{chance.choice(years)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"

    return [
        f"C{at:07d}",
        f"Customer {at} {chance.choice(('Ltd', 'GmbH', 'SA', 'Inc'))}",
        f"Vertical {chance.randrange(10)}",
        f"Region {chance.randrange(6)}",
        chance.choice(("DE", "FR", "GB", "US")),
        chance.choice(("English", "French", "German")),
        f"{chance.lognormvariate(10, 1.3):.2f}",
        "EUR",
        f"{chance.lognormvariate(10.5, 1.3):.2f}",
        chance.choice(("Basic", "Pro", "Max")),
        ";".join(chance.sample(("Core", "Analytics", "Mobile", "Vault"), chance.randrange(1, 4))),
        str(int(chance.lognormvariate(5, 1.5))),
        f"{chance.uniform(0, 100):.1f}",
        f"{chance.uniform(0, 100):.1f}",
        str(chance.randrange(1, 6)),
        chance.choice(("yes", "no")),
        str(chance.randrange(20)),
        day(range(2015, 2026)),
        day(range(2027, 2029)),
        "active",
    ]


def write_csv(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """A CSV file with the header."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def write_workbook(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """The smallest .xlsx there is, written as it comes: amounts as numbers, everything else as text."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        book.writestr("[Content_Types].xml", _CONTENT)
        book.writestr("_rels/.rels", _LINKS.format(kind="officeDocument", target="xl/workbook.xml"))
        book.writestr(
            "xl/_rels/workbook.xml.rels", _LINKS.format(kind="worksheet", target="worksheets/sheet1.xml")
        )
        book.writestr("xl/workbook.xml", _BOOK)
        with book.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(
                f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{_MAIN}"><sheetData>'.encode()
            )
            sheet.write(_line(1, COLUMNS, frozenset()))
            for at, row in enumerate(rows, start=2):
                sheet.write(_line(at, row, _NUMBERS))
            sheet.write(b"</sheetData></worksheet>")


def _line(at: int, row: Sequence[str], numbers: frozenset[int]) -> bytes:
    cells = "".join(
        f'<c r="{chr(65 + place)}{at}"><v>{cell}</v></c>'
        if place in numbers
        else f'<c r="{chr(65 + place)}{at}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
        for place, cell in enumerate(row)
    )
    return f'<row r="{at}">{cells}</row>'.encode()
