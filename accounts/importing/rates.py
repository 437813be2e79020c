"""Exchange rates from a file: the ECB's reference rates (CSV or zip), or `date,currency,rate`.

The ECB quotes units per 1 EUR. Rates are kept in units per 1 base currency, so an ECB day becomes
rate(c) / rate(base), the euro itself 1 / rate(base); a day on which the base has no rate is left out.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from pathlib import Path

from accounts.importing.errors import FileRefused

PLACES = Decimal("1e-12")
EXACT = Context(prec=30, rounding=ROUND_HALF_EVEN)
MAX_BYTES = 64 * 1024 * 1024
HIGHEST = Decimal(10) ** 9
OURS = ["date", "currency", "rate"]


@dataclass(frozen=True, slots=True)
class Rate:
    currency: str
    day: date
    rate: Decimal  # units of the currency for 1 unit of the base


def read_rates(*, path: Path, base: str) -> list[Rate]:
    """Every rate in the file, in units per 1 `base`.

    Raises FileRefused with a sentence that names the line, for anything it cannot read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileRefused(f"The file {path.name} cannot be read: {error.strerror}.") from error
    return read_rate_bytes(data=data, name=path.name, base=base)


def read_rate_bytes(*, data: bytes, name: str, base: str) -> list[Rate]:
    """The same of a file's bytes. name: how a refusal calls it."""
    rows = csv.reader(io.StringIO(_text(data, name)))
    try:
        header = [cell.strip() for cell in next(rows, [])]
        if [cell.lower() for cell in header] == OURS:
            return list(_plain(rows, base))
        if header and header[0].lower() == "date" and len(header) > 1:
            return list(_per_euro(header, rows, base))
    except csv.Error as error:
        raise FileRefused(f"The file {name} is no list: {error}.") from error
    raise FileRefused(
        "This is no file of rates: expected the ECB's reference rates or the columns date,currency,rate."
    )


def _text(data: bytes, name: str) -> str:
    if data[:4] == b"PK\x03\x04":
        data = _unzipped(data, name)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRefused(f"The file {name} is not UTF-8 text.") from error


def _unzipped(data: bytes, name: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = [entry for entry in archive.infolist() if entry.filename.lower().endswith(".csv")]
            if len(inside) != 1 or inside[0].file_size > MAX_BYTES:
                raise FileRefused(f"{name} must hold exactly one CSV file of at most 64 MB.")
            return archive.read(inside[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise FileRefused(f"{name} cannot be unzipped.") from error


def _plain(rows: Iterator[list[str]], base: str) -> Iterator[Rate]:
    for line, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(OURS):
            raise FileRefused(f"Line {line}: expected date, currency and rate, found {len(row)} values.")
        currency = row[1].strip().upper()
        if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
            raise FileRefused(f"Line {line}: “{row[1]}” is no currency; use three letters, such as EUR.")
        if currency != base:
            yield Rate(currency, _day(row[0], line), _number(row[2], line))


def _per_euro(header: list[str], rows: Iterator[list[str]], base: str) -> Iterator[Rate]:
    if base != "EUR" and base not in header:
        raise FileRefused(f"The file has no rate for the base currency {base}.")
    for line, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        day, quoted = _day(row[0], line), _quoted(header, row, line)
        if base not in quoted:
            continue
        for currency, rate in quoted.items():
            if currency != base:
                yield Rate(currency, day, _fitting(EXACT.divide(rate, quoted[base]), line))


def _quoted(header: list[str], row: list[str], line: int) -> dict[str, Decimal]:
    """Units per 1 EUR of every currency that has a rate on the line's day."""
    cells = zip(header[1:], row[1:], strict=False)
    known = {currency: cell for currency, cell in cells if currency and cell.strip() not in ("", "N/A")}
    return {"EUR": Decimal(1)} | {currency: _number(cell, line) for currency, cell in known.items()}


def _day(cell: str, line: int) -> date:
    for form in ("%Y-%m-%d", "%d %B %Y"):
        try:
            return datetime.strptime(cell.strip(), form).date()  # noqa: DTZ007  (a day has no time zone)
        except ValueError:
            continue
    raise FileRefused(f"Line {line}: “{cell}” is no date; write 2026-04-13.")


def _number(cell: str, line: int) -> Decimal:
    text = cell.strip()
    try:
        value = Decimal(text) if text.isascii() else Decimal("NaN")
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value <= 0:
        raise FileRefused(f"Line {line}: “{cell}” is no rate; a rate is a number above 0.")
    return _fitting(value, line)


def _fitting(value: Decimal, line: int) -> Decimal:
    kept = value.quantize(PLACES, context=EXACT) if value < HIGHEST else Decimal(0)
    if kept <= 0:
        raise FileRefused(f"Line {line}: the rate {value:f} is outside what can be kept (1e-12 to 1e9).")
    return kept
