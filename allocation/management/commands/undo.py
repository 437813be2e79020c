"""`undo run ID`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import timezone

from accounts.management.base import DoorCommand
from allocation.management.commands.retier import runner_name
from allocation.models import RetierRun
from allocation.selectors.run_reports import undo_report
from allocation.services.retiering import UnableToUndoRun, undo_run


class Command(DoorCommand):
    help = "Undo an applied re-tiering run: every tier that nobody changed since goes back to what it was."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["run"])
        parser.add_argument("id", type=int, help="The run's number.")

    def handle(self, *args: Any, **options: Any) -> None:
        run_id, actor = options["id"], self.actor(options)
        visible = RetierRun.objects.all() if actor is None else RetierRun.objects.visible_to(actor)
        if not visible.filter(pk=run_id).exists():
            self.refuse(f"There is no run {run_id}.")
        if actor is not None and not actor.is_ops:
            self.refuse("Only CS ops may undo a run.")
        try:
            undo_run(
                run_id=run_id,
                owner=runner_name(),
                at=timezone.now(),
                on=timezone.localdate(),
                actor_id=actor.pk if actor else None,
            )
        except UnableToUndoRun as refusal:
            self.refuse(str(refusal))
        found = undo_report(run_id=run_id, viewer=actor)
        self.answer(found, _lines(found))


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"Run {found['run']} is {found['status']}: {found['restored']} customers have their tier back."
    if found["skipped"]:
        yield f"Changed since, so left as they are: {', '.join(found['skipped'])}"
