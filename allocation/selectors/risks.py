"""When a customer is at risk, and why: the same for the pyramid, its files and the filter of the customer list.

At risk is who has a health below LOW_HEALTH, or a sentiment of at most LOW_SENTIMENT, or an open goal to keep it. What is not
known is no risk. The reasons overlap, so a customer counts once however many it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.db.models import Q, QuerySet

from accounts.models import Goal
from allocation.selectors.thresholds import LOW_HEALTH, LOW_SENTIMENT

# The kind of goal that says it; a company without this kind has no such reason.
GOAL_SLUG = "risk-mitigation"
LOW_HEALTH_REASON, LOW_SENTIMENT_REASON, GOAL_REASON = "health", "sentiment", "goal"
REASONS: Mapping[str, str] = {
    LOW_HEALTH_REASON: f"health below {LOW_HEALTH}",
    LOW_SENTIMENT_REASON: f"sentiment {LOW_SENTIMENT} or below",
    GOAL_REASON: "an open goal of risk mitigation",
}


def risk_reasons(*, health: Decimal | None, sentiment: int | None, has_goal: bool) -> tuple[str, ...]:
    """Keys of REASONS in their order; empty for who is not at risk."""
    found = {
        LOW_HEALTH_REASON: health is not None and health < LOW_HEALTH,
        LOW_SENTIMENT_REASON: sentiment is not None and sentiment <= LOW_SENTIMENT,
        GOAL_REASON: has_goal,
    }
    return tuple(reason for reason, holds in found.items() if holds)


def being_saved(*, on: date) -> QuerySet[Goal]:
    """Open goals that say that a customer is at risk; each customer has one at most."""
    return Goal.objects.open_on(on).filter(kind__slug=GOAL_SLUG)


def at_risk(*, on: date) -> Q:
    """The condition on customers that `risk_reasons` says in Python."""
    return (
        Q(health__lt=LOW_HEALTH)
        | Q(sentiment__lte=LOW_SENTIMENT)
        | Q(pk__in=being_saved(on=on).values("customer_id"))
    )
