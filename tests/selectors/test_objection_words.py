"""What is said about objections: the day, the number, and nothing in mail of what it is about."""

from datetime import date

import pytest

from allocation.selectors import notice_words, objection_words
from tests.pages.reading import plain

DAY = date(2026, 12, 3)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            objection_words.home_line(moves=1, until=DAY),
            "1 move concerns your book: object before 3 Dec 2026",
        ),
        (
            objection_words.home_line(moves=4, until=DAY),
            "4 moves concern your book: object before 3 Dec 2026",
        ),
        (
            objection_words.answer_first(plan_id=7, customers=["A"]),
            "1 move of book plan 7 has objections (A): answer them first. Refuse or re-point each, or keep it with words.",
        ),
        (
            objection_words.answer_first(plan_id=7, customers=list("ABCDEFG")),
            "7 moves of book plan 7 have objections (A, B, C, D, E and 2 more): answer them first. Refuse or re-point each, "
            "or keep it with words.",
        ),
        (objection_words.to_answer(plan_id=7, moves=1), "Book plan 7: 1 move with objections to answer"),
        (
            objection_words.answer_told(answer="repointed", by="Mia", on=DAY, words=""),
            "Given to somebody else by Mia on 3 Dec 2026",
        ),
    ],
)
def test_sentences_say_how_many_and_until_when(said: str, sentence: str) -> None:
    assert plain(said) == sentence


def test_mail_says_until_when_and_where_and_nothing_of_what_it_is_about() -> None:
    link = notice_words.objections_link()
    mails = (
        notice_words.may_be_objected_to(until=DAY, link=link),
        notice_words.objection_was_answered(link=link),
    )
    assert mails[0][0] == "Planned changes in your book can be objected to before 3 Dec 2026"
    for subject, body in mails:
        assert link in body
        for word in ("tier", "segment", "score", "touch", "override", "ARR", "customer"):
            assert word not in f"{subject} {body}"
