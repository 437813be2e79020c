"""Benchmark of re-tiering: a run from the database to the tiers given, against what the bare driver needs at least."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.isolation import measured
from benchmarks.places import DATABASES, POSTGRES, SQLITE, placed, sizes_on
from benchmarks.retier_work import (
    APPLY,
    DECIDE,
    DIGEST,
    EXPORT,
    PACK,
    PROPOSE,
    READ,
    SAVE,
    SCRIPT,
    SELECT,
    STORE,
    UPDATE,
)
from benchmarks.rounds import TWICE, Pair, best, figures, for_twice, ratios
from benchmarks.tables import Goal, goals_table, table

SIZES = (10_000, 100_000)
QUICK = (2_000,)
CSMS = 56
ROUNDS = 3
LIMIT = 1800.0
SAVED_UP_TO = 10_000  # a loop with save() takes minutes beyond
RUN, FLOOR = "whole run (propose + apply)", "floor (SELECT + UPDATE)"
EXPORTED = "polars script with its export"
CHANGED, EXPLAIN, REST = "changed only (without explanation)", "explanation (pack + store)", "rest of propose"
# What is added up of a round, and what is taken off.
SUMS = {
    RUN: ((PROPOSE, APPLY), ()),
    CHANGED: ((PROPOSE, APPLY), (PACK, STORE)),
    EXPLAIN: ((PACK, STORE), ()),
    REST: ((PROPOSE,), (READ, DIGEST, DECIDE, PACK, STORE)),
    FLOOR: ((SELECT, UPDATE), ()),
    EXPORTED: ((EXPORT, SCRIPT), ()),
}
BOUNDS = {SQLITE: (2.5, 1.5), POSTGRES: (2.0, 1.5)}
SLOWER_THAN_SAVE = (1 / 100, 1 / 200)
SCRIPTS_FROM = 100_000  # below, a script is its own start
SLOWER_THAN_SCRIPT = (2.5, 1.5)
MEMORY_AT = 1_000_000
MEMORY = (1_500, 1_000)
KEPT = (0.08, 0.05)
FILE = "cstiers.sqlite3"
Times = Mapping[str, Sequence[Pair]]


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure every size on both databases, print the tables; ``wrong`` names what gave no figures."""
    rows: list[dict[str, Any]] = []
    goals: list[Goal] = []
    wrong: list[str] = []
    kept: list[dict[str, Any]] = []
    peaks: list[dict[str, Any]] = []
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
                {"database": database, "customers": customers, "moves": told["moves"], **row} for row in found
            )
            peaks.append({"database": database, "customers": customers, "peak_mb": told["peak_mb"]})
            kept.append({"database": database, "customers": customers, **told["kept"]})
            goals.extend(goals_of(database, customers, found, told["kept"], told["peak_mb"]))
            print(f"retier {where}: measured", file=sys.stderr, flush=True)
    growth = growth_of(rows)
    goals.extend(growth_goals(growth))
    print("\n## Re-tiering\n\n" + rows_table(rows))
    print("\n" + growth_table(growth))
    print("\n" + kept_table(kept, peaks))
    print("\n" + goals_table(goals))
    print("\n" + "\n".join(wrong or ["Every run moved customers."]))
    return {
        "rows": rows,
        "growth": growth,
        "kept": kept,
        "peaks": peaks,
        "goals": [goal.plain() for goal in goals],
        "wrong": wrong,
    }


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
    """Best and median of the rounds of each part, and of their sums; ratios to the floor of the same rounds."""
    whole = {
        name: [
            _summed([times[part][at] for part in plus], [times[part][at] for part in minus])
            for at in range(len(times[PROPOSE]))
        ]
        for name, (plus, minus) in SUMS.items()
    }
    floor = best(whole[FLOOR])
    return [
        {"what": what, **figures(rounds), **ratios(best(rounds), floor)}
        for what, rounds in {**whole, **times}.items()
    ]


def _summed(plus: Sequence[Pair], minus: Sequence[Pair]) -> Pair:
    """Seconds and processor seconds of one round."""
    seconds, cpu = (sum(one[at] for one in plus) - sum(one[at] for one in minus) for at in (0, 1))
    return seconds, cpu


def goals_of(
    database: str, customers: int, found: list[dict[str, Any]], kept: Mapping[str, float], peak_mb: float
) -> Iterator[Goal]:
    """The published goals for one database and size."""
    seconds = {row["what"]: row["seconds"] for row in found}
    where = f"{database}, {customers} customers"
    must, aim = BOUNDS[database]
    yield Goal(f"changed only ÷ floor, {where}", seconds[CHANGED] / seconds[FLOOR], must, aim, "")
    if SAVE in seconds:
        yield Goal(
            f"whole run ÷ ORM save() loop, {where}", seconds[RUN] / seconds[SAVE], *SLOWER_THAN_SAVE, ""
        )
    if customers >= SCRIPTS_FROM:
        for script in (SCRIPT, EXPORTED):
            ratio = seconds[CHANGED] / seconds[script]
            yield Goal(f"changed only ÷ {script}, {where}", ratio, *SLOWER_THAN_SCRIPT, "")
    if customers >= MEMORY_AT:
        yield Goal(f"peak memory, {where}", peak_mb, *MEMORY, "MB")
    yield Goal(f"kept to explain ÷ a JSON each, {where}", kept["explain"] / kept["json"], *KEPT, "")


def growth_of(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Microseconds a customer of each database, by size, and what twice the customers took since the size before."""
    found: list[dict[str, Any]] = []
    for what in (CHANGED, RUN, FLOOR, SCRIPT):
        for database in DATABASES:
            sizes = sorted(
                (row["customers"], row["seconds"])
                for row in rows
                if (row["what"], row["database"]) == (what, database)
            )
            before: Pair | None = None
            for customers, seconds in sizes:
                twice = before and for_twice(seconds / before[1], more=customers / before[0])
                each = seconds / customers * 1e6
                found.append(
                    {"what": what, "database": database, "customers": customers, "each": each, "twice": twice}
                )
                before = (customers, seconds)
    return found


def growth_goals(growth: Sequence[Mapping[str, Any]]) -> Iterator[Goal]:
    """Twice the customers, at most twice the time."""
    for row in growth:
        if row["twice"] is not None and row["what"] == CHANGED:
            where = f"{row['database']}, up to {row['customers']} customers"
            yield Goal(f"changed only, time for twice as many, {where}", row["twice"], *TWICE, "")


def rows_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line for each thing that was done."""
    columns = ("what", "database", "customers", "seconds", "median", "cpu", "ratio", "cpu_ratio")
    heads = ("what", "database", "customers", "best s", "median s", "CPU s", "÷ floor", "CPU ÷ floor")
    return table(heads, [[row[column] for column in columns] for row in rows])


def growth_table(growth: Sequence[Mapping[str, Any]]) -> str:
    """How the time of each grows."""
    columns = ("what", "database", "customers", "each", "twice")
    heads = ("how it grows", "database", "customers", "µs a customer", "for twice as many ×")
    return table(heads, [[row[column] for column in columns] for row in growth])


def kept_table(kept: Sequence[Mapping[str, Any]], peaks: Sequence[Mapping[str, Any]]) -> str:
    """What a run leaves behind, in bytes a customer, and how much memory it took."""
    columns = ("database", "customers", "explain", "undo", "json")
    heads = ("bytes a customer", "customers", "to explain", "to undo", "as a JSON", "peak MB of a run")
    return table(
        heads,
        [
            [*(row[column] for column in columns), round(peak["peak_mb"])]
            for row, peak in zip(kept, peaks, strict=True)
        ],
    )
