"""Finding programs, and children that do not outlive us."""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path


class ProgramMissing(Exception):
    """A program is not there and cannot be installed from here; the message says what to install."""


def find(names: Sequence[str], folders: Sequence[str] = ()) -> str | None:
    """Path of the first of `names` on the PATH, or in `folders` (glob patterns; the highest version wins)."""
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    for pattern in folders:
        for folder in sorted(Path("/").glob(pattern.lstrip("/")), key=_version, reverse=True):
            for name in names:
                if os.access(folder / name, os.X_OK):
                    return str(folder / name)
    return None


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.parts if part.isdigit())


def install_with_apt(packages: Sequence[str]) -> bool:
    """True when Debian's (or Ubuntu's) packages could be installed. Asks nothing."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    print(f"Installing {' '.join(packages)} (apt-get).", file=sys.stderr, flush=True)
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, stdout=sys.stderr, check=False)
    done = subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
        env=quiet,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def die_with_parent() -> None:
    """In a child, before exec: Linux ends it when its parent dies, even by kill -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def start(
    command: Sequence[str], *, log: Path, env: dict[str, str] | None = None, user: str | None = None
) -> subprocess.Popen:
    """Start a child in a process group of its own, with its words in `log`."""
    as_user = {"user": user, "group": user, "extra_groups": []} if user else {}
    with log.open("ab") as words:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
            preexec_fn=die_with_parent,  # no threads run yet in the rig
            **as_user,
        )


def stop(child: subprocess.Popen, *, first: int = signal.SIGTERM, patience: float = 15) -> None:
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
    child: subprocess.Popen | None = None,
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
