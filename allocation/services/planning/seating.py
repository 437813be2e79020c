"""Open seats: CSMs that nobody is hired for yet, so that a plan can count with them; placed and taken away again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from itertools import count
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError

from accounts.models import CSM, Customer, Language, Region, Team, User, Vertical
from allocation.engine.headcount_seats import SeatAsked
from allocation.models import AllocationPolicy, BookPlan
from allocation.services.planning.queueing import UnableToPlanBooks, queue_plan

MOST_SEATS = 200
NAME_LENGTH = 200


class UnableToPlaceSeats(Exception):
    """Seats cannot be placed or taken away; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The seats, in the order asked for, and the plan that counts with them."""

    seats: tuple[CSM, ...]
    plan: BookPlan


@transaction.atomic
def place_seats(*, lines: Sequence[SeatAsked], head_minutes: int, actor: User | None, on: date) -> Placed:
    """One open seat for each line, able for what the line names and with these net minutes a month; a plan is asked for.

    The names are free ones ("Open seat 1 · Telco"); nobody signs in and no customer is changed. Raises UnableToPlaceSeats:
    nobody but CS ops, no seat or too many, or a plan that is being computed.
    """
    _only_ops(actor)
    if not lines:
        raise UnableToPlaceSeats("No seat is lacking: the plan can be complete with the CSMs who are here.")
    if len(lines) > MOST_SEATS:
        raise UnableToPlaceSeats(
            f"At most {MOST_SEATS} seats are placed at a time; {len(lines)} are asked for."
        )
    full_time = AllocationPolicy.objects.active_or_default().full_time_hours
    hours, overhead = _hours(full_time=Decimal(full_time), head_minutes=head_minutes)
    teams = {team.name: team for team in Team.objects.filter(name__in={line.team for line in lines})}
    names = _free_names(lines)
    seats = []
    for line, name in zip(lines, names, strict=True):
        seats.append(
            CSM.objects.create(
                name=name,
                is_seat=True,
                team=teams.get(line.team),
                hours_per_month=hours,
                overhead_pct=overhead,
                countries=list(line.countries),
                products=list(line.products),
            )
        )
    _give_skills(seats, lines)
    try:
        plan = queue_plan(as_of=on, seed=0, actor=actor)
    except UnableToPlanBooks as refusal:
        raise UnableToPlaceSeats(f"No seat was placed. {refusal}") from refusal
    return Placed(tuple(seats), plan)


@transaction.atomic
def remove_seats(*, seat_ids: Collection[int], actor: User | None, on: date) -> int:
    """Take open seats away that nobody has; gives how many. A seat that a plan speaks of ends on the day and stays readable.

    Raises UnableToPlaceSeats: nobody but CS ops, a seat that is filled, or one with customers in its book. Repeating removes none.
    """
    _only_ops(actor)
    seats = list(CSM.objects.select_for_update(of=("self",)).filter(pk__in=seat_ids).order_by("pk"))
    filled = [seat.name for seat in seats if not seat.is_seat]
    if filled:
        raise UnableToPlaceSeats(
            f"{', '.join(filled)}: this is no open seat any more, so it is not taken away here."
        )
    holders = Customer.objects.filter(csm__in=seats).order_by("csm__name").values_list("csm__name", flat=True)
    if held := list(holders.distinct()):
        raise UnableToPlaceSeats(
            f"{', '.join(held)}: customers are in this book. Give them to somebody first."
        )
    open_ones = [seat for seat in seats if seat.leaves_on is None or seat.leaves_on > on]
    for seat in open_ones:
        _take_away(seat, on)
    return len(open_ones)


def _take_away(seat: CSM, on: date) -> None:
    try:
        with transaction.atomic():
            seat.delete()
    except ProtectedError:
        seat.leaves_on, seat.accepting = on, False
        if seat.starts_on is not None and seat.starts_on > on:
            seat.starts_on = on
        seat.save()


def _only_ops(actor: User | None) -> None:
    if actor is not None and not actor.is_ops:
        raise UnableToPlaceSeats("Only CS ops may place open seats or take them away.")


def _hours(*, full_time: Decimal, head_minutes: int) -> tuple[Decimal, Decimal]:
    """Paid hours and the share not spent on customers, so that the net minutes are these or hardly more."""
    net = Fraction(head_minutes, 60)
    hours = max(full_time, _rounded(net, "0.1", ROUND_CEILING))
    return hours, _rounded(100 * (1 - net / Fraction(hours)), "0.01", ROUND_FLOOR)


def _rounded(value: Fraction, to: str, how: str) -> Decimal:
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal(to), rounding=how)


def _free_names(lines: Iterable[SeatAsked]) -> list[str]:
    taken = set(CSM.objects.filter(name__startswith="Open seat ").values_list("name", flat=True))
    numbers = _free_numbers(taken)
    return [f"Open seat {next(numbers)} · {line.label}"[:NAME_LENGTH] for line in lines]


def _free_numbers(taken: Collection[str]) -> Iterator[int]:
    """Numbers that no seat has, whatever it is called after."""
    used = {name.removeprefix("Open seat ").split(" ")[0] for name in taken}
    return (number for number in count(1) if str(number) not in used)


def _give_skills(seats: Sequence[CSM], lines: Sequence[SeatAsked]) -> None:
    """Words that are not in the vocabulary any more are left out."""
    asked: tuple[tuple[str, type[Any]], ...] = (
        ("verticals", Vertical),
        ("regions", Region),
        ("languages", Language),
    )
    for field, model in asked:
        wanted = {name for line in lines for name in getattr(line, field)}
        known = {word.name: word for word in model.objects.filter(name__in=wanted)}
        for seat, line in zip(seats, lines, strict=True):
            getattr(seat, field).set([known[name] for name in getattr(line, field) if name in known])
