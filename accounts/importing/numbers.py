"""Numbers in files: a strict grammar, one style a file, nothing rounded or reinterpreted.

`point` is 1,234.56 and `comma` is 1.234,56; blanks and apostrophes may group thousands in both. A number
carries at most a currency sign or code and, where every amount of the column does, a magnitude (K, M, …).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accounts.importing.choices import Evidence, Settled, settle
from accounts.importing.currencies import SIGNS, is_currency
from accounts.importing.errors import CellRefused

POINT = "point"
COMMA = "comma"
STYLES = (POINT, COMMA)
SHOWN = {POINT: "1,234.56", COMMA: "1.234,56"}

_BLANKS = " \u00a0\u202f'’"
_PLAIN = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,20})?\Z")
# Blank, or a number in which a point cannot group thousands.
_CLEAR = re.compile(r"(?:-?(?:[0-9]{1,18}(?:\.(?:[0-9]{1,2}|[0-9]{4,20}))?|[0-9]{4,18}\.[0-9]{3}))?\Z")
_LETTER = re.compile("[A-Za-z]")
_DIGITS = re.compile(r"[0-9]{1,18}\Z")
_CORE = {
    POINT: re.compile(
        rf"([0-9]{{1,18}}|[0-9]{{1,3}}([,{_BLANKS}])[0-9]{{3}}(?:\2[0-9]{{3}}){{0,5}})(?:\.([0-9]{{1,20}}))?\Z"
    ),
    COMMA: re.compile(
        rf"([0-9]{{1,18}}|[0-9]{{1,3}}([.{_BLANKS}])[0-9]{{3}}(?:\2[0-9]{{3}}){{0,5}})(?:,([0-9]{{1,20}}))?\Z"
    ),
}
_AROUND = re.compile(
    r"(?P<minus>-?)[ \u00a0]?(?P<before>[$€£¥₹]|[A-Z]{3}[ \u00a0]?)?[ \u00a0]?(?P<inner_minus>-?)"
    rf"(?P<core>[0-9][0-9.,{_BLANKS}]*?)[ \u00a0]?(?P<magnitude>[A-Za-z]{{1,3}})?[ \u00a0]?"
    r"(?P<after>[$€£¥₹]|[A-Z]{3})?\Z"
)
# Money's own words. M is a million here; a column that writes both M and MM is refused (M may mean thousand).
MAGNITUDES = {"K": 10**3, "M": 10**6, "MM": 10**6, "MIO": 10**6, "B": 10**9, "BN": 10**9, "MRD": 10**9}
_SCIENTIFIC = re.compile(r"[-+]?[0-9.,]+[eE][-+]?[0-9]+\Z")
_GROUPING = re.compile(rf"[.,{_BLANKS}]")


@dataclass(frozen=True)
class Style:
    """How the numbers of one column are read."""

    decimal: str = POINT
    magnitude: bool = False  # every amount of the column carries K, M, MM, …


@dataclass(frozen=True)
class Parts:
    """A number taken apart: what it is without its currency and magnitude."""

    negative: bool
    core: str
    currency: str  # a sign, a code or nothing
    magnitude: str  # in capitals, or nothing


def take_apart(text: str) -> Parts | None:
    """The parts of a number, or None when the text is no number in any style."""
    if _PLAIN.match(text):
        return Parts(text.startswith("-"), text.lstrip("-"), "", "")
    match = _AROUND.match(text)
    if match is None or (match["minus"] and match["inner_minus"]) or (match["before"] and match["after"]):
        return None
    currency = (match["before"] or match["after"] or "").strip()
    magnitude = (match["magnitude"] or "").upper()
    if magnitude and magnitude not in MAGNITUDES:
        # `1,000 USD` without a magnitude: the letters are the currency.
        if currency or not is_currency(match["magnitude"]):
            return None
        currency, magnitude = match["magnitude"], ""
    if len(currency) == 3 and not is_currency(currency):
        return None
    return Parts(bool(match["minus"] or match["inner_minus"]), match["core"], currency, magnitude)


def _value(core: str, decimal: str) -> Decimal | None:
    match = _CORE[decimal].match(core)
    if match is None:
        return None
    whole = _GROUPING.sub("", match[1])
    return Decimal(f"{whole}.{match[3]}") if match[3] else Decimal(whole)


def parse_number(text: str, style: Style) -> tuple[Decimal, str]:
    """(value, currency sign or code as written). Raises CellRefused with what is wrong."""
    if style.decimal == POINT and not style.magnitude and text[:1] != "-" and _PLAIN.match(text):
        return Decimal(text), ""
    parts = take_apart(text)
    if parts is None:
        raise CellRefused(_why_no_number(text))
    value = _value(parts.core, style.decimal)
    if value is None:
        raise CellRefused(
            f"This is no number in the style of this file, {SHOWN[style.decimal]}; write the number in that style."
        )
    if parts.magnitude:
        if not style.magnitude:
            raise CellRefused(
                f"“{parts.magnitude}” stands after this amount but not after all amounts of the column; "
                "write every amount of the column in full, or all of them with one."
            )
        value *= MAGNITUDES[parts.magnitude]
    elif style.magnitude and value:
        raise CellRefused("The other amounts of the column carry a K, M or MM and this one does not.")
    return (-value if parts.negative else value), parts.currency


def _why_no_number(text: str) -> str:
    if _SCIENTIFIC.match(text):
        return (
            "Scientific notation may have lost digits; show the column as a plain number in the spreadsheet "
            "and export it again."
        )
    if text.strip("+-").casefold() in ("nan", "inf", "infinity", "∞"):
        return "This is no number that can be counted with."
    if not text.isascii() and any(sign.isdigit() and not sign.isascii() for sign in text):
        return "Write the digits as 0 to 9."
    return "This is no number; write digits only, such as 1234.56."


# What nearly every cell says, made once.
_SAME, _POINT_ONLY = Evidence(True, True, False), Evidence(True, False, True)


def _weigh(text: str) -> Evidence:
    if _DIGITS.match(text):
        return _SAME
    if _PLAIN.match(text):
        whole, _, fraction = text.lstrip("-").partition(".")
        if fraction and (len(fraction) != 3 or len(whole) > 3):  # in comma style a point would group threes
            return _POINT_ONLY
    parts = take_apart(text)
    if parts is None:
        return Evidence(False, False, False)
    point, comma = _value(parts.core, POINT), _value(parts.core, COMMA)
    return Evidence(point is not None, comma is not None, point != comma)


def _readings(text: str) -> tuple[str, str]:
    parts = take_apart(text)
    assert parts is not None  # noqa: S101 - only cells that fit both readings are asked about
    return f"{_value(parts.core, POINT):f}", f"{_value(parts.core, COMMA):f}"


def find_style(columns: Iterable[tuple[str, Sequence[str]]]) -> Settled:
    """The decimal style of a file from the distinct texts of its number columns: found out or asked."""
    columns = list(columns)
    if all(all(map(_CLEAR.match, texts)) for _, texts in columns):
        return Settled(POINT)  # nothing is in doubt, and nothing speaks for the other style
    return settle(
        option="number_style",
        answers=STYLES,
        columns=columns,
        weigh=_weigh,
        readings=_readings,
        default=POINT,
    )


def find_magnitude(texts: Sequence[str]) -> tuple[bool, str]:
    """(whether every amount but 0 carries a magnitude, how the preview states the reading)."""
    found: set[str] = set()
    bare = False
    if not _LETTER.search("\n".join(texts)):
        return False, ""
    for text in texts:
        parts = take_apart(text)
        if parts is None:
            continue
        if parts.magnitude:
            found.add(parts.magnitude)
        elif parts.core.strip("0.,"):
            bare = True
    if not found or bare or {"M", "MM"} <= found:
        return False, ""
    return True, ", ".join(f"{word} = × {MAGNITUDES[word]:,}" for word in sorted(found))


def native_number(value: int | Decimal) -> Decimal:
    """A number that a workbook stores as such; its shortest exact form counts."""
    return Decimal(value)


def currency_fits(sign: str, currency: str) -> bool:
    """Whether a sign or code written beside an amount may stand for this currency."""
    return currency in SIGNS.get(sign, (sign,))


def canonical(value: Any) -> str:
    """A number for a file: no exponent, no grouping, a point; trailing zeros of the fraction stay."""
    return f"{value:f}"
