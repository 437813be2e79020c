"""Benchmark of re-tiering: a run from the database to the tiers given, against what the bare driver needs at least."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from benchmarks.isolation import measured
from benchmarks.places import DATABASES, POSTGRES, SQLITE, placed, sizes_on
from benchmarks.tables import Goal, goals_table, table

SIZES = (10_000, 100_000)
QUICK = (2_000,)
CSMS = 56
ROUNDS = 3
LIMIT = 1800.0
SAVED_UP_TO = 10_000  # a loop with save() takes minutes beyond
PROPOSE, APPLY, SELECT, UPDATE, SAVE = "propose", "apply", "bare SELECT", "bare UPDATE", "ORM save() loop"
RUN, FLOOR = "run (propose + apply)", "floor (SELECT + UPDATE)"
PARTS = {RUN: (PROPOSE, APPLY), FLOOR: (SELECT, UPDATE)}
BOUNDS = {SQLITE: (2.5, 1.5), POSTGRES: (2.0, 1.5)}
SLOWER_THAN_SAVE = (1 / 100, 1 / 200)
KEPT = (0.08, 0.05)
FILE = "cstiers.sqlite3"
Times = Mapping[str, list[tuple[float, float]]]


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure every size on both databases, print the tables; ``wrong`` names what gave no figures."""
    rows: list[dict[str, Any]] = []
    goals: list[Goal] = []
    wrong: list[str] = []
    kept: list[dict[str, Any]] = []
    for database in DATABASES:
        for customers in sizes_on(database, options, usual=SIZES, quick=QUICK):
            where = f"{database}, {customers} customers"
            told = _told(database, customers, options)
            if told["outcome"] != "done":
                wrong.append(f"{where}: {told['outcome']}")
                continue
            wrong.extend(f"{where}: {fault}" for fault in told["faults"])
            found = judged(told["times"])
            rows.extend(
                {"database": database, "customers": customers, "moves": told["moves"], "rss_mb": told["rss_mb"], **row}
                for row in found
            )  # fmt: skip
            kept.append({"database": database, "customers": customers, **told["kept"]})
            goals.extend(goals_of(database, where, found, told["kept"]))
            print(f"retier {where}: measured", file=sys.stderr, flush=True)
    print("\n## Re-tiering\n\n" + rows_table(rows))
    print("\n" + kept_table(kept))
    print("\n" + goals_table(goals))
    print("\n" + "\n".join(wrong or ["Every run moved customers."]))
    return {"rows": rows, "kept": kept, "goals": [goal.plain() for goal in goals], "wrong": wrong}


def _told(database: str, customers: int, options: argparse.Namespace) -> dict[str, Any]:
    """Filled by one child and measured by another, so that the peak memory is that of the runs alone."""
    limit = options.limit or LIMIT
    with placed(database) as job:
        job |= {"file": FILE, "customers": customers, "csms": CSMS, "seed": 1, "rounds": ROUNDS}
        job["save"] = customers <= SAVED_UP_TO
        filled = measured({"bench": "filled", **job}, limit=limit)
        if filled["outcome"] != "done":
            return {**filled, "outcome": f"not filled: {filled['outcome']}"}
        return measured({"bench": "retier", **job}, limit=limit)


def judged(times: Times) -> list[dict[str, Any]]:
    """Best and median of the rounds of each part, and of both together; ratios to the floor of the same rounds."""
    whole = {
        name: [tuple(map(sum, zip(*both, strict=True))) for both in zip(*(times[part] for part in parts), strict=True)]
        for name, parts in PARTS.items()
    }  # fmt: skip
    floor = [min(column) for column in zip(*whole[FLOOR], strict=True)]
    found = []
    for what, rounds in {**whole, **times}.items():
        seconds, cpu = zip(*rounds, strict=True)
        found.append(
            {
                "what": what,
                "seconds": min(seconds),
                "median": median(seconds),
                "cpu": min(cpu),
                "ratio": min(seconds) / floor[0],
            }
        )
    return found


def goals_of(
    database: str, where: str, found: list[dict[str, Any]], kept: Mapping[str, float]
) -> Iterator[Goal]:
    """The published goals for one database and size."""
    seconds = {row["what"]: row["seconds"] for row in found}
    must, aim = BOUNDS[database]
    yield Goal(f"run ÷ floor, {where}", seconds[RUN] / seconds[FLOOR], must, aim, "")
    yield Goal(f"propose ÷ bare SELECT, {where}", seconds[PROPOSE] / seconds[SELECT], must, aim, "")
    if SAVE in seconds:
        yield Goal(f"run ÷ ORM save() loop, {where}", seconds[RUN] / seconds[SAVE], *SLOWER_THAN_SAVE, "")
    yield Goal(f"kept to explain ÷ a JSON each, {where}", kept["explain"] / kept["json"], *KEPT, "")


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line for each thing that was done."""
    columns = ("what", "database", "customers", "seconds", "median", "cpu", "ratio", "rss_mb")
    heads = ("what", "database", "customers", "best s", "median s", "CPU s", "÷ floor", "peak MB")
    shown = [{**row, "rss_mb": round(row["rss_mb"])} for row in rows]
    return table(heads, [[row[column] for column in columns] for row in shown])


def kept_table(kept: list[dict[str, Any]]) -> str:
    """What a run leaves behind, in bytes a customer."""
    columns = ("database", "customers", "explain", "undo", "json")
    heads = ("bytes a customer", "customers", "to explain", "to undo", "as a JSON")
    return table(heads, [[row[column] for column in columns] for row in kept])
