"""What the sharing of a CSM's hours is told and answers. Hours as whole minutes a month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal, get_args

Basis = Literal["need", "expansion", "advocacy", "return", "even"]
BASES: tuple[Basis, ...] = get_args(Basis)
Bound = Literal["", "floor", "cap"]


@dataclass(frozen=True, slots=True)
class CareFacts:
    """One customer of the book. None = unknown. Money in the base currency, health and adoption 0–100, sentiment 1–5."""

    external_id: str
    base_minutes: int
    health: Decimal | None = None
    sentiment: int | None = None
    adoption: Decimal | None = None
    reputation: Decimal | None = None
    champion: bool | None = None
    arr: Decimal | None = None
    potential_arr: Decimal | None = None
    days_to_renewal: int | None = None


@dataclass(frozen=True, slots=True)
class AttentionRules:
    """``floor_pct``: at least this much of an even share. ``cap_pct``: at most this much of the hours left."""

    basis: Basis = "expansion"
    floor_pct: Decimal = Decimal(0)
    cap_pct: Decimal = Decimal(100)


@dataclass(frozen=True, slots=True)
class CareShare:
    """What one customer gets: base and share add up to the minutes. ``bound``: what holds the share, if not its weight."""

    external_id: str
    base_minutes: int
    share_minutes: int
    weight: Fraction = Fraction(0)
    bound: Bound = ""

    @property
    def minutes(self) -> int:
        """Attention in the month."""
        return self.base_minutes + self.share_minutes


@dataclass(frozen=True, slots=True)
class AttentionFinding:
    """A book's month. Unless ``over_capacity``, base + shares + ``unallocated_minutes`` = ``net_minutes`` exactly.

    ``all_even``: no customer has a weight, so that each counts 1. ``floor_minutes``, ``cap_minutes``: least and most of a share.
    ``free_minutes``, ``free_weight``: what is shared by weight among those whom neither holds, and their weights together.
    """

    net_minutes: int
    shares: tuple[CareShare, ...]
    unallocated_minutes: int
    over_capacity: bool
    all_even: bool = False
    floor_minutes: Fraction = Fraction(0)
    cap_minutes: int = 0
    free_minutes: Fraction = Fraction(0)
    free_weight: Fraction = Fraction(0)

    @property
    def base_minutes(self) -> int:
        return sum(one.base_minutes for one in self.shares)

    @property
    def left_minutes(self) -> int:
        """Net less base: what is there to be shared; 0 over capacity."""
        return max(self.net_minutes - self.base_minutes, 0)

    @property
    def missing_minutes(self) -> int:
        """What the base hours ask beyond the net hours."""
        return max(self.base_minutes - self.net_minutes, 0)

    def differences(self, before: AttentionFinding) -> Mapping[str, int]:
        """By external id: minutes more (or less) than ``before``, which is about the same book."""
        there = {one.external_id: one.minutes for one in before.shares}
        return {one.external_id: one.minutes - there[one.external_id] for one in self.shares}

    def moved(self, before: AttentionFinding) -> int:
        """Minutes that go from some customers to others, or from being unallocated to customers and back, counted once."""
        changes = [*self.differences(before).values(), self.unallocated_minutes - before.unallocated_minutes]
        return sum(change for change in changes if change > 0)


@dataclass(frozen=True, slots=True)
class NetHours:
    """Net minutes of a month step by step; each step is rounded from the exact figure, so that the steps add up."""

    contract: int
    after_ramp: int
    after_overhead: int
    net: int


@dataclass(frozen=True, slots=True)
class BasisComparison:
    """The same book shared by every basis, beside how it is shared in force. Minutes of the month.

    ``by_basis``: in the order of the bases. Every finding has its shares in the order of the external id.
    """

    in_force: AttentionFinding
    by_basis: Mapping[Basis, AttentionFinding]
