"""Benchmark of imports: a file received, read, previewed and applied, against a bare load and the stock library."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from statistics import median
from tempfile import mkdtemp
from typing import Any

from benchmarks.isolation import measured
from benchmarks.tables import Goal, goals_table, table

SIZES = (10_000, 100_000)
QUICK = (2_000,)
ROUNDS = 3
LIMIT = 3_600.0
STOCK_ROWS = 10_000  # the stock library takes minutes for more: a longer file is reckoned from its first rows
SQLITE, POSTGRES = "SQLite", "PostgreSQL"
BARE, NEW, AGAIN, UPDATE = "bare load", "import, new", "same file again", "import, update"
READER, READ, WORKBOOK, STOCK = "XLSX reader alone", "XLSX read", "import, XLSX", "stock update"
# What is set against what, and the bounds: (must, aim).
GOALS = {
    (NEW, BARE): (8.0, 4.0),
    (WORKBOOK, READER): (3.0, 1.5),
    (READ, READER): (3.0, 1.5),
    (UPDATE, STOCK): (1 / 10, 1 / 20),
    (AGAIN, STOCK): (1 / 50, 1 / 100),
}
Times = Mapping[str, Sequence[tuple[float, float]]]


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure every size on both databases, print the tables; ``wrong`` says where rows did not end as they must."""
    rows: list[dict[str, Any]] = []
    goals: list[Goal] = []
    wrong: list[str] = []
    for database in (SQLITE, POSTGRES):
        for customers in _sizes(options):
            where = f"{database}, {customers} customers"
            told = _told(database, customers, options)
            if told["outcome"] != "done":
                wrong.append(f"{where}: {told['outcome']}")
                continue
            wrong.extend(f"{where}: {fault}" for fault in told["faults"])
            found = judged(told["times"], scale=told["scale"])
            rows.extend({"database": database, "customers": customers, **row} for row in found)
            rows.append(
                {"database": database, "customers": customers, "what": "peak MB of an import"}
                | {"rss_mb": told["peak_mb"]}
            )
            goals.extend(goals_of(where, found))
            print(f"imports {where}: measured", file=sys.stderr, flush=True)
    print("\n## Imports\n\n" + rows_table(rows))
    print("\n" + goals_table(goals))
    print(
        f"\nThe stock library's time is that of {STOCK_ROWS} rows at most, multiplied up for a longer file."
    )
    print("\n" + "\n".join(wrong or ["Every row ended as it must."]))
    return {"rows": rows, "goals": [goal.plain() for goal in goals], "wrong": wrong}


def _sizes(options: argparse.Namespace) -> list[int]:
    usual = QUICK if options.quick else SIZES
    return [size[0] if isinstance(size, tuple) else size for size in options.size or usual]


def _told(database: str, customers: int, options: argparse.Namespace) -> dict[str, Any]:
    with _place(database) as job:
        job |= {"bench": "imports", "customers": customers, "rounds": ROUNDS}
        job["stock_rows"] = min(customers, STOCK_ROWS)
        return measured(job, limit=options.limit or LIMIT)


@contextmanager
def _place(database: str) -> Iterator[dict[str, Any]]:
    """A folder and a database of its own, gone afterwards; a private PostgreSQL as the tests use it (no fsync)."""
    with ExitStack() as stack:
        folder = mkdtemp(prefix="cstiers-bench-")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        url = ""
        if database == POSTGRES:
            Path(folder).chmod(0o755)  # the server runs as a user of its own
            # By name: the rig of the tests stands above the benchmarks, and nothing but its server is used.
            servers = import_module("tests.rig.servers")
            server = servers.Postgres.make(Path(folder) / "postgres", **servers.CARELESS)
            stack.callback(server.stop)
            url = server.url
        yield {"folder": folder, "database_url": url}


def judged(times: Times, *, scale: float) -> list[dict[str, Any]]:
    """Best and median of the rounds in seconds, best in processor seconds; ``scale`` multiplies the stock library's up."""
    found = []
    for what, rounds in times.items():
        seconds, cpu = zip(*rounds, strict=True)
        by = scale if what == STOCK else 1.0
        found.append(
            {"what": what, "seconds": min(seconds) * by, "median": median(seconds) * by, "cpu": min(cpu) * by}
        )
    return found


def goals_of(where: str, found: Sequence[Mapping[str, Any]]) -> list[Goal]:
    """Each thing done against its reference, both the best of their rounds."""
    best = {row["what"]: row["seconds"] for row in found}
    return [
        Goal(f"{what} ÷ {reference}, {where}", best[what] / best[reference], must, aim, "")
        for (what, reference), (must, aim) in GOALS.items()
    ]


def rows_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line for each thing that was done."""
    columns = ("what", "database", "customers", "seconds", "median", "cpu", "rss_mb")
    heads = ("what", "database", "customers", "best s", "median s", "CPU s", "MB")
    return table(heads, [[row.get(column) for column in columns] for row in rows])
