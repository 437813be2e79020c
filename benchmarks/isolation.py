"""One measurement in a process of its own: wall time, peak memory, and an end even when the work finds none.

The child prints events, one JSON object a line: ``started`` (the instance is made, the clock runs), ``worked`` (the clock has
stopped) and ``result`` (judged). Making the instance and judging the answer are outside the clock.
"""

from __future__ import annotations

import inspect
import json
import os
import queue
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

THREADS = 2
GRACE = 20.0  # seconds after the limit until the child is ended
ASIDE = 900.0  # seconds that making an instance, or judging a plan, may take

_ROOT = Path(__file__).resolve().parents[1]
Emit = Callable[[Mapping[str, Any]], None]


def measured(job: Mapping[str, Any], *, limit: float) -> dict[str, Any]:
    """What the child reports of ``job``, with ``seconds`` and ``rss_mb``; ``outcome`` is "done" or says what went wrong.

    ``limit`` in seconds is what the work is told; ``GRACE`` seconds later the child and all it started are ended.
    """
    with TemporaryFile("w+") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        try:
            return _followed(child, {**job, "limit": limit}, errors, limit)
        finally:
            _end(child)


def _followed(
    child: subprocess.Popen[str], job: Mapping[str, Any], errors: IO[str], limit: float
) -> dict[str, Any]:
    assert child.stdin is not None  # noqa: S101
    child.stdin.write(json.dumps(job))
    child.stdin.close()
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(child.stdout, lines), daemon=True).start()
    told: dict[str, Any] = {}
    for event, patience in (("started", ASIDE), ("worked", limit + GRACE), ("result", ASIDE)):
        try:
            line = lines.get(timeout=patience)
        except queue.Empty:
            return {**told, "outcome": f"ended after {patience:.0f} s without being {event}"}
        if not line:
            return {**told, "outcome": f"died before it had {event}: {_last_line(errors)}"}
        told.update(json.loads(line))
    return {**told, "outcome": "done"}


def _read(stream: IO[str], lines: queue.Queue[str]) -> None:
    for line in stream:
        lines.put(line)
    lines.put("")


def _last_line(errors: IO[str]) -> str:
    errors.seek(0)
    said = [line.strip() for line in errors if line.strip()]
    return said[-1] if said else "it said nothing"


def _end(child: subprocess.Popen[str]) -> None:
    """End the child's own process group: the child leads it, so nobody else is in it."""
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdout is not None:
        child.stdout.close()


def peak_mb() -> float:
    """Largest resident memory of this process so far plus that of its largest child, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    both = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return both * unit / 1e6


@contextmanager
def clock(emit: Emit) -> Iterator[None]:
    """The part of a job that is measured; tells ``started`` before and ``worked`` with seconds and MB after."""
    emit({"event": "started"})
    begun = time.monotonic()
    yield
    emit({"event": "worked", "seconds": time.monotonic() - begun, "rss_mb": peak_mb()})


def deadline(limit: float) -> Callable[[], bool]:
    """A ``should_stop`` that says yes ``limit`` seconds from now."""
    end = time.monotonic() + limit
    return lambda: time.monotonic() >= end


@contextmanager
def threads() -> Iterator[Callable[..., Any]]:
    """A ``map`` over two threads, for solvers that can use them."""
    with ThreadPoolExecutor(THREADS) as pool:
        yield pool.map


def accepted(function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``given`` that ``function`` takes, so that a benchmark runs on an older and a newer solver alike."""
    known = inspect.signature(function).parameters
    return {name: value for name, value in given.items() if name in known}
