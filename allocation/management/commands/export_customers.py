"""`export_customers FILE`: the customers as CSV or XLSX, for colleagues or for customers."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone

from accounts.management.base import DoorCommand
from allocation.services.exporting import AUDIENCES, INTERNAL, UnableToExport, export_customers


class Command(DoorCommand):
    help = "Write customers to a .csv or .xlsx file (docs/importing.md)."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--audience",
            choices=AUDIENCES,
            default=INTERNAL,
            help="internal: everything; customer: nothing that is decided or derived here.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rows = export_customers(
                path=options["file"],
                audience=options["audience"],
                user=self.actor(options),
                on=timezone.localdate(),
            )
        except UnableToExport as refused:
            self.refuse(str(refused))
        self.answer({"rows": rows}, [f"{rows} customers written to {options['file']}."])
