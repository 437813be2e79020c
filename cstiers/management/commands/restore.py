"""`restore FILE [--replace]`: a backup in the place of what the database holds, all of it or nothing."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from accounts.management.base import DoorCommand
from allocation.selectors.wording import counted
from cstiers.backups import UnableToRestore, restore_backup


class Command(DoorCommand):
    help = "Put a backup in the place of the database's content. Stop the site, worker and beat first."
    # The database may have no tables yet, or those of another version.
    requires_system_checks: list[str] = []

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="A file that backup wrote.")
        parser.add_argument(
            "--replace", action="store_true", help="Even though the database holds people or customers."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = restore_backup(path=options["file"], replace=options["replace"])
        except UnableToRestore as refused:
            self.refuse(str(refused))
        rows = sum(done.manifest.counts.values())
        found = {
            "database": done.manifest.database,
            "made_at": done.manifest.made_at,
            "rows": rows,
            "migrate": done.older,
        }
        lines = [f"Restored {counted(rows, 'row')}, as of {done.manifest.made_at}. Everybody signs in anew."]
        if done.older:
            lines.append("The file is of an older version: run manage.py migrate before the site starts.")
        self.answer(found, lines)
