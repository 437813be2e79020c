"""Objections beside moves: what a CSM may object to, what was said and answered, and what keeps a plan from being applied."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.utils.timezone import localtime

from allocation.models import OPEN_STATUSES, BookPlan, Move, Objection
from allocation.selectors import objection_words, wording
from allocation.selectors.todo import Todo

HIDDEN = "someone in another team"
PLANS = 5  # named on a home page


@dataclass(frozen=True, slots=True)
class ObjectionLine:
    """One objection as it stands beside its row. answer: "" as long as nobody answered."""

    pk: int
    move_id: int
    csm: str
    csm_key: str
    by_id: int
    reason_kind: str
    reason: str
    words: str
    when: str
    answer: str

    @property
    def is_answered(self) -> bool:
        return bool(self.answer)


def objections_of(
    move_ids: Collection[int], *, seen: frozenset[int] | None = None
) -> dict[int, list[ObjectionLine]]:
    """Standing objections by move, the earliest first; moves without any are left out. One query.

    seen: ids of the CSMs whose names the reader may see (None: all).
    """
    rows = (
        Objection.objects.standing()
        .filter(move_id__in=list(move_ids))
        .select_related("csm", "answered_by")
        .order_by("at", "pk")
    )
    found: dict[int, list[ObjectionLine]] = {}
    for row in rows:
        found.setdefault(row.move_id, []).append(objection_line(row, seen=seen))
    return found


def objection_line(row: Objection, *, seen: frozenset[int] | None = None) -> ObjectionLine:
    """A row read with its CSM and who answered it."""
    named = seen is None or row.csm_id in seen
    return ObjectionLine(
        pk=row.pk,
        move_id=row.move_id,
        csm=row.csm.name if named else HIDDEN,
        csm_key=row.csm.key if named else HIDDEN,
        by_id=row.by_id,
        reason_kind=row.reason_kind,
        reason=str(row.get_reason_kind_display()),
        words=row.words,
        when=wording.day(localtime(row.at).date()),
        answer=_answer(row),
    )


def _answer(row: Objection) -> str:
    if row.answered_at is None:
        return ""
    on = localtime(row.answered_at).date()
    return objection_words.answer_told(
        answer=row.answer, by=str(row.answered_by), on=on, words=row.answer_words
    )


@dataclass(frozen=True, slots=True)
class ObjectionWindow:
    """Whether CSMs may object to a plan now, and what they said. missing: the plan has yet to be chosen by opening one.

    objected, unanswered: moves that the reader sees, with an objection, and with one that waits for an answer.
    """

    until: date | None
    is_open: bool
    missing: bool
    objected: int
    unanswered: int

    @property
    def allows_applying(self) -> bool:
        return not (self.is_open or self.missing or self.unanswered)


def objection_window(*, plan: BookPlan, user: Any, on: date) -> ObjectionWindow:
    """Two queries, where the policy gives no time to object one."""
    standing = Objection.objects.standing().filter(move__plan=plan, move__in=Move.objects.visible_to(user))
    unanswered = Q(answered_at__isnull=True, move__status="proposed")
    counts = standing.aggregate(
        objected=Count("move", distinct=True), unanswered=Count("move", filter=unanswered, distinct=True)
    )
    until = plan.objections_until
    is_open = plan.status in OPEN_STATUSES and until is not None and until > on
    return ObjectionWindow(until=until, is_open=is_open, missing=window_is_missing(plan=plan), **counts)


def window_is_missing(*, plan: BookPlan) -> bool:
    """Of plans side by side none is open to objections before it is chosen; under a policy with days it must be, first.

    Never true again once a window was opened, since its day is only moved.
    """
    if not plan.policy_values.get("objection_days") or plan.objections_until is not None:
        return False
    return plan.compared_with_id is not None or BookPlan.objects.filter(compared_with=plan).exists()


def refusal_to_apply(*, plan: BookPlan, on: date) -> str:
    """Why objections keep an open plan from being applied on the day; "" where they do not."""
    if window_is_missing(plan=plan):
        return objection_words.choose_first(plan_id=plan.pk, days=plan.policy_values["objection_days"])
    if plan.objections_until is not None and plan.objections_until > on:
        return objection_words.not_before(plan_id=plan.pk, until=plan.objections_until)
    waiting = Objection.objects.unanswered().filter(move__plan=plan).order_by("move__customer__external_id")
    names = list(dict.fromkeys(waiting.values_list("move__customer__external_id", flat=True)))
    return objection_words.answer_first(plan_id=plan.pk, customers=names) if names else ""


def answerable_moves(*, plan: BookPlan, user: Any) -> frozenset[int]:
    """Ids of moves of a plan with an objection that this person may answer; one query."""
    waiting = Objection.objects.answerable_by(user).filter(move__plan=plan)
    return frozenset(waiting.values_list("move_id", flat=True))


def moves_to_look_at(*, user: Any, on: date) -> QuerySet[Move]:
    """Moves that may be objected to on the day: a CSM's own, a manager's of the teams, for CS ops all."""
    rows = Move.objects.open_to_objections(on)
    return rows.visible_to(user) if user.is_ops or user.is_manager else rows.of(user)


def csm_todos(*, user: Any, on: date) -> list[Todo]:
    """What a CSM may object to, for the home page; one query."""
    found = (
        Move.objects.open_to_objections(on)
        .of(user)
        .aggregate(moves=Count("pk"), until=Min("plan__objections_until"))
    )
    if not found["moves"]:
        return []
    return [Todo("objections", "warn", objection_words.home_line(**found), objection_words.SILENCE)]


def answering_todos(*, user: Any) -> list[Todo]:
    """Plans with objections that this person may answer, for the home page; one query."""
    waiting = Objection.objects.answerable_by(user).filter(move__plan__status__in=OPEN_STATUSES)
    found = (
        waiting.order_by("-move__plan_id")
        .values_list("move__plan_id")
        .annotate(moves=Count("move", distinct=True))
    )
    return [
        Todo(
            "plan_objections",
            "warn",
            objection_words.to_answer(plan_id=plan_id, moves=moves),
            "Refuse or re-point each, or keep it with words: the plan is not applied before.",
            plan_id,
        )
        for plan_id, moves in found[:PLANS]
    ]
