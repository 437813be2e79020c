"""`plan show|apply|discard|cancel|refuse|accept|repoint|approve|decline|stop|objections|object|answer ID`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from typing import Any

from django.utils import timezone

from accounts.management.base import DoorCommand, day
from accounts.models import CSM, User
from allocation.management.commands.plan_books import objection_lines, plan_lines
from allocation.models import BookPlan, Move, Objection
from allocation.selectors.plan_answers import own_objections_answer, plan_answer
from allocation.services.planning import (
    UnableToAnswerObjections,
    UnableToApproveMoves,
    UnableToCancelPlan,
    UnableToObject,
    UnableToOpenObjections,
    UnableToPlanBooks,
    UnableToReviewPlan,
    accept_moves,
    answer_objections,
    apply_plan,
    approve_moves,
    cancel_plan,
    close_objections,
    decline_moves,
    discard_plan,
    object_to_move,
    open_objections,
    refuse_moves,
    repoint_move,
    stop_plan,
    withdraw_objection,
)
from allocation.tasks.runner import working

ACTIONS = (
    "show", "apply", "discard", "cancel", "refuse", "accept", "repoint", "approve", "decline", "stop", "objections",
    "object", "answer",
)  # fmt: skip
REFUSALS = (
    UnableToAnswerObjections,
    UnableToApproveMoves,
    UnableToCancelPlan,
    UnableToObject,
    UnableToOpenObjections,
    UnableToPlanBooks,
    UnableToReviewPlan,
)


class Command(DoorCommand):
    help = "Show, apply, discard or cancel a book plan; refuse, accept, re-point, approve or decline single moves; let CSMs object."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=ACTIONS)
        parser.add_argument("plan", type=int, metavar="ID", help="The plan's number.")
        parser.add_argument("customers", nargs="*", metavar="EXTERNAL_ID", help="Whose moves are meant.")
        parser.add_argument("--words", default="", help="Why.")
        parser.add_argument("--to", metavar="CSM", default="", help="Re-point: e-mail or name of the CSM.")
        parser.add_argument("--until", type=day, help="Objections: CSMs may object before this day.")
        parser.add_argument("--close", action="store_true", help="Objections: nobody may object any more.")
        parser.add_argument("--reason", default="", help=f"Object: {', '.join(Objection.Reason.values)}.")
        parser.add_argument("--withdraw", action="store_true", help="Object: take the objection back.")

    def handle(self, *args: Any, **options: Any) -> None:
        plan_id, actor = options["plan"], self.actor(options)
        if options["action"] == "object":
            self.object(plan_id, actor, options)
            return
        visible = BookPlan.objects.all() if actor is None else BookPlan.objects.visible_to(actor)
        if not visible.filter(pk=plan_id).exists():
            self.refuse(f"There is no book plan {plan_id}.")
        try:
            self.act(plan_id, actor, options)
        except REFUSALS as refusal:
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
            "apply": lambda: self.apply(plan_id, actor),
            "discard": lambda: discard_plan(plan_id=plan_id, actor=actor),
            "cancel": lambda: self.tell(cancel_plan(plan_id=plan_id, actor=actor, at=at)),
            "stop": lambda: stop_plan(plan_id=plan_id, actor=actor, at=at),
            "refuse": lambda: refuse_moves(plan_id=plan_id, move_ids=rows(), **said),
            "accept": lambda: accept_moves(plan_id=plan_id, move_ids=rows(), actor=actor),
            "repoint": lambda: self.repoint(plan_id, rows(), options["to"], said),
            "approve": lambda: self.approve(plan_id, rows(), said),
            "objections": lambda: self.objections(plan_id, actor, options),
            "answer": lambda: self.answer_moves(plan_id, rows(), said),
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
        self.apply_if_wished(plan_id)

    def answer_moves(self, plan_id: int, rows: list[int], said: Mapping[str, Any]) -> None:
        answered = answer_objections(plan_id=plan_id, move_ids=rows, **said)
        self.tell(f"{answered} moves of book plan {plan_id} stay as planned; who objected is told.")
        self.apply_if_wished(plan_id)

    def apply(self, plan_id: int, actor: User | None) -> None:
        with working(BookPlan, plan_id, refusals=(UnableToPlanBooks,), loud=True) as owner:
            apply_plan(plan_id=plan_id, actor=actor, owner=owner, on=timezone.localdate())

    def apply_if_wished(self, plan_id: int) -> None:
        """It was asked for with --apply, and only this was missing."""
        wished = BookPlan.objects.filter(pk=plan_id).wished(on=timezone.localdate())
        plan = wished.select_related("applied_by", "requested_by").first()
        if plan is not None:
            self.apply(plan_id, plan.applied_by or plan.requested_by)

    def objections(self, plan_id: int, actor: User | None, options: Mapping[str, Any]) -> None:
        """Open, move or close the time to object; without either, the answer shows what was said."""
        given = {"plan_id": plan_id, "actor": actor, "on": timezone.localdate(), "at": timezone.now()}
        if options["close"]:
            close_objections(**given)
        elif options["until"]:
            open_objections(until=options["until"], **given)

    def object(self, plan_id: int, actor: User | None, options: Mapping[str, Any]) -> None:
        """A CSM objects to one move, or takes it back; told is what is the CSM's own."""
        if actor is None or not actor.is_csm:
            self.refuse("Name the CSM who objects with --as.")
        own = Move.objects.of(actor).filter(plan_id=plan_id, plan__objections_until__isnull=False)
        if not own.exists():
            self.refuse(f"There is no book plan {plan_id}.")
        if len(options["customers"]) != 1:
            self.refuse("One move is objected to at a time: name one customer.")
        move = own.filter(customer__external_id=options["customers"][0]).first()
        if move is None:
            self.refuse(f"Book plan {plan_id} moves nothing for {options['customers'][0]}.")
        clock = {"on": timezone.localdate(), "at": timezone.now()}
        try:
            if options["withdraw"]:
                mine = Objection.objects.standing().filter(move=move, by=actor).first()
                withdraw_objection(objection_id=mine.pk if mine else 0, actor=actor, **clock)
            else:
                said = {"reason_kind": options["reason"], "words": options["words"]}
                object_to_move(move_id=move.pk, actor=actor, **said, **clock)
        except UnableToObject as refusal:
            self.refuse(str(refusal))
        found = own_objections_answer(plan=BookPlan.objects.get(pk=plan_id), user=actor)
        self.answer(found, objection_lines(found))

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
