"""What the planning of touches is told and answers. Keys are ours: ids of rows, which the engine only hands back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class RhythmKey:
    """Which rhythm of a customer: an activity by its name and the goal kind it is for ("": for everybody)."""

    name: str
    goal_kind: str = ""


@dataclass(frozen=True, slots=True)
class ActivityFacts:
    """A line of a touch plan. times_a_year may have decimals; 0 plans nothing."""

    key: int
    name: str
    times_a_year: Decimal
    hours: Decimal
    goal_kind: str = ""

    @property
    def rhythm(self) -> RhythmKey:
        return RhythmKey(self.name, self.goal_kind)


@dataclass(frozen=True, slots=True)
class GoalSpan:
    """A goal of the customer: from its first day to the day before it ends; None: no end."""

    kind: str
    starts_on: date
    ends_before: date | None = None

    def is_open_on(self, day: date) -> bool:
        return self.starts_on <= day and (self.ends_before is None or day < self.ends_before)


@dataclass(frozen=True, slots=True)
class TouchedCustomer:
    """A customer with the plan of its tier. since: the day it got the tier; nothing is planned before.

    No activities: it has left, has no tier, or the tier has no plan.
    """

    external_id: str
    since: date | None
    activities: tuple[ActivityFacts, ...] = ()
    goals: tuple[GoalSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedTouch:
    """A wanted touch: its place in the rhythm, and the working day it is due on."""

    activity: ActivityFacts
    slot_on: date
    due_on: date


@dataclass(frozen=True, slots=True)
class TouchOfBook:
    """A wanted touch that is not there yet, with the CSM whose day it takes and the customer it is for."""

    csm: int
    external_id: str
    touch: PlannedTouch


@dataclass(frozen=True, slots=True)
class StoredTouch:
    """A touch that is there, with a slot. is_open: neither done nor skipped. rhythm: of its activity, as it is called now."""

    key: int
    activity: int
    rhythm: RhythmKey
    name: str
    hours: Decimal
    slot_on: date
    due_on: date
    is_open: bool


@dataclass(frozen=True, slots=True)
class TouchChanges:
    """What planning does to one customer's touches. becomes: keys of rows with the activity whose name and hours they take on."""

    add: tuple[PlannedTouch, ...] = ()
    drop: tuple[int, ...] = ()
    becomes: tuple[tuple[int, ActivityFacts], ...] = ()
