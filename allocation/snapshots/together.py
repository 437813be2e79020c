"""Several short lists in one statement: each row comes as JSON and is made again what it was.

For lists of tens of rows (tiers, leave, policies, saved views): a round to the database costs more than they do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar

from django.db import models
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Cast, JSONObject

Row = Mapping[str, Any]
Made = TypeVar("Made", bound=models.Model)


@dataclass(frozen=True, slots=True)
class ShortList:
    """rows: not sliced, their own order is not kept. names: what is read of each, over joins too. word, place: a column of text
    and one of whole numbers to order by, as the database orders; the pk where there is no place.
    """

    rows: QuerySet[Any]
    names: Sequence[str]
    word: str = ""
    place: str = "pk"


def read_together(lists: Mapping[str, ShortList]) -> dict[str, list[Row]]:
    """The rows of each list under its name; one statement. Values are as JSON has them: a day is text, a truth may be 0 or 1."""
    return {
        name: [row_of(text) for text in texts] for name, texts in apart(list(lists), together(lists)).items()
    }


def together(lists: Mapping[str, ShortList]) -> QuerySet[Any, Any]:
    """The rows of all lists in order: the number of the list, two columns to order by, and the row as JSON."""
    parts = [
        one.rows.order_by()
        .annotate(
            of_list=Value(number, output_field=models.IntegerField()),
            by_word=Cast(F(one.word) if one.word else Value(""), models.TextField()),
            by_place=F(one.place),
            as_json=Cast(JSONObject(**{name: F(name) for name in one.names}), models.TextField()),
        )
        .values_list("of_list", "by_word", "by_place", "as_json")
        for number, one in enumerate(lists.values())
    ]
    found: QuerySet[Any, Any] = parts[0].union(*parts[1:], all=True)
    return found.order_by("of_list", "by_word", "by_place")


def apart(names: Sequence[str], rows: Iterable[tuple[int, str, int, str]]) -> dict[str, tuple[str, ...]]:
    """The rows of `together` by the name of their list, each as JSON."""
    found: dict[str, list[str]] = {name: [] for name in names}
    for number, _, _, text in rows:
        found[names[number]].append(text)
    return {name: tuple(texts) for name, texts in found.items()}


def row_of(text: str) -> Row:
    """One row of `apart`."""
    row: Row = json.loads(text, parse_float=Decimal)
    return row


def made(model: type[Made], row: Row, *, over: str = "") -> Made:
    """A row of the model as if the database had given it; what was not read is read when it is asked for. over: the join it
    came by.
    """
    fields = _fields(model, over, tuple(row))
    values = [value_of(field, row[f"{over}{field.attname}"]) for field in fields]
    return model.from_db("default", [field.attname for field in fields], values)


@lru_cache(maxsize=64)
def _fields(
    model: type[models.Model], over: str, names: tuple[str, ...]
) -> tuple[models.Field[Any, Any], ...]:
    return tuple(field for field in model._meta.concrete_fields if f"{over}{field.attname}" in names)


def value_of(field: models.Field[Any, Any], value: Any) -> Any:
    """What the field holds where JSON has `value`."""
    if value is not None and isinstance(field, models.DecimalField):
        return Decimal(value).quantize(Decimal(1).scaleb(-field.decimal_places))
    return field.to_python(value)
