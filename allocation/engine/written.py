"""Numbers as they are written in a model's document."""

from decimal import Decimal, InvalidOperation


def as_number(value: object) -> Decimal | None:
    """A finite number exactly as it was written, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < Decimal("1e15") else None
