"""What book planning is told and what it answers: plain columns, no Django.

Units everywhere: hours as whole minutes a month, money as whole cents of the base currency, shares in per cent.
Customers are columns of equal length (position = customer), CSMs and tiers are few and therefore objects.
The optimiser may change; these shapes are the interface that stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

IntColumn = npt.NDArray[np.int64]
FloatColumn = npt.NDArray[np.float64]
BoolColumn = npt.NDArray[np.bool_]

VerticalFit = Literal["ignore", "soft", "specialist_first", "hard"]
Fit = Literal["ignore", "soft", "hard"]
Leaving = Literal["no", "soon", "gone"]

SELF_SERVICE = "self_service"

# Weight of one customer in fit and continuity, by touch level: one point is one ordinary (low-touch) customer.
TOUCH_WEIGHT: Mapping[str, float] = {"high": 4.0, "mid": 2.0, "low": 1.0, "tech": 0.15}


@dataclass(frozen=True, slots=True)
class TierFacts:
    """A service level. ``cap`` is customers per full-time CSM; None = no cap. Self-service has no CSM."""

    slug: str
    name: str
    touch_level: str
    cap: int | None

    @property
    def served(self) -> bool:
        """Whether customers of this tier have a CSM at all."""
        return self.touch_level != SELF_SERVICE


@dataclass(frozen=True, slots=True)
class CsmFacts:
    """One CSM. Empty ``verticals``/``regions``/``languages``/``products`` = generalist, able for all.

    ``tiers``: slugs of the only tiers the policy names for this CSM; empty = any tier.

    ``contract_minutes`` are the paid minutes of a month (they scale the caps), ``capacity_minutes`` the net ones
    (they bound the load). ``leaving``: "soon" = the book is handed on, "gone" = may hold nobody. ``is_seat``: nobody is hired
    yet; a plan counts with the seat as with anybody.
    """

    key: str
    name: str
    team: str
    contract_minutes: int
    capacity_minutes: int
    seniority: int = 3
    accepting: bool = True
    leaving: Leaving = "no"
    verticals: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    is_seat: bool = False


@dataclass(frozen=True, slots=True)
class CustomerColumns:
    """Active customers, one position each. "" means unknown or none.

    ``minutes`` = base minutes a month of the tier's touch plan, ``hold`` = why the customer must not change CSM
    ("" = no hold), ``family`` = external id of the topmost parent.
    """

    external_id: tuple[str, ...]
    tier: tuple[str, ...]
    csm: tuple[str, ...]
    minutes: IntColumn
    arr_cents: IntColumn
    vertical: tuple[str, ...]
    region: tuple[str, ...]
    country: tuple[str, ...]
    language: tuple[str, ...]
    products: tuple[frozenset[str], ...]
    family: tuple[str, ...]
    hold: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.external_id)


@dataclass(frozen=True, slots=True)
class BookFacts:
    """Everything a plan is computed from, as of one day."""

    as_of: date
    customers: CustomerColumns
    csms: tuple[CsmFacts, ...]
    tiers: tuple[TierFacts, ...]


@dataclass(frozen=True, slots=True)
class BookPolicy:
    """How to plan. Weights are points of the objective, tolerances and budgets per cent; None = no budget.

    A change of CSM of one of the ``approve_top`` customers of the highest ARR needs a manager's own approval.
    """

    name: str = "default"
    vertical_fit: VerticalFit = "specialist_first"
    region_fit: Fit = "soft"
    language_fit: Fit = "soft"
    product_fit: Fit = "ignore"
    country_law: bool = False
    full_time_minutes: int = 160 * 60
    weight_hours: float = 60.0
    weight_arr: float = 30.0
    weight_customers: float = 0.0
    weight_fit: float = 1.0
    weight_continuity: float = 3.0
    weight_background: float = 1.0
    hours_tolerance_pct: float = 5.0
    arr_tolerance_pct: float = 10.0
    max_moves_pct: float | None = None
    max_moves_arr_pct: float | None = None
    seniority_follows_value: bool = False
    keep_families_together: bool = False
    approve_top: int = 0
    search_iterations: int = 2000


MoveKind = Literal["forced", "chosen"]
MoveCode = Literal[
    "no_csm",
    "leaver",
    "unable",
    "country_law",
    "self_service",
    "over_cap",
    "over_hours",
    "makes_room",
    "balance",
]


@dataclass(frozen=True, slots=True)
class MoveFinding:
    """One change of CSM. ``to_csm`` "" = nobody. ``runner_up`` "" = nobody else able had room."""

    external_id: str
    from_csm: str
    to_csm: str
    tier: str
    pool: str
    kind: MoveKind
    code: MoveCode
    reason: str
    runner_up: str
    runner_up_cost: float | None
    fallback: bool
    arr_cents: int
    minutes: int
    needs_approval: bool = False


@dataclass(frozen=True, slots=True)
class UnassignedFinding:
    """A served customer that no CSM can be given, and why."""

    external_id: str
    tier: str
    pool: str
    reason: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Shortage:
    """What a pool lacks. ``heads`` are whole full-time CSMs, rounded up."""

    pool: str
    customers: int
    minutes: int
    heads: int
    head_minutes: int
    reason: str
    external_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that was broken before the plan and still is. ``tier`` only for caps, ``external_id`` only for fit."""

    csm: str
    kind: Literal["cap", "hours", "fit", "leaver"]
    tier: str
    external_id: str
    held: int
    limit: int
    reason: str


@dataclass(frozen=True, slots=True)
class BookRow:
    """One CSM's book: customers by tier slug, room left under each cap (None = no cap).

    ``covered``: away, and the hours of the book count with somebody else; such a book has no part in how even books are.
    """

    csm: str
    name: str
    team: str
    customers: int
    by_tier: Mapping[str, int]
    cap_room: Mapping[str, int | None]
    arr_cents: int
    minutes: int
    capacity_minutes: int
    covered: bool = False

    @property
    def is_measured(self) -> bool:
        """Whether load can be set against capacity here."""
        return self.capacity_minutes > 0 and not self.covered

    @property
    def utilisation(self) -> float | None:
        """Load ÷ capacity; None without capacity, and for who is covered."""
        return self.minutes / self.capacity_minutes if self.is_measured else None


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """Chosen moves against the budget; ``*_limit`` None = no budget. Forced moves are counted apart."""

    chosen: int
    chosen_limit: int | None
    chosen_arr_cents: int
    chosen_arr_limit_cents: int | None
    forced: int


@dataclass(frozen=True, slots=True)
class PoolProof:
    """What is proven of one group of customers and CSMs that no pair links to another group.

    No plan of the group can cost less than ``bound`` points under the same rules. ``how``: "relaxation" = by prices alone,
    "search_tree" = by a mixed-integer search on the pairs that the prices did not rule out. ``price_bound`` is what the
    prices alone prove; ``prices`` are those (lists of numbers by name), so that anybody can recompute it.
    """

    pools: tuple[str, ...]
    customers: int
    csms: int
    objective: float
    bound: float
    how: Literal["relaxation", "search_tree"]
    price_bound: float
    prices: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BookProposal:
    """A plan. ``assignment`` covers every served customer: CSM key, or "" when unassigned.

    ``bound`` and ``gap_pct`` stay None until a bound is proven; ``proof`` says how, group by group. ``repeatable`` is False when the search was stopped
    from outside, so that the same input may give another plan.
    """

    assignment: Mapping[str, str]
    moves: tuple[MoveFinding, ...]
    unassigned: tuple[UnassignedFinding, ...]
    shortages: tuple[Shortage, ...]
    breaches: tuple[Breach, ...]
    fallbacks: tuple[str, ...]
    objective: float
    objective_parts: Mapping[str, float]
    bound: float | None
    gap_pct: float | None
    before: tuple[BookRow, ...]
    after: tuple[BookRow, ...]
    budget: BudgetUse
    customers: int
    assigned: int
    repeatable: bool
    iterations: int
    notes: tuple[str, ...] = field(default_factory=tuple)
    proof: tuple[PoolProof, ...] = ()
