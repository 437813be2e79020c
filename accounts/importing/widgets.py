"""How a cell becomes a value: django-import-export widgets that refuse instead of reinterpreting.

The library's own widgets turn a bad boolean into False, 1e6 into a million and full-width digits into
numbers. These take the column's `reading` (number style, date order, list separator) and raise CellRefused
with a sentence. `clean` is called once for each distinct cell of a column.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from import_export.widgets import Widget

from accounts.importing import currencies, dates, numbers
from accounts.importing.errors import CellRefused
from accounts.importing.keys import word_key
from accounts.importing.tables import BrokenCell, Cell, is_blank

LONGEST_NUMBER = 60
SAFE_DIGITS = Decimal(10) ** 15  # a spreadsheet keeps 15 digits; a longer id has lost some
PLAIN_BELOW = 10**12
HALF = re.compile("[\ud800-\udfff]")
EXACT_DIGITS = 15  # a double gives back every number of so many digits
YES = frozenset(["yes", "true", "1"])
NO = frozenset(["no", "false", "0"])
EMAIL = re.compile(r"[^@\s;,<>\"]+@[^@\s;,<>\"]+\.[^@\s;,<>\"]+\Z")


@dataclass
class ColumnReading:
    """How one column of one file is read, and which currency signs its amounts carried."""

    style: numbers.Style = numbers.Style()  # noqa: RUF009 - frozen
    date_order: str = dates.DMY
    separator: str = ";"
    signs: dict[Cell, str] = field(default_factory=dict)


class StrictWidget(Widget):  # type: ignore[misc]
    """Base: broken cells are refused, blanks give `blank`, everything else goes to `read`."""

    blank: Any = None

    def clean(self, value: Cell, row: Any = None, **kwargs: Any) -> Any:
        """The value of a cell. Keyword `reading` is the column's. Raises CellRefused."""
        if isinstance(value, BrokenCell):
            raise CellRefused(value.sentence[0].upper() + value.sentence[1:] + ".")
        if value is None or is_blank(value):
            return self.blank
        return self.read(value, kwargs.get("reading") or ColumnReading())

    def read(self, value: Cell, reading: ColumnReading) -> Any:
        raise NotImplementedError

    def clean_all(
        self, cells: Collection[Cell], reading: ColumnReading
    ) -> tuple[dict[Cell, Any], dict[Cell, str]]:
        """(the value of each cell, `blank` for one that is refused; why those are refused). As `clean` for every cell."""
        values, refused = self._plain_ones(cells, reading), {}
        for cell in cells if len(values) < len(cells) else ():
            if cell not in values:
                try:
                    values[cell] = self.clean(cell, reading=reading)
                except CellRefused as refusal:
                    values[cell], refused[cell] = self.blank, str(refusal)
        return values, refused

    def _plain_ones(self, cells: Collection[Cell], reading: ColumnReading) -> dict[Cell, Any]:
        """The values of cells that are seen together to be in order; the others are looked at one by one."""
        return {}

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        """The value as the export writes it; None is a blank."""
        return "" if value is None else value


def as_text(value: Cell) -> str:
    """A cell of a text column; a number is taken only where no digit can have been lost."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal):
        if abs(Decimal(value)) >= SAFE_DIGITS:
            raise CellRefused("A spreadsheet keeps 15 digits of a number; store the column as text.")
        return numbers.canonical(Decimal(value))
    return value.isoformat() if isinstance(value, date) else str(value)


class TextWidget(StrictWidget):
    """Text of bounded length. `exact` keeps blanks at the ends (names are stored as they stand)."""

    blank = ""

    def __init__(self, *, longest: int, exact: bool = False) -> None:
        super().__init__()
        self.longest, self.exact = longest, exact

    def read(self, value: Cell, reading: ColumnReading) -> str:
        text = as_text(value)
        text = text if self.exact else text.strip()
        if len(text) > self.longest:
            raise CellRefused(f"At most {self.longest} characters; this has {len(text):,}.")
        if "\0" in text:
            raise CellRefused("The text holds a NUL character, which no database keeps.")
        if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
            raise CellRefused("The text holds half a character; export the file again in UTF-8.")
        return text

    def _plain_ones(self, cells: Collection[Cell], reading: ColumnReading) -> dict[Cell, Any]:
        texts = [cell for cell in cells if isinstance(cell, str)]
        joined = "".join(texts)
        whole = joined.isascii() or not HALF.search(joined)
        if not texts or not whole or "\0" in joined or max(map(len, texts)) > self.longest:
            return {}
        stripped = list(map(str.strip, texts))
        if not self.exact:
            return dict(zip(texts, stripped, strict=True))
        return {text: text if bare else "" for text, bare in zip(texts, stripped, strict=True)}


class NumberWidget(StrictWidget):
    """A number within bounds, with at most `places` decimals; more are refused, never rounded."""

    def __init__(self, *, low: int | None, high: int | None, places: int, money: bool = False) -> None:
        super().__init__()
        self.low, self.high, self.places, self.money = low, high, places, money
        self.unit, self.zero = Decimal(1).scaleb(-places), Decimal(0).scaleb(-places)
        # Twelve digits are below every bound but that of percentages and counts, which is asked for.
        self._plain = re.compile(
            rf"[0-9]{{1,12}}(?:\.[0-9]{{1,{places}}})?\Z" if places else r"[0-9]{1,12}\Z"
        )

    def read(self, value: Cell, reading: ColumnReading) -> Decimal:
        number = self._number(value, reading)
        if self.low is not None and number < self.low:
            raise CellRefused(self._bounds())
        if self.high is not None and (number >= self.high if self.money else number > self.high):
            raise CellRefused(self._bounds())
        # Decimal.quantize would round with the context; the exponent tells without computing.
        exact: Decimal = number.normalize()
        if -int(exact.as_tuple().exponent) > self.places:
            raise CellRefused(self._decimals())
        return exact.quantize(self.unit) if number else self.zero

    def _plain_ones(self, cells: Collection[Cell], reading: ColumnReading) -> dict[Cell, Any]:
        if reading.style != numbers.Style():
            return {}
        match, unit, zero = self._plain.match, self.unit, self.zero
        found: dict[Cell, Any] = {
            cell: Decimal(cell).quantize(unit)
            for cell in cells
            if (type(cell) is str and match(cell)) or (type(cell) is int and 0 <= cell < PLAIN_BELOW)
        }
        found |= {
            cell: exact
            for cell in cells
            if type(cell) is Decimal and zero <= cell < PLAIN_BELOW and (exact := cell.quantize(unit)) == cell
        }
        within = not found or (
            (self.low is None or min(found.values()) >= self.low)
            and (self.high is None or max(found.values()) < self.high)
        )
        return found if within else {}

    def _number(self, value: Cell, reading: ColumnReading) -> Decimal:
        if isinstance(value, int | Decimal):
            return numbers.native_number(value)
        if not isinstance(value, str):
            raise CellRefused("This is a date where a number is needed.")
        text = value.strip()
        if len(text) > LONGEST_NUMBER:
            raise CellRefused(f"A number of {len(text):,} characters is too long.")
        number, currency = numbers.parse_number(text, reading.style)
        if currency and not self.money:
            raise CellRefused("This is an amount of money where a plain number is needed.")
        if text.startswith("-") and not number:
            raise CellRefused("Write zero as 0.")
        if currency:
            reading.signs[value] = currency
        return number

    def _bounds(self) -> str:
        if self.money:
            return f"An amount must be at least {self.low} and below {self.high:,}."
        if self.high is None:
            return f"At least {self.low:,} is needed."
        return f"A number from {self.low:,} to {self.high:,} is needed."

    def _decimals(self) -> str:
        if not self.places:
            return "A whole number is needed; nothing is rounded."
        return f"At most {self.places} decimals; nothing is rounded."


class FloatWidget(NumberWidget):
    """A number that JSON keeps as a double: one with more digits than come back is refused, not rounded."""

    def read(self, value: Cell, reading: ColumnReading) -> Decimal:
        number = super().read(value, reading)
        if len(number.normalize().as_tuple().digits) > EXACT_DIGITS:
            raise CellRefused(
                f"At most {EXACT_DIGITS} digits are kept of a custom number; nothing is rounded."
            )
        return number

    def _plain_ones(self, cells: Collection[Cell], reading: ColumnReading) -> dict[Cell, Any]:
        return {}  # each one's digits are counted


class WholeWidget(NumberWidget):
    """A whole number."""

    def __init__(self, *, low: int, high: int) -> None:
        super().__init__(low=low, high=high, places=0)

    def read(self, value: Cell, reading: ColumnReading) -> Any:
        return int(super().read(value, reading))

    def _plain_ones(self, cells: Collection[Cell], reading: ColumnReading) -> dict[Cell, Any]:
        return {cell: int(value) for cell, value in super()._plain_ones(cells, reading).items()}


class DateWidget(StrictWidget):
    """A day."""

    def read(self, value: Cell, reading: ColumnReading) -> date:
        if isinstance(value, date):
            return dates.parse_date(value.isoformat(), reading.date_order)
        if isinstance(value, str):
            return dates.parse_date(value.strip(), reading.date_order)
        raise CellRefused(
            "This is a number where a date is needed; show the column as dates in the spreadsheet."
        )


class YesNoWidget(StrictWidget):
    """yes, no, true, false, 1, 0; anything else is refused, not False."""

    def read(self, value: Cell, reading: ColumnReading) -> bool:
        word = as_text(value).strip().casefold()
        if word in YES:
            return True
        if word in NO:
            return False
        raise CellRefused("Write yes or no (true, false, 1 and 0 are read too).")


class ChoiceWidget(StrictWidget):
    """One of a few words, in any case; `also` gives other spellings."""

    blank = ""

    def __init__(self, *, words: dict[str, str], blank: str = "") -> None:
        super().__init__()
        self.words, self.blank = words, blank

    def read(self, value: Cell, reading: ColumnReading) -> str:
        try:
            return self.words[word_key(as_text(value))]
        except KeyError:
            raise CellRefused(
                f"One of these is needed: {', '.join(dict.fromkeys(self.words.values()))}."
            ) from None


class ListWidget(StrictWidget):
    """A list; repeated items count once. Gives a tuple, in the order of the file."""

    blank: tuple[str, ...] = ()

    def __init__(self, *, longest: int = 100, most: int = 100) -> None:
        super().__init__()
        self.item = TextWidget(longest=longest)
        self.most = most

    def read(self, value: Cell, reading: ColumnReading) -> tuple[str, ...]:
        items = [self.item.read(item, reading) for item in as_text(value).split(reading.separator)]
        kept = tuple({word_key(item): item for item in reversed(items) if item}.values())[::-1]
        if len(kept) > self.most:
            raise CellRefused(f"At most {self.most} items; this has {len(kept):,}.")
        return kept

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return ";".join(value or ())


class CurrencyWidget(StrictWidget):
    """An ISO 4217 code; a blank is left to the caller, who knows the base currency."""

    blank = ""

    def read(self, value: Cell, reading: ColumnReading) -> str:
        code = as_text(value).strip().upper()
        if not currencies.is_currency(code):
            raise CellRefused("This is no currency code in use; write three letters such as EUR or USD.")
        return code


class EmailWidget(StrictWidget):
    """An e-mail address, in small letters."""

    blank = ""

    def read(self, value: Cell, reading: ColumnReading) -> str:
        text = as_text(value).strip().lower()
        if len(text) > 254 or not text.isprintable() or not EMAIL.match(text):
            raise CellRefused("This is no e-mail address.")
        return text


def is_email(text: str) -> bool:
    """Whether a CSM is named by e-mail."""
    return bool(EMAIL.match(text.strip())) and len(text) <= 254
