"""The page on which CSMs object: the moves that concern the own book, what they bring or take, and what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import CSM, Customer, Tier
from accounts.querysets.scope import covered_csm_ids, served_by
from allocation.models import OPEN_STATUSES, Move, Objection
from allocation.selectors import wording
from allocation.selectors.amounts import in_base_cents
from allocation.selectors.objections import ObjectionLine, objection_line, objections_of
from allocation.snapshots.books import TouchPlans

BY_HAND = "A person named this CSM instead of the one the planner had proposed."
PAST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ObjectionRow:
    """One move. way: "out" of the own book (or one covered), "in" to it, "" where it is of neither. mine: the own objection.

    others: for whoever leads, the objections of all; a CSM never reads those of a colleague.
    """

    pk: int
    plan_id: int
    customer_id: int | None
    name: str
    external_id: str
    tier: Tier | None
    from_csm: str
    to_csm: str
    way: str
    reason: str
    kind: str
    hours: str
    arr: str
    until: str
    mine: ObjectionLine | None
    others: tuple[ObjectionLine, ...]


def with_objections(rows: QuerySet[Move], *, user: Any) -> QuerySet[Move]:
    """Those of the moves to which somebody objects; for a CSM: to which the CSM objects."""
    standing = Objection.objects.standing().filter(move=OuterRef("pk"))
    leads = user.is_ops or user.is_manager
    return rows.filter(Exists(standing if leads else standing.filter(by=user)))


def in_order(rows: QuerySet[Move]) -> QuerySet[Move]:
    """With what a row shows, the most pressing first."""
    joins = ("plan", "customer__tier", "from_csm", "to_csm")
    return rows.select_related(*joins).order_by("plan__objections_until", "customer__name", "pk")


def objection_rows(moves: Sequence[Move], *, user: Any, on: date) -> tuple[list[ObjectionRow], str]:
    """A page of moves as strings, and a sentence where an exchange rate is missing; six queries at any size."""
    names = None
    if user.is_manager and not user.is_ops:
        names = frozenset(CSM.objects.visible_to(user).values_list("pk", flat=True))
    said = objections_of([move.pk for move in moves], seen=names)
    plans = TouchPlans(as_of=on, among=[move.customer_id for move in moves])
    amounts = [(move.customer.arr, move.customer.currency) for move in moves]
    cents, problem = in_base_cents(amounts=amounts, as_of=on)
    ids = [move.customer_id for move in moves]
    seen = set(Customer.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))
    leads = user.is_ops or user.is_manager
    found = []
    for move, arr in zip(moves, cents, strict=True):
        lines = said.get(move.pk, [])
        minutes = plans.minutes(customer_id=move.customer_id, tier_id=move.customer.tier_id)
        found.append(
            ObjectionRow(
                pk=move.pk,
                plan_id=move.plan_id,
                customer_id=move.customer_id if move.customer_id in seen else None,
                name=move.customer.name,
                external_id=move.customer.external_id,
                tier=move.customer.tier,
                from_csm=str(move.from_csm or "nobody"),
                to_csm=str(move.to_csm or "nobody"),
                way=_way(move, user),
                reason=move.reason if move.repointed_by_id is None else BY_HAND,
                kind="first CSM" if move.from_csm_id is None else "forced" if move.forced else "chosen",
                hours=wording.hours_and_minutes(minutes),
                arr=wording.grouped(wording.from_cents(arr)),
                until=wording.day(move.plan.objections_until),
                mine=next((line for line in lines if line.by_id == user.pk), None),
                others=tuple(line for line in lines if leads and line.by_id != user.pk),
            )
        )
    return found, problem


def _way(move: Move, user: Any) -> str:
    """The own side first, as an objection speaks for it; then that of a book the person covers today."""
    ends = [(way, csm) for way, csm in (("out", move.from_csm), ("in", move.to_csm)) if csm is not None]
    own = [way for way, csm in ends if csm.user_id == user.pk]
    covered = covered_csm_ids(user) if user.is_csm else frozenset()
    return next(iter([*own, *(way for way, csm in ends if csm.pk in covered)]), "")


@dataclass(frozen=True, slots=True)
class BookEffect:
    """What the moves together take from the own book, or bring to it."""

    customers: int
    minutes: int
    arr_cents: int


def book_effects(rows: QuerySet[Move], *, user: Any, on: date) -> tuple[BookEffect, BookEffect]:
    """Out of the own book, and into it; five queries at any size. Amounts without a rate count nothing."""
    columns = (
        "customer_id", "customer__tier_id", "customer__arr", "customer__currency", "from_csm__user_id",
    )  # fmt: skip
    found = list(rows.order_by("pk").values_list(*columns))
    plans = TouchPlans(as_of=on, among=[row[0] for row in found])
    cents, _ = in_base_cents(amounts=[(row[2], row[3]) for row in found], as_of=on)
    sides: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    for row, arr in zip(found, cents, strict=True):
        sides[row[4] == user.pk].append((plans.minutes(customer_id=row[0], tier_id=row[1]), arr))
    out, into = (
        BookEffect(len(side), sum(minutes for minutes, _ in side), sum(arr for _, arr in side))
        for side in (sides[True], sides[False])
    )
    return out, into


@dataclass(frozen=True, slots=True)
class PastObjection:
    """One to a move that is no longer open to objections: what was said, and what came of it."""

    name: str
    external_id: str
    line: ObjectionLine
    outcome: str
    move_id: int
    can_withdraw: bool


def past_objections(*, user: Any, on: date) -> list[PastObjection]:
    """The own objections to moves that are no longer open to them, the newest first; one query.

    What a cover said for a book is seen no longer than that book is.
    """
    open_now = Move.objects.open_to_objections(on).values("pk")
    rows = (
        Objection.objects.standing()
        .filter(served_by(user, "csm"), by=user)
        .exclude(move__in=open_now)
        .select_related("csm", "answered_by", "move__customer", "move__plan")
        .order_by("-at", "-pk")[:PAST_SHOWN]
    )
    return [
        PastObjection(
            name=row.move.customer.name,
            external_id=row.move.customer.external_id,
            line=objection_line(row),
            outcome=_outcome(row),
            move_id=row.move_id,
            can_withdraw=row.answered_at is None and row.move.plan.status in OPEN_STATUSES,
        )
        for row in rows
    ]


def _outcome(objection: Objection) -> str:
    move = objection.move
    if move.status == "proposed" and move.plan.status in OPEN_STATUSES:
        waits = "Waits for an answer" if objection.answered_at is None else "Stays as planned"
        return f"{waits}; the plan is not applied yet"
    if move.status == "proposed":
        return f"The plan is {move.plan.get_status_display().lower()}"
    return str(move.get_status_display())
