"""The matrix of rights: a line for each address and way of calling it, a column for each person.

`python -m pytest tests/access -k every_address --print-matrix` prints the lines that are missing or no longer true, with
the answers found, to be read and judged by a person before they go into `matrix.csv`.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("matrix.csv")
# Column of the matrix: who answers for it. Two people of other books: one of the same team, one of another.
COLUMNS: dict[str, tuple[str, ...]] = {
    "ops": ("ops",),
    "manager of the team": ("manager_a",),
    "manager of another team": ("manager_b",),
    "CSM of the book": ("csm_a",),
    "CSM of another book": ("csm_a2", "csm_b"),
    "without a role": ("nobody",),
    "not signed in": ("stranger",),
}
HEAD = ("address", "way", *COLUMNS)
SIGN_IN = ("/sign-in/", "/admin/login/")


def answer(response: Any) -> str:
    """What an answer means, in a word: ok, moved, sign in, or the number of a refusal."""
    status = response.status_code
    if 300 <= status < 400:
        return "sign in" if response.headers["Location"].startswith(SIGN_IN) else "moved"
    return "ok" if 200 <= status < 300 else str(status)


def read() -> dict[tuple[str, str], dict[str, str]]:
    """{(address, way): {column: expected answer}}; `way` is read or write."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {(row["address"], row["way"]): row for row in rows}
    assert len(found) == len(rows), "a line of matrix.csv stands there twice"
    return found


def as_line(row: dict[str, str]) -> str:
    """A row as a line of the file."""
    return ",".join(row[column] for column in HEAD)
