"""What waits for a decision: overrides that are asked for, runs over the change limit, moves of the largest customers.

Three tables and one queue: each gives its rows a kind, an id and a day, the database puts them in one order, and only
the rows of a page are read (allocation.selectors.approval_rows). The number of statements is the same at any size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import (
    Case,
    CharField,
    DateTimeField,
    ExpressionWrapper,
    F,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Coalesce, TruncDate

from allocation.models import Move, Override, RetierRun, RowStatus, RunStatus

OVERRIDE, RUN, MOVE = "override", "run", "move"
KINDS = (
    (OVERRIDE, "Overrides"),
    (RUN, "Runs over the change limit"),
    (MOVE, "Moves of the largest customers"),
)
LATELY = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Queue:
    """The three kinds, each with `kind`, `row` (its id) and `when`: the due day of what waits, the moment of what is decided."""

    overrides: QuerySet[Override]
    runs: QuerySet[RetierRun]
    moves: QuerySet[Move]
    is_decided: bool = False

    def only(self, kind: str) -> Queue:
        """One kind of it."""
        return Queue(
            overrides=self.overrides if kind == OVERRIDE else self.overrides.none(),
            runs=self.runs if kind == RUN else self.runs.none(),
            moves=self.moves if kind == MOVE else self.moves.none(),
            is_decided=self.is_decided,
        )

    def due(self, condition: Q) -> Queue:
        """What is due so; `condition` speaks of `when`."""
        return replace(
            self,
            overrides=self.overrides.filter(condition),
            runs=self.runs.filter(condition),
            moves=self.moves.filter(condition),
        )

    def of_customers(self, *, overrides: Q, moves: Q) -> Queue:
        """What is about some customers: a run is about all of them."""
        return replace(
            self,
            overrides=self.overrides.filter(overrides),
            runs=self.runs.none(),
            moves=self.moves.filter(moves),
        )

    def in_order(self) -> QuerySet[Any]:
        """(kind, id, when) of everything: what waits by its due day, what is decided the newest first."""
        first = self.overrides.values_list("kind", "row", "when")
        others = (rows.values_list("kind", "row", "when") for rows in (self.runs, self.moves))
        when = F("when").desc(nulls_last=True) if self.is_decided else F("when").asc(nulls_last=True)
        merged: QuerySet[Any] = first.order_by().union(*(rows.order_by() for rows in others), all=True)
        return merged.order_by(when, "kind", "row")


def waiting(*, user: Any) -> Queue:
    """What waits for a decision in the person's scope, whoever may make it."""
    return Queue(
        overrides=_named(Override.objects.visible_to(user).asked(), OVERRIDE, when=F("due_on")),
        runs=_named(
            RetierRun.objects.visible_to(user).filter(status=RunStatus.AWAITING_APPROVAL),
            RUN,
            when=_due_since("finished_at"),
        ),
        moves=_named(
            _seen_moves(user).waiting_for_approval().filter(plan__status=RunStatus.AWAITING_APPROVAL),
            MOVE,
            when=_due_since("plan__finished_at"),
        ),
    )


def decided_lately(*, user: Any, at: datetime) -> Queue:
    """What was decided in the last 30 days, by anybody."""
    since = at - LATELY
    declined = Q(declined_by__isnull=False)
    of_largest = _seen_moves(user).filter(needs_approval=True)
    return Queue(
        overrides=_named(
            Override.objects.visible_to(user).filter(decided_at__gte=since), OVERRIDE, when=F("decided_at")
        ),
        runs=_named(
            RetierRun.objects.visible_to(user).filter(
                Q(approved_at__gte=since) | declined & Q(finished_at__gte=since)
            ),
            RUN,
            when=Case(When(declined, then=F("finished_at")), default=F("approved_at")),
        ),
        moves=_named(
            of_largest.filter(
                Q(approved_at__gte=since) | Q(status=RowStatus.REFUSED, refused_at__gte=since),
            ),
            MOVE,
            when=Coalesce("approved_at", "refused_at"),
        ),
        is_decided=True,
    )


def mine_to_decide(queue: Queue, *, user: Any) -> Queue:
    """What of it this person may decide: neither asked for nor changed by the person, and of the own teams."""
    runs = queue.runs.filter(status=RunStatus.AWAITING_APPROVAL).exclude(requested_by=user)
    moves = queue.moves.filter(plan__status=RunStatus.AWAITING_APPROVAL).exclude(plan__requested_by=user)
    own = Move.objects.waiting_for_approval().decided_by(user)
    return replace(
        queue,
        overrides=queue.overrides.filter(pk__in=Override.objects.decidable_by(user).values("pk")),
        runs=runs if user.is_manager else runs.none(),
        moves=moves.filter(pk__in=own.values("pk")),
    )


def _seen_moves(user: Any) -> Any:
    """Each once, though a person may see it for several reasons (its book now, the one it comes from, the one it goes to)."""
    return Move.objects.filter(pk__in=Move.objects.visible_to(user).order_by().values("pk"))


def _named(rows: QuerySet[Any], kind: str, *, when: Any) -> Any:
    return rows.annotate(kind=Value(kind, CharField()), row=F("pk"), when=when)


def _due_since(field: str) -> Any:
    """The day by which somebody should have decided what began to wait then."""
    by = ExpressionWrapper(F(field) + timedelta(days=settings.APPROVAL_DAYS), output_field=DateTimeField())
    return TruncDate(by)
