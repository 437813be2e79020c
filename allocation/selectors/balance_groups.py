"""Books summed by team, each book in one place: teams of teams hold the books of all teams below, counted once.

A line of the balance page is a group of books, of one CSM or of a team; its figures are sums of the same rows, so that
teams, CSMs and the total reconcile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import Any

from accounts.models import Team
from allocation.engine.facts.books import BookRow
from allocation.selectors.book_lines import is_outside
from allocation.selectors.renewals import Renewals, all_renewals

NO_TEAM = "Without a team"


@dataclass(frozen=True, slots=True)
class Room:
    """Against the caps of one tier, over some books: free places, places over the caps, and books with more than the cap."""

    free: int
    over: int
    books_over: int


@dataclass(frozen=True)
class Group:
    """Some books. team: None for one CSM, for people without a team, and for all. depth: how far below the first level."""

    name: str
    rows: tuple[BookRow, ...]
    team: Team | None = None
    depth: int = 0
    above: str = ""

    @cached_property
    def customers(self) -> int:
        return sum(row.customers for row in self.rows)

    @cached_property
    def arr_cents(self) -> int:
        return sum(row.arr_cents for row in self.rows)

    @cached_property
    def minutes(self) -> int:
        """Hours asked, in minutes."""
        return sum(row.minutes for row in self.rows)

    @cached_property
    def capacity_minutes(self) -> int:
        """Of the books that have a part in utilisation: who is covered has hours, but not for customers on this day."""
        return sum(row.capacity_minutes for row in self.rows if row.is_measured)

    @cached_property
    def measured(self) -> int:
        """How many books have a utilisation."""
        return sum(row.is_measured for row in self.rows)

    @cached_property
    def utilisation(self) -> Fraction | None:
        """All hours ÷ all capacity; None without capacity."""
        return Fraction(self.minutes, self.capacity_minutes) if self.capacity_minutes else None

    @property
    def heads(self) -> int | None:
        """CSMs to spare (below 0: short), with as many hours each as these have on average; None without capacity.

        What is needed is rounded up to whole heads: one hour more than five have is a sixth.
        """
        if not self.capacity_minutes:
            return None
        return self.measured - self.heads_needed

    @property
    def heads_needed(self) -> int:
        return ceil(Fraction(self.minutes * self.measured, self.capacity_minutes)) if self.measured else 0

    def outside(self, mean: Fraction | None) -> int:
        """Books more than 15 % from the mean (in per cent)."""
        return sum(is_outside(row, mean) for row in self.rows)

    def of_tier(self, slug: str) -> int:
        return sum(row.by_tier.get(slug, 0) for row in self.rows)

    def room(self, slug: str) -> Room | None:
        """None where no book has a cap for the tier."""
        rooms = [room for row in self.rows if (room := row.cap_room.get(slug)) is not None]
        if not rooms:
            return None
        return Room(
            free=sum(room for room in rooms if room > 0),
            over=-sum(room for room in rooms if room < 0),
            books_over=sum(room < 0 for room in rooms),
        )

    def renewals(self, by_csm: Mapping[str, Renewals]) -> Renewals:
        return all_renewals(by_csm[row.csm] for row in self.rows if row.csm in by_csm)


def by_csm(rows: Sequence[BookRow]) -> list[Group]:
    return [Group(name=row.name, rows=(row,), above=row.team) for row in rows]


class Forest:
    """The teams a person sees, each below the one it is part of where that is seen too."""

    def __init__(self, teams: Sequence[Team]) -> None:
        self._teams = {team.pk: team for team in teams}
        self._below: dict[int | None, list[Team]] = {}
        for team in sorted(teams, key=lambda one: (one.name, one.pk)):
            above = team.parent_id if team.parent_id in self._teams else None
            self._below.setdefault(above, []).append(team)

    def found(self, asked: Any) -> Team | None:
        """By what an address says; None for all that is no team of these."""
        return self._teams.get(int(asked)) if str(asked).isascii() and str(asked).isdigit() else None

    def way_to(self, team: Team) -> list[Team]:
        """The teams above, the topmost first, and the team itself."""
        way = [team]
        while (above := self._teams.get(way[0].parent_id or 0)) is not None and above not in way:
            way.insert(0, above)
        return way

    def below(self, team: Team | None) -> list[Team]:
        """Directly part of it; None: the first level."""
        return self._below.get(team.pk if team else None, [])

    def walk(self, team: Team | None = None, depth: int = 0) -> Iterator[tuple[Team, int]]:
        """Every team below, depth first, by name."""
        for one in self.below(team):
            yield one, depth
            yield from self.walk(one, depth + 1)

    def with_those_below(self, team: Team) -> list[Team]:
        return [team, *(one for one, _ in self.walk(team))]


def rows_within(rows: Sequence[BookRow], *, team: Team, forest: Forest) -> list[BookRow]:
    """The books of a team and of those below it."""
    names = {one.name for one in forest.with_those_below(team)}
    return [row for row in rows if row.team in names]


def by_team(rows: Sequence[BookRow], *, forest: Forest, within: Team | None = None) -> list[Group]:
    """A group for each team below `within` (None: all) that has books, each with those of the teams below it.

    Books of no team below stand last, in a group of their own: people without a team, those directly in `within`, and those
    of teams the person does not see.
    """
    found, placed = [], set()
    for team, depth in forest.walk(within):
        names = {one.name for one in forest.with_those_below(team)}
        held = tuple(row for row in rows if row.team in names)
        if held:
            placed |= names
            above = forest.way_to(team)[-2].name if depth else ""
            found.append(Group(name=team.name, rows=held, team=team, depth=depth, above=above))
    rest = [row for row in rows if row.team not in placed]
    own = tuple(row for row in rest if within is not None and row.team == within.name)
    none = tuple(row for row in rest if not row.team)
    others = tuple(row for row in rest if row.team and row not in own)
    if own and within is not None:
        found.append(Group(name=f"Directly in {within.name}", rows=own))
    if none:
        found.append(Group(name=NO_TEAM, rows=none))
    if others:
        found.append(Group(name="Other teams", rows=others))
    return found
