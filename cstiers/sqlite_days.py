"""SQLite keeps a day as text: the same text, which a list has again and again, is made a day once."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from django.utils.dateparse import parse_date


@lru_cache(maxsize=16_384)
def _day(text: bytes) -> date | None:
    return parse_date(text.decode())


def parse_days_once() -> None:
    """In place of what Django registers for columns of days, with the same answers."""
    from django.db.backends.sqlite3 import base  # which registers its own when it is loaded

    base.Database.register_converter("date", _day)
