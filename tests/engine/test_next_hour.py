"""The best use of the next hour: the pieces of work, what they are worth, and the laws of the order."""

import random
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from allocation.engine.facts.attention import CareFacts
from allocation.engine.facts.next_hour import NextHour, OpenTouch, WorkFacts
from allocation.engine.next_hour import _places, rank_next_hours

BUSY = {"attention_minutes", "done_minutes", "touches", "weight", "goals"}
SAVE, CONTACTS = "risk-mitigation", "key-contact-turnover"


def work(external_id: str = "a", **given: Any) -> WorkFacts:
    """A customer that asks for nothing but what is given."""
    facts = {name: value for name, value in given.items() if name not in BUSY}
    rest = {"weight": Fraction(0)} | {name: value for name, value in given.items() if name in BUSY}
    return WorkFacts(care=CareFacts(external_id=external_id, base_minutes=0, **facts), **rest)


def alone(**given: Any) -> NextHour:
    return rank_next_hours(customers=[work(**given)], currency="USD")["a"]


def touch(days: int, name: str = "QBR", minutes: int = 120, internal: bool = False) -> OpenTouch:
    return OpenTouch(name, days, minutes, internal)


def urgency(**given: Any) -> Fraction:
    """Of a book of one the place is a half, so that the value is three times the urgency."""
    return alone(**given).value / 3


@pytest.mark.parametrize(
    ("given", "reason", "points"),
    [
        ({"touches": (touch(-1),)}, "late", 52),
        ({"touches": (touch(-20),)}, "late", 90),
        ({"touches": (touch(-21),)}, "late", 90),  # late is late
        ({"touches": (touch(0),)}, "due", 40),
        ({"touches": (touch(6),)}, "due", 28),
        ({"touches": (touch(7),)}, "nothing", 0),  # not this week
        # 45 + 40 × 0 at 90 days, and low: 20 + 40 ÷ 2 for health 0, a quarter of it; something is planned
        ({"days_to_renewal": 90, "health": Decimal(0), "touches": (touch(80),)}, "renewal", 45 + Fraction(40, 4)),
        ({"days_to_renewal": 91, "health": Decimal(0)}, "low", 40),
        ({"days_to_renewal": 0, "sentiment": 2, "touches": (touch(0),)}, "renewal", 85 + Fraction(40 + 25, 4)),
        ({"days_to_renewal": -30, "sentiment": 2, "touches": (touch(0),)}, "renewal", 85 + Fraction(40 + 25, 4)),
        ({"health": Decimal("39.9")}, "low", 20 + Fraction(1, 20)),
        ({"health": Decimal(40)}, "nothing", 0),
        ({"sentiment": 1}, "low", 30),
        ({"sentiment": 2}, "low", 25),
        ({"sentiment": 3}, "nothing", 0),
        ({"days_to_renewal": 45}, "unplanned", 45),
        ({"days_to_renewal": 0}, "unplanned", 60),
        ({"days_to_renewal": -400}, "unplanned", 60),
        ({"days_to_renewal": 45, "touches": (touch(45),)}, "nothing", 0),
        ({"days_to_renewal": 45, "touches": (touch(46),)}, "unplanned", 45),
        ({"days_to_renewal": 91}, "nothing", 0),
        # a late touch is no plan: 52 + a quarter of 45
        ({"days_to_renewal": 45, "touches": (touch(-1),)}, "late", 52 + Fraction(45, 4)),
        ({"attention_minutes": 60}, "nothing", 0),  # time set aside is no reason by itself
        ({"touches": (touch(-1, internal=True),)}, "late", 26),
        ({"touches": (touch(-21, internal=True),)}, "late", 45),
        ({"touches": (touch(0, internal=True),)}, "due", 20),
        ({"touches": (touch(-14, internal=True), touch(0))}, "due", 40 + Fraction(39, 4)),
        ({"goals": {SAVE}}, "goal", 55),
        ({"goals": {CONTACTS}}, "goal", 50),
        ({"goals": {SAVE, CONTACTS}}, "goal", 55 + Fraction(50, 4)),
        ({"goals": {"expansion", "onboarding"}}, "nothing", 0),
        ({}, "nothing", 0),
    ],
)  # fmt: skip
def test_each_piece_of_work_at_its_bounds(given: Any, reason: str, points: Fraction) -> None:
    assert (alone(**given).reason, urgency(**given)) == (reason, points)


@pytest.mark.parametrize(
    ("given", "points"),
    [
        # growth 25 of 100: 25 + 10 × 0.25
        ({"arr": Decimal(100), "potential_arr": Decimal(125), "champion": True}, Fraction(55, 2)),
        ({"arr": Decimal(100), "potential_arr": Decimal(124), "champion": True}, 0),  # not worth the time
        ({"arr": Decimal(100), "potential_arr": Decimal(900), "champion": True}, 35),
        ({"potential_arr": Decimal(900), "champion": True}, 35),
        ({"arr": Decimal(100), "potential_arr": Decimal(900), "champion": False}, 0),
        ({"arr": Decimal(100), "potential_arr": Decimal(900)}, 0),  # whether there is a champion is not known
        ({"arr": Decimal(0), "potential_arr": Decimal(0), "champion": True}, 0),
    ],
)  # fmt: skip
def test_an_expansion_needs_growth_and_a_champion(given: Any, points: Fraction) -> None:
    assert urgency(attention_minutes=60, **given) == points


def test_an_expansion_waits_while_the_attention_of_the_month_is_spent() -> None:
    growing = {"arr": Decimal(100), "potential_arr": Decimal(900), "champion": True}
    assert alone(**growing, attention_minutes=60, done_minutes=60).reason == "nothing"


def test_of_a_backlog_three_touches_count() -> None:
    # 54 + a quarter of 52 and 52
    assert urgency(touches=(touch(-1), touch(-2), touch(-1), touch(-1), touch(0))) == 54 + 26


@pytest.mark.parametrize(
    ("given", "action", "words", "minutes"),
    [
        (
            {"touches": (touch(-3),), "days_to_renewal": 88, "health": Decimal("35.0"), "champion": None},
            "Catch up: QBR",
            "QBR is 3 days late; renewal in 88 days, health 35, nothing planned before it",
            120,
        ),
        ({"touches": (touch(-1), touch(-2, "Call", 30))}, "Catch up: Call", "Call is 2 days late and 1 more is late", 30),
        ({"touches": (touch(1),)}, "Do: QBR", "QBR is due tomorrow", 120),
        ({"days_to_renewal": -1}, "Settle the renewal", "Nothing is planned before the renewal; renewal overdue by 1 day", 60),
        ({"sentiment": 1, "days_to_renewal": 500}, "Talk about how it goes", "Sentiment 1 of 5", 30),
        (
            {"arr": Decimal(1000), "potential_arr": Decimal(2500), "champion": True, "attention_minutes": 10},
            "Talk about expansion",
            "A champion, and 1,500 USD of ARR to win (+150 %)",
            60,
        ),
        ({"goals": {CONTACTS}, "sentiment": 2}, "Meet the new contact", "An open goal of key-contact turnover; sentiment 2 of 5", 60),
        ({"goals": {SAVE, CONTACTS}}, "Work on the risk", "An open goal of risk mitigation; an open goal of key-contact turnover", 60),
        ({"goals": {SAVE}, "touches": (touch(-9),)}, "Catch up: QBR", "QBR is 9 days late; an open goal of risk mitigation", 120),
        ({}, "Nothing to do", "Nothing is late or due, nothing is at risk, and nothing is to be won", 0),
    ],
)  # fmt: skip
def test_a_line_says_what_and_why(given: Any, action: str, words: str, minutes: int) -> None:
    found = alone(**given)
    assert (found.action, found.words, found.minutes) == (action, words, minutes)


def test_the_worked_example_of_the_prose() -> None:
    book = [
        work("alba", weight=Fraction(300), arr=Decimal(1), potential_arr=Decimal(9), champion=True, attention_minutes=1),
        work("borg", weight=Fraction(100), touches=(touch(-3), touch(40)), days_to_renewal=41, health=Decimal(35)),
        work("cleo", touches=(touch(0, "Call"),)),
    ]  # fmt: skip
    found = rank_next_hours(customers=book)
    assert list(found) == ["borg", "alba", "cleo"]
    assert [round(float(one.value), 1) for one in found.values()] == [259.2, 151.7, 66.7]


def test_with_equal_work_the_weight_decides_and_then_the_external_id() -> None:
    book = [
        work(name, weight=Fraction(weight), touches=(touch(0),))
        for name, weight in (("c", 1), ("b", 1), ("a", 0))
    ]
    assert list(rank_next_hours(customers=book)) == ["b", "c", "a"]


def test_who_asks_for_nothing_comes_last_whatever_the_weight() -> None:
    book = [work("rich", weight=Fraction(10**9)), work("poor", touches=(touch(6, internal=True),))]
    found = rank_next_hours(customers=book)
    assert (found["poor"].rank, found["rich"].rank, found["rich"].reason) == (1, 2, "nothing")


def test_an_empty_book_has_no_lines() -> None:
    assert rank_next_hours(customers=[]) == {}


touches = some.lists(some.builds(touch, some.integers(-40, 100), internal=some.booleans()), max_size=4).map(
    tuple
)
customer = some.fixed_dictionaries(
    {
        "weight": some.integers(0, 5).map(Fraction),
        "touches": touches,
        "goals": some.frozensets(some.sampled_from([SAVE, CONTACTS, "expansion"])),
        "attention_minutes": some.integers(0, 500),
        "done_minutes": some.integers(0, 500),
        "days_to_renewal": some.one_of(some.none(), some.integers(-50, 200)),
        "health": some.one_of(some.none(), some.integers(0, 100).map(Decimal)),
        "sentiment": some.one_of(some.none(), some.integers(1, 5)),
        "champion": some.sampled_from([None, True, False]),
        "arr": some.one_of(some.none(), some.integers(0, 1000).map(Decimal)),
        "potential_arr": some.one_of(some.none(), some.integers(0, 3000).map(Decimal)),
    }
)
books = some.lists(customer, min_size=1, max_size=5).map(
    lambda rows: [work(f"c{place}", **row) for place, row in enumerate(rows)]
)


@given(books, some.integers(0, 1000))
def test_the_order_of_the_input_does_not_matter_and_everybody_has_a_rank(
    book: list[WorkFacts], seed: int
) -> None:
    found = rank_next_hours(customers=book)
    mixed = list(book)
    random.Random(seed).shuffle(mixed)
    assert found == rank_next_hours(customers=mixed)
    assert [one.rank for one in found.values()] == list(range(1, len(book) + 1))
    assert all(one.words and one.action for one in found.values())
    assert [one.reason == "nothing" for one in found.values()] == [one.value == 0 for one in found.values()]


def ranks(book: list[WorkFacts], changed: WorkFacts) -> tuple[int, int]:
    """Of the first customer, before and after the change."""
    name = changed.care.external_id
    before, after = rank_next_hours(customers=book), rank_next_hours(customers=[changed, *book[1:]])
    return before[name].rank, after[name].rank


@given(books, some.integers(-40, 6), some.integers(1, 30))
def test_a_later_touch_never_ranks_lower(book: list[WorkFacts], days: int, later: int) -> None:
    book[0] = replace(book[0], touches=(*book[0].touches, touch(days)))
    after = min(days - later, -1) if days >= 0 else days - later  # late, or later than it was
    changed = replace(book[0], touches=(*book[0].touches[:-1], touch(after)))
    before, now = ranks(book, changed)
    assert now <= before


@given(books, some.sampled_from([SAVE, CONTACTS]), some.integers(-40, 6))
def test_one_more_goal_at_stake_or_a_contact_in_place_of_an_internal_touch_never_ranks_lower(
    book: list[WorkFacts], goal: str, days: int
) -> None:
    book[0] = replace(book[0], touches=(*book[0].touches, touch(days, internal=True)))
    for changed in (
        replace(book[0], goals=book[0].goals | {goal}),
        replace(book[0], touches=(*book[0].touches[:-1], touch(days))),
    ):
        before, now = ranks(book, changed)
        assert now <= before


def test_a_small_customers_late_internal_review_comes_after_a_large_one_that_changes_its_key_contact() -> (
    None
):
    book = [
        work("small", weight=Fraction(1), touches=(touch(-30, "Health and usage review", internal=True),)),
        work("middle", weight=Fraction(2), touches=(touch(0),)),
        work("large", weight=Fraction(3), goals=frozenset({CONTACTS}), touches=(touch(3),)),
    ]
    assert list(rank_next_hours(customers=book)) == ["large", "middle", "small"]


@given(books, some.integers(-50, 200), some.integers(1, 60))
def test_a_nearer_renewal_never_ranks_lower(book: list[WorkFacts], days: int, nearer: int) -> None:
    book[0] = replace(book[0], care=replace(book[0].care, days_to_renewal=days))
    changed = replace(book[0], care=replace(book[0].care, days_to_renewal=days - nearer))
    before, now = ranks(book, changed)
    assert now <= before


@given(books, some.integers(0, 100), some.integers(1, 5), some.integers(0, 5))
def test_who_is_worse_off_or_weighs_more_never_ranks_lower(
    book: list[WorkFacts], health: int, sentiment: int, worse: int
) -> None:
    care = replace(book[0].care, health=Decimal(health), sentiment=sentiment)
    book[0] = replace(book[0], care=care)
    for changed in (
        replace(book[0], care=replace(care, health=Decimal(max(health - worse, 0)))),
        replace(book[0], care=replace(care, sentiment=max(sentiment - worse, 1))),
        replace(book[0], weight=book[0].weight + worse),
    ):
        before, now = ranks(book, changed)
        assert now <= before


def place_of(weight: Fraction, weights: list[Fraction]) -> Fraction:
    """As the prose has it, one by one: those below and half of those equal, of all."""
    below, equal = sum(one < weight for one in weights), sum(one == weight for one in weights)
    return (below + Fraction(equal, 2)) / len(weights)


@pytest.mark.parametrize("seed", range(8))
def test_places_counted_in_one_pass_are_those_counted_one_by_one(seed: int) -> None:
    chance = random.Random(seed)
    weights = [Fraction(chance.randint(0, 9), chance.choice([1, 3, 7])) for _ in range(chance.randint(1, 40))]
    weights.append(weights[0] + Fraction(1, 10**40))  # as floats they are equal
    assert _places(weights) == [place_of(one, weights) for one in weights]
