"""The runner: options, processes of their own, verdicts. One small company goes all the way."""

import argparse
import json

import pytest

from allocation.engine.facts.books import PoolProof
from benchmarks import __main__ as command
from benchmarks import books, isolation
from benchmarks.books_work import _group
from benchmarks.tables import Goal, table
from tests.benchmarks import tiny


def options(*given):
    return command.parser().parse_args(given)


@pytest.fixture(scope="module")
def small():
    """The row of a company of 120 customers and 6 CSMs, and its limit."""
    (case,) = books.cases(options("--size", "120/6", "--families", "band", "--seeds", "1", "--limit", "5"))
    return books._row(case)


def test_a_company_goes_through_planner_and_references(small):
    for method in ("plan", "greedy", "least busy", "round robin"):
        told = small[method]
        assert told["outcome"] == "done"
        assert told["served"] == 120
        assert told["broken"] == []
        assert told["objective"] > 0
        assert told["seconds"] > 0
        assert told["rss_mb"] > 10
    assert books.faults(small) == []
    assert 0 < small["ratios"]["greedy"] <= 1.0 + 1e-9


def test_tables_show_the_company(small):
    assert "| band 120/6" in books.instances_table([small])
    assert "| band 120/6" in books.summary_table([small])
    verdicts = {goal.name: goal.verdict for goal in books.judged([small])}
    assert verdicts["50 000/250: gap within 60 s"] == "not measured"
    assert verdicts["objective ÷ greedy, mean"] != "not measured"


def test_work_that_finds_no_end_is_ended(monkeypatch):
    monkeypatch.setattr(isolation, "ASIDE", 0.01)
    told = isolation.measured({"bench": "books"}, limit=1.0)
    assert told["outcome"].startswith("ended after")


def test_a_child_that_dies_is_reported_with_its_last_words():
    told = isolation.measured({"bench": "books"}, limit=1.0)  # says nothing of family and size
    assert told["outcome"] == "died before it had started: KeyError: 'family'"


def test_a_plan_that_breaks_a_limit_or_never_came_is_a_fault(small):
    broken = {**small, "plan": {**small["plan"], "broken": ["hours: ann 9 > 8"]}}
    assert books.faults(broken) == ["band 120/6 seed 1, plan breaks a limit: hours: ann 9 > 8."]
    ended = {**small, "plan": {"outcome": "ended after 40 s without being worked"}}
    assert books.faults(ended) == ["band 120/6 seed 1, plan: ended after 40 s without being worked."]
    assert "| band 120/6" in books.instances_table([ended])


@pytest.mark.parametrize(
    ("price_bound", "bound", "how", "said"),
    [
        (-697.5, -697.5, "relaxation", ""),
        (-710.0, -697.5, "relaxation", ""),  # modest
        (-697.5, 3.0, "search_tree", ""),  # a search may prove more than its prices
        (-697.5, 3.0, "relaxation", "3.000000 is said to follow from prices that prove -697.500000"),
        (-697.4, 3.0, "search_tree", "prices prove -697.500000, not -697.400000"),
    ],
)
def test_a_proof_that_says_too_much_is_caught(price_bound, bound, how, said):
    # One point a minute for every CSM, balance without weight: 600 minutes asked − 1 300 offered = −700. The cheapest pairs:
    # 0 at home; 2 × 2/4 too junior at home; a leaver's to Bo, unlike 1.5 ÷ 5; a generalist for Finance 0.5; Ann's to Cy 3.5 ÷ 5.
    sheet = tiny.sheet(weight_hours=0.0, weight_arr=0.0)
    told = {"csms": ["ann", "bo", "cy"], "hours": [1.0, 1.0, 1.0]}
    group = _group(sheet, PoolProof(("p",), 5, 3, 9.0, bound, how, price_bound, told))
    assert group["recomputed"] == pytest.approx(-697.5)
    assert group["faults"] == ([f"p: {said}"] if said else [])


def test_a_proof_without_prices_is_a_fault():
    group = _group(tiny.sheet(), PoolProof(("p",), 5, 3, 9.0, 9.0, "relaxation", 9.0, {}))
    assert group["faults"] == ["p: no prices are stored"]
    # A line without customers (an idle CSM, the move budget) is about points that are known anyway.
    assert _group(tiny.sheet(), PoolProof(("p",), 0, 0, 9.0, 9.0, "relaxation", 9.0, {}))["faults"] == []


def test_sizes_families_and_benches_are_checked():
    assert books.size_of("10000") == 10_000
    assert books.size_of("1200/24") == (1_200, 24)
    for unknown in ("1234", "many", "1/x"):
        with pytest.raises(argparse.ArgumentTypeError):
            books.size_of(unknown)
    with pytest.raises(argparse.ArgumentTypeError):
        books.family_of("sideways")
    with pytest.raises(SystemExit):
        options("sideways")


def test_published_limits_hold_unless_another_is_given():
    assert {
        (case.family, case.customers): case.limit
        for case in books.cases(options())
        if case.family != "overlap"
    } == {
        ("band", 1_000): 20.0,
        ("band", 10_000): 20.0,
        ("band", 50_000): 60.0,
        ("band", 100_000): 120.0,
        ("no-band", 10_000): 60.0,
    }
    assert {case.limit for case in books.cases(options("--limit", "3"))} == {3.0}
    assert max(case.limit for case in books.cases(options("--quick"))) <= 20.0


def test_figures_are_kept(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command, "KEPT", tmp_path / "bench")
    monkeypatch.setattr(
        command, "BENCHES", {"books": lambda given: {"rows": [], "goals": [], "wrong": ["x"]}}
    )
    monkeypatch.setattr("sys.argv", ["benchmarks", "books", "--json", str(tmp_path / "also.json")])
    assert command.main() == 1  # something is wrong
    kept = json.loads((tmp_path / "bench" / "latest.json").read_text(encoding="utf-8"))
    assert kept["books"]["wrong"] == ["x"]
    assert kept == json.loads((tmp_path / "also.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (0.02, "aim reached"),
        (0.021, "must reached"),
        (0.1, "must reached"),
        (0.11, "MISSED"),
        (None, "not measured"),
    ],
)
def test_verdicts_from_both_sides_of_each_bound(value, verdict):
    assert Goal("gap", value, 0.1, 0.02, "%").verdict == verdict


def plan_of(seconds, limit, gap):
    return {"family": "band", "customers": 10_000, "csms": 60, "limit": limit, "ratios": {"greedy": 0.8},
            "plan": {"seconds": seconds, "gap_pct": gap, "rss_mb": 90.0}}  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([plan_of(19.0, 20.0, 0.01)], "aim reached"),
        ([plan_of(19.0, 20.0, 0.01), plan_of(19.0, 20.0, 0.09)], "must reached"),  # the worst counts
        ([plan_of(19.0, 20.0, 0.01), plan_of(19.0, 20.0, None)], "MISSED: no bound"),
        ([plan_of(22.1, 20.0, 0.01)], "aim reached, late"),
        ([plan_of(30.0, 60.0, 0.01)], "not measured"),  # had more time than the goal gives
    ],
)
def test_a_gap_counts_at_its_worst_and_within_its_seconds(rows, verdict):
    goals = {goal.name: goal.verdict for goal in books.judged(rows)}
    assert goals["10 000/60: gap within 20 s"] == verdict


def test_a_table_is_aligned_markdown():
    assert table(("a", "b"), [("x", 1.5), ("long", None)]).splitlines() == [
        "| a    |     b |",
        "|------|------:|",
        "| x    | 1.500 |",
        "| long |     – |",
    ]
