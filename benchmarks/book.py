"""Benchmark of the page of a book: what it costs against a page that only says who asks, through the same middleware."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.book_work import BOOK, HELLO, LARGE
from benchmarks.isolation import measured
from benchmarks.places import DATABASES, placed
from benchmarks.rounds import best
from benchmarks.tables import Goal, goals_table, table

CUSTOMERS, QUICK_CUSTOMERS, CSMS = 2_000, 1_000, 56  # the two books take 540
ROUNDS = 3
REQUESTS, QUICK = 40, 10  # of each page a round
LIMIT = 600.0
STATEMENTS = (6, 6)
SMALL = (6.0, 4.0)
FILE = "cstiers.sqlite3"


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure on both databases, print the tables; ``wrong`` names pages that did not answer as they must."""
    rows: list[dict[str, Any]] = []
    goals: list[Goal] = []
    wrong: list[str] = []
    for database in DATABASES:
        told = _told(database, options)
        if told["outcome"] != "done":
            wrong.append(f"{database}: {told['outcome']}")
            continue
        wrong.extend(f"{database}: {fault}" for fault in faults_of(told))
        found = judged(told)
        rows.extend({"database": database, **row} for row in found)
        goals.extend(goals_of(database, found))
        print(f"book {database}: measured", file=sys.stderr, flush=True)
    print("\n## Book\n\n" + rows_table(rows))
    print("\n" + goals_table(goals))
    print(
        "\n"
        + "\n".join(
            wrong or ["Every page answered with its rows, a large book with the statements of a small one."]
        )
    )
    return {"rows": rows, "goals": [goal.plain() for goal in goals], "wrong": wrong}


def _told(database: str, options: argparse.Namespace) -> dict[str, Any]:
    with placed(database) as job:
        customers = QUICK_CUSTOMERS if options.quick else CUSTOMERS
        job |= {"file": FILE, "customers": customers, "csms": CSMS, "seed": 1, "rounds": ROUNDS}
        job["requests"] = QUICK if options.quick else REQUESTS
        return measured({"bench": "book", **job}, limit=options.limit or LIMIT)


def faults_of(told: Mapping[str, Any]) -> list[str]:
    """Rows that are missing, and a large book that asks the database more often than a small one."""
    small, large = (told["statements"][name] for name in (BOOK, LARGE))
    more = [f"{LARGE}: {large} statements, the {BOOK} {small}."] if large != small else []
    return [*told["faults"], *more]


def judged(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The best round of each page, in milliseconds; ratios of processor time to that of the hello page, in turn and in a row."""
    in_turn, row = (
        {name: best(rounds) for name, rounds in told[how].items()} for how in ("times", "in_a_row")
    )
    return [
        {
            "page": name,
            "ms": seconds * 1000,
            "cpu_ms": cpu * 1000,
            "ratio": cpu / in_turn[HELLO][1],
            "in_a_row": row[name][1] / row[HELLO][1],
            "statements": told["statements"][name],
            "kilobytes": told["kilobytes"][name],
        }
        for name, (seconds, cpu) in in_turn.items()
    ]


def goals_of(database: str, found: list[dict[str, Any]]) -> Iterator[Goal]:
    """The published goals on one database."""
    rows = {row["page"]: row for row in found}
    yield Goal(f"{BOOK} ÷ hello, {database}", rows[BOOK]["ratio"], *SMALL, "")
    yield Goal(f"statements of a {BOOK}, {database}", rows[BOOK]["statements"], *STATEMENTS, "")


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line for each page."""
    columns = ("page", "database", "ms", "cpu_ms", "ratio", "in_a_row", "statements", "kilobytes")
    heads = ("page", "database", "best ms", "CPU ms", "CPU ÷ hello", "in a row", "statements", "kB")
    return table(heads, [[row[column] for column in columns] for row in rows])
