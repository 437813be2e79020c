"""Finding a Chromium for the browser journey."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.programs import ProgramMissing, find, install_with_apt

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
PLACES = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
]
# A machine without a desktop and without a way out: no sandbox as root, no calls home.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def chromium() -> str:
    """Path of a Chromium: $CHROMIUM, the system's, Debian's package, or Playwright's own download."""
    given = os.environ.get("CHROMIUM")
    if given:
        return given
    found = _installed() or (install_with_apt(["chromium"]) and _works(find(NAMES))) or _downloaded()
    if not found:
        raise ProgramMissing(
            "Chromium is not here: install it (Debian: apt-get install chromium; elsewhere: .venv/bin/playwright install "
            "--with-deps chromium), or name one with CHROMIUM=/path/to/chromium."
        )
    return found


def _installed() -> str | None:
    return _works(find(NAMES)) or next((place for place in PLACES if Path(place).exists()), None)


def _works(path: str | None) -> str | None:
    """The path, when the program really starts (Ubuntu's chromium-browser is a stand-in that only names a snap)."""
    if path is None:
        return None
    told = subprocess.run([path, "--version"], capture_output=True, check=False)
    return path if told.returncode == 0 else None


def _downloaded() -> str | None:
    """Playwright's own Chromium, fetched where its download can be reached."""
    with_packages = ["--with-deps"] if os.geteuid() == 0 else []
    subprocess.run(
        [sys.executable, "-m", "playwright", "install", *with_packages, "chromium"],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        check=False,
    )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None
