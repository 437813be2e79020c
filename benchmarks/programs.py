"""Finding programs and installing them where that is possible."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
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
