"""What is kept of a run so that one customer can be explained a year later without all the others.

Kept once a run: the sorted values that percentiles compare with (exact), a spread of every number the rules read
(for looking for the nearest change), and the words of every choice. Kept per customer: the facts the rules read.
"""

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from allocation.engine.facts.attributes import DERIVED, Attribute, Kind
from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.tiering import (
    ChoiceColumn,
    Column,
    CustomerColumns,
    DateColumn,
    FlagColumn,
    Floats,
    HeldTiers,
    NumberColumn,
    Populations,
    SetColumn,
    TierFindings,
)
from allocation.engine.standing import population

QUANTILES = 33  # of a spread: the ends and 31 between them


@dataclass(frozen=True, slots=True)
class KeptCrowd:
    """people: exact, sorted. spreads: 33 values from the lowest to the highest. words: of choices and sets."""

    people: Populations
    spreads: Mapping[str, Floats]
    words: Mapping[str, tuple[str, ...]]


def sources(rules: TieringRules) -> tuple[str, ...]:
    """Names of the facts that decide a customer under these rules, guards included; sorted."""
    reads = set(rules.attributes())
    if rules.guards.first_year:
        reads.add("first_renewal_done")
    if rules.guards.renewal_freeze_days:
        reads.add("renewal_date")
    return tuple(sorted({source for name in reads for source in DERIVED.get(name, (name,))}))


def crowd_of(*, findings: TierFindings, rules: TieringRules) -> KeptCrowd:
    """What to keep of these findings."""
    spreads: dict[str, Floats] = {}
    words: dict[str, tuple[str, ...]] = {}
    for name in sources(rules):
        column = findings.derived.columns.get(name)
        if isinstance(column, NumberColumn | DateColumn):
            known = column.values[findings.derived.active & ~np.isnan(column.values)]
            if len(known):
                spreads[name] = np.quantile(known, np.linspace(0, 1, QUANTILES))
        elif isinstance(column, ChoiceColumn | SetColumn):
            words[name] = column.vocabulary
    return KeptCrowd(people=findings.people, spreads=spreads, words=words)


def crowd_to_json(crowd: KeptCrowd) -> dict[str, Any]:
    """A small JSON object; the sorted values are packed, since they may be a hundred thousand."""
    return {
        "people": [
            [name, group, _packed(people.values)] for (name, group), people in sorted(crowd.people.items())
        ],
        "spreads": {name: np.round(values, 2).tolist() for name, values in crowd.spreads.items()},
        "words": {name: list(words) for name, words in crowd.words.items()},
    }


def crowd_from_json(kept: Mapping[str, Any]) -> KeptCrowd:
    """The crowd as it was; an empty object gives an empty crowd."""
    people: Populations = {}
    for name, group, packed in kept.get("people", []):
        values = _unpacked(packed)
        population(
            people, name=name, values=values, counted=np.ones(len(values), dtype=np.bool_), group=group
        )
    return KeptCrowd(
        people=people,
        spreads={name: np.array(values) for name, values in kept.get("spreads", {}).items()},
        words={name: tuple(words) for name, words in kept.get("words", {}).items()},
    )


def _packed(values: Floats) -> str:
    return base64.b64encode(zlib.compress(values.astype("<f8").tobytes(), 6)).decode("ascii")


def _unpacked(packed: str) -> Floats:
    return np.frombuffer(zlib.decompress(base64.b64decode(packed)), dtype="<f8").astype(np.float64)


def facts_to_json(facts: CustomerColumns, names: Sequence[str]) -> list[dict[str, Any]]:
    """The named facts of every customer as JSON values, missing ones left out."""
    rows: list[dict[str, Any]] = [{} for _ in range(len(facts))]
    for name in names:
        column = facts.columns.get(name)
        values = [] if column is None else _json_values(column)
        for row, value in zip(rows, values, strict=False):
            if value is not None:
                row[name] = value
    return rows


def _json_values(column: Column) -> list[Any]:
    if isinstance(column, NumberColumn | DateColumn):
        return [
            None if value != value else value for value in column.values.tolist()
        ]  # only NaN differs from itself
    if isinstance(column, FlagColumn):
        return [None if value < 0 else bool(value) for value in column.values.tolist()]
    if isinstance(column, ChoiceColumn):
        return [None if code < 0 else column.vocabulary[code] for code in column.codes.tolist()]
    return [
        [word for word, there in zip(column.vocabulary, row, strict=True) if there]
        for row in column.members.tolist()
    ]


def facts_from_json(
    *,
    rows: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    attributes: Mapping[str, Attribute],
    words: Mapping[str, tuple[str, ...]],
    held: HeldTiers,
    active: Sequence[bool],
    as_of: int,
) -> CustomerColumns:
    """Columns of kept facts; the inverse of ``facts_to_json``."""
    columns = {
        name: column_of(attributes[name].kind, [row.get(name) for row in rows], words.get(name, ()))
        for name in names
        if name in attributes
    }
    return CustomerColumns(
        ids=tuple(str(place) for place in range(len(rows))),
        columns=columns,
        active=np.array(active, dtype=np.bool_),
        held=held,
        as_of=as_of,
    )


def column_of(kind: Kind, values: Sequence[Any], words: Sequence[str] = ()) -> Column:
    """A column of plain values, None = missing. Dates in days. ``words`` come first in a vocabulary, if given."""
    if kind is Kind.NUMBER or kind is Kind.DATE:
        numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        return NumberColumn(numbers) if kind is Kind.NUMBER else DateColumn(numbers)
    if kind is Kind.FLAG:
        return FlagColumn(np.array([-1 if value is None else int(value) for value in values], dtype=np.int64))
    if kind is Kind.CHOICE:
        found = sorted({value for value in values if value is not None} - set(words))
        vocabulary = (*words, *found)
        codes = {word: code for code, word in enumerate(vocabulary)}
        coded = [-1 if value is None else codes[value] for value in values]
        return ChoiceColumn(np.array(coded, dtype=np.int64), vocabulary)
    return _set_column(values, words)


def _set_column(values: Sequence[Any], words: Sequence[str]) -> SetColumn:
    found = sorted({word for value in values for word in value or ()} - set(words))
    vocabulary = (*words, *found)
    places = {word: place for place, word in enumerate(vocabulary)}
    members = np.zeros((len(values), len(vocabulary)), dtype=np.bool_)
    for row, value in enumerate(values):
        for word in value or ():
            members[row, places[word]] = True
    return SetColumn(members, vocabulary)
