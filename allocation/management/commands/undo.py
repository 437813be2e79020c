"""`undo run|plan ID`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import timezone

from accounts.management.base import DoorCommand
from allocation.models import BookPlan, RetierRun
from allocation.selectors.plan_answers import undo_plan_report
from allocation.selectors.run_reports import undo_report
from allocation.services.planning import UnableToUndoPlan, undo_plan
from allocation.services.retiering import UnableToUndoRun, undo_run
from allocation.tasks.runner import working
from allocation.tasks.touches import plan_after_run

# What is undone: its rows, and what it is called in a sentence.
KINDS: Mapping[str, tuple[Any, str]] = {"run": (RetierRun, "run"), "plan": (BookPlan, "book plan")}


class Command(DoorCommand):
    help = "Undo an applied re-tiering run or book plan: what nobody changed since goes back to what it was."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=sorted(KINDS, reverse=True))
        parser.add_argument("id", type=int, help="The number of the run or plan.")

    def handle(self, *args: Any, **options: Any) -> None:
        what, pk, actor = options["what"], options["id"], self.actor(options)
        model, name = KINDS[what]
        visible = model.objects.all() if actor is None else model.objects.visible_to(actor)
        if not visible.filter(pk=pk).exists():
            self.refuse(f"There is no {name} {pk}.")
        if actor is not None and not actor.is_ops:
            self.refuse(f"Only CS ops may undo a {name}.")
        try:
            found = self.undo(what, pk, actor)
        except (UnableToUndoRun, UnableToUndoPlan) as refusal:
            self.refuse(str(refusal))
        self.answer(found, _lines(found))

    def undo(self, what: str, pk: int, actor: Any) -> dict[str, Any]:
        """One service call, and what it came to."""
        clock = {"at": timezone.now(), "on": timezone.localdate()}
        if what == "plan":
            with working(BookPlan, pk, refusals=(UnableToUndoPlan,), loud=True) as owner:
                undo_plan(plan_id=pk, actor=actor, owner=owner, **clock)
            return undo_plan_report(plan_id=pk, viewer=actor)
        with working(RetierRun, pk, refusals=(UnableToUndoRun,), loud=True) as owner:
            undo_run(run_id=pk, actor_id=actor.pk if actor else None, owner=owner, **clock)
        plan_after_run(pk)
        return undo_report(run_id=pk, viewer=actor)


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    if "plan" in found:
        yield f"Book plan {found['plan']} is {found['status']}: {found['restored']} customers have their CSM back."
    else:
        yield f"Run {found['run']} is {found['status']}: {found['restored']} customers have their tier back."
    if found["skipped"]:
        yield f"Changed since, so left as they are: {', '.join(found['skipped'])}"
