"""Both sides sign; the last signature that is needed ends the handover. Or a lead cancels it and says why."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from allocation.models import Handover, HandoverStep
from allocation.selectors.handover_sides import FORMER, NEW, Standing
from allocation.selectors.wording import fault_of
from allocation.services.handovers.rows import CHANGED, LONGEST_WORDS, UnableToHandOver, open_handover

COLUMNS = {str(FORMER): "from", str(NEW): "to"}


def sign_handover(*, handover_id: int, side: str, actor: Any, on: date, at: datetime) -> Handover:
    """Sign for a side, once its own steps and those of both are ticked; the handover is done with the last signature that
    is needed. Raises UnableToHandOver.

    Each CSM signs the own side, the cover for who is away, a lead for who has left; nobody signs twice, and nobody both
    sides. A former CSM who has left need not sign.
    """
    with transaction.atomic():
        handover, standing = open_handover(handover_id=handover_id, actor=actor, on=on)
        _refuse(handover, standing, side)
        own, other = COLUMNS[side], COLUMNS[str(NEW) if side == FORMER else str(FORMER)]
        rows = Handover.objects.open().filter(
            Q(**{f"{other}_signed_by__isnull": True}) | ~Q(**{f"{other}_signed_by": actor}),
            pk=handover_id,
            **{f"{own}_signed_at__isnull": True},
        )
        signed = {f"{own}_signed_at": at, f"{own}_signed_by": actor}
        # One UPDATE: after a second one PostgreSQL would look at the customer's row again before the commit, and that may
        # be locked by somebody who gives the customer away and waits for this handover.
        if rows.update(**signed, **_ending(handover, standing, side, at)) != 1:
            signed_by = getattr(handover, f"{other}_signed_by_id")
            raise UnableToHandOver(
                "You signed for the other side: this one is signed by somebody else."
                if signed_by == actor.pk
                else "It is signed for this side already."
            )
        handover.refresh_from_db()
    return handover


def _refuse(handover: Handover, standing: Standing, side: str) -> None:
    if side not in COLUMNS:
        raise UnableToHandOver("Say for which side you sign: the former CSM's or the new one's.")
    csm = handover.from_csm if side == FORMER else handover.to_csm
    if csm is None:
        raise UnableToHandOver("There is no former CSM, so nobody signs for that side.")
    if side not in standing.acts_for:
        raise UnableToHandOver(f"{csm} signs for this side; a manager does only when {csm} has left.")
    open_steps = handover.steps.filter(side__in=[side, HandoverStep.Side.BOTH], done_at__isnull=True)
    missing = list(open_steps.order_by("position").values_list("words", flat=True))
    if missing:
        raise UnableToHandOver(f"Tick first what is still to be done: “{'”, “'.join(missing)}”.")


def _ending(handover: Handover, standing: Standing, side: str, at: datetime) -> dict[str, Any]:
    """What else becomes of it with the signature of this side: nothing, while another is needed."""
    signed = {side} | {one for one in COLUMNS if getattr(handover, f"{COLUMNS[one]}_signed_at")}
    if not standing.needed(handover) <= signed:
        return {}
    words = "Signed by both."
    if handover.from_csm_id is None:
        words = "Signed by the new CSM."
    elif FORMER not in signed:
        words = f"Signed by the new CSM; {handover.from_csm} has left."[:500]
    return {"status": Handover.Status.DONE, "closed_at": at, "closed_words": words}


def cancel_handover(*, handover_id: int, words: str, actor: Any, on: date, at: datetime) -> None:
    """End an open handover without the signatures: CS ops or a manager of either side, with words. Raises UnableToHandOver."""
    fault = fault_of(words, if_none="Say why it is cancelled.", most=LONGEST_WORDS)
    if fault:
        raise UnableToHandOver(fault)
    with transaction.atomic():
        _, standing = open_handover(handover_id=handover_id, actor=actor, on=on)
        if not standing.leads:
            raise UnableToHandOver("CS ops or a manager of the two CSMs cancels a handover.")
        rows = Handover.objects.open().filter(pk=handover_id)
        ended = {"status": Handover.Status.CANCELLED, "closed_at": at, "closed_words": words.strip()}
        if rows.update(**ended) != 1:
            raise UnableToHandOver(CHANGED)
