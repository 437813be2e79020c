"""`sweep`: what waits for a worker too long; with `--apply` its bell is rung, with `--here` it is done in this process."""

import sys
from argparse import ArgumentParser
from contextlib import redirect_stdout
from typing import Any

from django.utils import timezone

from accounts.management.base import DoorCommand
from allocation.selectors import wording
from allocation.services import notices
from allocation.tasks.bell import ring
from allocation.tasks.errands import ERRANDS
from allocation.tasks.notices import send_notices, tell_who_decides
from allocation.tasks.overrides import keep_overrides
from allocation.tasks.retiering import ask_for_due_goals_run
from allocation.tasks.sweeping import LIMIT, due_rows, sweep_rows

# In this order: what the first ends, the second need not find.
BY_THE_CALENDAR = (keep_overrides, ask_for_due_goals_run)


class Command(DoorCommand):
    help = "List runs, plans, imports and mail that wait too long or lost their worker; ring for them again with --apply."

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
        found: dict[str, Any] = sweep_rows(ERRANDS, limit=options["limit"], dry_run=not options["apply"])
        found["notices"] = self.ring_for_mail(options["apply"])
        if options["apply"]:
            for task in BY_THE_CALENDAR:
                ring(task)
        verb = "Rung for" if options["apply"] else "Would ring for"
        lines = [f"{verb} {name}" for name in found["rung"]] + [
            f"Given up: {name}" for name in found["given_up"]
        ]
        if found["notices"]:
            lines.append(f"{verb} {wording.counted(found['notices'], 'notice')} to be sent")
        self.answer(found, lines or ["Nothing waits."])

    def ring_for_mail(self, apply: bool) -> int:
        """How many notices are due; with `apply` a worker is told."""
        due = notices.due_notices(at=timezone.now()).count()
        if apply:
            ring(tell_who_decides)
            ring(send_notices)
        return int(due)

    def do_here(self, limit: int) -> tuple[dict[str, Any], list[str]]:
        """Call the task of each waiting row; the row's own claim keeps a second runner away."""
        done = []
        due_mail = notices.due_notices(at=timezone.now()).count()
        for task in BY_THE_CALENDAR:
            task()
        for due in due_rows(ERRANDS, limit=limit):
            if not due.hopeless:
                self.tell(f"Working on {due.name}.")
                due.errand.task(**{due.errand.argument: due.row.pk})
                done.append(due.name)
        # Without a mail server mails are printed: not among what this command answers.
        with redirect_stdout(sys.stderr):
            notices.tell_who_decides(at=timezone.now())
            notices.send_notices(at=timezone.now(), limit=limit)
        return {"done": done, "notices": due_mail}, [f"Done: {name}" for name in done] or ["Nothing waits."]
