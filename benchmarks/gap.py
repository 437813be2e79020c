"""The planner's core search on published Generalised Assignment instances: an outside check of its quality.

Every job goes to exactly one agent, no agent's capacity is exceeded, the cost is the least. Files and best known values are
found through ``CSTIERS_INPUTS`` (folder ``gap``); they are no part of the project. Types: Chu and Beasley (1997), Cattrysse et
al. (1994), larger c, d and e by Yagiura, Ibaraki and Glover (2006).
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from allocation.engine.facts.books import IntColumn
from benchmarks.isolation import Emit, accepted, clock, deadline, measured, threads
from benchmarks.tables import Cell, Goal, goals_table, table

INPUTS = "CSTIERS_INPUTS"
LIMIT = 60.0  # seconds for each instance
_QUICK_LIMIT = 10.0
_QUICK = ("gap12-0", "c10200", "e10200")
_SOLVER = ("allocation.engine.books_core", "solve_gap")


class Unreadable(ValueError):
    """The file is no instance of the published format."""


@dataclass(frozen=True, slots=True)
class Instance:
    """``costs`` and ``needs`` agents × jobs, ``capacities`` of the agents, all whole numbers."""

    costs: IntColumn
    needs: IntColumn
    capacities: IntColumn


def read(text: str) -> Instance:
    """Agents m, jobs n; m rows of n costs; m rows of n needs; m capacities; any white space. Raises Unreadable."""
    try:
        numbers = np.array(text.split(), dtype=np.int64)
    except ValueError as fault:
        raise Unreadable("Something in the file is no whole number.") from fault
    agents, jobs = (int(numbers[0]), int(numbers[1])) if len(numbers) > 1 else (0, 0)
    size = agents * jobs
    if size <= 0 or len(numbers) != 2 + 2 * size + agents:
        raise Unreadable(f"{agents} agents and {jobs} jobs need other than {len(numbers)} numbers.")
    rest = numbers[2:]
    return Instance(
        costs=rest[:size].reshape(agents, jobs),
        needs=rest[size : 2 * size].reshape(agents, jobs),
        capacities=rest[2 * size :],
    )


def flaws(instance: Instance, assignment: Sequence[int]) -> list[str]:
    """Why an assignment (agent of each job, from 0) is not feasible; none = it is."""
    agents, jobs = instance.costs.shape
    given = np.asarray(assignment)
    if given.shape != (jobs,):
        return [f"{jobs} jobs, but {given.size} answers"]
    if ((given < 0) | (given >= agents)).any():
        return [f"job {int(job)} has no agent" for job in np.flatnonzero((given < 0) | (given >= agents))]
    used = np.bincount(given, weights=instance.needs[given, np.arange(jobs)], minlength=agents)
    return [
        f"agent {int(agent)} has {int(used[agent])} of {int(instance.capacities[agent])}"
        for agent in np.flatnonzero(used > instance.capacities)
    ]


def cost(instance: Instance, assignment: Sequence[int]) -> int:
    """What the assignment costs."""
    return int(instance.costs[np.asarray(assignment), np.arange(instance.costs.shape[1])].sum())


def best_known(record: Mapping[str, Any]) -> float:
    """The smaller of best value and certificate (bound), so that an excess is never flattered."""
    return float(min(record[name] for name in ("best_known", "bound") if record.get(name) is not None))


def solver() -> Callable[..., Any] | None:
    """The core search, or None where this version has none yet."""
    module, name = _SOLVER
    try:
        return getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as missing:
        if missing.name != module:
            raise
        return None


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Solve each instance in a process of its own, print the table. ``wrong``: infeasible or impossible answers."""
    folder = Path(os.environ.get(INPUTS, "")) / "gap"
    if not os.environ.get(INPUTS) or not (folder / "best_known.json").is_file():
        return _left_out(f"set {INPUTS} to the folder of third-party inputs that holds gap/best_known.json")
    if solver() is None:
        return _left_out(f"this version has no {'.'.join(_SOLVER)} yet")
    records = json.loads((folder / "best_known.json").read_text(encoding="utf-8"))
    names = [name for name in records if (folder / name).is_file() and (not options.quick or name in _QUICK)]
    limit = options.limit or (_QUICK_LIMIT if options.quick else LIMIT)
    rows = []
    for name in names:
        told = measured({"bench": "gap", "path": str((folder / name).resolve())}, limit=limit)
        told.pop("event", None)
        rows.append(_row(name, records[name], told))
        print(f"{name}: {rows[-1]['cost']} against {rows[-1]['best']:.0f}", file=sys.stderr, flush=True)
    goals = judged(rows)
    wrong = [fault for row in rows for fault in row["wrong"]]
    print("\n## Generalised assignment\n\n" + instances_table(rows) + "\n\n" + goals_table(goals))
    print("\n" + "\n".join(wrong or ["Every answer is feasible."]))
    return {"rows": rows, "goals": [goal.plain() for goal in goals], "wrong": wrong}


def _left_out(why: str) -> dict[str, Any]:
    print(f"\nLeft out: the generalised assignment instances; {why}.")
    return {"rows": [], "goals": [], "wrong": [], "left_out": why}


def work(job: Mapping[str, Any], emit: Emit) -> dict[str, Any]:
    """In the child: solve the instance at ``path`` within ``limit`` seconds, verify the answer."""
    instance = read(Path(job["path"]).read_text(encoding="utf-8"))
    solve = solver()
    assert solve is not None  # noqa: S101 - the parent has looked
    with clock(emit), threads() as spread:
        given = {
            "costs": instance.costs,
            "needs": instance.needs,
            "capacities": instance.capacities,
            "seed": 1,
            "should_stop": deadline(job["limit"]),
            "spread": spread,
        }
        assignment, bound = answer(solve(**accepted(solve, given)))
    found = ["no answer"] if assignment is None else flaws(instance, assignment)
    return {
        "cost": None if found or assignment is None else cost(instance, assignment),
        "bound": bound,
        "flaws": found[:5],
    }


def answer(given: Any) -> tuple[Sequence[int] | None, float | None]:
    """Assignment and bound, whether they come as a pair or as an object with these names."""
    pair = given if isinstance(given, tuple) else (given.assignment, getattr(given, "bound", None))
    assignment, bound = pair[0], pair[1]
    return assignment, None if bound is None or not np.isfinite(bound) else float(bound)


def _row(name: str, record: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    best, found, bound = best_known(record), told.get("cost"), told.get("bound")
    wrong = [f"{name}: {flaw}." for flaw in told.get("flaws", [])]
    if told["outcome"] != "done":
        wrong.append(f"{name}: {told['outcome']}.")
    if bound is not None and bound > record["best_known"] + 1e-6 * record["best_known"]:
        wrong.append(f"{name}: the bound {bound:.3f} lies above a value that is known to be reached.")
    return {
        "name": name,
        **told,
        "best": best,
        "cost": found,
        "excess_pct": None if found is None else 100.0 * (found - best) / best,
        "gap_pct": None if found is None or bound is None else max(0.0, 100.0 * (found - bound) / found),
        "wrong": wrong,
    }


def instances_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line per instance."""
    lines: list[list[Cell]] = [
        [
            row["name"],
            f"{row['best']:.0f}",
            row["cost"],
            row["excess_pct"],
            row["bound"],
            row["gap_pct"],
            "no" if row["cost"] is None else "yes",
            None if row.get("seconds") is None else f"{row['seconds']:.1f}",
            None if row.get("rss_mb") is None else f"{row['rss_mb']:.0f}",
        ]
        for row in rows
    ]
    headers = ("instance", "best known", "ours", "excess %", "our bound", "gap %", "feasible", "s", "MB")
    return table(headers, lines)


def judged(rows: Sequence[Mapping[str, Any]]) -> list[Goal]:
    """All feasible, and the mean excess over the best known value. An instance without answer leaves no mean."""
    excess = [row["excess_pct"] for row in rows]
    whole = bool(excess) and None not in excess
    infeasible = float(sum(row["cost"] is None for row in rows)) if rows else None
    return [
        Goal("infeasible answers", infeasible, 0.0, 0.0, "instances"),
        Goal(
            "mean excess over best known",
            sum(excess) / len(excess) if whole else None,
            1.0,
            0.4,
            "%",
            "MISSED: an answer is missing",
        ),
    ]
