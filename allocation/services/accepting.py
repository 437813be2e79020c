"""A person wants an open proposal applied: the wish is kept on its row, so that a worker can fulfil it later.

Applying itself is `retiering.apply_run` and `planning.apply_plan`. Between the click and the worker only this row
remembers the wish; a bell that is not heard is rung again by the sweep.
"""

from datetime import date
from typing import Any

from django.utils.text import capfirst

from accounts.models import User
from allocation.models import BookPlan, RetierRun, RunStatus
from allocation.selectors.objections import refusal_to_apply


class UnableToAccept(ValueError):
    """The proposal cannot be applied now, or not by this person; the message says why."""


def accept_run(*, run_id: int, actor: User) -> None:
    """Ask for a proposed run to be applied, in the name of `actor`. Raises UnableToAccept."""
    _accept(RetierRun.objects.all(), run_id, actor)


def accept_plan(*, plan_id: int, actor: User, on: date) -> None:
    """Ask for a proposed book plan to be applied, in the name of `actor`. Raises UnableToAccept.

    Also where CSMs may still object on the day `on`, or an objection waits for its answer.
    """
    plan = BookPlan.objects.filter(pk=plan_id).first()
    objected = "" if plan is None else refusal_to_apply(plan=plan, on=on)
    if objected and plan is not None and plan.status == RunStatus.PROPOSED and actor.is_ops:
        raise UnableToAccept(objected)
    _accept(BookPlan.objects.free_of_objections(on), plan_id, actor)


def _accept(rows: Any, pk: int, actor: User) -> None:
    """`rows`: those that nothing but their status keeps from being applied."""
    model = rows.model
    what = f"{model._meta.verbose_name} {pk}"
    if not actor.is_ops:
        raise UnableToAccept(f"Only CS ops may apply {what}.")
    # Only the first of many clicks counts: the second finds the wish there, or the work begun.
    wished = rows.filter(pk=pk, status=RunStatus.PROPOSED, apply_when_proposed=False).update(
        apply_when_proposed=True, applied_by=actor
    )
    if wished != 1:
        raise UnableToAccept(_why_not(model, pk, capfirst(what)))


def _why_not(model: type[RetierRun] | type[BookPlan], pk: int, what: str) -> str:
    row = model._default_manager.filter(pk=pk).first()
    if row is None:
        return f"{what} does not exist."
    if row.status == RunStatus.AWAITING_APPROVAL and isinstance(row, BookPlan):
        return f"{what} waits for a manager to approve or decline the moves of the largest customers."
    if row.status == RunStatus.AWAITING_APPROVAL:
        return f"{what} is over the change limit: a manager has to approve it first."
    if row.status == RunStatus.PROPOSED:
        return f"{what} is about to be applied already."
    return f"{what} is {row.get_status_display().lower()}: only a proposed one can be applied."
