"""What the tiering engine reads and what it finds, as columns: one array a fact, one row a customer.

Shapes: every array has one entry per customer, in one common order that carries no meaning.
Missing is said, never guessed: NaN for numbers and dates, -1 for coded choices and yes/no values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

MISSING_CODE = -1
NO_TIER = -1


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """Float64 values, NaN where missing. Money is whole cents ÷ 100, exact up to 2**53 cents."""

    values: Floats

    def take(self, rows: Integers) -> "NumberColumn":
        return NumberColumn(self.values[rows])


@dataclass(frozen=True, slots=True)
class DateColumn:
    """Days since 1970-01-01 as float64, NaN where missing."""

    values: Floats

    def take(self, rows: Integers) -> "DateColumn":
        return DateColumn(self.values[rows])


@dataclass(frozen=True, slots=True)
class ChoiceColumn:
    """Positions in ``vocabulary``; -1 where missing."""

    codes: Integers
    vocabulary: tuple[str, ...]

    def take(self, rows: Integers) -> "ChoiceColumn":
        return ChoiceColumn(self.codes[rows], self.vocabulary)


@dataclass(frozen=True, slots=True)
class FlagColumn:
    """1 for yes, 0 for no, -1 where missing."""

    values: Integers

    def take(self, rows: Integers) -> "FlagColumn":
        return FlagColumn(self.values[rows])


@dataclass(frozen=True, slots=True)
class SetColumn:
    """Membership, customers × ``vocabulary``. An empty set is a known value, not a missing one."""

    members: Flags
    vocabulary: tuple[str, ...]

    def take(self, rows: Integers) -> "SetColumn":
        return SetColumn(self.members[rows], self.vocabulary)


Column: TypeAlias = NumberColumn | DateColumn | ChoiceColumn | FlagColumn | SetColumn


@dataclass(frozen=True, slots=True)
class TierFacts:
    """One tier. The engine counts tiers from 0, the highest, in the order of ``rank`` (1 = highest).

    A retired tier may still be held; nobody is given it any more.
    """

    slug: str
    rank: int
    touch_level: str
    name: str = ""
    retired: bool = False

    @property
    def shown_rank(self) -> int | None:
        """None when retired: its rank only keeps it below the others, and says nothing to people."""
        return None if self.retired else self.rank


@dataclass(frozen=True, slots=True)
class HeldTiers:
    """What each customer holds now and what the guards need to know about it.

    current, paid, override: positions in the tiers, -1 for none. since: days since 1970-01-01, NaN for never.
    goals_changed: open goals differ from those of the decision the customer stands on.
    override_ended: the tier held was set by an override that is no longer in force.
    in_scope: decided by this run; the others only lend their numbers to the percentiles.
    """

    current: Integers
    paid: Integers
    override: Integers
    since: Floats
    goals_changed: Flags
    override_ended: Flags
    in_scope: Flags

    def take(self, rows: Integers) -> "HeldTiers":
        return HeldTiers(
            current=self.current[rows],
            paid=self.paid[rows],
            override=self.override[rows],
            since=self.since[rows],
            goals_changed=self.goals_changed[rows],
            override_ended=self.override_ended[rows],
            in_scope=self.in_scope[rows],
        )

    @classmethod
    def nothing(cls, count: int) -> "HeldTiers":
        """Nobody holds anything yet: what a first run starts from."""
        none = np.full(count, NO_TIER, dtype=np.int64)
        no = np.zeros(count, dtype=np.bool_)
        return cls(
            current=none,
            paid=none.copy(),
            override=none.copy(),
            since=np.full(count, np.nan),
            goals_changed=no,
            override_ended=no.copy(),
            in_scope=np.ones(count, dtype=np.bool_),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Keyed(Sequence[str]):
    """Customers' keys as their ids, each made a text when somebody asks for it."""

    keys: Integers

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> "Keyed": ...

    def __getitem__(self, at: int | slice) -> "str | Keyed":
        return Keyed(self.keys[at]) if isinstance(at, slice) else str(self.keys[at])

    def take(self, rows: Integers) -> "Keyed":
        return Keyed(self.keys[rows])


@dataclass(frozen=True, slots=True)
class CustomerColumns:
    """All facts of one tiering run. ``as_of`` is in days since 1970-01-01; ``active`` is false for who left."""

    ids: Sequence[str]
    columns: Mapping[str, Column]
    active: Flags
    held: HeldTiers
    as_of: int

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Integers) -> "CustomerColumns":
        """The same facts for ``rows`` only, in that order; a row may be taken more than once."""
        return CustomerColumns(
            ids=self.ids.take(rows) if isinstance(self.ids, Keyed) else tuple(self.ids[row] for row in rows),
            columns={name: column.take(rows) for name, column in self.columns.items()},
            active=self.active[rows],
            held=self.held.take(rows),
            as_of=self.as_of,
        )

    def replaced(self, changes: Mapping[str, Column]) -> "CustomerColumns":
        """The same facts with some columns put in or put over."""
        return replace(self, columns={**self.columns, **changes})

    def numbers(self, name: str) -> Floats:
        column = self.columns[name]
        if not isinstance(column, NumberColumn | DateColumn):
            raise TypeError(f"{name} is not a number")
        return column.values


class DecidedBy(StrEnum):
    """Who or what had the last word on a customer's tier. The guards keep the order of design section 4."""

    RULE = "rule"
    LEFT = "left"
    UNDECIDED = "undecided"
    PAID_FLOOR = "paid_floor"
    FIRST_YEAR = "first_year"
    DEAD_BAND = "dead_band"
    MINIMUM_STAY = "minimum_stay"
    RENEWAL_FREEZE = "renewal_freeze"
    OVERRIDE = "override"


DECIDERS: tuple[DecidedBy, ...] = tuple(DecidedBy)
GUARDS: tuple[DecidedBy, ...] = (
    DecidedBy.LEFT,
    DecidedBy.PAID_FLOOR,
    DecidedBy.FIRST_YEAR,
    DecidedBy.DEAD_BAND,
    DecidedBy.MINIMUM_STAY,
    DecidedBy.RENEWAL_FREEZE,
)


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores and what they are made of.

    cents: score in hundredths of a point, -1 where nothing is known. points: millionths of a point,
    customers × criteria, -1 where missing and shared out. weights: of the criteria. withheld: some criterion says
    "do not decide".
    """

    cents: Integers
    points: Integers
    weights: Integers
    withheld: Flags


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What the ordered rules say. segment, touch, rule: positions in the rules; tier: position in the tiers.

    touch is -1 where the model has no touch rules.
    """

    segment: Integers
    touch: Integers
    rule: Integers
    tier: Integers


@dataclass(frozen=True, slots=True)
class Band:
    """Positions in the tiers that the rules give with their bounds loosened, and tightened, by the dead band."""

    loosened: Integers
    tightened: Integers


@dataclass(frozen=True, slots=True)
class GuardFindings:
    """The tiers after guards and overrides; ``bites`` is customers × GUARDS, ``decided_by`` a position in DECIDERS."""

    effective: Integers
    decided_by: Integers
    bites: Flags


@dataclass(frozen=True, slots=True)
class Population:
    """Values of the active customers that have one, rising; ``above`` is the ARR in cents above each position."""

    values: Floats
    above: Integers
    total: int


# Populations by attribute and group (-1 = everyone): sorted once, used by a run and all its what-ifs.
Populations: TypeAlias = dict[tuple[str, int], Population]


@dataclass(frozen=True, slots=True)
class TierFindings:
    """One finding a customer, as columns in the order of the facts.

    derived: the facts with everything worked out from them. people: what percentiles and shares compare with.
    """

    scores: Scores
    suggestions: Suggestions
    guards: GuardFindings
    derived: CustomerColumns
    people: Populations
