"""The child of a measurement: ``python -m benchmarks.worker`` with the job as JSON on standard input."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any


def main() -> None:
    """Read the job, do it, report events; what a solver prints goes to standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def emit(event: Mapping[str, Any]) -> None:
        channel.write(json.dumps(event) + "\n")
        channel.flush()

    job = json.load(sys.stdin)
    if job["bench"] == "gap":
        from benchmarks.gap import work as work_gap

        emit({"event": "result", **work_gap(job, emit)})
    elif job["bench"] == "scenario":
        from benchmarks.scenario_work import work as work_scenario

        emit({"event": "result", **work_scenario(job, emit)})
    elif job["bench"] == "imports":
        from benchmarks.imports_work import work as work_imports

        emit({"event": "result", **work_imports(job, emit)})
    else:
        from benchmarks.books_work import work as work_books

        emit({"event": "result", **work_books(job, emit)})


if __name__ == "__main__":
    main()
