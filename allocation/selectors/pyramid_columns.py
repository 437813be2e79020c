"""What the pyramid adds up, as columns: of now from the columns of customers, of a past day from a line a customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings

from accounts.models import CSM, GoalKind
from accounts.querysets.scope import with_teams_below
from allocation.selectors.amounts import known_rates
from allocation.selectors.pyramid_lines import Chosen, Lines
from allocation.selectors.risks import GOAL_REASON, GOAL_SLUG, LOW_HEALTH_REASON, LOW_SENTIMENT_REASON
from allocation.selectors.thresholds import LOW_HEALTH, LOW_SENTIMENT, SOON
from allocation.snapshots.figures import UNKNOWN, CustomerFigures, Everybody
from allocation.snapshots.figures_summed import Scope, currencies_in
from allocation.snapshots.figures_worked import (
    Activities,
    Rates,
    base_cents,
    has_open_goal,
    minutes,
    touch_activities,
)

Numbers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PyramidColumns:
    """One position a customer. Money in cents of the base currency, minutes of a month; ids are 0 where there is none.

    counts: whether the ARR is known and has a rate; else it is 0. room: potential − ARR, never below 0; UNKNOWN where no potential
    is recorded or it has no rate. speaks: a champion, or of known reputation.
    """

    pk: Numbers
    tier: Numbers
    csm: Numbers
    cents: Numbers
    counts: Truths
    minutes: Numbers
    room: Numbers
    low_health: Truths
    low_sentiment: Truths
    has_goal: Truths
    renews: Truths
    speaks: Truths

    def __len__(self) -> int:
        return len(self.pk)

    @property
    def at_risk(self) -> Truths:
        found: Truths = self.low_health | self.low_sentiment | self.has_goal
        return found


@dataclass(frozen=True, slots=True)
class PyramidFacts:
    """How the columns of customers become those of the pyramid. saving: kinds of goal that are a risk; first, last: renewals that are soon."""

    scope: Scope
    rates: Rates
    base: str
    activities: Activities
    day: date
    saving: tuple[int, ...]
    first: date
    last: date

    def columns(self, everybody: CustomerFigures) -> PyramidColumns:
        """Of the present: amounts, health, sentiment and renewals are today's."""
        figures, rates = self.scope.of(everybody), dict(self.rates)
        cents, counts = base_cents(cents=figures.arr, currency=figures.currency, rates=rates, base=self.base)
        could_be, known = base_cents(
            cents=figures.potential, currency=figures.currency, rates=rates, base=self.base
        )
        saving = np.array(self.saving, dtype=np.int64)
        return PyramidColumns(
            pk=figures.ids,
            tier=figures.tier,
            csm=figures.csm,
            cents=cents,
            counts=counts,
            minutes=minutes(figures=figures, activities=self.activities, as_of=self.day),
            room=np.where(known, np.maximum(0, could_be - cents), UNKNOWN),
            low_health=(figures.health != UNKNOWN) & (figures.health < 100 * LOW_HEALTH),
            low_sentiment=(figures.sentiment != UNKNOWN) & (figures.sentiment <= LOW_SENTIMENT),
            has_goal=has_open_goal(figures, kinds=saving, as_of=self.day),
            renews=(figures.renewal >= self.first.toordinal()) & (figures.renewal <= self.last.toordinal()),
            speaks=(figures.champion == 1) | (figures.reputation != UNKNOWN),
        )


def pyramid_facts(*, everybody: Everybody, scope: Scope, day: date, today: date) -> tuple[PyramidFacts, str]:
    """With the sentence about amounts that are missing. Three statements at most."""
    named = currencies_in(everybody, scope=scope, potential=True)
    rates, problem = known_rates(currencies=named, as_of=today)
    saving = tuple(GoalKind.objects.filter(slug=GOAL_SLUG).order_by("pk").values_list("pk", flat=True))
    facts = PyramidFacts(
        scope=scope,
        rates=tuple(rates.items()),
        base=settings.BASE_CURRENCY,
        activities=touch_activities(),
        day=day,
        saving=saving,
        first=today,
        last=today + SOON,
    )
    return facts, problem


def scope_of(*, user: Any, chosen: Chosen | None = None) -> Scope:
    """The active customers that the person may see, narrowed as chosen: as `visible_to` and the filters of a list. One statement, none
    for all of them.
    """
    chosen = chosen or Chosen()
    books = None
    if chosen.team is not None or not (user.is_active and user.is_ops):
        seen = CSM.objects.visible_to(user)
        if chosen.team is not None:
            seen = seen.filter(team_id__in=with_teams_below(team=chosen.team))
        books = frozenset(seen.values_list("pk", flat=True))
    return Scope(books=books, vertical=chosen.vertical, region=chosen.region)


def scope_by(*, user: Any, chosen: Mapping[str, int]) -> Scope:
    """The same, narrowed by ids: tier, csm, team, vertical, region."""
    narrowed = Chosen(**{name: pk for name, pk in chosen.items() if name in ("team", "vertical", "region")})
    scope = scope_of(user=user, chosen=narrowed)
    return replace(scope, **{name: pk for name, pk in chosen.items() if name in ("tier", "csm")})


def columns_of_lines(lines: Lines) -> PyramidColumns:
    """Of a past day: a line a customer."""
    rows = lines.rows

    def numbers(values: Any) -> Numbers:
        return np.array(list(values), dtype=np.int64)

    def truths(values: Any) -> Truths:
        return np.array(list(values), dtype=np.bool_)

    return PyramidColumns(
        pk=numbers(row.pk for row in rows),
        tier=numbers(row.tier_id or 0 for row in rows),
        csm=numbers(row.csm_id or 0 for row in rows),
        cents=numbers(row.arr_cents for row in rows),
        counts=truths(row.counts for row in rows),
        minutes=numbers(row.minutes for row in rows),
        room=numbers(UNKNOWN if row.room_cents is None else row.room_cents for row in rows),
        low_health=truths(LOW_HEALTH_REASON in row.reasons for row in rows),
        low_sentiment=truths(LOW_SENTIMENT_REASON in row.reasons for row in rows),
        has_goal=truths(GOAL_REASON in row.reasons for row in rows),
        renews=truths(row.renews_soon for row in rows),
        speaks=truths(bool(row.champion) or row.reputation is not None for row in rows),
    )
