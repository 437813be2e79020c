"""Numbers and days as people read them, written once, so that a page of rows is only strings.

Thousands are kept apart by a comma, as in the reasons that a run keeps; rounding is half-even, for reading only.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from django.utils import timezone

DASH = "–"
SPACE = "\u00a0"
CENT = Decimal("0.01")
KEPT = 4_096  # a page says the same few hundred numbers and days again and again: each is put into words once


def grouped(value: Decimal | int, *, places: int = 0) -> str:
    """1234567.5 → "1,234,568"."""
    if not places and isinstance(value, int):
        return f"{value:,}"
    exact = Decimal(value)
    return _rounded(exact, places, exact.is_signed())


@lru_cache(maxsize=KEPT)
def _rounded(value: Decimal, places: int, signed: bool) -> str:
    """signed: tells minus nought from nought, which are equal and written differently."""
    return f"{value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN):,}"


def amount(value: Decimal | None, *, places: int = 0) -> str:
    """Money without its currency; a dash when unknown."""
    return DASH if value is None else grouped(value, places=places)


def money(value: Decimal | None, currency: str, *, places: int = 0) -> str:
    return DASH if value is None else f"{grouped(value, places=places)}{SPACE}{currency}"


def compact(value: Decimal, currency: str) -> str:
    """For a tile: 83414303.02 → "83.4 M USD"; below 100 000 in full."""
    for size, letter in ((Decimal(10**9), "bn"), (Decimal(10**6), "M"), (Decimal(10**5), "k")):
        if abs(value) >= size:
            return f"{grouped(value / (size if letter != 'k' else 1000), places=1)}{SPACE}{letter}{SPACE}{currency}"
    return money(value, currency)


def places_of(values: Iterable[Decimal | None]) -> int:
    """2 when some amount of a column has cents, else 0: a column is written one way."""
    return 2 if any(value is not None and value != value.to_integral_value() for value in values) else 0


def trimmed(value: Decimal | float | None) -> str:
    """12.25 → "12.25", 12.50 → "12.5", 12.00 → "12"; hours are never written so, but by `hours`."""
    if value is None:
        return DASH
    text = grouped(Decimal(str(value)), places=2)
    return text.rstrip("0").rstrip(".") if "." in text else text


def hours(value: Decimal | float | None) -> str:
    """1.5 → "1:30", to the minute: as `hours_and_minutes`, of what is kept or reported in hours."""
    return DASH if value is None else hours_and_minutes(round(Decimal(str(value)) * 60))


def exact_hours_of(minutes: int | None) -> Decimal | None:
    """Hours for a file: exact enough that a column of some hundred lines adds up to the minute."""
    return None if minutes is None else (Decimal(minutes) / 60).quantize(Decimal("0.0001"))


@lru_cache(maxsize=KEPT)
def hours_and_minutes(minutes: int | None) -> str:
    """95 → "1:35": the one way in which people read hours, so that they add up. A dash where they are not known."""
    if minutes is None:
        return DASH
    sign, size = ("−" if minutes < 0 else ""), abs(minutes)
    return f"{sign}{size // 60:,}:{size % 60:02}"


def difference(minutes: int) -> str:
    """95 → "+1:35", -95 → "−1:35", 0 → "±0"."""
    return (
        "±0"
        if minutes == 0
        else f"+{hours_and_minutes(minutes)}"
        if minutes > 0
        else hours_and_minutes(minutes)
    )


def percent(value: Decimal | float | None, *, places: int = 0) -> str:
    return DASH if value is None else f"{grouped(Decimal(str(value)), places=places)}{SPACE}%"


@lru_cache(maxsize=KEPT)
def day(value: date | None) -> str:
    """22 Nov 2026."""
    return DASH if value is None else f"{value.day}{SPACE}{value:%b}{SPACE}{value.year}"


def moment(value: datetime) -> str:
    """22 Nov 2026, 09:05, in the time zone of the installation."""
    local = value.astimezone(timezone.get_current_timezone())
    return f"{day(local.date())}, {local:%H:%M}"


def clock(value: datetime) -> str:
    """09:05, in the time zone of the installation."""
    return f"{value.astimezone(timezone.get_current_timezone()):%H:%M}"


def days_from(value: date | None, *, today: date) -> str:
    """ "in 12 days", "today", "3 days ago"; empty when unknown."""
    if value is None:
        return ""
    away = (value - today).days
    if away == 0:
        return "today"
    unit = "day" if abs(away) == 1 else "days"
    return f"in {grouped(away)} {unit}" if away > 0 else f"{grouped(-away)} {unit} ago"


def counted(number: int, noun: str, plural: str = "") -> str:
    """3, "customer" → "3 customers"."""
    return f"{grouped(number)} {noun if number == 1 else plural or noun + 's'}"


def directions(*, ups: int, downs: int, from_retired: int) -> str:
    """ "12 up, 3 down, 585 from tiers no longer in use": a change out of a retired tier goes neither way."""
    words = f"{grouped(ups)} up, {grouped(downs)} down"
    if not from_retired:
        return words
    tiers = "a tier" if from_retired == 1 else "tiers"
    return f"{words}, {grouped(from_retired)} from {tiers} no longer in use"


def from_cents(cents: int) -> Decimal:
    return Decimal(cents) / 100


def fault_of(words: str, *, if_none: str, most: int) -> str:
    """What keeps a text from being stored, as a sentence; empty when nothing does. if_none: empty where a text may be missing."""
    if not words.strip():
        return if_none
    if len(words) > most:
        return f"Say it in at most {grouped(most)} characters, not {grouped(len(words))}."
    if "\0" in words:  # PostgreSQL keeps none
        return "What you say holds the character NUL: take it out."
    return ""
