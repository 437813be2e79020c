"""Revenue concentration: exact on cents, whatever the order, with ties, with nothing."""

import random
from fractions import Fraction

import pytest

from allocation.engine.concentration import CURVE_POINTS, concentration, top_count


def figures(*cents):
    return concentration(cents=list(cents))


def share(found, pct):
    return next(top.share for top in found.tops if top.pct == pct)


def test_of_a_hundred_customers_the_largest_is_the_top_one_per_cent():
    found = concentration(cents=[10_000, *[100] * 99])  # 10 000 of 19 900
    assert (found.tops[0].customers, found.tops[0].cents) == (1, 10_000)
    assert share(found, 1) == Fraction(100, 199)
    assert share(found, 5) == Fraction(10_400, 19_900)
    assert found.largest_share == Fraction(100, 199)


# customers, per cent, how many these are: rounded up on both sides of a whole number
@pytest.mark.parametrize(
    ("customers", "pct", "number"),
    [(0, 10, 0), (1, 1, 1), (9, 10, 1), (10, 10, 1), (11, 10, 2), (100, 20, 20), (101, 20, 21), (7, 100, 7)],
)
def test_a_share_of_the_customers_is_rounded_up_to_whole_customers(customers, pct, number):
    assert top_count(customers=customers, pct=pct) == number


# amounts, the fewest largest customers that bring half or more
@pytest.mark.parametrize(
    ("cents", "half"),
    [
        ([50, 30, 20], 1),  # exactly half
        ([49, 31, 20], 2),  # one cent short of half of 100
        ([51, 49], 1),
        ([1, 1, 1, 1], 2),
        ([1, 1, 1], 2),  # 1.5 is half: two
        ([7], 1),
        ([0, 0, 5], 1),
        ([0, 0], None),
        ([], None),
    ],
)
def test_half_is_the_fewest_customers_that_bring_half_or_more(cents, half):
    assert concentration(cents=cents).half == half


def test_nothing_has_no_shares_and_divides_by_nothing():
    for found in (figures(), figures(0, 0, 0)):
        assert {top.share for top in found.tops} == {None}
        assert found.largest_share is None
        assert (found.cents, found.largest, found.half) == (0, 0, None)
    assert figures().curve == ((0, 0),)


def test_customers_without_arr_count_as_customers():
    assert figures(100).tops[-1].customers == 1
    # The top 20 % of ten customers are two, whatever eight of them bring.
    assert share(concentration(cents=[60, 40, *[0] * 8]), 20) == 1


def test_cents_are_exact_where_floats_are_not():
    huge = 999_999_999_999_999
    found = figures(huge, huge, 1)
    assert found.cents == 2 * huge + 1
    assert found.largest_share == Fraction(huge, 2 * huge + 1)
    assert found.half == 2  # the first is half a cent short


def test_an_amount_below_nothing_is_refused():
    with pytest.raises(ValueError, match="below 0"):
        figures(5, -1)


@pytest.mark.parametrize("seed", range(8))
def test_laws_hold_for_any_company(seed):
    chance = random.Random(seed)
    count = chance.choice([1, 3, 50, 120, 121, 1_000])
    cents = [chance.choice([0, 100, chance.randrange(10**9)]) for _ in range(count)]
    cents[0] += 1
    found = concentration(cents=cents)
    # order plays no part, and twice the amounts are the same shares
    chance.shuffle(cents)
    assert concentration(cents=cents) == found
    doubled = concentration(cents=[2 * one for one in cents])
    assert [top.share for top in doubled.tops] == [top.share for top in found.tops]
    # more customers never bring less, never less than their even share, never more than all
    shares = [0, *(top.share for top in found.tops), 1]
    assert shares == sorted(shares)
    assert all(top.share >= Fraction(top.customers, count) for top in found.tops)
    assert found.tops[0].share >= found.largest_share
    # half: one less is not enough
    largest = sorted(cents, reverse=True)
    assert 2 * sum(largest[: found.half]) >= found.cents > 2 * sum(largest[: found.half - 1])
    # the curve goes from nothing to all, bends one way only, and is short
    assert (found.curve[0], found.curve[-1]) == ((0, 0), (count, found.cents))
    assert len(found.curve) <= CURVE_POINTS + 3
    slopes = [Fraction(b[1] - a[1], b[0] - a[0]) for a, b in zip(found.curve, found.curve[1:], strict=False)]
    assert slopes == sorted(slopes, reverse=True)
    assert all(upto == sum(largest[:place]) for place, upto in found.curve)
