"""Refuse moves of an open plan, accept them again, or name another CSM; the hard limits are looked at anew each time.

A change is judged as a whole: either all of it is done, or none of it and a sentence says which limit would break.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.timezone import localtime

from accounts.models import CSM
from allocation.models import OPEN_STATUSES, BookPlan, Move, RowStatus, RunStatus
from allocation.selectors import objection_words, wording
from allocation.selectors.plan_standing import PlanTable, Row, read_table, reviewed_results, shortened
from allocation.services.planning.answering import (
    answer_by_refusing,
    answer_by_repointing,
    promised_not_to_go,
    promised_to_stay,
)
from allocation.services.planning.proposing import WAITS
from allocation.services.planning.telling import tell_concerned
from allocation.snapshots.money import UnknownRate

BATCH = 500  # keys in a statement
LONGEST_WORDS = 500
NO_APPROVAL: Mapping[str, Any] = {"approved_by": None, "approved_at": None, "approval_words": ""}


class UnableToReviewPlan(ValueError):
    """The plan is not open any more, a limit would break, or the person may not; the message says which."""


def refuse_moves(*, plan_id: int, move_ids: Collection[int], actor: Any, words: str, at: datetime) -> int:
    """These moves are not to be applied: the customers stay where they are. Returns how many were refused now.

    Moves outside the person's scope are left alone. Raises UnableToReviewPlan, also where the plan would then break a
    limit that it keeps now: the room was given to somebody else, or the CSM leaves.
    """
    said = checked_words(words, "Say why these moves are refused, so that the next reader understands.")
    with transaction.atomic():
        table = open_table(plan_id, actor)
        rows = _meant(table, move_ids, actor, RowStatus.PROPOSED)
        return refuse_rows(table, rows, actor=actor, words=said, at=at)


def accept_moves(*, plan_id: int, move_ids: Collection[int], actor: Any) -> int:
    """Refused moves are to be applied after all, where they lead to now. Returns how many. Raises UnableToReviewPlan.

    Refusing them took back an approval, so one of the largest waits for a manager again. Not where it answered an
    objection: who objected was told that the customer stays.
    """
    with transaction.atomic():
        table = open_table(plan_id, actor)
        rows = _meant(table, move_ids, actor, RowStatus.REFUSED)
        _refuse_broken_promises(promised_to_stay(move_ids=rows))
        changed = {pk: replace(table.rows[pk], status=RowStatus.PROPOSED.value) for pk in rows}
        after = _judged(
            table, changed, actor, lambda n: f"If {wording.counted(n, 'move')} were accepted again"
        )
        fields = {"status": RowStatus.PROPOSED, "words": "", "refused_by": None, "refused_at": None}
        _write(rows, RowStatus.REFUSED, fields)
        _keep(table, after)
        return len(rows)


def repoint_move(
    *, plan_id: int, move_id: int, csm_id: int, actor: Any, words: str, at: datetime
) -> BookPlan:
    """The customer is to go to another CSM than the plan says; what the planner proposed stays readable.

    A refused move is to be applied again by it; an approval given before does not cover it. It answers objections to
    the move, whose answers hold from then on, and whoever is to get the customer may object as well. Raises UnableToReviewPlan.
    """
    said = checked_words(words, "Say why this customer goes to another CSM.")
    with transaction.atomic():
        table = open_table(plan_id, actor)
        found = _meant(table, [move_id], actor, RowStatus.PROPOSED, RowStatus.REFUSED)
        if not found:
            raise UnableToReviewPlan("This move is not open any more, or not one of yours.")
        row = table.rows[move_id]
        _refuse_target(table, row, csm_id, actor)
        move = Move.objects.get(pk=move_id)
        planned = move.planned_csm_id if move.repointed_by_id is not None else move.to_csm_id
        back = csm_id == planned
        _refuse_broken_promises(promised_not_to_go(move_id=move_id, to_csm_id=csm_id, is_back=back))
        changed = replace(
            row,
            to_csm_id=csm_id,
            status=RowStatus.PROPOSED.value,
            repointed_by_id=None if back else actor.pk,
        )
        after = _judged(table, {move_id: changed}, actor, lambda _: f"If {row.name} went there")
        fields = {
            "status": RowStatus.PROPOSED,
            "words": "",
            "refused_by": None,
            "refused_at": None,
            "to_csm": csm_id,
            "planned_csm": None if back else planned,
            "repointed_by": None if back else actor,
            "repointed_at": None if back else at,
            "repoint_words": "" if back else said,
            **NO_APPROVAL,
        }
        _write([move_id], RowStatus(row.status), fields)
        answer_by_repointing(
            plan=table.plan, move_id=move_id, to_csm_id=csm_id, is_back=back, actor=actor, words=said, at=at
        )
        _tell_who_is_concerned_now(table.plan, at)
        _keep(table, after)
    return BookPlan.objects.get(pk=plan_id)


def refuse_rows(table: PlanTable, move_ids: Collection[int], *, actor: Any, words: str, at: datetime) -> int:
    """Refuse these rows of a plan that is locked; in the caller's transaction."""
    changed = {pk: replace(table.rows[pk], status=RowStatus.REFUSED.value) for pk in move_ids}
    after = _judged(table, changed, actor, lambda n: f"If {wording.counted(n, 'move')} were refused")
    fields = {"status": RowStatus.REFUSED, "words": words, "refused_by": actor, "refused_at": at}
    _write(move_ids, RowStatus.PROPOSED, {**fields, **NO_APPROVAL})
    answer_by_refusing(plan=table.plan, move_ids=move_ids, actor=actor, words=words, at=at)
    _keep(table, after)
    return len(changed)


def checked_words(words: str, if_none: str) -> str:
    """What a person said, fit to be kept. Raises UnableToReviewPlan."""
    fault = wording.fault_of(words, if_none=if_none, most=LONGEST_WORDS)
    if fault:
        raise UnableToReviewPlan(fault)
    return words.strip()


def open_plan(plan_id: int, actor: Any) -> BookPlan:
    """The plan, locked until the transaction ends: whoever applies it waits, whoever began came first."""
    if actor is None or not (actor.is_ops or actor.is_manager):
        raise UnableToReviewPlan("Moves of a plan are reviewed by CS ops and by managers.")
    plan: BookPlan | None = BookPlan.objects.select_for_update().filter(pk=plan_id).first()
    if plan is None:
        raise UnableToReviewPlan(f"There is no book plan {plan_id}.")
    if plan.status not in OPEN_STATUSES:
        raise UnableToReviewPlan(
            f"Book plan {plan_id} is {plan.get_status_display().lower()}; its moves can be changed only before it is applied."
        )
    if plan.is_accepted:
        raise UnableToReviewPlan(
            f"Book plan {plan_id} is about to be applied, so its moves cannot be changed any more."
        )
    return plan


def open_table(plan_id: int, actor: Any) -> PlanTable:
    """The locked plan over the facts as they are now. Raises UnableToReviewPlan where they are others than it was made from."""
    plan = open_plan(plan_id, actor)
    try:
        table = read_table(plan=plan)
    except UnknownRate as lacking:
        raise UnableToReviewPlan(str(lacking)) from lacking
    if table.is_stale:
        raise UnableToReviewPlan(
            f"Policy, tiers or books changed since book plan {plan_id} was proposed: plan again."
        )
    return table


def look_at_approvals(plan_id: int, *, by_review: bool) -> None:
    """The plan waits as long as a move of the largest customers is neither approved nor refused.

    Only an approval lets a wish to apply come true; a review that ends the waiting leaves the applying to CS ops.
    """
    plans = BookPlan.objects.filter(pk=plan_id)
    if Move.objects.filter(plan_id=plan_id).waiting_for_approval().exists():
        plans.filter(status=RunStatus.PROPOSED).update(status=RunStatus.AWAITING_APPROVAL, message=WAITS)
        return
    fields: dict[str, Any] = {"apply_when_proposed": False} if by_review else {}
    plans.filter(status=RunStatus.AWAITING_APPROVAL).update(
        status=RunStatus.PROPOSED, message="Nothing waits for an approval.", **fields
    )


def _meant(table: PlanTable, move_ids: Collection[int], actor: Any, *statuses: RowStatus) -> list[int]:
    """Moves of the plan in one of these states that the person may see, some hundred at a time."""
    ids, found = sorted(move_ids), list[int]()
    visible = Move.objects.filter(plan=table.plan, status__in=statuses).visible_to(actor)
    for start in range(0, len(ids), BATCH):
        found += visible.filter(pk__in=ids[start : start + BATCH]).values_list("pk", flat=True)
    return found


def _judged(
    table: PlanTable, changed: Mapping[int, Row], actor: Any, supposed: Callable[[int], str]
) -> dict[int, Row]:
    """All rows with the change. Raises UnableToReviewPlan where it would break a limit that the plan keeps now."""
    after = {**table.rows, **changed}
    broken = table.broken_by(after)
    if broken:
        said = shortened(table.sentences(broken, user=actor))
        raise UnableToReviewPlan(f"Nothing was changed. {supposed(len(changed))}: {said}")
    return after


def _refuse_target(table: PlanTable, row: Row, csm_id: int, actor: Any) -> None:
    """Sentences for a CSM that is no choice. A CSM out of sight is refused like one that is not there."""
    seen = CSM.objects.visible_to(actor).filter(pk=csm_id).exists()
    if not seen or table.keys.get(csm_id) not in table.desk.place:
        raise UnableToReviewPlan("Choose one of the CSMs that are offered.")
    if csm_id == row.from_csm_id:
        raise UnableToReviewPlan(f"{row.name} is with this CSM now: refuse the move to leave it there.")
    if csm_id == row.to_csm_id and row.status == RowStatus.PROPOSED:
        raise UnableToReviewPlan(f"{row.name} goes to this CSM already.")


def _write(move_ids: Collection[int], status: RowStatus, fields: Mapping[str, Any]) -> None:
    """Conditional UPDATEs: every row must still be in the state it was judged in."""
    ids = sorted(move_ids)
    changed = sum(
        Move.objects.filter(pk__in=ids[start : start + BATCH], status=status).update(**fields)
        for start in range(0, len(ids), BATCH)
    )
    if changed != len(ids):  # the plan is locked, so nobody of ours changed it: something is wrong
        raise UnableToReviewPlan("These moves were changed by somebody else meanwhile: look again.")


def _refuse_broken_promises(customers: Sequence[str]) -> None:
    if customers:
        raise UnableToReviewPlan(objection_words.answer_holds(customers=customers))


def _tell_who_is_concerned_now(plan: BookPlan, at: datetime) -> None:
    """A CSM to whom nothing was going before may object as well, as long as the time to object lasts."""
    until = plan.objections_until
    if until is not None and until > localtime(at).date():
        tell_concerned(plan_id=plan.pk, until=until, at=at)


def _keep(table: PlanTable, after: Mapping[int, Row]) -> None:
    """Figures of the plan as it stands now, and whether it waits for an approval."""
    results = reviewed_results(table=table, rows=after)
    BookPlan.objects.filter(pk=table.plan.pk).update(review_version=F("review_version") + 1, **results)
    look_at_approvals(table.plan.pk, by_review=True)
