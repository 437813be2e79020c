"""Short ways to read and check a file in tests: no database, nothing written."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import openpyxl

from accounts.importing.checking import Answers, Checked, check_table
from accounts.importing.customers import CUSTOMER_COLUMNS, CustomerResource
from accounts.importing.errors import FileRefused
from accounts.importing.limits import Limits
from accounts.importing.mapping import map_columns
from accounts.importing.reading import read_table

LIMITS = Limits()
# The fixture `load`: a text and options of the command; gives its JSON answer and what it `said`.
Import = Callable[..., dict[str, Any]]


def check(
    data: bytes | str,
    mapping: Mapping[str, str] | None = None,
    *,
    attributes: Mapping[str, str] | None = None,
    limits: Limits = LIMITS,
    **answers: str,
) -> Checked:
    """A customer file, read and checked."""
    table = read_table(data=data.encode() if isinstance(data, str) else data, limits=limits)
    column_map = map_columns(
        headers=table.headers, mapping=mapping, columns=CUSTOMER_COLUMNS, attributes=True
    )
    return check_table(
        table=table,
        column_map=column_map,
        fields=CustomerResource.fields,
        attribute_kinds=attributes or {},
        answers=Answers(**answers),
    )


def one_cell(column: str, text: str, **answers: str) -> Any:
    """The value of a single cell in a file of one row, or the sentence that refuses it."""
    checked = check(csv_of([["name", column], ["Acme", text]]), **answers)
    problems = checked.problems.get(0)
    return problems[0].message if problems else checked.values[column][0]


def refusal(data: bytes | str, **options: Any) -> str:
    """The sentence with which a whole file is refused."""
    try:
        check(data, **options)
    except FileRefused as refused:
        return str(refused)
    raise AssertionError("the file was accepted")


def csv_of(rows: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    """Rows as CSV with every field quoted."""
    return "".join(
        delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n" for row in rows
    )


def workbook_of(rows: Sequence[Sequence[Any]], title: str = "Customers") -> bytes:
    """Rows as an .xlsx workbook of one sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def counts(answer: dict[str, Any]) -> tuple[int, int, int, int]:
    """(created, updated, unchanged, rejected) of a report."""
    return answer["created"], answer["updated"], answer["unchanged"], answer["rejected"]
