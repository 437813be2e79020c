"""Books summed by team: each book in one place, and sums that are those of the rows."""

from fractions import Fraction
from types import SimpleNamespace

import pytest

from allocation.engine.facts.books import BookRow
from allocation.selectors.balance_groups import NO_TEAM, Forest, Group, by_csm, by_team, rows_within


def book(name, team="", *, minutes=60, capacity=100, covered=False, by_tier=None, room=None):
    return BookRow(
        csm=f"{name.lower()}@example.com",
        name=name,
        team=team,
        customers=sum((by_tier or {}).values()),
        by_tier=by_tier or {},
        cap_room=room or {},
        arr_cents=1000,
        minutes=minutes,
        capacity_minutes=capacity,
        covered=covered,
    )


def team(pk, name, parent=None):
    return SimpleNamespace(pk=pk, name=name, parent_id=parent)


# World > Europe > North; World > Asia; Alone stands for itself.
TEAMS = [team(1, "World"), team(2, "Europe", 1), team(3, "North", 2), team(4, "Asia", 1), team(5, "Alone")]
ROWS = [book("Ada", "North"), book("Ben", "Europe"), book("Cem", "Asia"), book("Dan", "Alone"), book("Eve")]


def told(groups):
    return [(group.name, group.depth, [row.name for row in group.rows]) for group in groups]


def test_a_team_holds_the_books_of_all_teams_below_and_people_without_a_team_stand_last():
    assert told(by_team(ROWS, forest=Forest(TEAMS))) == [
        ("Alone", 0, ["Dan"]),
        ("World", 0, ["Ada", "Ben", "Cem"]),
        ("Asia", 1, ["Cem"]),
        ("Europe", 1, ["Ada", "Ben"]),
        ("North", 2, ["Ada"]),
        (NO_TEAM, 0, ["Eve"]),
    ]


def test_the_first_level_holds_each_book_once():
    first = [group for group in by_team(ROWS, forest=Forest(TEAMS)) if group.depth == 0]
    assert sorted(row.name for group in first for row in group.rows) == [row.name for row in ROWS]


def test_below_a_team_stand_the_teams_below_and_who_is_directly_in_it():
    forest = Forest(TEAMS)
    europe = forest.found("2")
    rows = rows_within(ROWS, team=europe, forest=forest)
    assert told(by_team(rows, forest=forest, within=europe)) == [
        ("North", 0, ["Ada"]),
        ("Directly in Europe", 0, ["Ben"]),
    ]
    assert [one.name for one in forest.way_to(forest.found("3"))] == ["World", "Europe", "North"]


def test_a_team_above_that_a_person_does_not_see_is_no_level():
    """A manager of Europe: World is not there, and Europe is the first level."""
    forest = Forest([one for one in TEAMS if one.pk in {2, 3}])
    assert told(by_team(ROWS[:2], forest=forest)) == [("Europe", 0, ["Ada", "Ben"]), ("North", 1, ["Ada"])]
    # A book covered from elsewhere: its team is not named.
    assert told(by_team(ROWS[:3], forest=forest))[-1] == ("Other teams", 0, ["Cem"])


def test_a_team_without_books_has_no_line():
    assert told(by_team(ROWS[:1], forest=Forest([*TEAMS, team(6, "Empty", 1)]))) == [
        ("World", 0, ["Ada"]),
        ("Europe", 1, ["Ada"]),
        ("North", 2, ["Ada"]),
    ]


@pytest.mark.parametrize("asked", ["", "x", "-2", "²", "٢", "99", None, "1e0"])
def test_what_is_no_team_is_not_found(asked):
    assert Forest(TEAMS).found(asked) is None


def test_who_is_covered_or_has_no_hours_has_no_part_in_the_capacity():
    group = Group(
        "All",
        (book("Ada", minutes=150), book("Ben", minutes=0, covered=True), book("Cem", minutes=0, capacity=0)),
    )
    assert (group.measured, group.capacity_minutes) == (1, 100)
    assert group.utilisation == Fraction(3, 2)


def test_without_capacity_there_is_no_utilisation_and_no_count_of_heads():
    group = Group("All", (book("Ada", capacity=0),))
    assert (group.utilisation, group.heads) == (None, None)


@pytest.mark.parametrize(
    ("minutes", "heads"),
    [
        (0, 3),
        (100, 2),  # one head's hours
        (101, 1),  # a minute more needs a second
        (300, 0),
        (301, -1),
    ],
)
def test_heads_are_whole_and_what_is_needed_is_rounded_up(minutes, heads):
    rows = (book("Ada", minutes=minutes), book("Ben", minutes=0), book("Cem", minutes=0))
    assert Group("All", rows).heads == heads


def test_room_is_counted_book_by_book():
    """A free place with Ada is none for the customers over Ben's cap."""
    rows = (
        book("Ada", by_tier={"one": 3}, room={"one": 2}),
        book("Ben", by_tier={"one": 9}, room={"one": -4}),
        book("Cem", by_tier={"one": 5}, room={"one": 0}),
        book("Dan", by_tier={"one": 1}, room={"one": None}),
    )
    group = Group("All", rows)
    room = group.room("one")
    assert (room.free, room.over, room.books_over) == (2, 4, 1)
    assert (group.of_tier("one"), group.of_tier("two"), group.room("two")) == (18, 0, None)


def test_each_csm_is_a_group_of_one():
    assert [(one.name, one.above, one.minutes) for one in by_csm(ROWS[:2])] == [
        ("Ada", "North", 60),
        ("Ben", "Europe", 60),
    ]
