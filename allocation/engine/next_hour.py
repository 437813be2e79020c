"""The best use of a CSM's next hour: a piece of work a customer, in the order of its worth.

Prose: ``docs/engine/next-hour.md``. Everything is exact; ties end on the external id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from allocation.engine.attention import in_whole_parts
from allocation.engine.facts.next_hour import NextHour, OpenTouch, Reason, WorkFacts

LOW_HEALTH = 40  # below it
LOW_SENTIMENT = 2  # at most
RENEWAL_DAYS = 90
WEEK = 7
TOUCHES_COUNTED = 3  # a backlog does not outweigh everything else
WORTH_GROWING = Fraction(1, 4)  # of the ARR
HOUR, HALF_HOUR = 60, 30
OTHERS_COUNT = Fraction(1, 4)
PLACE_COUNTS = 4
INTERNAL_COUNTS = Fraction(1, 2)
# Of goals: urgency, what to do, and how the customer's state is said. In the order in which equals are named.
GOALS = {
    "risk-mitigation": (55, "Work on the risk", "an open goal of risk mitigation"),
    "key-contact-turnover": (50, "Meet the new contact", "an open goal of key-contact turnover"),
}
NOTHING, MOST_OF_GROWTH = Fraction(0), Fraction(25 + 10)


class _Piece(NamedTuple):
    """One piece of work that a customer asks for. words: why, without what is said of every piece."""

    reason: Reason
    urgency: Fraction
    action: str
    words: str
    minutes: int


def rank_next_hours(*, customers: Sequence[WorkFacts], currency: str = "") -> Mapping[str, NextHour]:
    """The best piece of work with each customer, by external id, in the order of what the hour is worth. currency: of amounts.

    Every customer has a line; one that asks for nothing says so and comes last.
    """
    places = _places([one.weight for one in customers])
    valued = []
    for one, place in zip(customers, places, strict=True):
        pieces = tuple(_pieces(one))
        valued.append((_value(pieces, place), one, pieces))
    valued.sort(key=lambda row: row[1].care.external_id)
    valued.sort(key=lambda row: _in_order(row[0]), reverse=True)  # who is worth the same stays by external id
    found = {}
    for rank, (value, one, pieces) in enumerate(valued, 1):
        best = _best(pieces)
        found[one.care.external_id] = NextHour(
            rank=rank,
            action=best.action if best else "Nothing to do",
            reason=best.reason if best else "nothing",
            words=_why(one, best, pieces, currency),
            minutes=best.minutes if best else 0,
            value=value,
        )
    return found


def _best(pieces: Sequence[_Piece]) -> _Piece | None:
    """The most urgent; of equals the first, as they come in the order of the table."""
    if len(pieces) < 2:
        return pieces[0] if pieces else None
    return max(pieces, key=lambda piece: _in_order(piece.urgency))


def _value(pieces: Sequence[_Piece], place: Fraction) -> Fraction:
    """Urgency × (1 + 4 × place)."""
    if not pieces:
        return NOTHING
    parts, unit = in_whole_parts([piece.urgency for piece in pieces])
    of, others = OTHERS_COUNT.denominator, OTHERS_COUNT.numerator
    most = max(parts)
    urgency = of * most + others * (sum(parts) - most)
    counts = place.denominator + PLACE_COUNTS * place.numerator
    return Fraction(urgency * counts, unit * of * place.denominator)


def _places(weights: Sequence[Fraction]) -> list[Fraction]:
    """Of each weight the share of the book's weights below it plus half of those equal, itself included."""
    places = [NOTHING] * len(weights)
    below = 0
    parts, _ = in_whole_parts(weights)
    for _, group in groupby(sorted(range(len(parts)), key=parts.__getitem__), key=parts.__getitem__):
        equals = list(group)
        share = Fraction(2 * below + len(equals), 2 * len(weights))
        for place in equals:
            places[place] = share
        below += len(equals)
    return places


def _in_order(value: Fraction) -> tuple[float, Fraction]:
    """To sort by: floats, which never turn the order round, are compared sooner; where they are equal the fractions decide."""
    return value.numerator / value.denominator, value


def _pieces(one: WorkFacts) -> Iterator[_Piece]:
    """In the order of the table, which breaks ties of urgency."""
    touches = [touch for touch in one.touches if touch.days < WEEK]
    if len(touches) > 1:
        touches = sorted(touches, key=_first)[:TOUCHES_COUNTED]
    late = [_late(touch, one) for touch in touches if touch.days < 0]
    due = [_due(touch) for touch in touches if touch.days >= 0]
    renewal, low, unplanned = _renewal_at_risk(one), _low(one), _unplanned(one)
    for piece in (*late, renewal, *_goals(one), *due, low, unplanned, _expansion(one)):
        if piece is not None:
            yield piece


def _late(touch: OpenTouch, one: WorkFacts) -> _Piece:
    more = sum(other.days < 0 for other in one.touches) - 1
    also = f" and {more} more {'is' if more == 1 else 'are'} late" if more else ""
    return _Piece(
        "late",
        _pressing(touch),
        f"Catch up: {touch.name}",
        f"{touch.name} is {_days(-touch.days)} late{also}",
        touch.minutes,
    )


def _due(touch: OpenTouch) -> _Piece:
    words = f"{touch.name} is due {_in(touch.days)}"
    return _Piece("due", _pressing(touch), f"Do: {touch.name}", words, touch.minutes)


def _pressing(touch: OpenTouch) -> Fraction:
    """The urgency of a touch that is late or due within the week; half where the customer is not there."""
    return _points(touch.days, touch.internal)


@lru_cache(maxsize=1_024)
def _points(days: int, internal: bool) -> Fraction:
    points = min(50 + 2 * -days, 90) if days < 0 else 40 - 2 * days
    return points * (INTERNAL_COUNTS if internal else Fraction(1))


def _first(touch: OpenTouch) -> tuple[float, int, int, str]:
    """The most urgent first, then the latest, then the longer one."""
    points = _pressing(touch)  # halves at most: a float tells them apart
    return (-points.numerator / points.denominator, touch.days, -touch.minutes, touch.name)


def _goals(one: WorkFacts) -> Iterator[_Piece]:
    for slug, (points, action, words) in GOALS.items():
        if slug in one.goals:
            yield _Piece("goal", Fraction(points), action, words, HOUR)


def _is_near(one: WorkFacts) -> bool:
    return one.care.days_to_renewal is not None and one.care.days_to_renewal <= RENEWAL_DAYS


@lru_cache(maxsize=512)
def _nearing(days: int, *, low: int, more: int) -> Fraction:
    """``low`` at 90 days before the renewal, ``more`` above it on the day and after it."""
    return low + more * (1 - Fraction(max(days, 0), RENEWAL_DAYS))


def _renewal_at_risk(one: WorkFacts) -> _Piece | None:
    days = one.care.days_to_renewal
    if days is None or not _is_near(one) or not _is_low(one):
        return None
    return _Piece("renewal", _nearing(days, low=45, more=40), "Save the renewal", "", HOUR)


def _unplanned(one: WorkFacts) -> _Piece | None:
    days = one.care.days_to_renewal
    if days is None or not _is_near(one):
        return None
    # A late touch is no plan: it was meant to be over by now.
    last = max(days, 0)
    if any(0 <= touch.days <= last for touch in one.touches):
        return None
    action = "Plan the renewal" if days >= 0 else "Settle the renewal"
    words = "nothing is planned before the renewal"
    return _Piece("unplanned", _nearing(days, low=30, more=30), action, words, HOUR)


def _is_low(one: WorkFacts) -> bool:
    return _health_is_low(one) or _sentiment_is_low(one)


def _health_is_low(one: WorkFacts) -> bool:
    return one.care.health is not None and one.care.health < LOW_HEALTH


def _sentiment_is_low(one: WorkFacts) -> bool:
    return one.care.sentiment is not None and one.care.sentiment <= LOW_SENTIMENT


def _low(one: WorkFacts) -> _Piece | None:
    health = one.care.health if _health_is_low(one) else None
    sentiment = one.care.sentiment if _sentiment_is_low(one) else None
    if health is None and sentiment is None:
        return None
    return _Piece("low", _low_points(health, sentiment), "Talk about how it goes", "", HALF_HOUR)


@lru_cache(maxsize=1_024)
def _low_points(health: Decimal | None, sentiment: int | None) -> Fraction:
    """Of what is low; None: what is not."""
    points = Fraction(20)
    if health is not None:
        points += (LOW_HEALTH - Fraction(health)) / 2
    if sentiment is not None:
        points += 5 * (LOW_SENTIMENT + 1 - sentiment)
    return points


def _growth(one: WorkFacts) -> Decimal:
    return Decimal(0) if one.care.potential_arr is None else one.care.potential_arr - (one.care.arr or 0)


def _is_worth_growing(one: WorkFacts, growth: Decimal) -> bool:
    if not one.care.champion or growth <= 0:
        return False
    return growth * WORTH_GROWING.denominator >= WORTH_GROWING.numerator * (one.care.arr or 0)


def _expansion(one: WorkFacts) -> _Piece | None:
    growth = _growth(one)
    if one.done_minutes >= one.attention_minutes or not _is_worth_growing(one, growth):
        return None
    return _Piece(
        "expansion", _expansion_points(growth, one.care.arr or Decimal(0)), "Talk about expansion", "", HOUR
    )


def _expansion_points(growth: Decimal, arr: Decimal) -> Fraction:
    """25 + 10 × growth ÷ ARR, which counts 1 at most."""
    if growth >= arr:
        return MOST_OF_GROWTH
    more, of_more = growth.as_integer_ratio()
    there, of_there = arr.as_integer_ratio()
    return Fraction(25 * there * of_more + 10 * more * of_there, there * of_more)


def _why(one: WorkFacts, best: _Piece | None, pieces: Sequence[_Piece], currency: str) -> str:
    """First the reason of the piece named, then the state of the customer as far as it speaks for work."""
    if best is None:
        return "Nothing is late or due, nothing is at risk, and nothing is to be won"
    others = {piece.reason for piece in pieces} - {best.reason}
    state = ", ".join(
        (*_state(one, others), *_aimed_at(pieces, best), *_to_win(one, others, best.reason, currency))
    )
    said = "; ".join(words for words in (best.words, state) if words)
    return said[:1].upper() + said[1:]


def _state(one: WorkFacts, others: set[Reason]) -> Iterator[str]:
    days = one.care.days_to_renewal
    if days is not None and _is_near(one):
        yield f"renewal {_in(days)}" if days >= 0 else f"renewal overdue by {_days(-days)}"
    if one.care.health is not None and _health_is_low(one):
        yield f"health {_plain(one.care.health)}"
    if one.care.sentiment is not None and _sentiment_is_low(one):
        yield f"sentiment {one.care.sentiment} of 5"
    if "unplanned" in others:
        yield "nothing planned before it"


def _aimed_at(pieces: Sequence[_Piece], best: _Piece) -> Iterator[str]:
    return (piece.words for piece in pieces if piece.reason == "goal" and piece is not best)


def _to_win(one: WorkFacts, others: set[Reason], best: Reason, currency: str) -> Iterator[str]:
    amount = f"{_growth(one):,.0f} {currency}".strip() + " of ARR to win"
    if best == "expansion":
        arr = one.care.arr or 0
        grown = f" ({100 * _growth(one) / arr:+,.0f} %)" if arr > 0 else ""
        yield f"a champion, and {amount}{grown}"
    elif "expansion" in others:
        yield amount


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _days(days: int) -> str:
    return f"{days:,} day" if days == 1 else f"{days:,} days"


def _in(days: int) -> str:
    return "today" if days == 0 else "tomorrow" if days == 1 else f"in {_days(days)}"
