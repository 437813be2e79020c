"""Health and sentiment as people read them: the number and a word, so that no colour has to say it alone."""

from __future__ import annotations

from decimal import Decimal

from allocation.selectors.thresholds import LOW_HEALTH

GOOD_HEALTH = 67  # from it on
SENTIMENTS = {1: "very poor", 2: "poor", 3: "mixed", 4: "good", 5: "very good"}
_SENTIMENT_TONES = {1: "bad", 2: "bad", 3: "warn", 4: "good", 5: "good"}


def health_word(value: Decimal | None) -> str:
    """ "low", "middle" or "good", with the bounds that the filter of health has; empty when unknown."""
    if value is None:
        return ""
    return "low" if value < LOW_HEALTH else "middle" if value < GOOD_HEALTH else "good"


def health_tone(value: Decimal | None) -> str:
    return {"low": "bad", "middle": "warn", "good": "good"}.get(health_word(value), "")


def sentiment_word(value: int | None) -> str:
    return SENTIMENTS.get(value or 0, "")


def sentiment_tone(value: int | None) -> str:
    return _SENTIMENT_TONES.get(value or 0, "")


def sentiment_choices() -> list[tuple[int, str]]:
    """For a form: "4 of 5 · good", the best first."""
    return [(number, f"{number} of 5 · {SENTIMENTS[number]}") for number in sorted(SENTIMENTS, reverse=True)]
