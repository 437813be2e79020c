"""What the sharing of a CSM's hours is told and answers. Hours as whole minutes a month."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Basis = Literal["need", "expansion", "advocacy", "return", "even"]


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
    """What one customer gets: base and share add up to the minutes."""

    external_id: str
    base_minutes: int
    share_minutes: int

    @property
    def minutes(self) -> int:
        """Attention in the month."""
        return self.base_minutes + self.share_minutes


@dataclass(frozen=True, slots=True)
class AttentionFinding:
    """A book's month. Unless ``over_capacity``, base + shares + ``unallocated_minutes`` = ``net_minutes`` exactly."""

    net_minutes: int
    shares: tuple[CareShare, ...]
    unallocated_minutes: int
    over_capacity: bool
