"""The planner's core search on published Generalised Assignment instances: an outside check of its quality.

Every job goes to exactly one agent, no agent's capacity is exceeded, the cost is the least. Files and best known values are
found through ``CSTIERS_INPUTS`` (folder ``gap``); they are no part of the project. Types: Chu and Beasley (1997), Cattrysse et
al. (1994), larger c, d and e by Yagiura, Ibaraki and Glover (2006).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from allocation.engine.assignment import Group
from allocation.engine.assignment_programs import Columns, program
from allocation.engine.assignment_search import Work, begin, deepen
from allocation.engine.assignment_solver import Stop, grow
from allocation.engine.books_objective import Measures
from allocation.engine.facts.books import IntColumn
from benchmarks.isolation import Emit, clock, deadline, measured
from benchmarks.tables import Cell, Goal, goals_table, table

INPUTS = "CSTIERS_INPUTS"
LIMIT = 60.0  # seconds for each instance
_QUICK_LIMIT = 10.0
_QUICK = ("gap12-0", "c10200", "e10200")
_UNITS = 1_000.0


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


def group_of(instance: Instance) -> Group:
    """The instance as the planner's core sees a group: jobs are customers, agents CSMs, nothing is balanced, no caps."""
    agents, jobs = instance.costs.shape
    nothing = np.zeros((0, agents))
    return Group(
        costs=instance.costs.T.astype(np.float64),
        needs=instance.needs.T.astype(np.float64),
        capacity=instance.capacities.astype(np.float64),
        tier=np.zeros(jobs, dtype=np.int64),
        caps=np.full((agents, 1), jobs, dtype=np.int64),
        measures=Measures(np.zeros((0, jobs)), nothing, nothing, np.zeros(0), np.zeros(0)),
    )


def solve(instance: Instance, *, should_stop: Callable[[], bool], patience: float) -> Work | None:
    """The planner's own search, begun from any feasible assignment; None where none was found."""
    group, stop = group_of(instance), Stop(should_stop, seconds=patience)
    seat = _first(group, stop)
    if seat is None:
        return None
    work, units = begin(group, seat, stop=stop), _UNITS
    while not stop() and not work.closed:
        work, units = deepen(work, units=units, seed=1, stop=stop), units * 2
    return work


def _first(group: Group, stop: Stop) -> IntColumn | None:
    """A search tree over all pairs until it has found any assignment."""
    everyone, anybody = np.nonzero(np.isfinite(group.costs))
    nobody = np.zeros(group.customers, dtype=np.int64)
    this, steps = program(group, Columns(everyone, anybody), nobody), 10
    while not stop():
        found = grow(this, seat=None, steps=steps, stop=stop).seat
        if found is not None and group.keeps_limits(found):
            return found
        steps *= 3
    return None


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Solve each instance in a process of its own, print the table. ``wrong``: infeasible or impossible answers."""
    folder = Path(os.environ.get(INPUTS, "")) / "gap"
    if not os.environ.get(INPUTS) or not (folder / "best_known.json").is_file():
        return _left_out(f"set {INPUTS} to the folder of third-party inputs that holds gap/best_known.json")
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
    limit = job["limit"]
    with clock(emit):
        done = solve(instance, should_stop=deadline(limit), patience=limit / 3)
    assignment = None if done is None else done.seat.tolist()
    bound = None if done is None else done.bound
    found = ["no answer"] if assignment is None else flaws(instance, assignment)
    return {
        "cost": None if found or assignment is None else cost(instance, assignment),
        "bound": bound,
        "flaws": found[:5],
    }


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
