"""Values as they are written in a model's document."""

from decimal import Decimal, InvalidOperation

LIMIT = Decimal("1e15")
MOST_DECIMALS = 30  # written out in full, 1e-999999999 would fill the memory


def as_number(value: object) -> Decimal | None:
    """A finite number exactly as it was written, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < LIMIT and _is_short(number) else None


def _is_short(number: Decimal) -> bool:
    """Whether it has few enough decimals."""
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -MOST_DECIMALS


def is_blank(value: object) -> bool:
    """Nothing was written: none at all, or only spaces."""
    return value is None or (isinstance(value, str) and not value.strip())


def no_number(what: str, value: object) -> str:
    """The sentence about a value that is no number, without its full stop."""
    return f"{what} must be a number, not {'empty' if is_blank(value) else repr(value)}"
