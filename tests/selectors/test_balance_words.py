"""What the figures mean, in sentences: bounds from both sides."""

from dataclasses import replace

import pytest

from allocation.engine.facts.books import BookRow
from allocation.selectors.balance import measured
from allocation.selectors.balance_words import (
    CV_WORDS,
    GINI_WORDS,
    capacity_words,
    evenness,
    how_even,
    outside_words,
)
from tests.pages.reading import plain


def book(name, *, minutes=60, capacity=100, arr=100, customers=1, covered=False):
    return BookRow(
        csm=name, name=name, team="", customers=customers, by_tier={}, cap_room={}, arr_cents=100 * arr,
        minutes=minutes, capacity_minutes=capacity, covered=covered,
    )  # fmt: skip


def read(*rows, largest=None):
    found = replace(
        measured(rows=rows), largest_cents={key: 100 * arr for key, arr in (largest or {}).items()}
    )
    return {one.label: one for one in how_even(found)}


@pytest.mark.parametrize(
    ("cv", "word"),
    [(None, ""), (0.0, "even"), (0.0999, "even"), (0.1, "fairly even"), (0.1999, "fairly even"), (0.2, "uneven"),
     (0.3499, "uneven"), (0.35, "very uneven"), (2.0, "very uneven")],
)  # fmt: skip
def test_a_cv_has_a_word(cv, word):
    assert evenness(cv, CV_WORDS) == word


def test_a_gini_has_the_words_of_the_cv_that_goes_with_it():
    for (cv, word), (gini, same) in zip(CV_WORDS, GINI_WORDS, strict=True):
        assert word == same
        assert gini == pytest.approx(cv * 0.5642, abs=0.001)  # 1 ÷ √π


@pytest.mark.parametrize(
    ("outside", "books", "said"),
    [
        (0, 8, "No book is outside the band."),
        (1, 8, "1 in 8 books is outside the band."),
        (2, 8, "1 in 4 books is outside the band."),
        (1, 1, "The only book is outside the band."),
        (8, 8, "Every book is outside the band."),
        (5, 24, "5 of 24 books are outside the band, about 1 in 5."),
        (13, 24, "13 of 24 books are outside the band."),
        (4, 6, "4 of 6 books are outside the band."),
        (0, 0, ""),
    ],
)
def test_how_many_are_outside_is_said_as_people_say_it(outside, books, said):
    assert plain(outside_words(outside, books)) == said


def test_the_busiest_is_said_against_the_mean():
    # 54, 50 and 46 of 100: the mean is 50, the busiest 8 % above.
    found = read(book("Ada", minutes=54), book("Ben", minutes=50), book("Cem", minutes=46))["Utilisation"]
    assert found.max_over_mean == "1.0800"
    assert plain(found.sentences[0]) == "The busiest CSM carries 8 % more than the mean."
    assert plain(found.max_trace) == "Ada: 54.00 % ÷ the mean, 50.00 %"
    assert found.cv_words == "even"


def test_all_alike_is_said_so():
    found = read(book("Ada"), book("Ben"))
    assert found["Customers"].sentences[0] == "The largest is as large as the mean."
    assert found["Utilisation"].outside == "0.0\u00a0%"


def test_who_is_covered_is_not_the_busiest():
    found = read(book("Ada", minutes=50), book("Ben", minutes=99, covered=True))["Utilisation"]
    assert found.max_trace.startswith("Ada")


def test_one_customer_larger_than_a_peers_book_is_why_arr_is_uneven():
    rows = book("Ada", arr=1000), book("Ben", arr=400), book("Cem", arr=700)
    said = " ".join(read(*rows, largest={"Ada": 500, "Ben": 400, "Cem": 10})["ARR"].sentences)
    assert "One customer in the book of Ada brings 500" in plain(said)
    assert "more than the whole book of 1 of 2 peers: ARR cannot be as even as hours." in said
    # As large as the peer's book is not larger.
    assert "cannot" not in " ".join(read(*rows, largest={"Ada": 400})["ARR"].sentences)


def test_books_without_customers_are_no_peers_to_compare_with():
    rows = book("Ada", arr=1000), book("Ben", arr=0, customers=0)
    assert "cannot" not in " ".join(read(*rows, largest={"Ada": 500})["ARR"].sentences)


def test_without_anything_to_compare_that_is_what_is_said():
    for one in (*read().values(), read(book("Ada", capacity=0, arr=0, customers=0))["Utilisation"]):
        assert one.sentences == ("Nothing to compare yet.",)
        assert (one.max_over_mean, one.max_trace, one.outside_trace) == ("–", "", "")


def test_a_capacity_says_what_it_is_made_of():
    row = book("Ada", capacity=80 * 60)
    parts = {"Ada": (160.0, 100.0, 25.0)}
    assert capacity_words(row, parts, {}).endswith(
        "160:00 hours a month × ramp 100 % × (1 − 25 % not spent on customers) = 80:00 hours"
    )
    assert ", less 10 of 30 days of leave = 80:00 hours" in capacity_words(row, parts, {"Ada": 10})
    assert "count with the cover" in capacity_words(replace(row, covered=True), parts, {})
