"""`backup FILE`: the whole installation in one file, while people go on working."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone

from accounts.management.base import DoorCommand
from allocation.selectors.wording import counted
from cstiers.backups import UnableToBackUp, make_backup


class Command(DoorCommand):
    help = "Write the whole database to FILE, readable by its owner only; restore puts it back."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="Where to; a backup of that name is replaced.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = make_backup(path=options["file"], at=timezone.now())
        except UnableToBackUp as refused:
            self.refuse(str(refused))
        rows = sum(made.counts.values())
        found = {
            "file": str(options["file"]),
            "database": made.database,
            "made_at": made.made_at,
            "bytes": made.bytes,
            "rows": rows,
            "sha256": made.sha256,
        }
        self.answer(found, [f"{options['file']}: {counted(rows, 'row')}, {counted(made.bytes, 'byte')}."])
