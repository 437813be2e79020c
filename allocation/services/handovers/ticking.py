"""Steps of the checklist, ticked and unticked by the side they are for; and the notes of the former CSM."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction

from allocation.models import Handover, HandoverStep
from allocation.selectors.handover_sides import FORMER, NEW, waits_for_notes
from allocation.selectors.handovers import digest_of_notes
from allocation.selectors.wording import fault_of
from allocation.services.handovers.rows import CHANGED, LONGEST_NOTES, UnableToHandOver, open_handover

Side = HandoverStep.Side


def tick_step(
    *, handover_id: int, step_id: int, done: bool, actor: Any, on: date, at: datetime
) -> HandoverStep:
    """Tick a step of an open handover, or take the tick away; it says who did it and when. Raises UnableToHandOver.

    By the side it is for, by either for both; by a lead for a side that has left. What is signed stays ticked; reading the
    notes waits until there are some.
    """
    with transaction.atomic():
        handover, standing = open_handover(handover_id=handover_id, actor=actor, on=on)
        step: HandoverStep | None = handover.steps.filter(pk=step_id).first()
        if step is None:
            raise UnableToHandOver("There is no such step in this handover: look again.")
        sides = {str(FORMER), str(NEW)} if step.side == Side.BOTH else {step.side}
        if not sides & standing.acts_for:
            raise UnableToHandOver(f"“{step.words}” is ticked by {_who(handover, step)}.")
        if not done and any(getattr(handover, f"{_column(side)}_signed_at") for side in sides):
            raise UnableToHandOver(f"“{step.words}” is signed for: it stays ticked.")
        waiting = waits_for_notes(handover=handover, step=step, standing=standing) if done else ""
        if waiting:
            raise UnableToHandOver(f"“{step.words}” {waiting}: ask for them.")
        rows = HandoverStep.objects.filter(pk=step.pk, done_at__isnull=done)
        if rows.update(done_at=at if done else None, done_by=actor if done else None) != 1:
            raise UnableToHandOver(f"“{step.words}” was {'ticked' if done else 'unticked'} already.")
        step.refresh_from_db()
    return step


class NotesChanged(UnableToHandOver):
    """Others wrote since the person opened the page. now: what stands there."""

    def __init__(self, now: str) -> None:
        super().__init__(
            "Somebody changed the notes since you opened the page, so yours are not saved. Take over what you want to keep, "
            "and save again."
        )
        self.now = now


def write_notes(*, handover_id: int, words: str, seen: str, actor: Any, on: date, at: datetime) -> None:
    """What the former CSM wants the new one to know, in the place of the notes the person saw.

    seen: the digest of those (digest_of_notes). Raises NotesChanged where others stand there by now, and UnableToHandOver.
    """
    fault = fault_of(words, if_none="", most=LONGEST_NOTES)
    if fault:
        raise UnableToHandOver(fault)
    with transaction.atomic():
        handover, standing = open_handover(handover_id=handover_id, actor=actor, on=on)
        if FORMER not in standing.acts_for:
            raise UnableToHandOver(
                f"The notes are written by {handover.from_csm or 'nobody: it is a first CSM'}."
            )
        if seen != digest_of_notes(handover.notes) and words.strip() != handover.notes:
            raise NotesChanged(handover.notes)
        rows = Handover.objects.open().filter(pk=handover_id, notes=handover.notes)
        if rows.update(notes=words.strip()) != 1:
            raise UnableToHandOver(CHANGED)


def _who(handover: Handover, step: HandoverStep) -> str:
    if step.side == Side.BOTH:
        return f"{handover.from_csm} or {handover.to_csm}"
    return str(handover.from_csm if step.side == FORMER else handover.to_csm)


def _column(side: str) -> str:
    return "from" if side == FORMER else "to"
