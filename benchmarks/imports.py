"""Benchmark of imports: a file received, read, previewed and applied, against a bare load and the stock library."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from benchmarks.isolation import measured
from benchmarks.places import DATABASES, placed, sizes_on
from benchmarks.rounds import TWICE, Pair, figures, for_twice
from benchmarks.tables import Goal, goals_table, table

SIZES = (10_000, 100_000)
QUICK = (1_000,)
ROUNDS = 3
LARGEST_COMPARED = 200_000  # above it the stock library and workbooks are left out, and one round is taken
LIMIT = 3_600.0
QUICK_STOCK_ROWS = 200
STOCK_ROWS = 10_000  # the stock library takes minutes for more: a longer file is reckoned from its first rows
BARE, NEW, AGAIN, UPDATE = "bare load", "import, new", "same file again", "import, update"
PEAK = "peak MB of an import"
READER, READ, WORKBOOK, STOCK = "XLSX reader alone", "XLSX read", "import, XLSX", "stock update"
GROWING = (NEW, AGAIN, UPDATE, WORKBOOK, BARE)
# What is set against what, and the bounds: (must, aim).
GOALS = {
    (NEW, BARE): (8.0, 4.0),
    (WORKBOOK, READER): (3.0, 1.5),
    (READ, READER): (3.0, 1.5),
    (UPDATE, STOCK): (1 / 10, 1 / 20),
    (AGAIN, STOCK): (1 / 50, 1 / 100),
}
Times = Mapping[str, Sequence[Pair]]


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure every size on both databases, print the tables; ``wrong`` says where rows did not end as they must."""
    rows: list[dict[str, Any]] = []
    goals: list[Goal] = []
    wrong: list[str] = []
    for database in DATABASES:
        for customers in sizes_on(database, options, usual=SIZES, quick=QUICK):
            where = f"{database}, {customers} customers"
            told = _told(database, customers, options)
            if told["outcome"] != "done":
                wrong.append(f"{where}: {told['outcome']}")
                continue
            wrong.extend(f"{where}: {fault}" for fault in told["faults"])
            found = judged(told["times"], scale=told["scale"])
            rows.extend({"database": database, "customers": customers, **row} for row in found)
            rows.append(
                {"database": database, "customers": customers, "what": PEAK} | {"rss_mb": told["peak_mb"]}
            )
            goals.extend(goals_of(where, found))
            print(f"imports {where}: measured", file=sys.stderr, flush=True)
    print("\n## Imports\n\n" + rows_table(rows))
    steps = growth(rows)
    ours = [step for step in steps if not step["step"].startswith(BARE)]
    goals.extend(Goal(f"time for twice as many, {step['step']}", step["twice"], *TWICE, "") for step in ours)
    if steps:
        print(
            "\n### Growth: a row at the second size ÷ a row at the first; MB in all\n\n" + growth_table(steps)
        )
    print("\n" + goals_table(goals))
    print(
        f"\nThe stock library's time is that of {STOCK_ROWS} rows at most, multiplied up for a longer file."
    )
    print("\n" + "\n".join(wrong or ["Every row ended as it must."]))
    return {"rows": rows, "goals": [goal.plain() for goal in goals], "wrong": wrong}


def _told(database: str, customers: int, options: argparse.Namespace) -> dict[str, Any]:
    with placed(database) as job:
        compared = customers <= LARGEST_COMPARED
        rounds = ROUNDS if compared and not options.quick else 1
        job |= {"bench": "imports", "customers": customers, "rounds": rounds, "compared": compared}
        job["stock_rows"] = min(customers, QUICK_STOCK_ROWS if options.quick else STOCK_ROWS)
        return measured(job, limit=options.limit or LIMIT)


def judged(times: Times, *, scale: float) -> list[dict[str, Any]]:
    """Best and median of the rounds in seconds, best in processor seconds; ``scale`` multiplies the stock library's up."""
    return [
        {"what": what, **figures(rounds, by=scale if what == STOCK else 1.0)}
        for what, rounds in times.items()
    ]


def goals_of(where: str, found: Sequence[Mapping[str, Any]]) -> list[Goal]:
    """Each thing done against its reference, both the best of their rounds."""
    best = {row["what"]: row["seconds"] for row in found}
    return [
        Goal(f"{what} ÷ {reference}, {where}", best[what] / best[reference], must, aim, "")
        for (what, reference), (must, aim) in GOALS.items()
        if what in best and reference in best
    ]


def growth(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """From each size to the next on a database: what a row costs there ÷ what it cost, the time for twice as many, and the MB of both."""
    found = []
    for database in DATABASES:
        here = [row for row in rows if row["database"] == database]
        sizes = sorted({row["customers"] for row in here})
        by = {(row["what"], row["customers"]): row for row in here}
        for before, after in pairwise(sizes):
            factor = after / before
            for what in GROWING:
                few, many = by.get((what, before)), by.get((what, after))
                if few and many:
                    longer = {name: many[name] / few[name] for name in ("seconds", "cpu")}
                    found.append(
                        {"step": f"{what}, {database}, {before} → {after} customers"}
                        | {name: times / factor for name, times in longer.items()}
                        | {"twice": for_twice(longer["seconds"], more=factor)}
                        | {"mb": _mb(by, before), "mb_after": _mb(by, after)}
                    )
    return found


def _mb(by: Mapping[tuple[str, int], Mapping[str, Any]], customers: int) -> float | None:
    row = by.get((PEAK, customers))
    return row and row["rss_mb"]


def growth_table(steps: Sequence[Mapping[str, Any]]) -> str:
    """One line for each step."""
    columns = ("step", "seconds", "cpu", "twice", "mb", "mb_after")
    heads = ("what", "seconds a row", "CPU s a row", "for twice as many ×", "MB before", "MB after")
    return table(heads, [[step[column] for column in columns] for step in steps])


def rows_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line for each thing that was done."""
    columns = ("what", "database", "customers", "seconds", "median", "cpu", "rss_mb")
    heads = ("what", "database", "customers", "best s", "median s", "CPU s", "MB")
    return table(heads, [[row.get(column) for column in columns] for row in rows])
