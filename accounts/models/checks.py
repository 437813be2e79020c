"""Database checks that several nouns need, by the same words on SQLite and PostgreSQL."""

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length, Upper
from django.db.models.lookups import Exact, LessThanOrEqual

# SQLite keeps a decimal as a double: below this limit every cent is exact. An upper bound is also what
# stops NaN on PostgreSQL, where NaN sorts above every number.
MONEY_LIMIT = Decimal("1e13")


class CheckWithSentence(models.CheckConstraint):
    """A check whose sentence is shown as it stands. Django's own reads "%" in it as a place to fill in, and fails.

    For migrations it is Django's: they keep the same sentence.
    """

    def get_violation_error_message(self) -> str:
        return str(self.violation_error_message)

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        _, args, kwargs = super().deconstruct()
        return "django.db.models.CheckConstraint", args, kwargs


def money_in_range(field: str, name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        name=name,
        condition=Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__gte": 0, f"{field}__lt": MONEY_LIMIT}),
        violation_error_message="An amount must be at least 0 and below 10 000 000 000 000.",
    )


def between(
    field: str, low: int | Decimal, high: int | Decimal, name: str, sentence: str
) -> models.CheckConstraint:
    return CheckWithSentence(
        name=name,
        condition=Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__gte": low, f"{field}__lte": high}),
        violation_error_message=sentence,
    )


def at_most_characters(field: str, characters: int, name: str) -> models.CheckConstraint:
    """SQLite ignores the length of a column; this holds on both databases."""
    return models.CheckConstraint(
        name=name,
        condition=LessThanOrEqual(Length(field), characters),
        violation_error_message=f"At most {characters} characters.",
    )


def not_blank(field: str, name: str, sentence: str) -> models.CheckConstraint:
    return models.CheckConstraint(name=name, condition=~Q(**{field: ""}), violation_error_message=sentence)


def currency_code(field: str, name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        name=name,
        condition=models.ExpressionWrapper(
            Q(Exact(Length(field), 3)) & Q(Exact(Upper(field), models.F(field))),
            output_field=models.BooleanField(),
        ),
        violation_error_message="A currency is three capital letters, such as EUR.",
    )
