"""Handovers follow the CSMs of customers, in the transaction that changes them and in a fixed number of statements.

A customer that goes from one CSM to another gets an open handover, also where it had none in between: who had it last hands
it over. A first CSM takes over from nobody, so it gets none, and neither does a customer that left. An open handover that the books overtake is cancelled and says by what; one whose
customer goes back to its former CSM is cancelled, and none is opened, since nothing was handed over yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Concat, Now

from accounts.models import Customer
from allocation.models import AllocationPolicy, Handover, HandoverStep, Move, Notice, Source
from allocation.querysets.notices import Letter
from allocation.selectors import notice_words
from allocation.selectors.handover_people import people_serving
from allocation.selectors.handover_sides import READS_NOTES
from allocation.selectors.ledger import last_holders
from allocation.selectors.plans import INTRODUCED

CHUNK = 500
NOBODY_NOW = "Overtaken: the customer has no CSM any more."

Side = HandoverStep.Side
STEPS: Mapping[str, Sequence[tuple[str, str]]] = {
    Handover.Path.FULL: (
        (Side.FORMER, "Introduce the new CSM to the customer, by mail or call"),
        (Side.FORMER, "Walk the new CSM through goals, open touches and risks"),
        (Side.FORMER, "Give access to notes and documents"),
        (Side.NEW, "Read the pack, and ask what is not clear"),
        (Side.BOTH, "Meet the customer together"),
        (Side.NEW, "Make the first contact of your own, and say what comes next"),
    ),
    Handover.Path.SHORT: (
        (Side.FORMER, "Write a note: what matters, and what was promised"),
        (Side.NEW, READS_NOTES),
        (Side.NEW, "Write to the customer: who you are, and how to reach you"),
    ),
}


@dataclass(frozen=True, slots=True)
class Ends:
    """The CSM a customer had, and the one it has now; None: nobody."""

    former: int | None
    new: int | None


def follow_changes(
    *, changed: Mapping[int, Ends], on: date, source: str, source_id: int | None
) -> Sequence[int]:
    """Cancel and open the handovers of customers whose CSM has just been changed, and tell the CSMs; their days count from
    `on`. Returns the ids of the customers with a new handover.

    changed: by customer. One mail a person and decision (plan, import, undo; day, of changes by hand), however many
    customers there are and in however many batches.
    """
    opened: list[Handover] = []
    for chunk in _chunks(sorted(changed)):
        had_one = {pk: changed[pk] for pk in chunk if changed[pk].former is not None}
        back = _cancel_overtaken(had_one)
        # Who comes from nobody overtakes nothing: while a handover is open its customer has a CSM.
        part = had_one | _taken_up({pk: changed[pk] for pk in chunk if changed[pk].former is None})
        going_on = {
            pk: (ends.former, ends.new)
            for pk, ends in part.items()
            if ends.new is not None and pk not in back
        }
        opened += _rows(going_on, on, source, source_id)
    if opened:
        Handover.objects.bulk_create(opened, batch_size=CHUNK)
        HandoverStep.objects.bulk_create(_steps(opened), batch_size=CHUNK)
        _tell(opened, on, source, source_id)
    return [row.customer_id for row in opened]


def cancel_handovers_of_left(*, customer_ids: Sequence[int]) -> None:
    """Nobody hands over a customer that has left; one statement for each 500."""
    for chunk in _chunks(customer_ids):
        _cancel(Handover.objects.open().filter(customer_id__in=chunk), "Overtaken: the customer left.")


def _taken_up(changed: Mapping[int, Ends]) -> dict[int, Ends]:
    """Of customers that had no CSM, those that somebody else had before: from whom, and to whom.

    None comes back to who had it last, nor to whom a handover came from that ended because the customer had nobody: nothing
    was handed over yet.
    """
    if not changed:
        return {}
    last = last_holders(customer_ids=changed)
    if not last:
        return {}
    handovers = Handover.objects.filter(customer_id__in=list(last)).order_by("pk")
    newest = {row.customer_id: row for row in handovers}
    return {
        pk: Ends(former, changed[pk].new)
        for pk, former in last.items()
        if changed[pk].new not in {former, _cut_short_from(newest.get(pk), to=former)}
    }


def _cut_short_from(row: Handover | None, *, to: int) -> int | None:
    if row is None or row.closed_words != NOBODY_NOW or row.to_csm_id != to:
        return None
    return row.from_csm_id


def _cancel_overtaken(changed: Mapping[int, Ends]) -> set[int]:
    """Cancel what is open for these customers; returns those that went back to their former CSM."""
    back: set[int] = set()
    on: list[int] = []
    gone: list[int] = []
    # Locked, so that none is signed and done between the look and the writing.
    open_ones = Handover.objects.open().select_for_update(of=("self",))
    rows = open_ones.filter(customer_id__in=list(changed)).order_by("pk")
    for pk, customer_id, former in rows.values_list("pk", "customer_id", "from_csm_id"):
        new = changed[customer_id].new
        if new is None:
            gone.append(pk)
        elif new == former:
            back.add(customer_id)
        else:
            on.append(pk)
    if back:
        returned = Handover.objects.open().filter(customer_id__in=back)
        _cancel(returned, Concat(Value("Overtaken: the customer went back to "), _csm_now(), Value(".")))
    if on:
        _cancel(
            Handover.objects.open().filter(pk__in=on),
            Concat(Value("Overtaken: the customer went on to "), _csm_now(), Value(".")),
        )
    if gone:
        _cancel(Handover.objects.open().filter(pk__in=gone), NOBODY_NOW)
    return back


def _csm_now() -> Subquery:
    """The name of the CSM that the customer of a handover has now."""
    return Subquery(Customer.objects.filter(pk=OuterRef("customer_id")).values("csm__name")[:1])


def _cancel(rows: Any, words: Any) -> None:
    rows.update(status=Handover.Status.CANCELLED, closed_at=Now(), closed_words=words)


def _rows(
    changed: Mapping[int, tuple[int | None, int]], on: date, source: str, source_id: int | None
) -> list[Handover]:
    """A handover, not stored yet, for each of these customers that is active; by customer, from whom to whom."""
    if not changed:
        return []
    customers = Customer.objects.active().filter(pk__in=list(changed)).order_by("pk")
    moves = _moves(changed, source, source_id)
    days = _days()
    rows = []
    for pk, touch_level in customers.values_list("pk", "tier__touch_level"):
        path = Handover.Path.FULL if touch_level in INTRODUCED else Handover.Path.SHORT
        former, new = changed[pk]
        rows.append(
            Handover(
                customer_id=pk,
                move_id=moves.get(pk),
                from_csm_id=former,
                to_csm_id=new,
                path=path,
                opened_on=on,
                due_on=on + days[path],
            )
        )
    return rows


def _moves(customer_ids: Iterable[int], source: str, source_id: int | None) -> dict[int, int]:
    """The move of the plan behind each change, by customer; none where something else changed it."""
    if source != Source.PLAN or source_id is None:
        return {}
    rows = Move.objects.filter(plan_id=source_id, customer_id__in=list(customer_ids), handover__isnull=True)
    return dict(rows.values_list("customer_id", "pk"))


def _days() -> dict[str, timedelta]:
    """How long a handover may take, by its path, as the policy in force says."""
    policy = AllocationPolicy.objects.active().first() or AllocationPolicy()
    return {
        Handover.Path.FULL: timedelta(days=policy.handover_days),
        Handover.Path.SHORT: timedelta(days=policy.short_handover_days),
    }


def _steps(opened: Sequence[Handover]) -> list[HandoverStep]:
    return [
        HandoverStep(handover=row, position=position, side=side, words=words)
        for row in opened
        for position, (side, words) in enumerate(STEPS[row.path], start=1)
    ]


def _tell(opened: Sequence[Handover], on: date, source: str, source_id: int | None) -> None:
    ids = {pk for row in opened for pk in (row.from_csm_id, row.to_csm_id) if pk is not None}
    serving = people_serving(csm_ids=ids, on=on)
    people = frozenset[int]().union(*serving.values())
    subject, body = notice_words.handovers_opened(link=notice_words.handovers_link())
    about = f"handovers-{source}-{source_id if source_id is not None else f'{on:%Y%m%d}'}"
    # No moment of its own: the one at which it is written, as the database says it.
    moment: Any = Now()
    Notice.objects.leave_each([Letter(about, people, subject, body)], kind=Notice.Kind.DECIDED, at=moment)


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
