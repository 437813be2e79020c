"""Headcount under the JSON keys of its command."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings

from allocation.engine.attention import hours_of
from allocation.engine.headcount_seats import SeatAsked
from allocation.engine.headcount_words import (
    Step,
    head_steps,
    line_sentence,
    line_steps,
    month_sentences,
    whole_sentences,
)
from allocation.selectors.headcount import Headcount, skills_in_words

PLACES = Decimal("0.01")


def headcount_answer(*, found: Headcount) -> dict[str, Any]:
    """Hours are of a month, with two decimals; heads needed are whole, heads there full-time heads."""
    names = {slug: tier.name for slug, tier in found.tiers.items()}
    return {
        "on": found.on,
        "lines": [
            {
                "tier": line.tier,
                "pool": line.pool,
                "customers": line.customers,
                "hours_asked": hours_of(line.minutes_asked),
                "net_hours_a_head": hours_of(line.head_minutes),
                "cap": line.cap,
                "heads_exact": _rounded(float(line.exact)),
                "heads_needed": line.heads_needed,
                "heads_there": _rounded(line.heads_there),
            }
            for line in found.lines
        ],
        "head": {
            "hours_a_year": _rounded(float(found.head.paid_hours)),
            "spent_pct": _rounded(float(found.head.spent_pct)),
            "leave_days": _rounded(float(found.head.leave_days)),
            "net_hours_a_year": _rounded(float(found.head.net_hours)),
            "steps": _steps(head_steps(found.head)),
        },
        "arithmetic": [
            {
                "tier": line.tier,
                "pool": line.pool,
                "words": line_sentence(line, found.head),
                "steps": _steps(line_steps(line, found.head)),
            }
            for line in found.lines
        ],
        "whole": list(whole_sentences(found.lines, tiers=names, there=float(found.there))),
        "customers": sum(line.customers for line in found.lines),
        "hours_asked": hours_of(found.minutes_asked),
        "hours_there": hours_of(found.minutes_there),
        "heads_needed": found.needed,
        "heads_there": _rounded(float(found.there)),
        "heads_lacking": found.lacking,
        "cost": found.cost(found.needed),
        "currency": settings.BASE_CURRENCY,
        "months": [_month(found, number) for number in range(len(found.months))],
        "seats": [
            {
                "label": seat.label,
                "customers": seat.customers,
                "hours": hours_of(seat.minutes),
                "able_for": seat_skills(seat),
            }
            for seat in found.seats.seats
        ],
        "open_seats": [seat.name for seat in found.open_seats],
        "no_help": [{"external_id": one.external_id, "reason": one.reason} for one in found.seats.no_help],
    }


def seat_skills(seat: SeatAsked) -> str:
    return skills_in_words(
        verticals=seat.verticals,
        regions=seat.regions,
        countries=seat.countries,
        languages=seat.languages,
        products=seat.products,
    )


def _month(found: Headcount, number: int) -> dict[str, Any]:
    month = found.months[number]
    return {
        "month": month.number,
        "on": month.on,
        "customers": month.customers,
        "hours_asked": hours_of(month.minutes_asked),
        "hours_there": hours_of(month.minutes_there),
        "hours_with_hires": hours_of(month.minutes_with_hires),
        "heads_there": _rounded(month.heads_there),
        "heads_needed": month.heads_needed,
        "hires": month.hires,
        "heads_to_hire": month.hired,
        "arithmetic": list(
            month_sentences(month, today=found.months[0], months=found.months, ahead=found.inputs.ahead)
        ),
    }


def _steps(steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [
        {"step": step.step, "value": step.value, "unit": step.unit, "words": step.words} for step in steps
    ]


def _rounded(value: float) -> Decimal:
    return Decimal(str(value)).quantize(PLACES)
