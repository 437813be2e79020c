"""Where a benchmark with a database happens: which databases, how many customers, and a place of its own for each."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from benchmarks.servers import CARELESS, Postgres

SQLITE, POSTGRES = "SQLite", "PostgreSQL"
DATABASES = (SQLITE, POSTGRES)
LARGEST_ON_SQLITE = 100_000


def customers_of(text: str) -> int:
    """``10k``, ``100k``, ``1m`` or a number. Raises ArgumentTypeError."""
    number, factor = text[:-1], {"k": 1_000, "m": 1_000_000}.get(text[-1:].lower())
    try:
        return int(text) if factor is None else int(number) * factor
    except ValueError as fault:
        raise argparse.ArgumentTypeError(f"{text} is no size: write 10k, 100k or 1m.") from fault


def sizes_on(
    database: str, options: argparse.Namespace, *, usual: Sequence[int], quick: Sequence[int]
) -> list[int]:
    """How many customers are measured there; a million are for PostgreSQL only."""
    sizes = options.customers or (quick if options.quick else usual)
    return [size for size in sizes if database == POSTGRES or size <= LARGEST_ON_SQLITE]


@contextmanager
def placed(database: str) -> Iterator[dict[str, Any]]:
    """``folder`` and ``database_url`` (empty for a SQLite file in the folder), gone afterwards; PostgreSQL as the tests use it (no fsync)."""
    with ExitStack() as stack:
        folder = mkdtemp(prefix="cstiers-bench-")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        url = ""
        if database == POSTGRES:
            Path(folder).chmod(0o755)  # the server runs as a user of its own
            server = Postgres.make(Path(folder) / "postgres", **CARELESS)
            stack.callback(server.stop)
            url = server.url
        yield {"folder": folder, "database_url": url}
