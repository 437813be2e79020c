"""Real processes for the faults: a yard of installations, on the kind of database and broker of this run."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.servers import Postgres, Redis
from tests.faults.fleet import Yard


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[Postgres, Redis] | None]:
    """A PostgreSQL and a Redis that tests may stop; None where this run is about the embedded installation."""
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        yield None
        return
    with ExitStack() as stack:
        # Not under pytest's own folder, which it closes to PostgreSQL's user whenever somebody else runs tests.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cstiers-faults-")))
        folder.chmod(0o711)
        database = Postgres.make(folder / "postgres")
        stack.callback(database.stop)
        broker = Redis.make(folder)
        stack.callback(broker.stop)
        yield database, broker


@pytest.fixture(scope="session")
def yard(servers: tuple[Postgres, Redis] | None, tmp_path_factory: pytest.TempPathFactory) -> Yard:
    """Where fleets are made."""
    folder = tmp_path_factory.mktemp("yard")
    if servers is None:
        return Yard(folder)
    return Yard(folder, server_url=servers[0].url, redis_url=servers[1].url)
