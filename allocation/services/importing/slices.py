"""Some thousand rows of a customer file at once, by column: a file of 100 000 rows is never 100 000 objects.

Whoever wants single rows iterates over a slice, or asks for one by its place.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import compress, repeat
from typing import Any, NamedTuple

from accounts.importing.checking import Problem
from allocation.services.importing.rows import CREATED, OUTCOMES, REJECTED, UPDATED, Row

# One letter for each outcome; a slice's outcomes are one text.
LETTERS = dict(zip(OUTCOMES, "cu=r", strict=True))
NAMES = {letter: outcome for outcome, letter in LETTERS.items()}


class Change(NamedTuple):
    """What a row does to one column; `before` is None for a customer that is new."""

    key: str
    outcome: str
    value: Any
    before: Any


@dataclass
class Slice(Sequence[Row]):
    """`created` holds a column's values for the created rows in their order; `updated` and `rejected` go by place."""

    lines: Sequence[int]
    keys: Sequence[str]
    outcomes: str
    created: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    updated: Mapping[int, tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=dict)
    rejected: dict[int, tuple[list[Problem], Sequence[str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Slice":
        """The same rows by column; created ones all name the same columns."""
        if isinstance(rows, cls):
            return rows
        created = [row.values for row in rows if row.outcome == CREATED]
        places = list(enumerate(rows))
        return cls(
            lines=[row.line for row in rows],
            keys=[row.key for row in rows],
            outcomes="".join(LETTERS[row.outcome] for row in rows),
            created={column: [values[column] for values in created] for column in (created or [{}])[0]},
            updated={at: (row.values, row.before) for at, row in places if row.outcome == UPDATED},
            rejected={at: (row.problems, row.cells) for at, row in places if row.outcome == REJECTED},
        )

    def __len__(self) -> int:
        return len(self.outcomes)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[place] for place in range(*at.indices(len(self)))]
        letter, line, key = self.outcomes[at], self.lines[at], self.keys[at]
        if letter == LETTERS[CREATED]:
            place = self._place_of_created[at]
            return Row(
                line, key, CREATED, values={column: made[place] for column, made in self.created.items()}
            )
        values, before = self.updated.get(at, ({}, {}))
        problems, cells = self.rejected.get(at, ([], ()))
        return Row(line, key, NAMES[letter], values, before, problems, cells)

    @cached_property
    def _place_of_created(self) -> dict[int, int]:
        letter = LETTERS[CREATED]
        made = (at for at, outcome in enumerate(self.outcomes) if outcome == letter)
        return {at: place for place, at in enumerate(made)}

    def count(self, outcome: str) -> int:
        """How many rows have this outcome."""
        return self.outcomes.count(LETTERS[outcome])

    def keys_of(self, outcome: str) -> list[str]:
        """Keys of the rows with this outcome, in the order of the file."""
        letter = LETTERS[outcome]
        if self.outcomes == letter * len(self.outcomes):
            return list(self.keys)
        return list(compress(self.keys, [found == letter for found in self.outcomes]))

    def accepted_keys(self) -> list[str]:
        """Keys of all rows that are not refused, in the order of the file."""
        letter = LETTERS[REJECTED]
        if letter not in self.outcomes:
            return list(self.keys)
        return list(compress(self.keys, [found != letter for found in self.outcomes]))

    def changes(self, column: str) -> Iterator[Change]:
        """What the rows of this slice do to one column: created ones first, then updated ones that change it."""
        made = self.created.get(column)
        if made is not None:
            yield from map(Change, self.keys_of(CREATED), repeat(CREATED), made, repeat(None))
        for at, (values, before) in self.updated.items():
            if column in values:
                yield Change(self.keys[at], UPDATED, values[column], before[column])

    def refusing(self, refused: Mapping[int, Problem]) -> "Slice":
        """The same rows, those at these places refused."""
        return Slice.of(
            [
                Row(row.line, row.key, REJECTED, problems=[refused[at]]) if at in refused else row
                for at, row in enumerate(self)
            ]
        )
