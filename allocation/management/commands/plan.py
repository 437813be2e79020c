"""`plan show|apply|discard|refuse|accept|repoint|approve|decline|stop ID`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from typing import Any

from django.utils import timezone

from accounts.management.base import DoorCommand
from accounts.models import CSM, User
from allocation.management.commands.plan_books import plan_lines
from allocation.models import BookPlan, Move
from allocation.selectors.plan_answers import plan_answer
from allocation.services.planning import (
    UnableToApproveMoves,
    UnableToPlanBooks,
    UnableToReviewPlan,
    accept_moves,
    apply_plan,
    approve_moves,
    decline_moves,
    discard_plan,
    refuse_moves,
    repoint_move,
    stop_plan,
)
from allocation.tasks.runner import runner_name

ACTIONS = ("show", "apply", "discard", "refuse", "accept", "repoint", "approve", "decline", "stop")


class Command(DoorCommand):
    help = "Show, apply or discard a book plan; refuse, accept, re-point, approve or decline single moves."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=ACTIONS)
        parser.add_argument("plan", type=int, metavar="ID", help="The plan's number.")
        parser.add_argument("customers", nargs="*", metavar="EXTERNAL_ID", help="Whose moves are meant.")
        parser.add_argument("--words", default="", help="Why.")
        parser.add_argument("--to", metavar="CSM", default="", help="Re-point: e-mail or name of the CSM.")

    def handle(self, *args: Any, **options: Any) -> None:
        plan_id, actor = options["plan"], self.actor(options)
        visible = BookPlan.objects.all() if actor is None else BookPlan.objects.visible_to(actor)
        if not visible.filter(pk=plan_id).exists():
            self.refuse(f"There is no book plan {plan_id}.")
        try:
            self.act(plan_id, actor, options)
        except (UnableToPlanBooks, UnableToReviewPlan, UnableToApproveMoves) as refusal:
            self.refuse(str(refusal))
        found = plan_answer(plan=BookPlan.objects.get(pk=plan_id), user=actor)
        self.answer(found, plan_lines(found))

    def act(self, plan_id: int, actor: User | None, options: Mapping[str, Any]) -> None:
        """One service call; showing is none."""
        at = timezone.now()
        said = {"actor": actor, "words": options["words"], "at": at}

        def rows() -> list[int]:
            return self.rows(plan_id, actor, options["customers"])

        calls: dict[str, Callable[[], object]] = {
            "apply": lambda: apply_plan(plan_id=plan_id, actor=actor, owner=runner_name()),
            "discard": lambda: discard_plan(plan_id=plan_id, actor=actor),
            "stop": lambda: stop_plan(plan_id=plan_id, actor=actor, at=at),
            "refuse": lambda: refuse_moves(plan_id=plan_id, move_ids=rows(), **said),
            "accept": lambda: accept_moves(plan_id=plan_id, move_ids=rows(), actor=actor),
            "repoint": lambda: self.repoint(plan_id, rows(), options["to"], said),
            "approve": lambda: self.approve(plan_id, rows(), said),
            "decline": lambda: decline_moves(plan_id=plan_id, move_ids=rows(), **said),
        }
        if options["action"] in calls:
            calls[options["action"]]()

    def repoint(self, plan_id: int, rows: list[int], to: str, said: Mapping[str, Any]) -> None:
        if len(rows) != 1:
            self.refuse("One move is re-pointed at a time: name one customer.")
        csm = CSM.objects.filter(email__iexact=to).first() or CSM.objects.filter(name=to).first()
        if csm is None or not to:
            self.refuse("Name the CSM with --to, by e-mail or name.")
        repoint_move(plan_id=plan_id, move_id=rows[0], csm_id=csm.pk, **said)

    def approve(self, plan_id: int, rows: list[int], said: Mapping[str, Any]) -> None:
        approved = approve_moves(plan_id=plan_id, move_ids=rows, **said)
        self.tell(f"{approved} moves of book plan {plan_id} are approved.")
        plan = BookPlan.objects.select_related("applied_by", "requested_by").get(pk=plan_id)
        if plan.is_accepted:  # it was asked for with --apply, and only the approval was missing
            apply_plan(plan_id=plan_id, actor=plan.applied_by or plan.requested_by, owner=runner_name())

    def rows(self, plan_id: int, actor: User | None, named: list[str]) -> list[int]:
        """The moves of the customers named; every one of them must have one."""
        if not named:
            self.refuse("Name the customers whose moves are meant, by their external ids.")
        rows = Move.objects.filter(plan_id=plan_id, customer__external_id__in=named)
        if actor is not None:
            rows = rows.visible_to(actor)
        found = dict(rows.values_list("customer__external_id", "pk"))
        lacking = [name for name in named if name not in found]
        if lacking:
            self.refuse(f"Book plan {plan_id} moves nothing for {', '.join(lacking)}.")
        return list(found.values())
