"""`plan_books [--apply] [--seed N] [--max-moves-pct P] [--continuity W] [--compare]`."""

from __future__ import annotations

import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.management.base import DoorCommand
from allocation.forms.runs import BIGGEST_SEED
from allocation.models import BookPlan, RunStatus
from allocation.selectors.objections import refusal_to_apply
from allocation.selectors.plan_answers import plan_answer
from allocation.selectors.plan_comparison import comparison, comparison_answer
from allocation.selectors.plan_requests import BIGGEST_WEIGHT
from allocation.selectors.wording import hours
from allocation.services.comparing import UnableToCompare, queue_comparison
from allocation.services.planning import (
    UnableToPlanBooks,
    UnableToUndoPlan,
    apply_plan,
    propose_plan,
    queue_plan,
    undo_plan,
)
from allocation.tasks.runner import working

PATIENCE_SECONDS = settings.LEASE_SECONDS + 15  # by then a dead claim has lapsed
NO_CSM = "nobody"


def per_cent(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ArgumentTypeError(f"{text} is not a number") from error
    # NaN is a Decimal too, and cannot even be compared.
    if not value.is_finite() or not 0 <= value <= 100:
        raise ArgumentTypeError("a share is 0 to 100 %")
    return value


def points(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ArgumentTypeError(f"{text} is not a number") from error
    if not value.is_finite() or not 0 <= value <= BIGGEST_WEIGHT:
        raise ArgumentTypeError("a weight is 0 to 10 000 points")
    return value.quantize(Decimal("0.0001"))


def plan_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The plan for people; shortages are named, never hidden."""
    yield f"Book plan {found['plan']} as of {found['as_of']}: {found['status']}"
    yield f"{found['assigned']} of {found['customers']} customers have a CSM."
    yield f"Moves: {len(found['moves'])} ({found['forced']} forced, {found['chosen']} chosen)."
    for move in found["moves"]:
        names = f"{move['from'] or NO_CSM} → {move['to'] or NO_CSM}"
        yield f"  {move['external_id']}: {names} ({move['reason']})"
    for line in found["shortages"]:
        yield (
            f"Short in {line['pool']}: {line['customers']} customers, {hours(line['hours'])} hours, "
            f"{line['heads']} heads. {line['reason']}"
        )
    for breach in found["breaches"]:
        yield f"Stays over its limit: {breach['reason']}"
    for one in found["skipped"]:
        yield f"Skipped: {one['external_id']} ({one['reason']})"
    yield from found["notes"]
    yield from _review_lines(found)
    if not found["repeatable"]:
        yield "Stopped early: the same input may give another plan."
    before, after = (found["balance"].get(side) or {} for side in ("before", "after"))
    if before.get("cv") is not None and after.get("cv") is not None:
        yield (
            f"Utilisation: {before['outside_15_pct']} % of books outside ±15 % before, {after['outside_15_pct']} % "
            f"after; CV {before['cv']} → {after['cv']}."
        )


def _review_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """What waits for people, what people changed, and how good the plan is."""
    if found["waiting_for_approval"]:
        yield f"Waits for a manager's approval: {', '.join(found['waiting_for_approval'])}"
    yield from objection_lines(found)
    if found["refused"] or found["repointed"]:
        yield f"Changed by review: {len(found['refused'])} moves refused, {len(found['repointed'])} re-pointed."
    if found["objective"] is not None:
        yield f"Objective {found['objective']:.2f} points; {_proof_words(found)}."


def objection_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Until when CSMs may object, and what they said."""
    if found["objections_until"]:
        yield f"CSMs may object before {found['objections_until']}; it can be applied from that day on."
    for one in found["objections"]:
        answer = one["answer"] or "not answered"
        yield f"  {one['csm']} objects to {one['external_id']} ({one['reason']}): {one['words']} ({answer})"


def _proof_words(found: Mapping[str, Any]) -> str:
    if found["changed_by_review"]:
        return "that is the plan as it was made, before it was changed by review"
    return "no bound is proven" if found["bound"] is None else f"at most {found['gap_pct']} % from the best"


def comparison_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The variants from fewest moves to most even, a line each; then the plan as the policy says."""
    yield f"Plans side by side ({found['comparison']}), from fewest moves to most even:"
    for one in found["plans"]:
        words = f"{one['variant'].replace('_', ' ')} (continuity {one['continuity_weight'].normalize():f})"
        yield f"  Book plan {one['plan']}, {words}: {_line_of(one)}"


def _line_of(one: Mapping[str, Any]) -> str:
    if one["chosen"] is None:
        return str(one["status"])
    gap = "no bound is proven" if one["gap_pct"] is None else f"at most {one['gap_pct']} % from its best"
    return (
        f"{one['chosen']} moves by choice ({one['chosen_pct']} % of customers, {one['chosen_arr_pct']} % of ARR), "
        f"{one['outside_15_pct']} % of books outside ±15 %, CV {one['cv']}, largest ÷ mean {one['max_over_mean']}, "
        f"{one['objective_without_moves']:.2f} points without the moves; {gap}."
    )


class Command(DoorCommand):
    help = "Propose who gets which customers; with --apply give them."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--apply", action="store_true", help="Write the changes of CSM.")
        parser.add_argument("--seed", type=int, default=1, help="The same seed gives the same plan.")
        parser.add_argument(
            "--max-moves-pct",
            type=per_cent,
            metavar="P",
            help="At most this share of customers moves by choice; the policy's if not given.",
        )

        parser.add_argument(
            "--continuity",
            type=points,
            metavar="W",
            help="Points for keeping a CSM; the policy's if not given.",
        )
        parser.add_argument(
            "--compare",
            action="store_true",
            help="Four plans side by side, from fewest moves to most even; apply one with `plan apply ID`.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        actor = self.actor(options)
        if not 0 <= options["seed"] <= BIGGEST_SEED:
            self.refuse(f"The seed is a whole number from 0 to {BIGGEST_SEED}.")
        if options["compare"]:
            self.compare(options, actor)
            return
        try:
            self.finish_what_was_left(actor)
            plan = queue_plan(
                as_of=timezone.localdate(),
                seed=options["seed"],
                actor=actor,
                max_moves_pct=options["max_moves_pct"],
                continuity_weight=options["continuity"],
                apply_when_proposed=options["apply"],
            )
            self.propose(plan.pk)
            plan.refresh_from_db()
            if options["apply"] and plan.status == RunStatus.AWAITING_APPROVAL:
                self.tell(
                    f"Nothing was applied: {plan.message} Approve them with: plan approve {plan.pk} EXTERNAL_ID … --words WHY "
                    "--as MANAGER; then the plan is applied, as was asked for."
                )
            elif options["apply"] and (refusal := refusal_to_apply(plan=plan, on=timezone.localdate())):
                self.tell(f"Nothing was applied: {refusal} It is applied by itself then, as was asked for.")
            elif options["apply"]:
                self.apply(plan.pk, actor)
        except (UnableToPlanBooks, UnableToUndoPlan) as refusal:
            self.refuse(str(refusal))
        found = plan_answer(plan=BookPlan.objects.get(pk=plan.pk))
        self.answer(found, plan_lines(found))

    def compare(self, options: Mapping[str, Any], actor: Any) -> None:
        """Ask for a comparison and compute its plans one after the other."""
        if options["apply"]:
            self.refuse(
                "A comparison is looked at first: leave --apply out, then apply one with `plan apply ID`."
            )
        if options["continuity"] is not None:
            self.refuse("A comparison has its own weights of continuity: leave --continuity out.")
        try:
            self.finish_what_was_left(actor)
            plans = queue_comparison(
                as_of=timezone.localdate(),
                seed=options["seed"],
                actor=actor,
                max_moves_pct=options["max_moves_pct"],
            )
            for plan in plans:
                self.propose(plan.pk)
        except (UnableToPlanBooks, UnableToCompare) as refusal:
            self.refuse(str(refusal))
        head = plans[0].pk
        side_by_side = comparison_answer(found=comparison(pk=head, user=None))
        answer = {**plan_answer(plan=BookPlan.objects.get(pk=head)), "comparison": side_by_side}
        self.answer(answer, [*comparison_lines(side_by_side), *plan_lines(answer)])

    def propose(self, plan_id: int) -> None:
        """Compute; where a worker heard the bell first, wait until it is done."""
        if self.compute(plan_id) is None:
            self.wait_for(plan_id, RunStatus.COMPUTING)

    def compute(self, plan_id: int) -> BookPlan | None:
        clock = {"on": timezone.localdate(), "at": timezone.now()}
        with working(BookPlan, plan_id, refusals=(UnableToPlanBooks,), loud=True) as owner:
            return propose_plan(plan_id=plan_id, owner=owner, **clock)

    def apply_now(self, plan_id: int, actor: Any) -> None:
        with working(BookPlan, plan_id, refusals=(UnableToPlanBooks,), loud=True) as owner:
            apply_plan(plan_id=plan_id, actor=actor, owner=owner, on=timezone.localdate())

    def apply(self, plan_id: int, actor: Any) -> None:
        """Apply; where a worker heard the bell first, wait until it is done."""
        try:
            self.apply_now(plan_id, actor)
        except UnableToPlanBooks:
            self.wait_for(plan_id, RunStatus.APPLYING)
            if BookPlan.objects.get(pk=plan_id).status != RunStatus.APPLIED:
                raise

    def finish_what_was_left(self, actor: Any) -> None:
        """Take over plans whose runner died, once their claim has lapsed: what was begun is finished first."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (left := self.unfinished()) is not None:
            if not self.take_over(left, actor):
                if time.monotonic() > deadline:
                    raise UnableToPlanBooks(
                        f"Book plan {left.pk} is still {left.get_status_display().lower()}: wait."
                    )
                time.sleep(0.5)

    def unfinished(self) -> BookPlan | None:
        busy = [RunStatus.QUEUED, RunStatus.COMPUTING, RunStatus.APPLYING, RunStatus.UNDOING]
        return BookPlan.objects.filter(status__in=busy).order_by("pk").first()

    def take_over(self, plan: BookPlan, actor: Any) -> bool:
        """True when the plan left its state by our doing; False while somebody else holds it."""
        self.tell(f"Book plan {plan.pk} was left {plan.get_status_display().lower()}; finishing it first.")
        if plan.status in (RunStatus.QUEUED, RunStatus.COMPUTING):
            return self.compute(plan.pk) is not None
        if plan.lease_until is not None and plan.lease_until > timezone.now():
            return False
        if plan.status == RunStatus.UNDOING:
            clock = {"at": timezone.now(), "on": timezone.localdate()}
            with working(BookPlan, plan.pk, refusals=(UnableToUndoPlan,), loud=True) as owner:
                return undo_plan(plan_id=plan.pk, actor=plan.undone_by or actor, owner=owner, **clock)
        self.apply_now(plan.pk, plan.applied_by or actor)
        return True

    def wait_for(self, plan_id: int, status: str) -> None:
        """A worker was quicker: wait until it is done."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while BookPlan.objects.filter(pk=plan_id, status=status).exists() and time.monotonic() < deadline:
            time.sleep(0.5)
