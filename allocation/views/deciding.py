"""The dispatcher of decisions: which service decides a row of the queue, and what each answered.

A token names a row as it was shown: "override:12:3" (version), "run:7:0:31" (review and moves), "move:5:2" (review of
its plan). Moves of one plan are one call, since a plan is judged as a whole. A refusal of one row stops no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from allocation.models import BookPlan, Move, Override, RetierRun, RowStatus
from allocation.selectors import wording
from allocation.selectors.approvals import MOVE, OVERRIDE, RUN
from allocation.selectors.freezes import told_when_accepted
from allocation.services import overrides, planning, retiering
from allocation.tasks.bell import ring
from allocation.tasks.notices import send_notices
from allocation.tasks.overrides import follow
from allocation.tasks.planning import apply_book_plan
from allocation.tasks.retiering import apply_retier_run

logger = logging.getLogger(__name__)

BIGGEST_ID = 2**63 - 1
DECISIONS = ("approve", "decline")
NUMBERS = {OVERRIDE: 2, RUN: 3, MOVE: 2}  # after the kind
# What the database says when it is busy, full or away, as cstiers.unavailable reads it.
TROUBLE = (OperationalError, InterfaceError)
UNSURE = "The database did not answer in time. Look whether it still waits, and decide it again."
NOT_TRIED = (
    "It was not tried, since the database did not answer for the one before. Decide it again in a minute."
)
NOT_FOLLOWED = "What was decided counts, but the goals run that follows could not be asked for: tell CS ops to start one."
UNKNOWN = "It is unknown, or outside what you may see."


@dataclass(frozen=True)
class Token:
    kind: str
    pk: int
    seen: tuple[int, ...]


@dataclass(frozen=True)
class Result:
    """What became of one row. sentence: why it was not decided; note: what follows from it."""

    done: bool
    label: str = ""
    sentence: str = ""
    note: str = ""


@dataclass(frozen=True)
class Said:
    """What the manager said, once for all rows."""

    decision: str
    words: str
    actor: Any
    on: date
    at: datetime


def read_tokens(texts: Iterable[str]) -> list[Token]:
    """Each row once; what is no token is left out."""
    found: dict[tuple[str, int], Token] = {}
    for text in texts:
        kind, *rest = text[:100].split(":")
        if len(rest) != NUMBERS.get(kind) or not all(part.isascii() and part.isdecimal() for part in rest):
            continue
        pk, *seen = (min(int(part), BIGGEST_ID) for part in rest)
        found[kind, pk] = Token(kind, pk, tuple(seen))
    return list(found.values())


class Turns:
    """Row after row, each committed by itself, until the database does not answer: what was decided before is told all
    the same, and what comes after is not tried, lest each row waits as long.
    """

    def __init__(self) -> None:
        self.is_over = False

    def take(self, label: str, turn: Callable[[], list[Result]], *, failed: str = UNSURE) -> list[Result]:
        """What `turn` gives; `failed` is said where the database did not answer."""
        if self.is_over:
            return [Result(False, label, NOT_TRIED)]
        try:
            return turn()
        except TROUBLE:
            logger.exception("%s was not decided: the database did not answer.", label or "A row")
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            self.is_over = True
            return [Result(False, label, failed)]


def decide(
    tokens: Sequence[Token], *, decision: str, words: str, actor: Any, on: date, at: datetime
) -> list[Result]:
    """Decide each row; then ring for what follows from it.

    Where the database does not answer, rows say so (Turns). OperationalError and InterfaceError are raised only before
    anything is decided.
    """
    said, turns = Said(decision, words, actor, on, at), Turns()
    of: dict[str, list[Token]] = {kind: [one for one in tokens if one.kind == kind] for kind in NUMBERS}
    asked = Override.objects.visible_to(actor).filter(pk__in=[one.pk for one in of[OVERRIDE]])
    names = dict(asked.order_by("pk").values_list("pk", "customer__name"))
    moves = Move.objects.visible_to(actor).filter(pk__in=[one.pk for one in of[MOVE]])
    plans = dict(moves.order_by("pk").values_list("pk", "plan_id"))
    results = _overrides(of[OVERRIDE], names, said, turns)
    for one in of[RUN]:
        results += turns.take(f"Run {one.pk}", partial(_run, one, said))
    results += _moves(of[MOVE], plans, said, turns)
    ring(send_notices)
    return results


def _overrides(tokens: Sequence[Token], names: Mapping[int, str], said: Said, turns: Turns) -> list[Result]:
    results: list[Result] = []
    done: list[Override] = []

    def turn(one: Token) -> list[Result]:
        try:
            done.append(decide_override(one.pk, said, seen_version=one.seen[0]))
        except overrides.UnableToDecideOverride as refusal:
            return [Result(False, names.get(one.pk, ""), str(refusal))]
        return [Result(True)]

    def follows() -> list[Result]:
        follow(done, on=said.on, at=said.at, actor_id=said.actor.pk)
        return []

    for one in tokens:
        results += turns.take(names.get(one.pk, ""), partial(turn, one))
    # Also after a row for which the database did not answer: it may answer again, and this is owed.
    return results + Turns().take("", follows, failed=NOT_FOLLOWED)


def decide_override(override_id: int, said: Said, *, seen_version: int) -> Override:
    """Raises UnableToDecideOverride."""
    service = overrides.approve_override if said.decision == "approve" else overrides.decline_override
    return service(
        override_id=override_id,
        actor=said.actor,
        words=said.words,
        on=said.on,
        at=said.at,
        seen_version=seen_version,
    )


def _run(one: Token, said: Said) -> list[Result]:
    version, moves = one.seen
    label = f"Run {one.pk}"
    try:
        if said.decision == "decline":
            retiering.decline_run(
                run_id=one.pk, actor=said.actor, words=said.words, at=said.at, seen_version=version
            )
            return [Result(True, label, note=f"Run {one.pk} is discarded; no customer changes tier.")]
        retiering.approve_run(
            run_id=one.pk, actor=said.actor, at=said.at, seen_moves=moves, seen_version=version
        )
    except (retiering.UnableToApproveRun, retiering.UnableToDeclineRun) as refusal:
        return [Result(False, label, str(refusal))]
    if RetierRun.objects.get(pk=one.pk).is_accepted:
        ring(apply_retier_run, run_id=one.pk)
        frozen = told_when_accepted(what=f"Run {one.pk}", on=said.on)
        return [Result(True, label, note=frozen or f"Run {one.pk} is being applied, as was asked for.")]
    return [Result(True, label, note=f"Run {one.pk} is approved: CS ops can apply it now.")]


def _moves(tokens: Sequence[Token], plans: Mapping[int, int], said: Said, turns: Turns) -> list[Result]:
    """A call a plan, with the review that was seen; rows of one plan that were seen at two reviews are two calls.

    plans: of each move that the person may see.
    """
    groups: dict[tuple[int, int], list[int]] = {}
    for one in tokens:
        if one.pk in plans:
            groups.setdefault((plans[one.pk], one.seen[0]), []).append(one.pk)
    results = [Result(False, "", UNKNOWN) for one in tokens if one.pk not in plans]
    for (plan_id, version), ids in groups.items():
        label = f"Book plan {plan_id}, {wording.counted(len(ids), 'move')}"
        results += turns.take(label, partial(_moves_of_plan, plan_id, version, ids, said))
    return results


def _moves_of_plan(plan_id: int, version: int, ids: Sequence[int], said: Said) -> list[Result]:
    service = planning.approve_moves if said.decision == "approve" else planning.decline_moves
    refused = ""
    try:
        service(
            plan_id=plan_id,
            move_ids=ids,
            actor=said.actor,
            words=said.words,
            at=said.at,
            seen_version=version,
        )
    except planning.UnableToApproveMoves as refusal:
        refused = str(refusal)
    note = "" if refused else _what_follows(plan_id, said.on)
    rows = Move.objects.filter(pk__in=ids).select_related("customer", "approved_by", "refused_by")
    return [_told(row, said, refused, note) for row in rows.order_by("customer__name", "pk")]


def _told(row: Move, said: Said, refused: str, note: str) -> Result:
    """What became of this move: decided now, decided by somebody before, or not this manager's."""
    steps = ((row.approved_by_id, row.approved_at), (row.refused_by_id, row.refused_at))
    if not refused and (said.actor.pk, said.at) in steps:
        return Result(True, row.customer.name, note=note)
    first = _who_was_first(row)
    return Result(False, row.customer.name, first or refused or "It does not wait for you.")


def _who_was_first(row: Move) -> str:
    said: Mapping[str, tuple[Any, datetime | None]] = {
        "approved": (row.approved_by, row.approved_at),
        "declined": (row.refused_by if row.status == RowStatus.REFUSED else None, row.refused_at),
    }
    for what, (who, when) in said.items():
        if who is not None and when is not None:
            return f"It was {what} by {who} already ({wording.moment(when)})."
    return ""


def _what_follows(plan_id: int, on: date) -> str:
    plan = BookPlan.objects.only("status", "apply_when_proposed").get(pk=plan_id)
    if plan.is_accepted:
        ring(apply_book_plan, plan_id=plan_id)
        frozen = told_when_accepted(what=f"Plan {plan_id}", on=on)
        return frozen or f"Plan {plan_id} is being applied, as was asked for."
    if plan.status == "proposed":
        return f"Nothing of plan {plan_id} waits for an approval any more: CS ops can apply it."
    return ""
