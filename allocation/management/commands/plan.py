"""`plan show|apply|discard ID`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from accounts.management.base import DoorCommand
from allocation.management.commands.plan_books import plan_lines
from allocation.models import BookPlan
from allocation.selectors.plan_answers import plan_answer
from allocation.services.planning import UnableToPlanBooks, apply_plan, discard_plan
from allocation.tasks.runner import runner_name


class Command(DoorCommand):
    help = "Show, apply or discard a book plan."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["show", "apply", "discard"])
        parser.add_argument("plan", type=int, metavar="ID", help="The plan's number.")

    def handle(self, *args: Any, **options: Any) -> None:
        plan_id, actor = options["plan"], self.actor(options)
        visible = BookPlan.objects.all() if actor is None else BookPlan.objects.visible_to(actor)
        if not visible.filter(pk=plan_id).exists():
            self.refuse(f"There is no book plan {plan_id}.")
        try:
            if options["action"] == "apply":
                apply_plan(plan_id=plan_id, actor=actor, owner=runner_name())
            elif options["action"] == "discard":
                discard_plan(plan_id=plan_id, actor=actor)
        except UnableToPlanBooks as refusal:
            self.refuse(str(refusal))
        found = plan_answer(plan=BookPlan.objects.get(pk=plan_id), user=actor)
        self.answer(found, plan_lines(found))
