"""Who is at risk, at both sides of every bound; what is not known is no risk."""

from decimal import Decimal

import pytest

from allocation.selectors.risks import REASONS, risk_reasons


@pytest.mark.parametrize(
    ("health", "sentiment", "has_goal", "reasons"),
    [
        (None, None, False, ()),
        (Decimal("39.99"), None, False, ("health",)),
        (Decimal(40), None, False, ()),
        (Decimal(0), None, False, ("health",)),
        (None, 2, False, ("sentiment",)),
        (None, 3, False, ()),
        (Decimal(100), 5, True, ("goal",)),
        (Decimal(10), 1, True, ("health", "sentiment", "goal")),
    ],
)
def test_each_reason_counts_for_itself(health, sentiment, has_goal, reasons):
    assert risk_reasons(health=health, sentiment=sentiment, has_goal=has_goal) == reasons


def test_every_reason_has_words():
    assert set(risk_reasons(health=Decimal(0), sentiment=1, has_goal=True)) == set(REASONS)
