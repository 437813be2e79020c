"""The days in which the CSMs concerned can object to moves of a plan: opened, moved, closed; objections, and their answers.

Everybody competes for the plan's row: an objection is written only while a conditional UPDATE finds the window open, and
applying is claimed by one that finds it closed and everything answered (`applying`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.timezone import localtime

from accounts.models import CSM, User
from accounts.querysets.scope import covered_csm_ids
from allocation.models import OPEN_STATUSES, BookPlan, Move, Objection, RowStatus
from allocation.selectors import objection_words, wording
from allocation.services.planning.answering import answer_by_keeping
from allocation.services.planning.reviewing import UnableToReviewPlan, checked_words, open_plan
from allocation.services.planning.telling import tell_concerned

MOST_DAYS = 60
LONGEST_WORDS = 1000
NOT_YOURS = "There is no such move of your book."


class UnableToOpenObjections(ValueError):
    """The window cannot be opened, moved or closed now, or not by this person; the message says why."""


class UnableToObject(ValueError):
    """The objection is not taken or not taken back; the message says why. first: the one that stands already, if so."""

    def __init__(self, sentence: str, *, first: Objection | None = None) -> None:
        super().__init__(sentence)
        self.first = first


class UnableToAnswerObjections(ValueError):
    """None of these objections waits for this person, or the plan changed since; the message says which."""


def open_objections(*, plan_id: int, until: date, actor: User | None, on: date, at: datetime) -> BookPlan:
    """CSMs may object before the day `until`, and nothing is applied before it; an open window is moved there.

    Everybody concerned gets one mail a day named. A wish to apply that somebody gave on the plan's page is taken back, one
    from before the plan was made (`--apply`) waits. Of plans side by side one at a time is open: opening it chooses it.
    Raises UnableToOpenObjections.
    """
    _only_ops(actor)
    if not on < until <= on + timedelta(days=MOST_DAYS):
        raise UnableToOpenObjections(
            f"Choose a day after {wording.day(on)}, at most {MOST_DAYS} days from it."
        )
    with transaction.atomic():
        plan = _locked_with_those_beside(plan_id, on)
        opened = {"objections_until": until, "objections_opened_by": actor, "objections_opened_at": at}
        still_open = BookPlan.objects.filter(pk=plan_id, status__in=OPEN_STATUSES)
        if still_open.update(**opened, objections_closed_by=None, objections_closed_at=None) != 1:
            raise UnableToOpenObjections(
                f"Book plan {plan_id} is {plan.get_status_display().lower()}: CSMs can object only to a plan that is "
                "proposed and not applied yet."
            )
        # Who pressed Apply did so with nobody objecting: that is asked again afterwards.
        BookPlan.objects.filter(pk=plan_id, applied_by__isnull=False).update(
            apply_when_proposed=False, applied_by=None
        )
        tell_concerned(plan_id=plan_id, until=until, at=at)
    return BookPlan.objects.get(pk=plan_id)


def close_objections(*, plan_id: int, actor: User | None, on: date, at: datetime) -> BookPlan:
    """Nobody may object any more from now on; what was said stands and waits for its answers. Raises UnableToOpenObjections."""
    _only_ops(actor)
    open_now = BookPlan.objects.open_to_objections(on).filter(pk=plan_id)
    closed = {"objections_until": on, "objections_closed_by": actor, "objections_closed_at": at}
    if open_now.update(**closed) != 1:
        _plan_or_refuse(plan_id)
        raise UnableToOpenObjections(f"Book plan {plan_id} is not open to objections.")
    return BookPlan.objects.get(pk=plan_id)


def object_to_move(
    *, move_id: int, actor: Any, reason_kind: str, words: str, on: date, at: datetime
) -> Objection:
    """A CSM says why a customer should not leave the own book, or not come into it; a cover says it for a book covered
    today, and the objection is of that book's CSM. Raises UnableToObject.

    The plan is not applied before somebody else answered it. Who looked at the plan before is asked to look again.
    """
    said = _checked(reason_kind, words)
    with transaction.atomic():
        move = _move_of(actor, move_id)
        # The row of the plan is what objecting and applying compete for: one of them finds it changed.
        taken = BookPlan.objects.open_to_objections(on).filter(pk=move.plan_id)
        if taken.update(review_version=F("review_version") + 1) != 1:
            raise UnableToObject(_too_late(move.plan_id, on))
        move = _move_of(actor, move_id)  # as it leads now: nobody re-points it while we have the plan
        if move.status != RowStatus.PROPOSED:
            raise UnableToObject("This move is refused already: the customer stays where it is.")
        csm = _end_of(move, actor)
        try:
            with transaction.atomic():
                made: Objection = Objection.objects.create(
                    move=move, csm=csm, by=actor, reason_kind=reason_kind, words=said, at=at
                )
        except IntegrityError:
            raise _second(move_id, csm) from None
    return made


def withdraw_objection(*, objection_id: int, actor: Any, on: date, at: datetime) -> Objection:
    """Who objected takes it back, which counts as silence; possible as long as nobody answered. Raises UnableToObject."""
    with transaction.atomic():
        mine = Objection.objects.standing().filter(pk=objection_id, by=actor)
        row = mine.select_related("move").first()
        if row is None:
            raise UnableToObject("There is no such objection of yours.")
        still_open = BookPlan.objects.filter(pk=row.move.plan_id, status__in=OPEN_STATUSES)
        if still_open.update(review_version=F("review_version") + 1) != 1:
            raise UnableToObject(_too_late(row.move.plan_id, on))
        if mine.filter(answered_at__isnull=True).update(withdrawn_at=at) != 1:
            raise UnableToObject("Your objection was answered or taken back already: look again.")
    return Objection.objects.get(pk=objection_id)


def answer_objections(
    *,
    plan_id: int,
    move_ids: Collection[int],
    actor: Any,
    words: str,
    at: datetime,
    seen_version: int | None = None,
) -> int:
    """The moves stay as planned, in spite of what was said against them, and the words say why. How many moves were answered.

    CS ops answer any, managers those of the own teams' CSMs and customers, nobody the own. seen_version: the review the
    person was shown; where somebody objected since, it is refused. Raises UnableToAnswerObjections.
    """
    with transaction.atomic():
        try:
            said = checked_words(words, "Say why the moves stay, so that whoever objected understands.")
            plan = open_plan(plan_id, actor)
        except UnableToReviewPlan as refusal:
            raise UnableToAnswerObjections(str(refusal)) from refusal
        if seen_version not in {None, plan.review_version}:
            raise UnableToAnswerObjections("The plan was changed since you looked at it. Look again.")
        wanted = set(move_ids)
        waiting = Objection.objects.answerable_by(actor).filter(move__plan=plan)
        found = {pk: move for pk, move in waiting.values_list("pk", "move_id") if move in wanted}
        if not found:
            raise UnableToAnswerObjections(
                "None of these moves has an objection that waits for you: they are answered, your own, or of other teams."
            )
        answer_by_keeping(plan=plan, objection_ids=list(found), actor=actor, words=said, at=at)
        BookPlan.objects.filter(pk=plan_id).update(review_version=F("review_version") + 1)
    return len(set(found.values()))


def _only_ops(actor: User | None) -> None:
    """The command line without ``--as`` acts for the operator of the machine; a named person must be CS ops."""
    if actor is not None and not actor.is_ops:
        raise UnableToOpenObjections("Only CS ops open and close the time to object.")


def _plan_or_refuse(plan_id: int) -> BookPlan:
    plan: BookPlan | None = BookPlan.objects.filter(pk=plan_id).first()
    if plan is None:
        raise UnableToOpenObjections(f"There is no book plan {plan_id}.")
    return plan


def _locked_with_those_beside(plan_id: int, on: date) -> BookPlan:
    """The plan, locked with those of its comparison. Raises UnableToOpenObjections where another of them is open."""
    beside = BookPlan.objects.side_by_side(_plan_or_refuse(plan_id).comparison_id)
    plans: dict[int, BookPlan] = {plan.pk: plan for plan in beside.select_for_update().order_by("pk")}
    others = BookPlan.objects.open_to_objections(on).filter(pk__in=plans.keys() - {plan_id})
    other = others.order_by("pk").first()
    if other is not None:
        raise UnableToOpenObjections(
            f"Book plan {other.pk}, beside this one, is open to objections: close or discard it first."
        )
    return plans[plan_id]


def _checked(reason_kind: str, words: str) -> str:
    if reason_kind not in Objection.Reason.values:
        raise UnableToObject("Choose one of the reasons that are offered.")
    said = words.strip()
    fault = wording.fault_of(said, if_none="Say why, so that whoever answers can judge.", most=LONGEST_WORDS)
    if fault:
        raise UnableToObject(fault)
    return said


def _move_of(actor: Any, move_id: int) -> Move:
    """The move, where it concerns a book the person serves and its plan was ever open to objections."""
    rows = Move.objects.of(actor).filter(pk=move_id, plan__objections_until__isnull=False)
    move: Move | None = rows.select_related("from_csm", "to_csm").first()
    if move is None or not actor.is_active:
        raise UnableToObject(NOT_YOURS)
    return move


def _end_of(move: Move, actor: Any) -> CSM:
    """The CSM whose side of the move this person speaks for: the own side before that of somebody covered."""
    ends = [csm for csm in (move.from_csm, move.to_csm) if csm is not None]
    own = [csm for csm in ends if csm.user_id == actor.pk]
    covered = covered_csm_ids(actor)
    return next(iter([*own, *(csm for csm in ends if csm.pk in covered)]))


def _too_late(plan_id: int, on: date) -> str:
    plan = BookPlan.objects.get(pk=plan_id)
    if plan.status in OPEN_STATUSES and plan.objections_until is not None and plan.objections_until <= on:
        return objection_words.time_is_over(until=plan.objections_until)
    return f"Book plan {plan_id} is {plan.get_status_display().lower()}: nobody can object to it any more."


def _second(move_id: int, csm: Any) -> UnableToObject:
    first = Objection.objects.standing().filter(move=move_id, csm=csm).first()
    if first is None:
        return UnableToObject("The objection could not be kept: look again.")
    said = objection_words.objected_already(on=localtime(first.at).date(), words=first.words)
    return UnableToObject(said, first=first)
