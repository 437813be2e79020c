"""`retier [--as-of DATE] [--scope full|goals] [--apply]`."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.management.base import DoorCommand, day
from allocation.models import RetierRun, RunStatus
from allocation.selectors.run_reports import run_report, unfinished_runs
from allocation.services.retiering import (
    RunInProgress,
    UnableToApplyRun,
    UnableToProposeRun,
    UnableToQueueRun,
    UnableToUndoRun,
    apply_run,
    propose_run,
    queue_run,
    undo_run,
)
from allocation.tasks.runner import working
from allocation.tasks.touches import plan_after_run

PATIENCE_SECONDS = settings.LEASE_SECONDS + 15  # by then a dead claim has lapsed
PAUSE_SECONDS = 2
ONE_AT_A_TIME = (RunStatus.APPLYING, RunStatus.UNDOING)  # whatever the scope


def report_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The report for people."""
    yield f"Run {found['run']} as of {found['as_of']} (model version {found['model_version']}): {found['status']}"
    yield f"{found['decided']} of {found['customers']} customers decided, {found['undecided']} not."
    yield "Tiers: " + ", ".join(f"{tier} {count}" for tier, count in found["tiers"].items())
    for guard, count in found["guarded"].items():
        yield f"Held by {guard.replace('_', ' ')}: {count}"
    yield f"Moves: {len(found['moves'])}; first tiers: {found['first_tiers']}; overridden: {found['overridden']}"
    for move in found["moves"]:
        yield f"  {move['external_id']}: {move['from']} → {move['to']} ({move['reason']})"
    if found["skipped"]:
        yield f"Skipped, because they changed after the snapshot: {', '.join(found['skipped'])}"


class Command(DoorCommand):
    help = "Propose tiers for all customers as of a day; with --apply give them."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", type=day, metavar="DATE", help="The day; today if not given.")
        parser.add_argument("--scope", choices=["full", "goals"], default="full")
        parser.add_argument(
            "--apply", action="store_true", help="Write the tiers, if the change limit allows it."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        actor = self.actor(options)
        if actor is not None and not actor.is_ops:
            self.refuse("Only CS ops may start a re-tiering run.")
        actor_id = actor.pk if actor else None
        today = timezone.localdate()
        as_of = options["as_of"] or today
        if as_of > today:
            self.refuse(f"The as-of date {as_of} lies in the future.")
        try:
            self.finish_what_was_left(actor_id, options["scope"])
            run = self.queue(as_of, options, actor_id)
            with working(RetierRun, run.pk, refusals=(UnableToProposeRun,), loud=True) as owner:
                propose_run(run_id=run.pk, owner=owner)
            run.refresh_from_db()
            if options["apply"] and run.status == RunStatus.AWAITING_APPROVAL:
                self.tell(
                    f"Nothing was applied: {run.message} Approve it with: run approve {run.pk} --as MANAGER; then it is "
                    "applied, as was asked for."
                )
            elif options["apply"]:
                self.apply(run.pk, actor_id, today)
        except (UnableToQueueRun, UnableToProposeRun, UnableToApplyRun, UnableToUndoRun) as refusal:
            self.refuse(str(refusal))
        found = run_report(run_id=run.pk)
        self.answer(found, report_lines(found))

    def apply(self, run_id: int, actor_id: int | None, on: date) -> None:
        with working(RetierRun, run_id, refusals=(UnableToApplyRun,), loud=True) as owner:
            apply_run(run_id=run_id, owner=owner, at=timezone.now(), on=on, actor_id=actor_id)
        plan_after_run(run_id)
        now = RetierRun.objects.get(pk=run_id)
        if now.cancel_asked_at is not None and not now.is_busy:
            self.refuse(now.message)

    def queue(self, as_of: date, options: Mapping[str, Any], actor_id: int | None) -> RetierRun:
        return queue_run(
            as_of=as_of,
            at=timezone.now(),
            scope=options["scope"],
            actor_id=actor_id,
            apply_when_proposed=options["apply"],
        )

    def finish_what_was_left(self, actor_id: int | None, scope: str) -> None:
        """Take over runs whose runner died, once their claim has lapsed: what was begun is finished first."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while left := [run for run in unfinished_runs() if run.status in ONE_AT_A_TIME or run.scope == scope]:
            run = left[0]
            if self.take_over(run, actor_id):
                plan_after_run(run.pk)
                continue
            self.tell(f"Run {run.pk} is {run.get_status_display().lower()}; waiting for it.")
            if time.monotonic() > deadline:
                raise RunInProgress(run.pk)
            time.sleep(PAUSE_SECONDS)

    def take_over(self, run: RetierRun, actor_id: int | None) -> bool:
        """True when the run left its state by our doing; False while somebody else holds it."""
        refusals = (UnableToProposeRun, UnableToApplyRun, UnableToUndoRun)
        try:
            with working(RetierRun, run.pk, refusals=refusals, loud=True) as owner:
                if run.status == RunStatus.APPLYING:
                    return apply_run(run_id=run.pk, owner=owner, at=timezone.now(), actor_id=actor_id)
                if run.status == RunStatus.UNDOING:
                    return undo_run(
                        run_id=run.pk,
                        owner=owner,
                        at=timezone.now(),
                        on=timezone.localdate(),
                        actor_id=run.undone_by_id or actor_id,
                    )
                return propose_run(run_id=run.pk, owner=owner)
        except UnableToProposeRun as refusal:
            self.tell(f"Run {run.pk} was left behind and failed: {refusal}")
            return True
