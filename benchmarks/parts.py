"""A piece of work taken apart: how long each of its functions took, without those it called that are looked at too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pkgutil import resolve_name
from typing import Any
from unittest.mock import patch


class Parts:
    """``spent``: seconds and processor seconds by part."""

    def __init__(self, names: Sequence[str]) -> None:
        self.spent = {name: [0.0, 0.0] for name in names}
        self._inside: list[str] = []
        self._last = (0.0, 0.0)

    def watched(self, part: str, done: Callable[..., Any]) -> Callable[..., Any]:
        """``done``, with its time put down to ``part``."""

        def doing(*args: Any, **given: Any) -> Any:
            self._turn_over()
            self._inside.append(part)
            try:
                return done(*args, **given)
            finally:
                self._turn_over()
                self._inside.pop()

        return doing

    def _turn_over(self) -> None:
        now = (time.perf_counter(), time.process_time())
        if self._inside:
            for at in (0, 1):
                self.spent[self._inside[-1]][at] += now[at] - self._last[at]
        self._last = now


@contextmanager
def parted(places: Mapping[str, Sequence[str]]) -> Iterator[Parts]:
    """What is done inside is taken apart; ``places``: by part the functions that do it, by their full names."""
    parts = Parts(list(places))
    with ExitStack() as stack:
        for part, names in places.items():
            for full in names:
                where, _, name = full.rpartition(".")
                owner = resolve_name(where)
                stack.enter_context(patch.object(owner, name, parts.watched(part, getattr(owner, name))))
        yield parts
