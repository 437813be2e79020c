"""Customers as a file: for colleagues with everything, or for customers with nothing that is derived.

One safe writer for every export: text that a spreadsheet would take for a formula is marked in CSV and stored
as text in XLSX, numbers stay numbers, and the file that is written can be imported again without a change.
"""

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils import get_column_letter

from accounts.importing.customers import ATTRIBUTE_PREFIX, CUSTOMER_COLUMNS
from accounts.importing.escaping import mark_formula
from accounts.models import CustomAttribute, Customer, Goal, User
from allocation.models import TierStanding

INTERNAL, CUSTOMER = "internal", "customer"
AUDIENCES = (INTERNAL, CUSTOMER)
# What colleagues get on top of the columns that can be imported.
DERIVED = ("segment", "tier", "tier_since", "score", "csm_since")
# The whole of what may leave the house: facts a customer knows of itself. Nothing is added here without a decision.
FOR_CUSTOMERS = (
    "external_id",
    "name",
    "country",
    "language",
    "arr",
    "currency",
    "package",
    "products",
    "employees",
    "contract_start",
    "renewal_date",
)
CHUNK = 500
# How columns of a workbook look: amounts with separators, and room for long names and reasons.
MONEY = frozenset({"arr", "arr_base", "potential_arr", "room_base"})
MONEY_FORMAT = "#,##0.00"
WIDTHS = {"name": 34, "at_risk_because": 44, "csm": 24, "team": 20, "vertical": 20} | dict.fromkeys(MONEY, 18)
# XLSX cannot hold control characters as they are; both forms are read back by spreadsheets and by our reader.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")

# Document properties: none.
_PROPERTIES = (
    b'<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"/>'
)

Value = str | int | float | Decimal | date | None


class UnableToExport(Exception):
    """The file cannot be written; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """An export on its way: headers and rows, one at a time."""

    headers: tuple[str, ...]
    rows: Iterator[Sequence[Value]]


def export_customers(*, path: Path, audience: str, user: User | None, on: date) -> int:
    """Write the customers this person may see to a .csv or .xlsx file; gives how many.

    `user` None is the installation itself (a command without --as). Raises UnableToExport.
    """
    ending = path.suffix.lower()
    if ending not in (".csv", ".xlsx"):
        raise UnableToExport(f"The file must end in .csv or .xlsx, not “{path.suffix}”.")
    sheet = customer_sheet(audience=audience, user=user, on=on)
    try:
        if ending == ".csv":
            with path.open("w", encoding="utf-8", newline="") as text:
                return write_csv(sheet=sheet, out=text)
        with path.open("wb") as binary:
            return write_workbook(sheet=sheet, out=binary)
    except OSError as error:
        raise UnableToExport(f"The file {path} cannot be written: {error.strerror or error}.") from None


def customer_sheet(*, audience: str, user: User | None, on: date) -> Sheet:
    """The rows of an export, sorted by name; goals are those open on the day `on`."""
    if audience == CUSTOMER:
        return Sheet(FOR_CUSTOMERS, _rows(FOR_CUSTOMERS, user, on))
    slugs = CustomAttribute.objects.order_by("slug").values_list("slug", flat=True)
    headers = (*CUSTOMER_COLUMNS, *(ATTRIBUTE_PREFIX + slug for slug in slugs), *DERIVED)
    return Sheet(headers, _rows(headers, user, on))


def _rows(headers: Sequence[str], user: User | None, on: date) -> Iterator[Sequence[Value]]:
    visible = Customer.objects.all() if user is None else Customer.objects.visible_to(user)
    ids = list(visible.order_by("name", "external_id").values_list("pk", flat=True))
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        query = Customer.objects.select_related(
            "parent", "vertical", "region", "language", "paid_tier", "tier", "csm"
        )
        customers = query.in_bulk(part)
        extra = _extra(part, on) if "goals" in headers else {}
        for pk in part:
            if pk in customers:
                yield [_value(customers[pk], column, extra) for column in headers]


def _extra(ids: Sequence[int], on: date) -> dict[str, dict[int, Any]]:
    """Open goals, and segment and score of the decision each stands on."""
    goals: dict[int, list[str]] = {}
    for pk, slug in (
        Goal.objects.open_on(on)
        .filter(customer_id__in=ids)
        .order_by("kind__slug")
        .values_list("customer_id", "kind__slug")
    ):
        goals.setdefault(pk, []).append(slug)
    standing = TierStanding.objects.filter(customer_id__in=ids)
    decided = {
        pk: (segment, score) for pk, segment, score in standing.values_list("customer_id", "segment", "score")
    }
    return {
        "goals": goals,
        "segment": {pk: segment for pk, (segment, _) in decided.items()},
        "score": {pk: score for pk, (_, score) in decided.items()},
    }


# Columns that are not a plain field of the customer.
_REFERENCES: dict[str, Callable[[Customer], Value]] = {
    "parent": lambda customer: customer.parent.external_id if customer.parent else "",
    "vertical": lambda customer: str(customer.vertical or ""),
    "region": lambda customer: str(customer.region or ""),
    "language": lambda customer: str(customer.language or ""),
    "paid_tier": lambda customer: customer.paid_tier.slug if customer.paid_tier else "",
    "tier": lambda customer: customer.tier.slug if customer.tier else "",
    "csm": lambda customer: customer.csm.key if customer.csm else "",
    "products": lambda customer: ";".join(customer.products),
}


def _value(customer: Customer, column: str, extra: dict[str, dict[int, Any]]) -> Value:
    if column in _REFERENCES:
        return _REFERENCES[column](customer)
    if column == "goals":
        return ";".join(extra["goals"].get(customer.pk, ()))
    if column in extra:
        found: Value = extra[column].get(customer.pk)
        return found
    if column.startswith(ATTRIBUTE_PREFIX):
        return _plain(customer.attributes.get(column.removeprefix(ATTRIBUTE_PREFIX)))
    return _plain(getattr(customer, column))


def _plain(value: Any) -> Value:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ";".join(map(str, value))
    result: Value = value
    return result


def write_csv(*, sheet: Sheet, out: Any) -> int:
    """Rows as CSV (comma, quotes where needed) to an open text file; gives how many."""
    writer = csv.writer(out)
    writer.writerow(sheet.headers)
    written = 0
    for row in sheet.rows:
        writer.writerow([_csv_field(value) for value in row])
        written += 1
    return written


def _csv_field(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return mark_formula(value)
    if isinstance(value, date):
        return value.isoformat()
    # Never with an exponent: our own reader refuses 1e-06.
    return f"{Decimal(str(value)):f}"


def write_workbook(*, sheet: Sheet, out: Any) -> int:
    """Rows as an .xlsx workbook of one sheet to an open binary file; gives how many."""
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet("Customers")
    page.freeze_panes = "A2"
    for place, header in enumerate(sheet.headers, start=1):
        page.column_dimensions[get_column_letter(place)].width = _width(header)
    page.append(list(sheet.headers))
    written = 0
    money = [header in MONEY for header in sheet.headers]
    for row in sheet.rows:
        page.append(
            [_workbook_cell(page, value, money=is_money) for value, is_money in zip(row, money, strict=True)]
        )
        written += 1
    made = io.BytesIO()
    book.save(made)
    _write_plainly(made, out)
    return written


def _write_plainly(made: io.BytesIO, out: Any) -> None:
    """The workbook without the time and the program it was made by: the same rows give the same file, to the byte."""
    with zipfile.ZipFile(made) as parts, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as plain:
        for name in parts.namelist():
            content = _PROPERTIES if name == "docProps/core.xml" else parts.read(name)
            plain.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def _width(header: str) -> float:
    """In characters; a workbook that is written row by row wants it before the rows are known."""
    return WIDTHS.get(header, max(len(header) + 2, 13))


def _workbook_cell(page: Any, value: Value, *, money: bool) -> Any:
    """Text is stored as text whatever it begins with; the library alone would make formulas of some."""
    if money and isinstance(value, int | float | Decimal):
        cell = WriteOnlyCell(page, value=value)
        cell.number_format = MONEY_FORMAT
        return cell
    if not isinstance(value, str) or not value:
        return value if value != "" else None
    cell = WriteOnlyCell(page, value=_UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", value))
    cell.data_type = "s"
    return cell
