"""Dates in files: ISO, points, slashes and month names; one order of day and month a file."""

import re
from collections.abc import Iterable
from datetime import date

from accounts.importing.choices import Evidence, Settled, settle
from accounts.importing.errors import CellRefused

DMY = "dmy"
MDY = "mdy"
ORDERS = (DMY, MDY)
SHOWN = {DMY: "day/month/year", MDY: "month/day/year"}
EARLIEST, LATEST = 1900, 2200

_ISO = re.compile(
    r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?\Z"
)
_POINTS = re.compile(r"([0-9]{1,2})\.[ ]?([0-9]{1,2})\.[ ]?([0-9]{4})\Z")
_SLASHES = re.compile(r"([0-9]{1,2})([/-])([0-9]{1,2})\2([0-9]{4})\Z")
_DAY_WORD = re.compile(r"([0-9]{1,2})[. -]+([A-Za-z]{3,9})\.?[, -]+([0-9]{4})\Z")
_WORD_DAY = re.compile(r"([A-Za-z]{3,9})\.? ([0-9]{1,2}),? ([0-9]{4})\Z")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


def parse_date(text: str, order: str) -> date:
    """The day a text names; a time of day is left off. Raises CellRefused with what is wrong."""
    found = _year_month_day(text, order)
    if found is None:
        raise CellRefused("This is no date; write it as 2026-12-31.")
    year, month, day = found
    if not EARLIEST <= year <= LATEST:
        raise CellRefused(f"The year must lie between {EARLIEST} and {LATEST}.")
    if not 1 <= month <= 12:
        raise CellRefused(f"There is no month {month}; dates in this file are read as {SHOWN[order]}.")
    try:
        return date(year, month, day)
    except ValueError:
        raise CellRefused(f"There is no {day} {_MONTHS[month - 1].capitalize()} {year}.") from None


def _year_month_day(text: str, order: str) -> tuple[int, int, int] | None:
    if match := _ISO.match(text):
        return int(match[1]), int(match[3]), int(match[4])
    if match := _POINTS.match(text):
        return int(match[3]), int(match[2]), int(match[1])
    if match := _SLASHES.match(text):
        first, second = int(match[1]), int(match[3])
        return (int(match[4]), second, first) if order == DMY else (int(match[4]), first, second)
    return _month_word(text)


def _month_word(text: str) -> tuple[int, int, int] | None:
    if match := _DAY_WORD.match(text):
        day, word, year = match[1], match[2], match[3]
    elif match := _WORD_DAY.match(text):
        day, word, year = match[2], match[1], match[3]
    else:
        return None
    for month, name in enumerate(_MONTHS, start=1):
        if word.lower() in (name, name[:3], name[:4]):
            return int(year), month, int(day)
    return None


def _tried(text: str, order: str) -> date | None:
    try:
        return parse_date(text, order)
    except CellRefused:
        return None


def _weigh(text: str) -> Evidence:
    if not _SLASHES.match(text):
        return Evidence(False, False, False)
    first, second = _tried(text, DMY), _tried(text, MDY)
    return Evidence(first is not None, second is not None, first != second)


def _readings(text: str) -> tuple[str, str]:
    first, second = _tried(text, DMY), _tried(text, MDY)
    return f"{first:%d %B %Y}", f"{second:%d %B %Y}"


def find_order(columns: Iterable[tuple[str, Iterable[str]]]) -> Settled:
    """The order of day and month of a file, from the distinct texts of its date columns: found out or asked."""
    return settle(
        option="date_order", answers=ORDERS, columns=columns, weigh=_weigh, readings=_readings, default=DMY
    )


def looks_like_date(text: str) -> bool:
    """Whether a text is a date in one order or the other."""
    return _tried(text, DMY) is not None or _tried(text, MDY) is not None
