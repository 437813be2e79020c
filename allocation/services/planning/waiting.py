"""Moves that wait for open seats: skipped when a plan is applied, each with a sentence."""

from __future__ import annotations

from django.db import transaction

from allocation.engine.books_waiting import Waiting, waiting_for_seats
from allocation.models import BookPlan, Move, RowStatus
from allocation.selectors.plan_standing import read_table
from allocation.selectors.plans import NOT_FILLED


def skip_waiting(*, plan: BookPlan, fence: int) -> bool:
    """Skip what goes to an open seat, and what needs the room that this would have made; before anything is applied, or
    gone on with. False: the claim is lost. One statement where no move goes to a seat.
    """
    if not Move.objects.filter(plan=plan).waiting_for_a_seat().exists():
        return True
    table = read_table(plan=plan)
    rows = {row.external_id: row for row in table.rows.values() if row.status == RowStatus.PROPOSED}
    moves = {external_id: table.keys.get(row.to_csm_id, "") for external_id, row in rows.items()}
    said: dict[str, list[int]] = {}
    for one in waiting_for_seats(desk=table.desk, moves=moves):
        said.setdefault(_words(one), []).append(rows[one.external_id].pk)
    with transaction.atomic():
        if not BookPlan.objects.heartbeat(plan.pk, fence=fence, done=0, total=len(rows), message="Applying"):
            return False
        for words, ids in said.items():
            Move.objects.filter(pk__in=ids, status=RowStatus.PROPOSED).update(
                status=RowStatus.SKIPPED, words=words
            )
    return True


def _words(one: Waiting) -> str:
    if one.seat:
        return f"{one.seat} is {NOT_FILLED}: the customer stays where it is until somebody is there."
    return f"{one.csm} has no room yet: it is made by moves to a seat that is {NOT_FILLED}."
