"""The company of the pages, built once a module and worker: each test looks at it inside a transaction that is rolled back.

Building it takes several times as long as a page. It stands in a transaction of its own that is never committed; the one
pytest opens for a test lies inside. A test without the company must find none, so before such a test it is taken away.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from tests import factories
from tests.pages import company as companies


class Standing:
    """`ready` once the database is there; then `open` and `close` may be called in any order, also twice."""

    def __init__(self) -> None:
        self.blocker: Any = None
        self.around: Any = None
        self.company: Any = None

    def ready(self, blocker: Any) -> None:
        self.blocker = blocker
        self.open()

    def open(self) -> None:
        if self.blocker is None or self.around is not None:
            return
        with self.blocker.unblock():
            around = transaction.atomic()
            around._from_testcase = True  # services may ask for the outermost transaction, as in any test
            around.__enter__()
            self.around = around
            self.company = companies.build(factories.cast())

    def close(self) -> None:
        if self.around is None:
            return
        around, self.around, self.company = self.around, None, None
        with self.blocker.unblock():
            transaction.set_rollback(True)
            around.__exit__(None, None, None)
