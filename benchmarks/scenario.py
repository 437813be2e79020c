"""Benchmark of what-if scenarios: seconds of a scenario against those of a plain dry run of the same customers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import Any

from benchmarks.isolation import measured
from benchmarks.rounds import Pair, best, figures, ratios
from benchmarks.tables import Goal, goals_table, table

SIZES = ((10_000, 56),)
QUICK = ((1_000, 20),)
ROUNDS = 3
LIMIT = 600.0
MUST, AIM = 1.5, 1.0
DRY_RUN = "plain dry run"
NOTHING = "nothing changed"
PLAN, ANEW = "plan", "books planned anew"  # what a scenario that plans the books does is a dry run and a plan
SCENARIOS: dict[str, dict[str, Any]] = {
    NOTHING: {},
    "weights, bounds, ARR −10 %": {
        "model": {
            "weights": {"ARR": 3},
            "bounds": [{"rule": "Global", "attribute": "arr", "value": 500_000}],
            "guards": "run out",
        },
        "amounts": [{"attribute": "arr", "change_pct": -10}],
    },
    "engagement as wished, two more CSMs": {
        "engagement": {"as": "wished", "without_a_wish": "highest"},
        "roster": {"add": [{"heads": 2, "verticals": ["Telco"]}]},
    },
    ANEW: {"books": "planned anew"},
    "caps, goals opened and closed": {
        "tiers": {"global": {"cap": 8}, "enterprise": {"cap": 20}, "scale": {"cap": 60}},
        "goals": {"close": ["adoption"], "open": [{"kind": "risk-mitigation", "where": {"tier": ["scale"]}}]},
    },
}


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure every size, print the table; ``wrong`` says where a scenario does not decide what the dry run decides."""
    rows: list[dict[str, Any]] = []
    wrong: list[str] = []
    for customers, csms in _sizes(options):
        job = {
            "bench": "scenario",
            "customers": customers,
            "csms": csms,
            "rounds": ROUNDS,
            "scenarios": SCENARIOS,
        }
        told = measured(job, limit=options.limit or LIMIT)
        if told["outcome"] != "done":
            wrong.append(f"{customers} customers: {told['outcome']}")
            continue
        rows.extend(judged(customers, told["times"]))
        wrong.extend(f"{customers} customers: {fault}" for fault in told["faults"])
        print(f"scenario {customers}/{csms}: measured", file=sys.stderr, flush=True)
    goals = [
        Goal(f"{row['what']} ÷ {of_what(row)}, {row['customers']} customers", row["ratio"], MUST, AIM, "")
        for row in rows
        if row["what"] not in (DRY_RUN, PLAN)
    ]
    print("\n## Scenarios\n\n" + rows_table(rows))
    print("\n" + goals_table(goals))
    print("\n" + "\n".join(wrong or ["Nothing changed decides what the dry run decides."]))
    return {
        "rows": rows,
        "goals": [goal.plain() for goal in goals],
        "wrong": wrong,
    }


def _sizes(options: argparse.Namespace) -> list[tuple[int, int]]:
    usual = QUICK if options.quick else SIZES
    asked = [size if isinstance(size, tuple) else (size, 56) for size in options.size or ()]
    return asked or list(usual)


def of_what(row: Mapping[str, Any]) -> str:
    """What a scenario is set against."""
    return f"{DRY_RUN} and {PLAN}" if row["what"] == ANEW else DRY_RUN


def judged(customers: int, times: dict[str, list[Pair]]) -> list[dict[str, Any]]:
    """Best and median of the rounds, and the ratio of the best to that of the dry run, in seconds and processor seconds;
    of a scenario that plans the books to a dry run and a plan together.

    times: by what was done, (seconds, processor seconds) of each round; the rounds were taken in turn.
    """
    dry, plan = best(times[DRY_RUN]), best(times.get(PLAN, [(0.0, 0.0)]))
    both = dry[0] + plan[0], dry[1] + plan[1]
    return [
        {
            "what": what,
            "customers": customers,
            **figures(rounds),
            **ratios(best(rounds), both if what == ANEW else dry),
        }
        for what, rounds in times.items()
    ]


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line for each thing that was done."""
    columns = ("what", "customers", "seconds", "median", "cpu", "ratio", "cpu_ratio")
    heads = ("what", "customers", "best s", "median s", "CPU s", "÷ dry run", "CPU ÷ dry run")
    return table(heads, [[row[column] for column in columns] for row in rows])
