"""Who may act in a handover: each CSM for the own side, a cover for who is away, a lead for who has left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from accounts.models import CSM
from accounts.querysets.scope import covered_csm_ids, led_team_ids
from allocation.models import Handover, HandoverStep
from allocation.selectors.handover_people import signing_in_on

FORMER, NEW = HandoverStep.Side.FORMER, HandoverStep.Side.NEW
READS_NOTES = "Read the pack and the note"
"""A step of the new CSM on the short path, where the notes stand for the introduction."""


@dataclass(frozen=True, slots=True)
class Standing:
    """acts_for: the sides for which this person ticks and signs. gone: sides whose CSM has left or signs in no more.

    leads: CS ops, or the manager of a team of either side: may cancel, and acts for who is gone.
    """

    acts_for: frozenset[str]
    gone: frozenset[str]
    leads: bool

    def needed(self, handover: Handover) -> frozenset[str]:
        """Sides without whose signature the handover is not done; nobody signs for a former CSM that is not there.

        Nobody has to wait for the signature of a former CSM who has left; the new one's is always needed.
        """
        former = set() if handover.from_csm_id is None or FORMER in self.gone else {str(FORMER)}
        return frozenset({str(NEW), *former})


def waits_for_notes(*, handover: Handover, step: HandoverStep, standing: Standing) -> str:
    """Why a step cannot be ticked yet; "" when it can: nobody reads a note that a former CSM who is there has not written."""
    if step.words != READS_NOTES or handover.notes or FORMER not in standing.needed(handover):
        return ""
    return f"waits until {handover.from_csm} has written the notes"


def standing_in(*, handover: Handover, user: Any, on: date) -> Standing:
    """What a person who sees the handover may do in it on the day; the handover is read with both CSMs. One statement of its
    own, beside those that say whom the person leads and covers.
    """
    ends = {str(FORMER): handover.from_csm, str(NEW): handover.to_csm}
    there = {side: csm for side, csm in ends.items() if csm is not None}
    here = set(
        signing_in_on(on).filter(pk__in=[csm.pk for csm in there.values()]).values_list("pk", flat=True)
    )
    gone = frozenset(side for side, csm in there.items() if csm.pk not in here)
    led = frozenset(side for side, csm in there.items() if _leads(user, csm))
    own = frozenset(side for side, csm in there.items() if user.is_csm and csm.user_id == user.pk)
    # One person does not hand over to himself: whoever is one of the two acts for nobody else.
    return Standing(acts_for=own or _in_place_of(there, gone, led, user), gone=gone, leads=bool(led))


def _in_place_of(
    there: dict[str, CSM], gone: frozenset[str], led: frozenset[str], user: Any
) -> frozenset[str]:
    """Sides that a cover or a lead stands in for."""
    covered = covered_csm_ids(user) if user.is_csm else frozenset()
    away = {side for side, csm in there.items() if csm.pk in covered}
    return frozenset(away | (gone & led))


def _leads(user: Any, csm: CSM) -> bool:
    return bool(user.is_ops or (user.is_manager and csm.team_id in led_team_ids(user)))
