"""Child processes that end with us, and waiting until they are up. Plain standard library."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


def free_port() -> int:
    """A port of the loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def die_with_parent() -> None:
    """In a child, before exec: Linux ends it when its parent dies, even by kill -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def start(
    command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, user: str | None = None
) -> subprocess.Popen[bytes]:
    """Start a child in a process group of its own (a Ctrl-C is ours to pass on), with its words in `log`."""
    as_user: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user else {}
    with log.open("ab") as words:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
            # Safe: nothing here starts threads before it starts children.
            preexec_fn=die_with_parent,
            **as_user,
        )


def stop(child: subprocess.Popen[Any], *, first: int = signal.SIGTERM, patience: float = 15) -> None:
    """End a child we started, politely and then firmly, with whatever it started in its group."""
    if child.poll() is None:
        child.send_signal(first)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait(5)


def wait_until(
    ready: Callable[[], bool],
    *,
    what: str,
    child: subprocess.Popen[bytes] | None = None,
    log: Path | None = None,
    seconds: float = 30,
) -> None:
    """Wait for `ready`; raises RuntimeError with the end of the log when it takes too long or the child died."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if ready():
            return
        if child is not None and child.poll() is not None:
            break
        time.sleep(0.05)
    tail = log.read_text(errors="replace")[-3000:] if log and log.exists() else ""
    raise RuntimeError(f"{what} did not come up within {seconds:.0f} s.\n{tail}")


def answers(port: int) -> bool:
    """True when something accepts connections on this port of the loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
