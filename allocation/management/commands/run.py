"""`run show|apply|approve|decline|discard|cancel|refuse|accept|repeat ID`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.management.base import DoorCommand
from accounts.models import User
from allocation.management.commands.retier import report_lines
from allocation.models import RetierRun, RunStatus, TierDecision
from allocation.selectors.run_reports import run_report
from allocation.services.retiering import (
    UnableToApplyRun,
    UnableToApproveRun,
    UnableToCancelRun,
    UnableToDeclineRun,
    UnableToDiscardRun,
    UnableToRepeatRun,
    UnableToReviewRun,
    accept_rows,
    apply_run,
    approve_run,
    cancel_run,
    decline_run,
    discard_run,
    refuse_rows,
    repeat_run,
)
from allocation.tasks.runner import working
from allocation.tasks.touches import plan_after_run

ACTIONS = ("show", "apply", "approve", "decline", "discard", "cancel", "refuse", "accept", "repeat")
REFUSALS = (
    UnableToApplyRun,
    UnableToApproveRun,
    UnableToCancelRun,
    UnableToDeclineRun,
    UnableToDiscardRun,
    UnableToReviewRun,
)
FOR_OPS = frozenset({"apply", "cancel", "discard"})


class Command(DoorCommand):
    help = "Show, apply, approve, decline, discard, cancel or repeat a re-tiering run; refuse or accept single rows."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=ACTIONS)
        parser.add_argument("run", type=int, help="The run's number.")
        parser.add_argument(
            "customers", nargs="*", metavar="EXTERNAL_ID", help="Whose rows to refuse or accept."
        )
        parser.add_argument("--words", default="", help="Why rows are refused, or the run is declined.")
        parser.add_argument(
            "--moves",
            type=int,
            metavar="NUMBER",
            help="Approve only if this many customers would change tier, as `show` said; without it, as many as it is now.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        run_id, action, actor = options["run"], options["action"], self.actor(options)
        visible = RetierRun.objects.all() if actor is None else RetierRun.objects.visible_to(actor)
        if not visible.filter(pk=run_id).exists():
            self.refuse(f"There is no run {run_id}.")
        if action in FOR_OPS and actor is not None and not actor.is_ops:
            self.refuse(f"Only CS ops may {action} a run.")
        if action == "repeat":
            self.repeat(run_id)
            return
        try:
            self.act(run_id, actor, options)
        except REFUSALS as refusal:
            self.refuse(str(refusal))
        found = run_report(run_id=run_id, viewer=actor)
        self.answer(found, report_lines(found))

    def act(self, run_id: int, actor: User | None, options: Mapping[str, Any]) -> None:
        """One service call; showing is none."""
        at, actor_id = timezone.now(), actor.pk if actor else None
        calls: dict[str, Callable[[], object]] = {
            "apply": lambda: self.apply(run_id, actor_id, at),
            "approve": lambda: self.approve(run_id, actor, at, options["moves"]),
            "decline": lambda: decline_run(run_id=run_id, actor=actor, words=options["words"], at=at),
            "discard": lambda: discard_run(run_id=run_id, at=at),
            "cancel": lambda: self.tell(cancel_run(run_id=run_id, actor=actor, at=at)),
            "refuse": lambda: refuse_rows(
                run_id=run_id,
                decision_ids=self.rows(run_id, actor, options),
                actor=actor,
                words=options["words"],
                at=at,
            ),
            "accept": lambda: accept_rows(
                run_id=run_id, decision_ids=self.rows(run_id, actor, options), actor=actor, at=at
            ),
        }
        if options["action"] in calls:
            calls[options["action"]]()

    def approve(self, run_id: int, actor: User | None, at: datetime, seen_moves: int | None) -> None:
        moves = approve_run(run_id=run_id, actor=actor, at=at, seen_moves=seen_moves)
        self.tell(f"Run {run_id} is approved: {moves} customers would change tier.")
        run = RetierRun.objects.get(pk=run_id)
        if run.is_accepted:  # it was asked for with --apply, and only the approval was missing
            self.apply(run_id, run.applied_by_id or run.requested_by_id, at)

    def apply(self, run_id: int, actor_id: int | None, at: datetime) -> None:
        with working(RetierRun, run_id, refusals=(UnableToApplyRun,), loud=True) as owner:
            applied = apply_run(run_id=run_id, owner=owner, at=at, actor_id=actor_id)
        plan_after_run(run_id)
        if applied:
            return
        now = RetierRun.objects.get(pk=run_id)
        if now.cancel_asked_at is not None and not now.is_busy:
            self.refuse(now.message)
        if now.status != RunStatus.APPLIED:
            self.refuse(
                f"Run {run_id} is being applied by another process; look again with: run show {run_id}"
            )

    def rows(self, run_id: int, actor: User | None, options: Mapping[str, Any]) -> list[int]:
        """The rows of the customers named; every one of them must have a row that changes something."""
        named = options["customers"]
        if not named:
            self.refuse("Name the customers whose rows are meant, by their external ids.")
        rows = TierDecision.objects.filter(run_id=run_id, customer__external_id__in=named).changes()
        if actor is not None:
            rows = rows.visible_to(actor)
        found = dict(rows.values_list("customer__external_id", "pk"))
        lacking = [name for name in named if name not in found]
        if lacking:
            self.refuse(f"Run {run_id} changes nothing for {', '.join(lacking)}.")
        return list(found.values())

    def repeat(self, run_id: int) -> None:
        """Decide everybody again from what the run kept; exit 1 when anything comes out otherwise."""
        try:
            again = repeat_run(run_id=run_id)
        except UnableToRepeatRun as refusal:
            self.refuse(str(refusal))
        found = {
            "run": run_id,
            "customers": again.customers,
            "different": list(again.different),
            "bytes": again.kept_bytes,
        }
        said = "the same decisions" if not again.different else f"otherwise: {', '.join(again.different)}"
        each = again.kept_bytes / again.customers if again.customers else 0
        self.answer(
            found, [f"Run {run_id} again: {again.customers} customers, {said} ({each:.1f} bytes a customer)."]
        )
        if again.different:
            self.refuse(
                f"{len(again.different)} customers of run {run_id} come out otherwise than it decided then."
            )
