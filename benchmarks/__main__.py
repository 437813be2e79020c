"""``python -m benchmarks [BENCH …]``: run the benchmarks, print their tables, keep the figures under ``var/bench/``.

Exit code 1 where something is wrong (a broken limit, a false proof, no answer), never for a slow machine or a missed goal.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import book, books, gap, imports, pages, places, planning, retier, scenario, workers
from benchmarks.companies import FAMILIES

BENCHES = {
    "book": book.run,
    "books": books.run,
    "gap": gap.run,
    "imports": imports.run,
    "pages": pages.run,
    "planning": planning.run,
    "retier": retier.run,
    "scenario": scenario.run,
    "workers": workers.run,
}
KEPT = Path(__file__).resolve().parents[1] / "var" / "bench"


def main() -> int:
    """Run what was asked for."""
    options = parser().parse_args()
    report: dict[str, Any] = {"begun": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
    for name in options.benches or BENCHES:
        report[name] = BENCHES[name](options)
        _keep(report, options.json)
    return int(any(report[name]["wrong"] for name in BENCHES if name in report))


def parser() -> argparse.ArgumentParser:
    """The options; each benchmark reads those that concern it."""
    made = argparse.ArgumentParser(prog="python -m benchmarks", description="See docs/benchmarks.md.")
    made.add_argument(
        "benches", nargs="*", metavar="BENCH", type=_bench, help=f"{', '.join(BENCHES)}; all if none"
    )
    made.add_argument(
        "--size", nargs="+", type=books.size_of, help="customers (10000) or customers/CSMs (1200/24)"
    )
    made.add_argument(
        "--customers",
        nargs="+",
        type=places.customers_of,
        help="of the benchmarks on a database: 10k, 100k or 1m",
    )
    made.add_argument("--seeds", nargs="+", type=int, help="companies of these seeds instead of 1 to 5")
    made.add_argument("--families", nargs="+", type=books.family_of, help=", ".join(FAMILIES))
    made.add_argument(
        "--limit", type=float, help="seconds for each plan or instance instead of the published ones"
    )
    made.add_argument("--quick", action="store_true", help="a few small instances, two minutes at most")
    made.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    return made


def _bench(text: str) -> str:
    if text not in BENCHES:
        raise argparse.ArgumentTypeError(f"{text} is no benchmark: choose from {', '.join(BENCHES)}.")
    return text


def machine() -> dict[str, Any]:
    """What figures in seconds depend on; no names of people or machines."""
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "scipy", "highspy")},
    }


def _keep(report: dict[str, Any], also: Path | None) -> None:
    """After every benchmark, so that an interrupted run keeps what it has."""
    stamp = report["begun"].replace(":", "").replace("+0000", "Z")
    KEPT.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
    for path in filter(None, (KEPT / f"{stamp}.json", KEPT / "latest.json", also)):
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
