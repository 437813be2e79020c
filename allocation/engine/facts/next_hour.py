"""What the best use of a CSM's next hour is told and answers. Days are counted from the day; time in whole minutes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from allocation.engine.facts.attention import CareFacts

Reason = Literal["late", "renewal", "due", "low", "unplanned", "expansion", "goal", "nothing"]


@dataclass(frozen=True, slots=True)
class OpenTouch:
    """One open touch. ``days``: until its day, below 0 when that has passed. ``internal``: the customer is not there."""

    name: str
    days: int
    minutes: int
    internal: bool = False


@dataclass(frozen=True, slots=True)
class WorkFacts:
    """One customer of the book. ``weight``: by the basis of attention in force.

    ``attention_minutes``: of the month; ``done_minutes``: what was done of it since the month began. ``touches``: the open
    ones as far as they are known; at least those late, those due this week and those before a near renewal. ``goals``: the
    kinds of the open ones, by slug.
    """

    care: CareFacts
    weight: Fraction
    attention_minutes: int = 0
    done_minutes: int = 0
    touches: tuple[OpenTouch, ...] = ()
    goals: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NextHour:
    """The best piece of work with one customer. ``rank``: 1 for the best hour of the book. ``words``: why."""

    rank: int
    action: str
    reason: Reason
    words: str
    minutes: int
    value: Fraction = Fraction(0)
