"""The import benchmark: the best of each against the best of its reference, and files that say what they must."""

from math import log2
from types import SimpleNamespace

import pytest

from benchmarks import imports
from benchmarks.imports_files import CHANGED, COLUMNS, customers, write_csv, write_workbook
from tests.importing.readers import check

TIMES = {
    what: [(3.0, 1.0), (seconds, 0.5)]
    for what, seconds in {
        imports.NEW: 2.0,
        imports.BARE: 0.5,
        imports.AGAIN: 1.0,
        imports.UPDATE: 1.0,
        imports.STOCK: 1.5,
        imports.WORKBOOK: 2.0,
        imports.READER: 0.4,
        imports.READ: 0.8,
    }.items()
}
OPTIONS = SimpleNamespace(quick=True, customers=None, limit=None)
DONE = {"outcome": "done", "times": TIMES, "faults": [], "peak_mb": 200.0, "scale": 10.0}


def test_the_best_of_each_is_set_against_the_best_of_its_reference_and_stock_is_multiplied_up():
    goals = imports.goals_of("SQLite", imports.judged(TIMES, scale=10))
    assert {goal.name: goal.value for goal in goals} == {
        "import, new ÷ bare load, SQLite": 4,
        "import, XLSX ÷ XLSX reader alone, SQLite": 5,
        "XLSX read ÷ XLSX reader alone, SQLite": 2,
        "import, update ÷ stock update, SQLite": pytest.approx(1 / 15),
        "same file again ÷ stock update, SQLite": pytest.approx(1 / 15),
    }


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        (DONE, 0),
        (DONE | {"faults": ["import, new ended with {'created': 3}, not {'created': 4}."]}, 1),
        ({"outcome": "died before it had started: no room"}, 1),
    ],
)
def test_other_outcomes_or_no_answer_are_wrong_and_slowness_is_not(monkeypatch, capsys, told, wrong):
    monkeypatch.setattr(imports, "_told", lambda database, customers, options: told)
    found = imports.run(OPTIONS)
    assert len(found["wrong"]) == 2 * wrong  # on both databases
    assert "verdict" in capsys.readouterr().out


def test_the_workbook_says_what_the_text_file_says_and_every_row_is_accepted(tmp_path):
    write_csv(tmp_path / "new.csv", customers(40))
    write_workbook(tmp_path / "new.xlsx", customers(40))
    text, book = (check((tmp_path / name).read_bytes()) for name in ("new.csv", "new.xlsx"))
    assert text.problems == book.problems == {}
    assert text.values == book.values
    assert list(text.values) == list(COLUMNS)


def test_growth_is_what_a_row_costs_at_a_size_against_the_size_before_and_has_a_bound():
    at = {1_000: (1.0, 1.0, 90.0), 10_000: (11.0, 9.0, 120.0)}
    rows = [
        {"database": "SQLite", "customers": customers, **row}
        for customers, (seconds, cpu, peak) in at.items()
        for row in (
            {"what": imports.NEW, "seconds": seconds, "cpu": cpu},
            {"what": imports.STOCK, "seconds": 7.0, "cpu": 7.0},
            {"what": imports.PEAK, "rss_mb": peak},
        )
    ]
    [step] = imports.growth(rows)
    assert step["step"] == "import, new, SQLite, 1000 → 10000 customers"
    assert (step["seconds"], step["cpu"]) == pytest.approx((1.1, 0.9))
    assert step["twice"] == pytest.approx(11 ** (1 / log2(10)))
    assert (step["mb"], step["mb_after"]) == (90, 120)


def test_what_was_left_out_at_a_large_size_is_no_goal_there():
    found = imports.judged({imports.NEW: [(8.0, 8.0)], imports.BARE: [(2.0, 2.0)]}, scale=100)
    assert [goal.value for goal in imports.goals_of("PostgreSQL", found)] == [4]


def test_a_month_later_each_so_many_th_customer_has_other_figures():
    pairs = zip(customers(20), customers(20, later=True), strict=True)
    assert [at for at, (before, after) in enumerate(pairs) if before != after] == list(range(0, 20, CHANGED))
