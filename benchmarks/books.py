"""Benchmark of the book planner: time, proven gap, memory, and what a plan is worth against planning by hand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.books_work import PLAN
from benchmarks.companies import FAMILIES, SIZES
from benchmarks.isolation import measured
from benchmarks.references import REFERENCES
from benchmarks.tables import Cell, Goal, goals_table, table

LIMITS = {
    ("band", 1_000): 20.0,
    ("band", 10_000): 20.0,
    ("band", 50_000): 60.0,
    ("band", 100_000): 120.0,
}
"""Seconds of a plan; every other family and size has a minute per 50 000 customers, and a minute at least."""

FULL = (
    *(("band", size, seed) for size in (1_000, 10_000) for seed in (1, 2, 3, 4, 5)),
    *(("band", size, seed) for size in (50_000, 100_000) for seed in (1, 2)),
    *(("no-band", 10_000, seed) for seed in (1, 2, 3, 4, 5)),
    *(("overlap", size, seed) for size in (1_000, 10_000) for seed in (1, 2, 3, 4, 5)),
)
QUICK = (("band", 1_000, 1), ("band", 10_000, 1), ("no-band", 1_000, 1), ("overlap", 1_000, 1))
_QUICK_LIMIT = 20.0
_OPTIMAL = 0.001  # per cent: a solver's own tolerance
_LATE = 1.1


@dataclass(frozen=True, slots=True)
class Case:
    """One company and the seconds its plan may take."""

    family: str
    customers: int
    csms: int
    seed: int
    limit: float

    @property
    def name(self) -> str:
        """As tables show it."""
        return f"{self.family} {self.customers}/{self.csms}"


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure every case, print the tables; ``wrong`` counts plans that break a limit, prove too much or never came."""
    rows = []
    for case in cases(options):
        rows.append(_row(case))
        print(_said(rows[-1]), file=sys.stderr, flush=True)
    goals = judged(rows)
    print("\n## Book plans\n\n" + instances_table(rows))
    print("\n## By family and size\n\n" + summary_table(rows))
    print("\n## Goals\n\n" + goals_table(goals))
    wrong = [fault for row in rows for fault in faults(row)]
    print("\n" + "\n".join(wrong or ["Every plan holds every limit, and no proof says more than it proves."]))
    return {"rows": rows, "goals": [goal.plain() for goal in goals], "wrong": wrong}


def cases(options: argparse.Namespace) -> list[Case]:
    """What the options ask for; sizes, families and seeds that are named replace the usual choice."""
    chosen = QUICK if options.quick else FULL
    if options.size or options.seeds or options.families:
        chosen = tuple(
            (family, size, seed)
            for family in options.families or list(dict.fromkeys(one[0] for one in chosen))
            for size in options.size or sorted({one[1] for one in chosen if one[0] == family} or {10_000})
            for seed in options.seeds or sorted({one[2] for one in chosen if one[0] == family} or {1})
        )
    return [_case(family, size, seed, options) for family, size, seed in chosen]


def _case(family: str, size: int | tuple[int, int], seed: int, options: argparse.Namespace) -> Case:
    customers, csms = size if isinstance(size, tuple) else (size, SIZES[size])
    usual = usual_limit(family, customers)
    limit = options.limit or (min(_QUICK_LIMIT, usual) if options.quick else usual)
    return Case(family, customers, csms, seed, limit)


def usual_limit(family: str, customers: int) -> float:
    """Seconds that a plan may take unless the options say otherwise."""
    return LIMITS.get((family, customers), 60.0 * max(1.0, customers / 50_000))


def size_of(text: str) -> int | tuple[int, int]:
    """``10000`` (a published size) or ``1200/24``. Raises ArgumentTypeError."""
    try:
        customers, _, csms = text.partition("/")
        size = (int(customers), int(csms)) if csms else int(customers)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(f"{text} is no size: write 10000 or 1200/24.") from fault
    if isinstance(size, int) and size not in SIZES:
        raise argparse.ArgumentTypeError(f"{size} customers of how many CSMs? Write {size}/CSMS.")
    return size


def family_of(text: str) -> str:
    """One of the families. Raises ArgumentTypeError."""
    if text not in FAMILIES:
        raise argparse.ArgumentTypeError(f"{text} is no family: choose from {', '.join(FAMILIES)}.")
    return text


def _row(case: Case) -> dict[str, Any]:
    """The plan and the references of one case, each in its own process."""
    row: dict[str, Any] = {
        "name": case.name,
        "family": case.family,
        "customers": case.customers,
        "csms": case.csms,
        "seed": case.seed,
        "limit": case.limit,
    }
    for method in (PLAN, *REFERENCES):
        job = {
            "bench": "books",
            "family": case.family,
            "customers": case.customers,
            "csms": case.csms,
            "company_seed": case.seed,
            "method": method,
        }
        told = measured(job, limit=case.limit)
        told.pop("event", None)
        row[method] = told
    row["ratios"] = {name: _ratio(row, name) for name in REFERENCES}
    return row


def _ratio(row: dict[str, Any], name: str) -> float | None:
    """Objective of the plan ÷ that of the reference; None unless both serve the same number of customers."""
    plan, other = row[PLAN], row[name]
    if "served" not in plan or plan["served"] != other.get("served") or not other["objective"]:
        return None
    return float(plan["objective"] / other["objective"])


def _said(row: dict[str, Any]) -> str:
    plan = row[PLAN]
    gap = plan.get("gap_pct")
    proof = "no bound" if gap is None else f"gap {gap:.4f} %"
    return f"{row['name']} seed {row['seed']}: {plan.get('seconds', 0):.1f} s, {proof}, {plan['outcome']}"


def faults(row: dict[str, Any]) -> list[str]:
    """What must never be: no answer, a broken limit, a proof that says too much. References are held to the limits too."""
    where = f"{row['name']} seed {row['seed']}"
    found = []
    for method in (PLAN, *REFERENCES):
        told = row[method]
        if told["outcome"] != "done":
            found.append(f"{where}, {method}: {told['outcome']}.")
        found += [f"{where}, {method} breaks a limit: {one}." for one in told.get("broken", [])]
        found += [f"{where}, {method}: {one}." for one in told.get("faults", [])]
    return found


def instances_table(rows: Sequence[dict[str, Any]]) -> str:
    """A line per company: the plan, and its objective against each reference."""
    headers = (
        "company", "seed", "s", "of s", "objective", "bound", "gap %", "by prices %", "check s", "served", "chosen %",
        "limits", "MB", "÷ greedy", "÷ least busy", "÷ round robin",
    )  # fmt: skip
    lines: list[list[Cell]] = []
    for row in rows:
        plan = row[PLAN]
        held = None if "broken" not in plan else "BROKEN" if plan["broken"] else "held"
        lines.append(
            [
                row["name"],
                row["seed"],
                _rounded(plan.get("seconds"), 1),
                f"{row['limit']:.0f}",
                plan.get("objective"),
                plan.get("bound"),
                _rounded(plan.get("gap_pct"), 4),
                _rounded(plan.get("price_gap_pct"), 3),
                _rounded(plan.get("check_seconds"), 2),
                plan.get("served"),
                plan.get("chosen_pct"),
                held,
                _rounded(plan.get("rss_mb"), 0),
                *(row["ratios"][name] for name in REFERENCES),
            ]
        )
    return table(headers, lines)


def _rounded(value: float | None, places: int) -> str | None:
    return None if value is None else f"{value:.{places}f}"


def summary_table(rows: Sequence[dict[str, Any]]) -> str:
    """Mean and worst over the seeds of a family and size."""
    headers = ("company", "seeds", "mean s", "worst s", "mean gap %", "worst gap %", "mean chosen %",
               "mean ÷ greedy", "worst ÷ greedy", "largest MB")  # fmt: skip
    lines: list[list[Cell]] = []
    for name in dict.fromkeys(row["name"] for row in rows):
        of = [row for row in rows if row["name"] == name]
        seconds, gaps = _values(of, "seconds"), _values(of, "gap_pct")
        ratios = [row["ratios"]["greedy"] for row in of if row["ratios"]["greedy"] is not None]
        whole = len(gaps) == len(of)
        lines.append(
            [
                name,
                len(of),
                _rounded(_mean(seconds), 1),
                _rounded(max(seconds, default=None), 1),
                _rounded(_mean(gaps) if whole else None, 4),
                _rounded(max(gaps, default=None) if whole else None, 4),
                _mean(_values(of, "chosen_pct")),
                _mean(ratios),
                max(ratios, default=None),
                _rounded(max(_values(of, "rss_mb"), default=None), 0),
            ]
        )
    return table(headers, lines)


def judged(rows: Sequence[dict[str, Any]]) -> list[Goal]:
    """The published goals against this run. A gap is the worst over the seeds; without a proof there is none to judge."""
    ratios = [row["ratios"]["greedy"] for row in rows if row["family"] == "band"]
    ratios = [ratio for ratio in ratios if ratio is not None]
    largest = _values([row for row in rows if row["customers"] == 100_000], "rss_mb")
    return [
        _gap_goal(rows, "1 000/20: proven optimal", "band", 1_000, _OPTIMAL, _OPTIMAL),
        _gap_goal(rows, "10 000/60: gap within 20 s", "band", 10_000, 0.1, 0.02),
        _gap_goal(rows, "10 000/60 without tolerance: gap within 60 s", "no-band", 10_000, 1.5, 0.5),
        _gap_goal(rows, "50 000/250: gap within 60 s", "band", 50_000, 2.0, 0.5),
        _gap_goal(rows, "100 000/500: gap within 120 s", "band", 100_000, 8.0, 2.0),
        Goal("objective ÷ greedy, mean", _mean(ratios), 0.85, 0.80, "ratio"),
        Goal("peak memory at 100 000/500", max(largest) / 1000 if largest else None, 3.0, 1.5, "GB"),
    ]


def _gap_goal(
    rows: Sequence[dict[str, Any]], name: str, family: str, customers: int, must: float, aim: float
) -> Goal:
    """Only plans that had no more than the published seconds count; who took a tenth more than allowed is late."""
    asked = (family, customers, SIZES[customers])
    of = [row for row in rows if (row["family"], row["customers"], row["csms"]) == asked]
    of = [row for row in of if row["limit"] <= usual_limit(family, customers)]
    if not of:
        return Goal(name, None, must, aim, "%")
    gaps = _values(of, "gap_pct")
    late = any(row[PLAN].get("seconds", 0.0) > _LATE * row["limit"] for row in of)
    return Goal(name, max(gaps) if len(gaps) == len(of) else None, must, aim, "%", "MISSED: no bound", late)


def _values(rows: Sequence[dict[str, Any]], name: str) -> list[float]:
    return [row[PLAN][name] for row in rows if row[PLAN].get(name) is not None]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
