"""One light line a customer: tier, ARR, hours, risk and room to grow, as of a day. What the files of the pyramid hold, and the
pyramid of a past day adds up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import CSM, Customer
from accounts.querysets.scope import with_teams_below
from allocation.selectors.amounts import known_rates
from allocation.selectors.risks import being_saved, risk_reasons
from allocation.selectors.thresholds import SOON
from allocation.snapshots.books import TouchPlans
from allocation.snapshots.held import active_on, changed_since, csms_on, tiers_on
from allocation.snapshots.money import in_base


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the page is narrowed to; None: not narrowed. The team is that of the CSM, with those below it."""

    team: int | None = None
    vertical: int | None = None
    region: int | None = None


@dataclass(frozen=True, slots=True)
class CustomerLine:
    """Money in cents of the base currency, minutes of a month. counts: whether the ARR is known and has a rate; else it is 0."""

    pk: int
    tier_id: int | None
    csm_id: int | None
    arr_cents: int
    counts: bool
    minutes: int
    # None where no potential is recorded (or it has no rate); otherwise potential − ARR, never below 0.
    room_cents: int | None
    reasons: tuple[str, ...]
    renews_soon: bool
    champion: bool | None
    reputation: Decimal | None

    @property
    def is_at_risk(self) -> bool:
        return bool(self.reasons)


@dataclass(frozen=True, slots=True)
class Lines:
    """problem: why amounts in some currency are missing from the sums; empty when all could be converted."""

    rows: tuple[CustomerLine, ...]
    problem: str = ""


_COLUMNS = (
    "pk", "tier_id", "csm_id", "arr", "potential_arr", "currency", "health", "sentiment", "renewal_date",
    "champion", "reputation",
)  # fmt: skip


def customer_lines(*, user: Any, day: date, today: date, chosen: Chosen | None = None) -> Lines:
    """Every customer that was active on the day, of those the person may see now; the same number of statements at any size.

    Of the day are tier, CSM, who had left, and goals; amounts, health, sentiment and renewals are today's, as nobody keeps
    those by day.
    """
    rows = _rows(user=user, day=day, chosen=chosen or Chosen())
    base = settings.BASE_CURRENCY
    named = {currency for _, _, _, arr, potential, currency, *_ in rows if (arr, potential) != (None, None)}
    rates, problem = known_rates(currencies=named, as_of=today)

    def cents(amount: Decimal | None, currency: str) -> int | None:
        if amount is None or (currency != base and currency not in rates):
            return None
        return int(in_base(amount, currency, rates=rates, base=base) * 100)

    plans = TouchPlans(as_of=day)
    saved = set(being_saved(on=day).values_list("customer_id", flat=True))
    lines = []
    for (
        pk,
        tier_id,
        csm_id,
        arr,
        potential,
        currency,
        health,
        sentiment,
        renewal,
        champion,
        reputation,
    ) in rows:
        paid, could_be = cents(arr, currency), cents(potential, currency)
        lines.append(
            CustomerLine(
                pk=pk,
                tier_id=tier_id,
                csm_id=csm_id,
                arr_cents=paid or 0,
                counts=paid is not None,
                minutes=plans.minutes(customer_id=pk, tier_id=tier_id),
                room_cents=None if could_be is None else max(0, could_be - (paid or 0)),
                reasons=risk_reasons(health=health, sentiment=sentiment, has_goal=pk in saved),
                renews_soon=renewal is not None and today <= renewal <= today + SOON,
                champion=champion,
                reputation=reputation,
            )
        )
    return Lines(tuple(lines), problem=problem)


def _rows(*, user: Any, day: date, chosen: Chosen) -> list[tuple[Any, ...]]:
    visible = Customer.objects.visible_to(user)
    if chosen.vertical is not None:
        visible = visible.filter(vertical_id=chosen.vertical)
    if chosen.region is not None:
        visible = visible.filter(region_id=chosen.region)
    if changed_since(as_of=day):
        return _as_held(visible, day=day, team=chosen.team)
    if chosen.team is not None:
        visible = visible.filter(csm__team_id__in=with_teams_below(team=chosen.team))
    return list(visible.active().order_by("pk").values_list(*_COLUMNS))


def _as_held(visible: QuerySet[Customer], *, day: date, team: int | None) -> list[tuple[Any, ...]]:
    """The rows of who had not left on that day, with what they held then."""
    tiers, csms = tiers_on(day=day), csms_on(day=day)
    there = active_on(day=day).filter(pk__in=visible.order_by().values("pk"))
    rows = [
        (row[0], tiers.get(row[0]), csms.get(row[0]), *row[3:])
        for row in there.order_by("pk").values_list(*_COLUMNS)
    ]
    if team is None:
        return rows
    members = set(CSM.objects.filter(team_id__in=with_teams_below(team=team)).values_list("pk", flat=True))
    return [row for row in rows if row[2] in members]
