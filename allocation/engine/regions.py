"""Sets of values that a condition lets through, exact enough to say that one lies within others.

Numbers and dates are spans between cuts; words are a list, or everything but a list. "Missing" is one more value.
Numbers are the doubles that conditions compare with, so nothing is claimed that rounding could break.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf
from typing import TypeAlias

# Just before a value (0) or just after it (1): ">= 5" begins at (5, 0), "> 5" at (5, 1).
Cut: TypeAlias = tuple[float, int]
Span: TypeAlias = tuple[Cut, Cut]


@dataclass(frozen=True, slots=True)
class Numbers:
    """spans: rising, apart from each other."""

    spans: tuple[Span, ...]
    missing: bool = False

    @property
    def size(self) -> int:
        return 1 + len(self.spans)

    @property
    def is_empty(self) -> bool:
        return not self.spans and not self.missing

    def meet(self, other: "Numbers") -> "Numbers":
        both = [
            (max(low, begins), min(high, ends)) for low, high in self.spans for begins, ends in other.spans
        ]
        return Numbers(_merged(both), self.missing and other.missing)

    def within(self, other: "Numbers") -> bool:
        inside = all(
            any(begins <= low and high <= ends for begins, ends in other.spans) for low, high in self.spans
        )
        return inside and (other.missing or not self.missing)


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    found: list[Span] = []
    for low, high in sorted(span for span in spans if span[0] < span[1]):
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Words:
    """The words or, ``inverted``, every word but these; there are always more words than anybody can list."""

    words: frozenset[str] = frozenset()
    inverted: bool = False
    missing: bool = False

    @property
    def size(self) -> int:
        return 1 + len(self.words)

    @property
    def is_empty(self) -> bool:
        return not self.words and not self.inverted and not self.missing

    def meet(self, other: "Words") -> "Words":
        missing = self.missing and other.missing
        if self.inverted and other.inverted:
            return Words(self.words | other.words, inverted=True, missing=missing)
        if self.inverted:
            return Words(other.words - self.words, missing=missing)
        return Words(
            self.words - other.words if other.inverted else self.words & other.words, missing=missing
        )

    def within(self, other: "Words") -> bool:
        if self.missing and not other.missing:
            return False
        if other.inverted:
            return other.words <= self.words if self.inverted else not self.words & other.words
        return not self.inverted and self.words <= other.words


Region: TypeAlias = Numbers | Words


def within(region: Region, other: Region) -> bool:
    """Whether every value of ``region`` is one of ``other``; both are of one attribute."""
    if isinstance(region, Numbers) and isinstance(other, Numbers):
        return region.within(other)
    if isinstance(region, Words) and isinstance(other, Words):
        return region.within(other)
    raise TypeError("numbers and words have nothing in common")


def meet(region: Region, other: Region) -> Region:
    """The values that both have."""
    if isinstance(region, Numbers) and isinstance(other, Numbers):
        return region.meet(other)
    if isinstance(region, Words) and isinstance(other, Words):
        return region.meet(other)
    raise TypeError("numbers and words have nothing in common")


def joined(regions: Sequence[Region]) -> Region:
    """The values that any of them has; at least one, all of one attribute."""
    missing = any(region.missing for region in regions)
    spans = [region.spans for region in regions if isinstance(region, Numbers)]
    words = [region for region in regions if isinstance(region, Words)]
    if spans and words:
        raise TypeError("numbers and words have nothing in common")
    if spans:
        return Numbers(_merged(chain.from_iterable(spans)), missing)
    listed = frozenset[str]().union(*(each.words for each in words if not each.inverted))
    but = [each.words for each in words if each.inverted]
    if not but:
        return Words(listed, missing=missing)
    return Words(but[0].intersection(*but) - listed, inverted=True, missing=missing)


def numbers(op: str, value: float) -> Numbers:
    """What a bound lets through; never a missing value."""
    before, after, lowest, highest = (value, 0), (value, 1), (-inf, 0), (inf, 1)
    spans: dict[str, tuple[Span, ...]] = {
        ">=": ((before, highest),),
        ">": ((after, highest),),
        "<=": ((lowest, after),),
        "<": ((lowest, before),),
        "=": ((before, after),),
        "!=": ((lowest, before), (after, highest)),
    }
    return Numbers(spans[op])


def between(low: float | None, high: float | None) -> Numbers:
    """Every value an attribute can have, missing included; both limits inclusive, None for none."""
    return Numbers((((-inf if low is None else low, 0), (inf if high is None else high, 1)),), missing=True)
