"""The pages benchmark: best against best of the same page, statements that grow are wrong, slowness is not."""

from types import SimpleNamespace

import pytest

from benchmarks import pages

SMALL, LARGE = "10000", "100000"


def told(*, statements=(9, 9), times=((2.0, 1.0), (1.0, 0.5))):
    page = {
        size: {"times": [times[at], (9.0, 9.0)], "statements": statements[at], "bytes": 1000, "status": 200}
        for at, size in enumerate((SMALL, LARGE))
    }
    return {"outcome": "done", "pages": {"balance": page}, "faults": []}


def test_each_page_is_set_against_itself_in_the_small_company():
    small, large = pages.judged(told(times=((1.0, 0.5), (3.0, 0.6)))["pages"], 10_000)
    assert (small["ratio"], small["cpu_ratio"]) == (1, 1)
    assert (large["ratio"], large["cpu_ratio"]) == (3, 1.2)
    (goal,) = pages.goals_of("PostgreSQL", [small, large], 10_000)
    assert (goal.value, goal.must, goal.aim, goal.verdict) == (3, 3, 1.5, "must reached")


@pytest.mark.parametrize(("statements", "wrong"), [((9, 9), 0), ((9, 10), 0), ((9, 11), 1)])
def test_statements_that_grow_are_wrong(statements, wrong):
    assert len(list(pages.uneven(pages.judged(told(statements=statements)["pages"], 10_000)))) == wrong


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (told(), 0),
        (told(times=((1.0, 1.0), (99.0, 99.0))), 0),
        ({**told(), "faults": ["balance at 10000: 500"]}, 1),
        ({"outcome": "died before it had started: no room"}, 1),
    ],
)
def test_no_answer_is_wrong_and_slowness_is_not(monkeypatch, capsys, answer, wrong):
    monkeypatch.setattr(pages, "_told", lambda database, sizes, options: answer)
    found = pages.run(SimpleNamespace(quick=False, customers=None, limit=None))
    assert len(found["wrong"]) == 2 * wrong  # on both databases
    assert "## Pages" in capsys.readouterr().out


def test_companies_have_as_many_csms_as_such_companies_have():
    assert [pages.csms_of(size) for size in (500, 10_000, 100_000, 1_000_000)] == [20, 56, 250, 500]
