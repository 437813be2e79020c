"""Rounds of one thing as figures: the best and the median, and the best against that of another."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2
from statistics import median

Pair = tuple[float, float]  # seconds and processor seconds
TWICE = (2.0 * 1.15, 2.0)  # must and aim of the time for twice as many


def best(rounds: Sequence[Pair]) -> Pair:
    """The least of each, be they of one round or of two."""
    seconds, cpu = zip(*rounds, strict=True)
    return min(seconds), min(cpu)


def figures(rounds: Sequence[Pair], *, by: float = 1.0) -> dict[str, float]:
    """Best and median in seconds, best in processor seconds, multiplied ``by``."""
    seconds, cpu = best(rounds)
    return {"seconds": seconds * by, "median": median(each[0] for each in rounds) * by, "cpu": cpu * by}


def ratios(found: Pair, base: Pair) -> dict[str, float]:
    """To the base, whose processor time may be too short for the clock: then that ratio is 1."""
    return {"ratio": found[0] / base[0], "cpu_ratio": found[1] / base[1] if base[1] else 1.0}


def for_twice(factor: float, *, more: float) -> float:
    """By how much the time grows with every doubling, where ``more`` times as many took ``factor`` times as long."""
    return factor ** (1 / log2(more))
