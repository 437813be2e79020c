"""The child of a measurement: ``python -m benchmarks.worker`` with the job as JSON on standard input."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

# By name, so that a child loads nothing but what it measures.
WORKS = {
    "book": "benchmarks.book_work",
    "books": "benchmarks.books_work",
    "filled": "benchmarks.filled",
    "gap": "benchmarks.gap",
    "imports": "benchmarks.imports_work",
    "pages": "benchmarks.pages_work",
    "planning": "benchmarks.planning_work",
    "retier": "benchmarks.retier_work",
    "scenario": "benchmarks.scenario_work",
    "settled": "benchmarks.settled",
    "workers": "benchmarks.workers_work",
}


def main() -> None:
    """Read the job, do it, report events; what a solver prints goes to standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def emit(event: Mapping[str, Any]) -> None:
        channel.write(json.dumps(event) + "\n")
        channel.flush()

    job = json.load(sys.stdin)
    work = import_module(WORKS[job["bench"]]).work
    emit({"event": "result", **work(job, emit)})


if __name__ == "__main__":
    main()
