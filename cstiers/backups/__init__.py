"""The whole installation in one file, and back: `make_backup` and `restore_backup`.

A file begins with what is in it (files.Manifest), so that a damaged, foreign or newer one is refused before anything is
touched. Putting one back is one transaction on either database: whoever pulls the plug finds the old data or the new.
Sign-ins are left out: a file from last week must not let somebody in who signed out since.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from cstiers.backups import postgres, sqlite
from cstiers.backups.files import (
    Manifest,
    UnableToBackUp,
    UnableToRestore,
    looks_like_a_backup,
    read_manifest,
    verify_payload,
    write_backup,
)
from cstiers.health import migrations_are_missing

__all__ = ["Restored", "UnableToBackUp", "UnableToRestore", "make_backup", "restore_backup"]

KINDS = {"sqlite": sqlite, "postgresql": postgres}
FULL = ("accounts_user", "accounts_customer")  # an installation somebody uses has one of them


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back. `older`: `manage.py migrate` has to bring it up to this version."""

    manifest: Manifest
    older: bool


def make_backup(*, path: Path, at: datetime) -> Manifest:
    """Write the whole database, as of one moment, to `path` (readable by its owner only); people may go on working.

    The file appears whole or not at all, and takes the place of an older backup of the same name. Raises UnableToBackUp.
    """
    if path.exists() and not looks_like_a_backup(path):
        raise UnableToBackUp(f"{path} is there and is no backup of cstiers: choose another name.")
    if not path.parent.is_dir():
        raise UnableToBackUp(f"There is no folder {path.parent}: make it first.")
    applied: dict[str, list[str]] = {}
    for app, name in sorted(MigrationRecorder(connection).applied_migrations()):
        applied.setdefault(app, []).append(name)
    if not applied:
        raise UnableToBackUp("The database is empty: there is nothing to keep.")
    try:
        with KINDS[connection.vendor].whole_database(beside=path.parent) as (counts, chunks):
            manifest = Manifest(connection.vendor, at.isoformat(), applied, counts)
            return write_backup(path, manifest, chunks)
    except OSError as fault:
        raise UnableToBackUp(f"{path} cannot be written: {fault.strerror}.") from fault


def restore_backup(*, path: Path, replace: bool) -> Restored:
    """Put a backup in the place of the database's content, all of it or nothing.

    Raises UnableToRestore, with nothing changed: a file that is damaged, foreign or newer than this version; a database
    that holds something (unless `replace`) or belongs to something else; the database's own refusal.
    """
    manifest = read_manifest(path)
    if manifest.database != connection.vendor:
        raise UnableToRestore(
            f"The file was made from {manifest.database} and this installation has {connection.vendor}: "
            "restore it where DATABASE_URL names the same kind."
        )
    newer = _unknown(manifest)
    if newer:
        raise UnableToRestore(
            f"The file was made by a newer version of cstiers (it has {newer}): install that version first."
        )
    verify_payload(path, manifest)
    _look_at_what_is_there(replace)
    KINDS[connection.vendor].put_back(path, manifest)
    connection.close()  # what it knew of the old content is gone
    return Restored(manifest=manifest, older=migrations_are_missing())


def _unknown(manifest: Manifest) -> str:
    """A migration in the file that this version does not have; "" when it has all."""
    known = MigrationLoader(None).disk_migrations  # no connection: what lies on the disk only
    named = ((app, name) for app, names in manifest.migrations.items() for name in names)
    return next((f"{app}.{name}" for app, name in named if (app, name) not in known), "")


def _look_at_what_is_there(replace: bool) -> None:
    tables = set(connection.introspection.table_names())
    if tables and "django_migrations" not in tables:
        raise UnableToRestore(
            "The database that DATABASE_URL names belongs to something else: name an empty one."
        )
    if replace:
        return
    with connection.cursor() as cursor:
        for table in tables.intersection(FULL):
            cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT 1")  # noqa: S608 (ours)
            if cursor.fetchone():
                raise UnableToRestore(
                    "The database holds people or customers already: make a backup of it, then say --replace."
                )
