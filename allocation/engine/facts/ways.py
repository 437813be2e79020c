"""Which way a change of tier goes: up, down or neither."""

from enum import StrEnum
from typing import Protocol


class Way(StrEnum):
    UP = "up"
    DOWN = "down"
    NONE = "none"


class Ranked(Protocol):
    """A tier as far as its place goes; rank 1 is the highest."""

    @property
    def rank(self) -> int: ...

    @property
    def retired(self) -> bool: ...


def way_between(before: Ranked | None, after: Ranked | None) -> Way:
    """Up and down exist between tiers of one set-up only: out of a tier no longer in use a change has no way.

    Retired tiers are ranked below all others, so that by rank alone everybody would seem to rise out of them.
    """
    if before is None or after is None or before.retired or before.rank == after.rank:
        return Way.NONE
    return Way.UP if after.rank < before.rank else Way.DOWN
