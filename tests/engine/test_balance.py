"""How even books are: figures worked out by hand."""

from fractions import Fraction

import pytest

from allocation.engine.balance import NOTHING, balance


def test_the_four_figures_of_a_small_company() -> None:
    # 10, 20, 30: mean 20; two of three are more than 15 % off; variance 200/3, cv = sqrt(200/3)/20 = 0.4082;
    # |differences| over all pairs: 2·(10+20+10) = 80, ÷ (2·9·20) = 0.2222; largest ÷ mean 1.5.
    found = balance(values=[30, 10, 20])
    assert (found.outside_15_pct, found.cv, found.gini, found.max_over_mean) == (66.7, 0.4082, 0.2222, 1.5)


def test_equal_books_are_even() -> None:
    found = balance(values=[Fraction(1, 3)] * 4)
    assert (found.outside_15_pct, found.cv, found.gini, found.max_over_mean) == (0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(("value", "outside"), [(115, 0.0), (116, 66.7)])
def test_exactly_15_per_cent_off_is_still_inside(value: int, outside: float) -> None:
    # 115, 100, 85 has mean 100; 116, 100, 84 as well.
    assert balance(values=[value, 100, 200 - value]).outside_15_pct == outside


def test_what_has_no_value_is_left_out() -> None:
    assert balance(values=[None, 10, 10]) == balance(values=[10, 10])


@pytest.mark.parametrize("values", [[], [None], [0, 0]])
def test_nothing_to_share_has_no_figures(values: list[int | None]) -> None:
    assert balance(values=values) == NOTHING


def test_order_and_unit_do_not_matter() -> None:
    assert balance(values=[1, 5, 9, 2]) == balance(values=[900, 200, 100, 500])
