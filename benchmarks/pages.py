"""Benchmark of pages: each page in a small company and in a large one, asked in turn; how it grows."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.isolation import measured
from benchmarks.places import DATABASES, POSTGRES, placed, sizes_on
from benchmarks.rounds import best, ratios
from benchmarks.tables import Goal, goals_table, table

SMALL = 10_000
USUAL = (100_000,)
CSMS = {SMALL: 56, 100_000: 250, 1_000_000: 500}
ROUNDS = 3
LIMIT = 3600.0
LIST, FIGURES = (1.5, 1.2), (3.0, 1.5)
# What the issue names; the others have no bound of their own.
BOUNDS = {
    "admin list": LIST,
    "balance": FIGURES,
    "balance by CSM": FIGURES,
    "pyramid, concentration, risk": FIGURES,
    "search, a word": FIGURES,
    "search, an id": FIGURES,
    "search, nothing found": FIGURES,
    "admin search, a word": FIGURES,
    "admin search, an id": FIGURES,
}


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure on both databases, print the tables; ``wrong`` names pages that did not answer or asked more of more customers."""
    rows: list[dict[str, Any]] = []
    goals: list[Goal] = []
    wrong: list[str] = []
    for database in DATABASES[:1] if options.quick else DATABASES:
        small, *larger = _sizes(database, options)
        told = _told(database, [small, *larger], options)
        if told["outcome"] != "done":
            wrong.append(f"{database}: {told['outcome']}")
            continue
        wrong.extend(f"{database}: {fault}" for fault in told["faults"])
        found = judged(told["pages"], small)
        wrong.extend(f"{database}: {fault}" for fault in uneven(found))
        rows.extend({"database": database, **row} for row in found)
        goals.extend(goals_of(database, found, small))
        print(f"pages on {database}: measured", file=sys.stderr, flush=True)
    print("\n## Pages\n\n" + rows_table(rows))
    print("\n" + goals_table(goals))
    print("\n" + "\n".join(wrong or ["Every page answered, with as many statements at every size."]))
    return {"rows": rows, "goals": [goal.plain() for goal in goals], "wrong": wrong}


def _sizes(database: str, options: argparse.Namespace) -> list[int]:
    """The small one first: each of the others is set against it."""
    small = 500 if options.quick else SMALL
    larger = sizes_on(database, options, usual=USUAL, quick=(2 * small,))
    return [small, *(size for size in sorted(set(larger)) if size > small)]


def _told(database: str, sizes: list[int], options: argparse.Namespace) -> dict[str, Any]:
    limit = options.limit or LIMIT
    with places(database, sizes) as jobs:
        for job in jobs:
            filled = measured({"bench": "filled", "seed": 1, "run_of_all": False, **job}, limit=limit)
            if filled["outcome"] != "done":
                return {**filled, "outcome": f"{job['customers']} not filled: {filled['outcome']}"}
        return measured({"bench": "pages", "rounds": ROUNDS, "places": jobs}, limit=limit)


@contextmanager
def places(database: str, sizes: list[int]) -> Iterator[list[dict[str, Any]]]:
    """A folder and a database for each size: on PostgreSQL all in one server, so that its memory is shared as it would be."""
    with placed(database) as place:
        jobs = []
        for size in sizes:
            folder = Path(place["folder"]) / f"site-{size}"
            folder.mkdir()
            url = _database(place["database_url"], f"pages_{size}") if database == POSTGRES else ""
            jobs.append(
                {
                    "folder": str(folder),
                    "database_url": url,
                    "customers": size,
                    "csms": csms_of(size),
                    "largest": max(sizes),
                }
            )
        yield jobs


def _database(server: str, name: str) -> str:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server.rpartition('/')[0]}/{name}"


def csms_of(customers: int) -> int:
    """As many as a company of this size has."""
    return CSMS.get(customers) or max(20, 56 * customers // SMALL if customers < SMALL else 56)


def judged(pages: Mapping[str, Mapping[str, Any]], small: int) -> list[dict[str, Any]]:
    """The best round of each page and size, against the best of the small one in the same rounds."""
    found = []
    for name, sizes in pages.items():
        base = best(sizes[str(small)]["times"])
        for size, told in sizes.items():
            seconds, cpu = best(told["times"])
            found.append(
                {
                    "what": name,
                    "customers": int(size),
                    "seconds": seconds,
                    "cpu": cpu,
                    "statements": told["statements"],
                    "bytes": told["bytes"],
                    **ratios((seconds, cpu), base),
                }
            )
    return found


def uneven(found: list[dict[str, Any]]) -> Iterator[str]:
    """Pages that ask over one statement more of a larger company: a list longer than is counted asks for an estimate."""
    asked: dict[str, set[int]] = {}
    for row in found:
        asked.setdefault(row["what"], set()).add(row["statements"])
    for name, numbers in asked.items():
        if max(numbers) > min(numbers) + 1:
            yield f"{name} asks {' or '.join(map(str, sorted(numbers)))} statements, by size."


def goals_of(database: str, found: list[dict[str, Any]], small: int) -> Iterator[Goal]:
    """The published goals are of a million against ten thousand; smaller ones are shown beside the same bounds."""
    for row in found:
        if row["what"] in BOUNDS and row["customers"] != small:
            must, aim = BOUNDS[row["what"]]
            yield Goal(
                f"{row['what']}, {database}, {row['customers']} ÷ {small}", row["ratio"], must, aim, ""
            )


def rows_table(rows: list[dict[str, Any]]) -> str:
    """One line a page and size."""
    columns = ("what", "database", "customers", "ms", "cpu_ms", "statements", "kb", "ratio", "cpu_ratio")
    heads = (
        "page",
        "database",
        "customers",
        "best ms",
        "CPU ms",
        "statements",
        "KB",
        "÷ small",
        "CPU ÷ small",
    )
    shown = [
        {
            **row,
            "ms": round(1000 * row["seconds"], 1),
            "cpu_ms": round(1000 * row["cpu"], 1),
            "kb": round(row["bytes"] / 1000),
        }
        for row in rows
    ]
    return table(heads, [[row[column] for column in columns] for row in shown])
