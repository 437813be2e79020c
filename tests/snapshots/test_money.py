"""Columns of amounts turn into the base currency as single amounts do, to the last cent."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from accounts.models import ExchangeRate
from allocation.snapshots.arrays import MISSING, Coded, Whole
from allocation.snapshots.money import amounts_in_base, in_base, rates_there_are

BASE = "USD"
LARGEST = 10**15 - 1  # cents: what the column takes


def slow(cents, currency, rates):
    if cents is None or (currency != BASE and currency not in rates):
        return None
    return float(in_base(Decimal(cents).scaleb(-2), currency, rates=rates, base=BASE))


def both(amounts, currencies, rates):
    words = tuple(dict.fromkeys(currencies))
    fast = amounts_in_base(
        amounts=Whole(np.array([MISSING if one is None else one for one in amounts], dtype=np.int64), 100),
        currencies=Coded(np.array([words.index(one) for one in currencies], dtype=np.int64), words),
        rates=rates,
        base=BASE,
    )
    found = [None if one != one else one for one in fast.tolist()]
    return found, [slow(*one, rates) for one in zip(amounts, currencies, strict=True)]


@pytest.mark.parametrize(
    "rate",
    [
        "1", "2", "8", "0.5", "0.86", "0.860000000000", "1.234567890123", "3", "0.000000000001", "150.25", "99999999.999999999999", "1E+2",
    ],
)  # fmt: skip
def test_every_amount_at_every_rate_is_that_of_the_slow_way(rate):
    chance = np.random.default_rng(7)
    amounts = [None, 0, 1, 2, 3, 5, 15, 25, 35, 99, 101, LARGEST]
    amounts += chance.integers(0, LARGEST, 300).tolist() + chance.integers(0, 10**6, 300).tolist()
    found, wanted = both(amounts, ["EUR"] * len(amounts), {"EUR": Decimal(rate)})
    assert found == wanted


def test_halves_go_to_the_even_cent():
    found, wanted = both([1, 3, 5, 7], ["EUR"] * 4, {"EUR": Decimal(2)})
    assert found == wanted == [0.0, 0.02, 0.02, 0.04]


def test_the_base_stays_and_a_currency_without_a_rate_is_unknown():
    found, wanted = both([150, 150, 150, None], ["USD", "EUR", "GBP", "USD"], {"EUR": Decimal("0.5")})
    assert found == wanted == [1.5, 3.0, None, None]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("newest", "back", "there"),
    [
        (0, 7, True),
        (0, 8, False),
        (-3, 7, True),  # a rate of a later day makes the day itself count
        (-3, 8, False),
        (7, 14, True),  # the newest is a week old: a week before it
        (7, 15, False),
        (8, 15, True),  # nothing is fresh
        (100, 107, True),
        (100, 108, False),
    ],
)
def test_a_rate_is_at_most_a_week_older_than_the_day_or_the_newest_of_all(newest, back, there):
    day = date(2026, 3, 31)
    for currency, days in (("GBP", newest), ("EUR", back), ("EUR", back + 1)):
        ExchangeRate.objects.create(currency=currency, day=day - timedelta(days), rate=days + 100, base=BASE)
    found = rates_there_are(currencies=["EUR"], as_of=day, base=BASE)
    assert found == ({"EUR": Decimal(back + 100)} if there else {})


@pytest.mark.django_db
def test_on_the_first_day_of_the_calendar_there_is_no_rate_and_no_error():
    assert rates_there_are(currencies=["EUR"], as_of=date.min, base=BASE) == {}
