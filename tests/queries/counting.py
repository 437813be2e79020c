"""Committed query counts: a page that starts to ask more often fails, with what it asked.

`tests/queries/counts.json` holds {name: number}. A number is changed on purpose only, by
`pytest tests/queries -n 0 --write-query-counts` and a look at the difference.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

COUNTS = Path(__file__).with_name("counts.json")
# Said by transactions and test cases, not by the page.
NOT_COUNTED = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "BEGIN", "COMMIT", "PRAGMA")


def queries_of(act: Callable[[], Any]) -> list[str]:
    """The SQL statements that `act` sends, without those about transactions."""
    with CaptureQueriesContext(connection) as captured:
        act()
    return [query["sql"] for query in captured.captured_queries if not query["sql"].startswith(NOT_COUNTED)]


class QueryCounts:
    """Compares with, or writes, the committed numbers."""

    def __init__(self, *, write: bool) -> None:
        self.write = write
        self.committed: dict[str, int] = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}

    def check(self, name: str, act: Callable[[], Any]) -> None:
        """Fail unless `act` sends exactly as many queries as are committed under `name`."""
        asked = queries_of(act)
        if self.write:
            self.committed[name] = len(asked)
            COUNTS.write_text(json.dumps(self.committed, indent=2, sort_keys=True) + "\n")
        elif name not in self.committed:
            pytest.fail(f"No query count is committed for '{name}' (it sends {len(asked)}).")
        elif len(asked) != self.committed[name]:
            numbered = "\n".join(f"{number:>3} {sql[:300]}" for number, sql in enumerate(asked, 1))
            pytest.fail(
                f"'{name}' sends {len(asked)} queries; committed are {self.committed[name]}:\n{numbered}"
            )
