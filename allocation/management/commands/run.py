"""`run show|apply|approve|discard ID`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from accounts.management.base import DoorCommand
from allocation.management.commands.retier import report_lines, runner_name
from allocation.models import RetierRun
from allocation.selectors.run_reports import run_report
from allocation.services.retiering import (
    UnableToApplyRun,
    UnableToApproveRun,
    UnableToDiscardRun,
    apply_run,
    approve_run,
    discard_run,
)


class Command(DoorCommand):
    help = "Show, apply, approve or discard a re-tiering run."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["show", "apply", "approve", "discard"])
        parser.add_argument("run", type=int, help="The run's number.")

    def handle(self, *args: Any, **options: Any) -> None:
        run_id, action, actor = options["run"], options["action"], self.actor(options)
        visible = RetierRun.objects.all() if actor is None else RetierRun.objects.visible_to(actor)
        if not visible.filter(pk=run_id).exists():
            self.refuse(f"There is no run {run_id}.")
        if action in {"apply", "discard"} and actor is not None and not actor.is_ops:
            self.refuse(f"Only CS ops may {action} a run.")
        try:
            if action == "apply":
                owner, actor_id = runner_name(), actor.pk if actor else None
                apply_run(run_id=run_id, owner=owner, at=timezone.now(), actor_id=actor_id)
            elif action == "approve":
                approve_run(run_id=run_id, actor=actor, at=timezone.now())
            elif action == "discard":
                discard_run(run_id=run_id, at=timezone.now())
        except (UnableToApplyRun, UnableToApproveRun, UnableToDiscardRun) as refusal:
            self.refuse(str(refusal))
        found = run_report(run_id=run_id, viewer=actor)
        self.answer(found, report_lines(found))
