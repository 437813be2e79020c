"""Benchmark of book planning from the database to the stored proposal, against the engine alone on the same facts."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from benchmarks.companies import SIZES as PUBLISHED
from benchmarks.isolation import measured
from benchmarks.places import DATABASES, POSTGRES, placed
from benchmarks.rounds import Pair, best, figures, ratios
from benchmarks.tables import Goal, goals_table, table

SIZES = ((10_000, 60, None), (50_000, 250, 300))  # customers, CSMs, search iterations (None: as shipped)
QUICK = ((1_000, 20, None),)
ROUNDS = 3
USUAL = 10_000  # a company beyond takes minutes a plan: it is planned once, after one that is not counted, on PostgreSQL
LIMIT = 3600.0
PLAN, ENGINE, READ, APPLY, UNDO = "plan", "engine alone", "reading for it", "apply", "undo"
MUST, AIM = 1.5, 1.3


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure every size on both databases; ``wrong`` says where the stored plan is not the engine's."""
    rows: list[dict[str, Any]] = []
    goals: list[Goal] = []
    wrong: list[str] = []
    for database in DATABASES:
        for customers, csms, iterations in sizes_of(options):
            if customers > USUAL and database != POSTGRES:
                continue
            where = f"{database}, {customers}/{csms}"
            told = _told(database, customers, csms, iterations, options)
            if told["outcome"] != "done":
                wrong.append(f"{where}: {told['outcome']}")
                continue
            wrong.extend(f"{where}: {fault}" for fault in told["faults"])
            found = judged(told["times"])
            beside = {"database": database, "company": f"{customers}/{csms}", "moves": told["moves"]}
            rows.extend({**beside, "rss_mb": told["rss_mb"], **row} for row in found)
            plan = next(row for row in found if row["what"] == PLAN)
            for what, ratio in (("seconds", "ratio"), ("CPU", "cpu_ratio")):
                goals.append(Goal(f"{PLAN} ÷ {ENGINE}, {what}, {where}", plan[ratio], MUST, AIM, ""))
            print(f"planning {where}: measured", file=sys.stderr, flush=True)
    print("\n## Planning from the database\n\n" + rows_table(rows))
    print("\n" + goals_table(goals))
    print("\n" + "\n".join(wrong or ["Every stored plan is the engine's."]))
    return {"rows": rows, "goals": [goal.plain() for goal in goals], "wrong": wrong}


def sizes_of(options: argparse.Namespace) -> list[tuple[int, int, int | None]]:
    """The usual sizes, or those asked for, with the iterations that the benchmark gives theirs."""
    known = {(customers, csms): iterations for customers, csms, iterations in (*SIZES, *QUICK)}
    asked = [size if isinstance(size, tuple) else (size, PUBLISHED[size]) for size in options.size or ()]
    if asked:
        return [(*size, known.get(size)) for size in asked]
    return list(QUICK if options.quick else SIZES)


def _told(
    database: str, customers: int, csms: int, iterations: int | None, options: argparse.Namespace
) -> dict[str, Any]:
    """Filled by one child and measured by another, so that the peak memory is that of the plans alone."""
    limit = options.limit or LIMIT
    with placed(database) as job:
        job |= {"family": "band", "customers": customers, "csms": csms, "seed": 1}
        job |= {"iterations": iterations, "rounds": ROUNDS if customers <= USUAL else 1}
        filled = measured({"bench": "settled", **job}, limit=limit)
        if filled["outcome"] != "done":
            return {**filled, "outcome": f"not filled: {filled['outcome']}"}
        return measured({"bench": "planning", **job}, limit=limit)


def judged(times: dict[str, list[Pair]]) -> list[dict[str, Any]]:
    """Best and median of the rounds of each part, and the ratio of the best to that of the engine alone."""
    engine = best(times[ENGINE])
    return [
        {"what": what, **figures(rounds), **ratios(best(rounds), engine)} for what, rounds in times.items()
    ]


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line for each thing that was done."""
    columns = (
        "what",
        "database",
        "company",
        "seconds",
        "median",
        "cpu",
        "ratio",
        "cpu_ratio",
        "moves",
        "rss_mb",
    )
    heads = ("what", "database", "customers/CSMs", "best s", "median s", "CPU s", "÷ engine", "CPU ÷ engine", "moves", "peak MB")  # fmt: skip
    shown = [{**row, "rss_mb": round(row["rss_mb"])} for row in rows]
    return table(heads, [[row[column] for column in columns] for row in shown])
