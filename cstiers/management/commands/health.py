"""`health`: what `/healthz` tells CS ops, for probes of hosts that have no site. Exit 1 when a part is not ok."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from accounts.management.base import DoorCommand
from cstiers.health import FINE, parts

NAMES = ("database", "broker", "worker", "beat")


class Command(DoorCommand):
    help = "Tell which of database, broker, worker and beat are well; exit 1 when one is not."
    # A database that is away is an answer here, no reason to stop.
    requires_system_checks: list[str] = []

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--part",
            action="append",
            choices=NAMES,
            help="Look at this part only (may be given again); the others are left out.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = options["part"] or NAMES
        found = {name: words for name, words in parts(at=timezone.now()).items() if name in wanted}
        self.answer(found, [f"{name:<9} {words}" for name, words in found.items()])
        unwell = [name for name, words in found.items() if words != FINE]
        if unwell:
            self.refuse(f"Not well: {', '.join(unwell)}.")
