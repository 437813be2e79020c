"""Benchmark of a plan that several worker processes share: the same result with 1, 2 and 4, and the time of each."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.isolation import measured
from benchmarks.places import POSTGRES, placed
from benchmarks.planning import USUAL, sizes_of
from benchmarks.servers import Redis
from benchmarks.tables import table

PROCESSES = (1, 2, 4)
ROUNDS = 2
LIMIT = 3600.0
ALONE = "in the process of a command"


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Plan every size, print the table; ``wrong`` says where a plan is another one, or where nobody shared."""
    rows: list[dict[str, Any]] = []
    wrong: list[str] = []
    for customers, csms, iterations in sizes_of(options):
        told = _told(customers, csms, iterations, options)
        where = f"{customers}/{csms}"
        if told["outcome"] != "done":
            wrong.append(f"{where}: {told['outcome']}")
            continue
        wrong.extend(f"{where}: {fault}" for fault in told["faults"])
        rows.extend({"company": where, **row} for row in judged(told["plans"]))
        print(f"workers {where}: measured", file=sys.stderr, flush=True)
    print("\n## Workers\n\n" + rows_table(rows))
    print("\n" + "\n".join(wrong or ["Every plan is the same to the byte."]))
    return {"rows": rows, "wrong": wrong}


def _told(customers: int, csms: int, iterations: int | None, options: argparse.Namespace) -> dict[str, Any]:
    limit = options.limit or LIMIT
    with placed(POSTGRES) as job, ExitStack() as stack:
        job |= {"family": "band", "customers": customers, "csms": csms, "seed": 1, "iterations": iterations}
        filled = measured({"bench": "settled", **job}, limit=limit)
        if filled["outcome"] != "done":
            return {**filled, "outcome": f"not filled: {filled['outcome']}"}
        broker = Redis.make(Path(job["folder"]))
        stack.callback(broker.stop)
        job |= {
            "redis_url": broker.url,
            "processes": PROCESSES,
            "rounds": ROUNDS if customers <= USUAL else 1,
        }
        return measured({"bench": "workers", **job}, limit=limit)


def judged(plans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Best and median of each number of processes; ratios to one worker process."""
    by: dict[int, list[dict[str, Any]]] = {}
    for plan in plans:
        by.setdefault(plan["processes"], []).append(plan)
    one = min(plan["seconds"] for plan in by[1])
    return [
        {
            "what": f"{processes} worker processes" if processes else ALONE,
            "seconds": min(plan["seconds"] for plan in of),
            "median": median(plan["seconds"] for plan in of),
            "ratio": min(plan["seconds"] for plan in of) / one,
            "at_work": max(plan["at_work"] for plan in of),
            "cpu": min(plan["cpu"] for plan in of),
            "busiest": min(plan["busiest"] for plan in of),
            "digest": of[0]["digest"],
        }
        for processes, of in sorted(by.items())
    ]


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line for each number of processes."""
    columns = ("company", "what", "seconds", "median", "ratio", "at_work", "cpu", "busiest", "digest")
    heads = (
        "customers/CSMs",
        "planned by",
        "best s",
        "median s",
        "÷ 1 process",
        "processes at work",
        "CPU s",
        "CPU s of the busiest",
        "digest",
    )
    shown = [{**row, "digest": row["digest"][:12]} for row in rows]
    return table(heads, [[row[column] for column in columns] for row in shown])
