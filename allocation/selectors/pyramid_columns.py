"""What the pyramid adds up, as columns: of now from the columns of customers, of a past day from a line a customer."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings

from accounts.models import CSM, GoalKind
from accounts.querysets.scope import with_teams_below
from allocation.selectors.amounts import known_rates
from allocation.selectors.pyramid_lines import Chosen, Lines, customer_lines
from allocation.selectors.risks import GOAL_REASON, GOAL_SLUG, LOW_HEALTH_REASON, LOW_SENTIMENT_REASON
from allocation.selectors.thresholds import LOW_HEALTH, LOW_SENTIMENT, SOON
from allocation.snapshots.figures import UNKNOWN, CustomerFigures, customer_figures
from allocation.snapshots.figures_worked import base_cents, currency_words, has_open_goal, minutes
from allocation.snapshots.held import changed_since

Numbers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PyramidColumns:
    """One position a customer. Money in cents of the base currency, minutes of a month; ids are 0 where there is none.

    counts: whether the ARR is known and has a rate; else it is 0. room: potential − ARR, never below 0; UNKNOWN where no potential
    is recorded or it has no rate. speaks: a champion, or of known reputation. problem: why amounts in some currency are missing.
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
    problem: str = ""

    def __len__(self) -> int:
        return len(self.pk)

    @property
    def at_risk(self) -> Truths:
        found: Truths = self.low_health | self.low_sentiment | self.has_goal
        return found

    def among(self, chosen: Truths) -> PyramidColumns:
        """Those of them where `chosen` is true."""
        if chosen.all():
            return self
        columns = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "problem"}
        return PyramidColumns(
            **{name: column[chosen] for name, column in columns.items()}, problem=self.problem
        )


def pyramid_columns(*, user: Any, day: date, today: date, chosen: Chosen | None = None) -> PyramidColumns:
    """Of every customer that was active on the day, of those the person may see now; the same number of statements at any size.

    Of the day are tier, CSM, who had left, and goals; amounts, health, sentiment and renewals are today's.
    """
    chosen = chosen or Chosen()
    if changed_since(as_of=day):
        return _of_lines(customer_lines(user=user, day=day, today=today, chosen=chosen))
    figures = figures_in_scope(user=user, chosen=chosen)
    base = settings.BASE_CURRENCY
    with_amount = (figures.arr != UNKNOWN) | (figures.potential != UNKNOWN)
    named = set(currency_words(figures.currency[with_amount]).values())
    rates, problem = known_rates(currencies=named, as_of=today)
    cents, counts = base_cents(cents=figures.arr, currency=figures.currency, rates=rates, base=base)
    could_be, known = base_cents(cents=figures.potential, currency=figures.currency, rates=rates, base=base)
    saving = list(GoalKind.objects.filter(slug=GOAL_SLUG).values_list("pk", flat=True))
    first, last = today.toordinal(), (today + SOON).toordinal()
    return PyramidColumns(
        pk=figures.ids,
        tier=figures.tier,
        csm=figures.csm,
        cents=cents,
        counts=counts,
        minutes=minutes(figures=figures, as_of=day),
        room=np.where(known, np.maximum(0, could_be - cents), UNKNOWN),
        low_health=(figures.health != UNKNOWN) & (figures.health < 100 * LOW_HEALTH),
        low_sentiment=(figures.sentiment != UNKNOWN) & (figures.sentiment <= LOW_SENTIMENT),
        has_goal=has_open_goal(figures, kinds=np.array(saving, dtype=np.int64), as_of=day),
        renews=(figures.renewal >= first) & (figures.renewal <= last),
        speaks=(figures.champion == 1) | (figures.reputation != UNKNOWN),
        problem=problem,
    )


def figures_in_scope(
    *, user: Any, chosen: Chosen | None = None, everybody: CustomerFigures | None = None
) -> CustomerFigures:
    """The columns of the active customers that the person may see, narrowed as chosen: as `visible_to` and the filters of a list.

    everybody: the columns of all, where they were read already.
    """
    chosen = chosen or Chosen()
    figures = customer_figures() if everybody is None else everybody
    there = np.ones(len(figures), dtype=np.bool_)
    if chosen.team is not None or not (user.is_active and user.is_ops):
        books = CSM.objects.visible_to(user)
        if chosen.team is not None:
            books = books.filter(team_id__in=with_teams_below(team=chosen.team))
        there &= np.isin(figures.csm, list(books.values_list("pk", flat=True)))
    for column, wanted in ((figures.vertical, chosen.vertical), (figures.region, chosen.region)):
        if wanted is not None:
            there &= column == wanted
    return figures.among(there)


def _of_lines(lines: Lines) -> PyramidColumns:
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
        problem=lines.problem,
    )
