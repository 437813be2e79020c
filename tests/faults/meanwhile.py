"""Somebody who writes at the same time, on a connection of their own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

from django.db import connection, transaction

LONGEST = 20  # seconds that either waits for the other


@contextmanager
def writing(change: Callable[[], Any]) -> Iterator[Callable[[], None]]:
    """Within the block `change` has been done in a transaction that is not over. What is given ends it, and so does the block, which waits
    for its commit.
    """
    begun, over = Event(), Event()

    def write() -> None:
        with transaction.atomic():
            change()
            begun.set()
            over.wait(timeout=LONGEST)
        connection.close()

    with ThreadPoolExecutor(1) as others:
        other = others.submit(write)
        begun.wait(timeout=LONGEST)
        try:
            yield over.set
        finally:
            over.set()
            other.result()
