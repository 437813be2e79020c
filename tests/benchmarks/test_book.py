"""The benchmark of a book's page: ratios to the hello page, and what counts as wrong."""

import json
from types import SimpleNamespace

import pytest

from benchmarks import book
from benchmarks.book_work import BOOK, HELLO, LARGE, SHELL
from benchmarks.places import DATABASES

TIMES = {
    HELLO: [(0.004, 0.002), (0.003, 0.003)],
    SHELL: [(0.004, 0.004), (0.004, 0.003)],
    BOOK: [(0.020, 0.012), (0.010, 0.010)],
    LARGE: [(0.080, 0.040), (0.070, 0.050)],
}
STATEMENTS = {HELLO: 2, SHELL: 2, BOOK: 5, LARGE: 5}
TOLD = {
    "outcome": "done",
    "times": TIMES,
    "in_a_row": TIMES,
    "statements": STATEMENTS,
    "kilobytes": dict.fromkeys(TIMES, 9.5),
    "faults": [],
}


def test_a_page_is_set_against_the_best_round_of_the_hello_page_by_processor_time():
    rows = {row["page"]: row for row in book.judged(TOLD)}
    assert rows[BOOK]["ms"] == 10
    assert rows[BOOK]["ratio"] == 5
    assert rows[LARGE]["ratio"] == 20
    assert rows[HELLO]["ratio"] == rows[HELLO]["in_a_row"] == 1


def test_the_book_of_40_has_the_published_goals():
    goals = list(book.goals_of("SQLite", book.judged(TOLD)))
    assert [(goal.must, goal.aim, goal.verdict) for goal in goals] == [
        (6, 4, "must reached"),
        (6, 6, "aim reached"),
    ]


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        (TOLD, 0),
        ({**TOLD, "faults": ["book of 40: answered 200 with 39 rows instead of 40."]}, 1),
        ({**TOLD, "statements": {**STATEMENTS, LARGE: 6}}, 1),
        ({"outcome": "died before it had started: no room"}, 1),
    ],
)
def test_rows_that_lack_and_statements_that_grow_are_wrong_and_slowness_is_not(
    monkeypatch, capsys, told, wrong
):
    monkeypatch.setattr(book, "_told", lambda *given: told)
    found = book.run(SimpleNamespace(quick=True, limit=None))
    assert len(found["wrong"]) == wrong * len(DATABASES)
    assert json.loads(json.dumps(found)) == found
    assert "CPU ÷ hello" in capsys.readouterr().out
