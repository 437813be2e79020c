"""`make test`, `make test-quick`, `make prove`: which pytest runs there are, and with which programs beside them; `make shots`."""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.programs import ProgramMissing
from benchmarks.servers import postgres_url, redis_url
from tests.rig import migrated
from tests.rig.browser import chromium

ROOT = Path(__file__).resolve().parents[2]
NOTHING_RAN = 5  # pytest's exit code
# Which half of a whole run has what. Both have everything that writes or asks in a way of its own: models, triggers, services,
# selectors, snapshots, pages, admin, commands, importing, tasks, and the main story in the browser. One of them has:
#
# - SQLite, the cheaper one: pure arithmetic and reading of sources; any test that asks for no database, wherever it lies
#   (mark `no_database`, which tests/conftest.py gives by itself); the numbers of playbooks and scenarios, which come
#   by the doors and services that both halves test; and pages, the admin and signing in (mark `pages_alike`, likewise): what they
#   read is tested in both, and on PostgreSQL every page is walked, counted, and asked for by everybody.
WITHOUT_DATABASE = (
    "tests/engine", "tests/charts", "tests/benchmarks", "tests/house", "tests/playbooks", "tests/scenarios",
)  # fmt: skip
ONLY_DATABASE = "not no_database and not pages_alike"
# - PostgreSQL: thousands of requests about rights, which are the same conditions over either database; how many statements
#   pages send, which is the same number; races (mark `postgres`); the journeys that are about the browser, not about what
#   lies behind the page (the same mark); and workers that are killed by the dozen (below), unless proofs are asked for.
ON_EITHER_ALIKE = ("tests/access", "tests/queries")
KILLED = tuple(
    f"tests/faults/test_{name}.py" for name in ("workers_killed", "edited_meanwhile", "delivered_twice")
)
USAGE = "Usage: python -m tests.rig full|quick|prove [pytest arguments], or shots [part of a page's name]"


def pytest(title: str, arguments: list[str], **environment: str) -> int:
    """One pytest run in a child; its closing line is printed as it is."""
    print(f"\n== {title} ==", flush=True)
    started = time.monotonic()
    workers = [] if any(given.startswith("-n") for given in arguments) else ["-n", "2"]
    # Each set to be sure: what the caller's environment says about databases and brokers is not for this run.
    known = {"DATABASE_URL": "", "REDIS_URL": "", "SECRET_KEY": "only-for-tests", "DEBUG": "0", **environment}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *workers, *arguments],
        cwd=ROOT,
        env={**os.environ, **known},
        check=False,
    )
    print(f"== {title}: {time.monotonic() - started:.0f} s ==", flush=True)
    return ended.returncode


def quick(folder: Path, arguments: list[str]) -> list[int]:
    """SQLite alone: needs no server and no browser."""
    made = migrated.make(folder / "migrated")
    return [pytest("SQLite", ["-m", "not journey", *arguments], VAR_DIR=str(folder / "sqlite"), **made)]


def full(folder: Path, arguments: list[str]) -> list[int]:
    """On SQLite with the embedded broker, then on PostgreSQL with Redis: twice, but for what is said above of a whole run."""
    first = arguments or [f"--ignore={place}" for place in (*ON_EITHER_ALIKE, *KILLED)]
    again = arguments or [*(f"--ignore={place}" for place in WITHOUT_DATABASE), "-m", ONLY_DATABASE]
    with ExitStack() as stack:
        browser = chromium()
        database = postgres_url(stack, folder)
        broker = redis_url(stack, folder)
        empty = migrated.database_of_its_own(stack, database, f"cstiers_migrated_{os.getpid()}")
        made = migrated.make(folder / "migrated", url=empty)
        return [
            pytest(
                "SQLite, embedded broker, browser",
                first,
                VAR_DIR=str(folder / "sqlite"),
                CHROMIUM=browser,
                **made,
            ),
            pytest(
                "PostgreSQL, Redis, Celery worker, browser",
                again,
                VAR_DIR=str(folder / "postgresql"),
                CHROMIUM=browser,
                DATABASE_URL=database,
                REDIS_URL=broker,
                **made,
            ),
        ]


def prove(folder: Path, arguments: list[str]) -> list[int]:
    """The races and crashes again, many more rounds of each; and more years of the simulated company."""
    os.environ.setdefault("CSTIERS_ROUNDS", "100")
    return full(folder, ["tests/faults", "tests/scenarios/test_simulated_year.py", *arguments])


def shots(folder: Path, arguments: list[str]) -> list[int]:
    """Pictures of every page (tests/rig/shots.py)."""
    from tests.rig import shots as pictures  # the browser's driver is loaded by whoever needs it

    return pictures.shots(folder, arguments)


def main() -> int:
    suites = {"full": full, "quick": quick, "prove": prove, "shots": shots}
    if len(sys.argv) < 2 or sys.argv[1] not in suites:
        print(USAGE, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="cstiers-tests-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL's own user must reach its folder below
        try:
            codes = suites[sys.argv[1]](folder, sys.argv[2:])
        except ProgramMissing as missing:
            print(missing, file=sys.stderr)
            return 1
    # Where a few tests are picked, one of the two runs may have none of them; never both.
    picked = len(sys.argv) > 2 or sys.argv[1] == "prove"
    if picked and set(codes) != {NOTHING_RAN}:
        codes = [0 if code == NOTHING_RAN else code for code in codes]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
