"""How many CSMs are needed, today and months ahead, and the seats that would make a plan complete. ``docs/headcount.md``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from accounts.models import CSM, Leave, Tier
from allocation.engine.facts.books import BookFacts
from allocation.engine.headcount import (
    EVERY_POOL,
    HeadLine,
    exact_in_all,
    facts_of,
    full_time_heads,
    head_lines,
    heads_in_all,
    people,
)
from allocation.engine.headcount_months import Ahead, MonthAhead, PersonAhead, months_ahead
from allocation.engine.headcount_seats import SeatsAsked, seats_asked
from allocation.engine.headcount_words import MONTHS_A_YEAR, Head
from allocation.models import AllocationPolicy, Staffing
from allocation.snapshots.books import Snapshot, book_snapshot

USUAL_SPENT_PCT = 100 - Decimal(CSM._meta.get_field("overhead_pct").default)
"""Where no CSM is here to take the average of: what a new CSM is entered with."""


FEW_HEADS = 1_000
"""So many are counted for any company, however small."""


class UncountableHeads(ValueError):
    """More heads are asked than there are customers; the message says which figures to change."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What heads are counted with: the columns of Staffing. None: as the company is today."""

    months: int
    growth_pct: Decimal
    churn_pct: Decimal
    attrition_pct: Decimal
    head_hours_a_year: Decimal | None
    spent_pct: Decimal | None
    leave_days: Decimal
    ramp_months: int
    ramp_start_pct: Decimal
    cost_a_head: Decimal | None

    @property
    def ahead(self) -> Ahead:
        return Ahead(
            months=self.months,
            growth_pct=float(self.growth_pct),
            churn_pct=float(self.churn_pct),
            attrition_pct=float(self.attrition_pct),
            leave_days=float(self.leave_days),
            ramp_months=self.ramp_months,
            ramp_start_pct=float(self.ramp_start_pct),
        )


INPUT_NAMES = tuple(field.name for field in fields(Inputs))


@dataclass(frozen=True, slots=True)
class OpenSeat:
    """A seat that nobody has yet, what it is able for, and its net minutes of a month."""

    pk: int
    name: str
    skills: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Headcount:
    """The answer. ``there``: full-time heads of who is here. ``own_hours``, ``own_share``: the head's figures are the company's own.

    ``alone``: customers of self-service tiers; ``untiered``: customers without a tier. ``seats``: those asked besides the open ones.
    """

    on: date
    inputs: Inputs
    head: Head
    own_hours: bool
    own_share: bool
    lines: tuple[HeadLine, ...]
    tiers: dict[str, Tier]
    needed: int
    exact: Fraction
    there: Fraction
    csms: int
    minutes_asked: int
    minutes_there: int
    months: tuple[MonthAhead, ...]
    seats: SeatsAsked
    open_seats: tuple[OpenSeat, ...]
    alone: int
    untiered: int

    @property
    def lacking(self) -> int:
        """Heads lacking today; open seats are lacking too: nobody is hired for them yet."""
        return len(self.seats.seats) + len(self.open_seats)

    def cost(self, heads: int) -> Decimal | None:
        """Of a year, in the base currency; None without the cost of a head."""
        return None if self.inputs.cost_a_head is None else self.inputs.cost_a_head * heads


def staffing_inputs() -> tuple[Inputs, str]:
    """Those of the staffing in force, with its name; the defaults and "" where there is none. One statement."""
    found = Staffing.objects.active().first()
    row = found or Staffing()
    return Inputs(**{name: getattr(row, name) for name in INPUT_NAMES}), found.name if found else ""


def head_in_force(*, on: date, policy: AllocationPolicy) -> tuple[Head, Decimal | None]:
    """What a head is by the staffing in force and the CSMs who are here, and its cost a year: the same on the page of
    headcount and in scenarios. Two statements.
    """
    inputs, _ = staffing_inputs()
    head = _head(policy=policy, inputs=inputs, csms=list(CSM.objects.people().order_by("pk")), on=on)
    return head, inputs.cost_a_head


def headcount(*, on: date, inputs: Inputs, user: Any = None) -> Headcount:
    """Of the CSMs that ``user`` may see (None: all) and the customers in their books, and for CS ops of those in nobody's.

    The same number of statements at any size.

    Raises UnknownRate where an exchange rate is missing, and UncountableHeads where a head has so few hours that a customer
    asks more than one of them on average.
    """
    policy = AllocationPolicy.objects.active().first() or AllocationPolicy()
    snapshot = book_snapshot(as_of=on, policy=policy, with_digest=False)
    rows = CSM.objects.people().order_by("pk")
    if user is not None and not user.is_ops:
        rows = rows.visible_to(user)
        seen = frozenset(CSM.objects.visible_to(user).keys_by_id().values())
        snapshot = replace(snapshot, facts=facts_of(facts=snapshot.facts, csms=seen))
    csms = list(rows)
    here = people(snapshot.facts.csms)
    head = _head(policy=policy, inputs=inputs, csms=csms, on=on)
    lines = head_lines(
        facts=snapshot.facts, policy=snapshot.policy, net_minutes_a_head={EVERY_POOL: head.minutes}
    )
    _refuse_tiny_heads(lines, head)
    seats = seats_asked(facts=snapshot.facts, policy=snapshot.policy, head_minutes=head.minutes, lines=lines)
    open_seats = _open_seats(snapshot.facts, snapshot)
    there = [full_time_heads(csm=csm, policy=snapshot.policy) for csm in here]
    exact = exact_in_all(lines)
    lacking = max(0, math.ceil(exact - sum(there, Fraction(0))))
    months = months_ahead(
        lines=lines,
        people=_people_ahead(csms, on=on),
        full_time_minutes=snapshot.policy.full_time_minutes,
        head_minutes=head.minutes,
        on=on,
        ahead=inputs.ahead,
        besides=max(0, len(seats.seats) + len(open_seats) - lacking),
    )
    tiers = {tier.slug: tier for tier in snapshot.facts.tiers}
    slugs = snapshot.facts.customers.tier
    return Headcount(
        on=on,
        inputs=inputs,
        head=head,
        own_hours=inputs.head_hours_a_year is None,
        own_share=inputs.spent_pct is None,
        lines=lines,
        tiers=Tier.objects.in_bulk([line.tier for line in lines], field_name="slug"),
        needed=heads_in_all(lines),
        exact=exact,
        there=sum(there, Fraction(0)),
        csms=sum(heads > 0 for heads in there),
        minutes_asked=sum(line.minutes_asked for line in lines),
        minutes_there=months[0].minutes_there,
        months=months,
        seats=seats,
        open_seats=open_seats,
        alone=sum(slug in tiers and not tiers[slug].served for slug in slugs),
        untiered=sum(slug not in tiers for slug in slugs),
    )


def _head(*, policy: AllocationPolicy, inputs: Inputs, csms: list[CSM], on: date) -> Head:
    paid = inputs.head_hours_a_year
    here = [csm for csm in csms if _is_here(csm, on)]
    hours = sum((csm.hours_per_month for csm in here), Decimal(0))
    usual = (
        sum((Fraction(csm.hours_per_month) * (100 - Fraction(csm.overhead_pct)) for csm in here), Fraction(0))
        / Fraction(hours)
        if hours
        else Fraction(USUAL_SPENT_PCT)
    )
    return Head(
        paid_hours=Fraction(policy.full_time_hours) * MONTHS_A_YEAR if paid is None else Fraction(paid),
        spent_pct=usual if inputs.spent_pct is None else Fraction(inputs.spent_pct),
        leave_days=Fraction(inputs.leave_days),
    )


def _refuse_tiny_heads(lines: Sequence[HeadLine], head: Head) -> None:
    """Each of the heads lacking would be a seat to be listed: millions of them are nobody's answer."""
    needed, customers = heads_in_all(lines), sum(line.customers for line in lines)
    if needed > max(FEW_HEADS, customers):
        raise UncountableHeads(
            f"A head with {float(head.net_hours / MONTHS_A_YEAR):,.2f} net hours a month would be needed {needed:,} times for "
            f"{customers:,} customers. Give it more paid hours, a larger share spent on customers or less leave."
        )


def _is_here(csm: CSM, on: date) -> bool:
    return (csm.starts_on is None or csm.starts_on <= on) and (csm.leaves_on is None or csm.leaves_on > on)


def _people_ahead(csms: list[CSM], *, on: date) -> list[PersonAhead]:
    """Everybody who is here or will be, with the leave still to come."""
    leaves: dict[int, list[tuple[date, date]]] = {}
    rows = Leave.objects.filter(ends_before__gt=on).order_by("pk")
    for csm_id, starts_on, ends_before in rows.values_list("csm_id", "starts_on", "ends_before"):
        leaves.setdefault(csm_id, []).append((starts_on, ends_before))
    return [
        PersonAhead(
            hours_per_month=csm.hours_per_month,
            overhead_pct=csm.overhead_pct,
            ramp_pct=csm.ramp_pct,
            starts_on=csm.starts_on,
            leaves_on=csm.leaves_on,
            leaves=tuple(leaves.get(csm.pk, ())),
        )
        for csm in csms
        if csm.leaves_on is None or csm.leaves_on > on
    ]


def _open_seats(facts: BookFacts, snapshot: Snapshot) -> tuple[OpenSeat, ...]:
    seats = [
        OpenSeat(
            pk=snapshot.csm_ids[csm.key],
            name=csm.name,
            skills=skills_in_words(
                verticals=csm.verticals,
                regions=csm.regions,
                countries=csm.countries,
                languages=csm.languages,
                products=csm.products,
            ),
            minutes=csm.capacity_minutes,
        )
        for csm in facts.csms
        if csm.is_seat and csm.leaving != "gone"
    ]
    return tuple(sorted(seats, key=lambda seat: (seat.name, seat.pk)))


def skills_in_words(**skills: object) -> str:
    """ "verticals: Telco; countries: Germany, Spain"; "anything" where nothing is named."""
    named = [(name, sorted(values)) for name, values in skills.items() if values]  # type: ignore[call-overload]
    return "; ".join(f"{name}: {', '.join(values)}" for name, values in named) or "anything"
