"""The file of a backup: a head of fixed size that says what follows, then the database's own dump."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

MAGIC = b"cstiers backup 1\n"
HEAD = 64 * 1024  # bytes; the dump begins behind
# Everybody signs in anew; a sign of life is of the moment.
LEFT_OUT = ("django_session", "allocation_pulse")
CHUNK = 1024 * 1024
TABLE = re.compile(r"[a-z0-9_]{1,63}")


class UnableToBackUp(Exception):
    """Nothing was written; the message says why."""


class UnableToRestore(Exception):
    """Nothing was changed; the message says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a file holds: which kind of database, as of when, by which migrations, how many rows a table."""

    database: str
    made_at: str
    migrations: dict[str, list[str]]
    counts: dict[str, int]
    sha256: str = ""
    bytes: int = 0


def looks_like_a_backup(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def write_backup(path: Path, manifest: Manifest, chunks: Iterable[bytes]) -> Manifest:
    """Write head and dump aside, readable by the owner only, and rename the file into place. Raises OSError."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    aside.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.seek(HEAD)
            digest, size = hashlib.sha256(), 0
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
            done = replace(manifest, sha256=digest.hexdigest(), bytes=size)
            file.seek(0)
            file.write(_head(done))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
    return done


def _head(manifest: Manifest) -> bytes:
    text = json.dumps(asdict(manifest), sort_keys=True).encode()
    head = MAGIC + hashlib.sha256(text).hexdigest().encode() + b"\n" + text + b"\n"
    if len(head) > HEAD:
        raise UnableToBackUp("The list of migrations and tables is too long for the head of the file.")
    return head.ljust(HEAD)


def read_manifest(path: Path) -> Manifest:
    """What the file says of itself. Raises UnableToRestore when it is no backup, or a damaged one."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as fault:
        raise UnableToRestore(f"{path} cannot be read: {fault.strerror}.") from fault
    if not head.startswith(MAGIC):
        raise UnableToRestore(
            f"{path} is no backup of cstiers, or one of another kind than this version knows."
        )
    digest, _, text = head[len(MAGIC) :].rstrip(b" ").rstrip(b"\n").partition(b"\n")
    if len(head) != HEAD or hashlib.sha256(text).hexdigest().encode() != digest:
        raise UnableToRestore(f"{path} is damaged at its beginning: take another one.")
    found: dict[str, Any] = json.loads(text)
    manifest = Manifest(**found)
    if not all(TABLE.fullmatch(table) for table in manifest.counts):
        raise UnableToRestore(f"{path} names tables that cstiers does not have.")
    return manifest


def payload(path: Path) -> Iterator[bytes]:
    """The dump, piece by piece."""
    with path.open("rb") as file:
        file.seek(HEAD)
        while chunk := file.read(CHUNK):
            yield chunk


def verify_payload(path: Path, manifest: Manifest) -> None:
    """Raises UnableToRestore when a byte is missing or another one than was written."""
    digest, size = hashlib.sha256(), 0
    for chunk in payload(path):
        digest.update(chunk)
        size += len(chunk)
    if size != manifest.bytes or digest.hexdigest() != manifest.sha256:
        raise UnableToRestore(
            f"{path} is damaged ({size} of {manifest.bytes} bytes, or changed ones): take another one."
        )
