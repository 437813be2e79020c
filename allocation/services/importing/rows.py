"""What one line of a file would do, and what the database holds for it now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.importing.checking import Problem

CREATED, UPDATED, UNCHANGED, REJECTED = "created", "updated", "unchanged", "rejected"
OUTCOMES = (CREATED, UPDATED, UNCHANGED, REJECTED)


# Told (rows done, rows in all) while a long file is worked on.
Progress = Callable[[int, int], object]


def no_progress(done: int, total: int) -> None:
    """For those who do not want to know."""


@dataclass(slots=True)
class Row:
    """`values` are what would be written (only what changes), `before` what stands there now.

    All of it is JSON: amounts and days as text, references by name. `cells` are kept for refused rows only.
    """

    line: int
    key: str
    outcome: str
    values: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    cells: Sequence[str] = ()

    def as_json(self) -> list[Any]:
        """Compact form for a chunk."""
        problems = [[problem.column, problem.value, problem.message] for problem in self.problems]
        return [self.line, self.key, self.outcome, self.values, self.before, problems, list(self.cells)]

    @classmethod
    def from_json(cls, stored: Sequence[Any]) -> "Row":
        """The row that `as_json` gave."""
        line, key, outcome, values, before, problems, cells = stored
        return cls(
            line, key, outcome, values, before, [Problem(line, *problem) for problem in problems], cells
        )


@dataclass(frozen=True, slots=True)
class PackedRows:
    """Some hundred rows as they are stored: compressed, with what a page needs to know of them."""

    content: bytes
    rows: int
    rejected: int
    changed: int


@dataclass(frozen=True, slots=True)
class Packed:
    """Every row of a file, packed, with the number of rows of each outcome."""

    parts: tuple[PackedRows, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Compared:
    """A checked file beside the database: outcomes, what would be new, a digest of how the rows stand."""

    packed: Packed
    new_values: dict[str, list[str]]
    digest: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file, read and compared: nothing written yet. `reading` says how it was understood."""

    compared: Compared
    headers: list[str]
    reading: dict[str, Any]

    def count(self, outcome: str) -> int:
        """How many rows have this outcome."""
        return self.compared.packed.counts[outcome]


def plain(value: Any) -> Any:
    """A value as JSON keeps it without loss."""
    if value is None or isinstance(value, str):  # first: nearly all values are
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def changed_only(
    wanted: Mapping[str, Any], current: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(values to write, what they replace): only what differs."""
    if wanted == current:  # first: of a file sent again, nearly every row
        return {}, {}
    values = {column: value for column, value in wanted.items() if value != current[column]}
    return values, {column: current[column] for column in values}
