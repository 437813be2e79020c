"""`sweep`: what waits for a worker too long; with `--apply` its bell is rung, with `--here` it is done in this process."""

import sys
from argparse import ArgumentParser
from contextlib import redirect_stdout
from typing import Any

from django.utils import timezone

from accounts.management.base import DoorCommand
from allocation.selectors import wording
from allocation.services import failures, figures, notices, timetable
from allocation.tasks.bell import ring
from allocation.tasks.errands import ERRANDS
from allocation.tasks.notices import send_notices, tell_who_decides
from allocation.tasks.sweeping import LIMIT, due_rows, give_up, sweep_rows
from allocation.tasks.timetable import carry_out_slot, keep_timetable


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
            ring(keep_timetable)
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
        """Call the task of each waiting row, give up what was tried too often, and tell CS ops of what failed, as sweep
        and timetable do; the row's own claim keeps a second runner away.
        """
        done, given_up = [], []
        due_mail = notices.due_notices(at=timezone.now()).count()
        for slot_id in timetable.note_due(at=timezone.now()):
            carry_out_slot(slot_id=slot_id)
        for due in due_rows(ERRANDS, limit=limit):
            if due.hopeless:
                if give_up(due):
                    given_up.append(due.name)
                continue
            self.tell(f"Working on {due.name}.")
            due.errand.task(**{due.errand.argument: due.row.pk})
            done.append(due.name)
        figures.write_sheets()
        failures.tell_of_failures(at=timezone.now())
        # Without a mail server mails are printed: not among what this command answers.
        with redirect_stdout(sys.stderr):
            notices.tell_who_decides(at=timezone.now())
            notices.send_notices(at=timezone.now(), limit=limit)
        lines = [f"Done: {name}" for name in done] + [f"Given up: {name}" for name in given_up]
        return {"done": done, "given_up": given_up, "notices": due_mail}, lines or ["Nothing waits."]
