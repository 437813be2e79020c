"""What a thread makes of one thing while others work on the thing before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


def one_ahead(items: Iterable[Item], made: Callable[[Item], Made]) -> Iterator[tuple[Item, Future[Made]]]:
    """Each item with what becomes of it; the next one's is begun before this one is handed out. ``made`` may not ask the database:
    the thread would have a connection of its own.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="one ahead") as beside:
        coming: tuple[Item, Future[Made]] | None = None
        for item in items:
            here, coming = coming, (item, beside.submit(made, item))
            if here:
                yield here
        if coming:
            yield coming
