"""`sweep`: what waits for a worker too long; with `--apply` its bell is rung, with `--here` it is done in this process."""

from argparse import ArgumentParser
from typing import Any

from accounts.management.base import DoorCommand
from allocation.tasks.errands import ERRANDS
from allocation.tasks.sweeping import LIMIT, due_rows, sweep_rows


class Command(DoorCommand):
    help = "List runs, plans and imports that wait too long or lost their worker; ring for them again with --apply."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--apply", action="store_true", help="Ring; without it nothing is changed.")
        parser.add_argument(
            "--here", action="store_true", help="Do the waiting work in this process, without a broker."
        )
        parser.add_argument("--limit", type=int, default=LIMIT, help="At most this many rows of each kind.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["limit"] < 1:
            self.refuse("The limit is a whole number from 1.")
        if options["here"]:
            self.answer(*self.do_here(options["limit"]))
            return
        found = sweep_rows(ERRANDS, limit=options["limit"], dry_run=not options["apply"])
        verb = "Rung for" if options["apply"] else "Would ring for"
        lines = [f"{verb} {name}" for name in found["rung"]] + [
            f"Given up: {name}" for name in found["given_up"]
        ]
        self.answer(found, lines or ["Nothing waits."])

    def do_here(self, limit: int) -> tuple[dict[str, Any], list[str]]:
        """Call the task of each waiting row; the row's own claim keeps a second runner away."""
        done = []
        for due in due_rows(ERRANDS, limit=limit):
            if not due.hopeless:
                self.tell(f"Working on {due.name}.")
                due.errand.task(**{due.errand.argument: due.row.pk})
                done.append(due.name)
        return {"done": done}, [f"Done: {name}" for name in done] or ["Nothing waits."]
