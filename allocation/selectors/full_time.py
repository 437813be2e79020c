"""What a full-time CSM has for customers in a month, on average: what hours are turned into heads by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from accounts.models import CSM
from accounts.querysets.scope import with_teams_below
from allocation.models import AllocationPolicy
from allocation.snapshots.away import LONG_LEAVE_DAYS, days_away
from allocation.snapshots.books import csm_minutes


@dataclass(frozen=True, slots=True)
class FullTime:
    """csms: those counted. net, contract: their minutes of a month, after and before ramp, time not spent on customers and leave.
    full_time: minutes of a full-time month, by the policy. minutes: the mean net minutes of a full-time CSM; None when nobody counts.
    """

    csms: int
    net: int
    contract: int
    full_time: int

    @property
    def minutes(self) -> Fraction | None:
        return Fraction(self.full_time * self.net, self.contract) if self.contract and self.net else None

    def exact_heads(self, minutes: int) -> Fraction | None:
        return None if self.minutes is None else Fraction(minutes) / self.minutes

    def heads(self, minutes: int) -> int | None:
        """Whole heads, rounded up: nobody hires three quarters of a CSM."""
        exact = self.exact_heads(minutes)
        return None if exact is None else math.ceil(exact)


def full_time(*, user: Any, on: date, team: int | None = None) -> FullTime:
    """Over the CSMs in the person's scope who serve on the day and have hours then; four statements.

    As the shortages of a plan count: full time × what the CSMs have left of their own hours on average. Leave of under 30 days
    is left out, and who is away for the whole month is not counted.
    """
    csms = CSM.objects.visible_to(user).serving(on)
    if team is not None:
        csms = csms.filter(team_id__in=with_teams_below(team=team))
    policy = AllocationPolicy.objects.active().first() or AllocationPolicy()
    away = days_away(as_of=on, at_least=LONG_LEAVE_DAYS)
    found = [
        (net, round(csm.hours_per_month * 60))
        for csm in csms.order_by("pk")
        if (net := csm_minutes(csm=csm, away=away.get(csm.pk, 0))) > 0
    ]
    return FullTime(
        csms=len(found),
        net=sum(net for net, _ in found),
        contract=sum(contract for _, contract in found),
        full_time=round(policy.full_time_hours * 60),
    )
