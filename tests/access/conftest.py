"""One company a module: built once in a transaction that is never committed; each call is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from django.db import transaction

from tests.access import world as worlds
from tests.factories import TODAY


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--print-matrix",
        action="store_true",
        help="Print the lines of tests/access/matrix.csv that are missing or no longer true, with the answers found.",
    )


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: object) -> Iterator[SimpleNamespace]:
    """The company of tests/access/world.py. Use `undone` around whatever may write."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)
        around = transaction.atomic()
        around._from_testcase = True
        with around:
            yield worlds.build()
            transaction.set_rollback(True)
