"""Steps are ticked by the side they are for, and stay ticked once signed for; the notes are the former CSM's."""

from types import SimpleNamespace
from typing import Any

import pytest

from accounts.models import CSM
from allocation.models import Handover
from allocation.selectors.handovers import digest_of_notes
from allocation.services.handovers import (
    LONGEST_NOTES,
    NotesChanged,
    UnableToHandOver,
    tick_step,
    write_notes,
)
from tests.factories import CLOCK, NOW
from tests.services.handovers.world import handed_over, sign, tick_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(cast: SimpleNamespace) -> Handover:
    return handed_over(cast)


def write(row: Handover, words: str, actor: Any, *, seen: str | None = None) -> str:
    """As somebody does who opened the page just now, or saw `seen`. What stands there afterwards."""
    row.refresh_from_db()
    digest = digest_of_notes(row.notes if seen is None else seen)
    write_notes(handover_id=row.pk, words=words, seen=digest, actor=actor, **CLOCK)
    row.refresh_from_db()
    return row.notes


def test_a_tick_says_who_and_when_and_can_be_taken_away(row: Handover, cast: SimpleNamespace) -> None:
    step = row.steps.filter(side="former").first()
    given = {"handover_id": row.pk, "step_id": step.pk, "actor": cast.csm_a, **CLOCK}
    ticked = tick_step(done=True, **given)
    assert (ticked.done_by, ticked.done_at) == (cast.csm_a, NOW)
    with pytest.raises(UnableToHandOver, match="was ticked already"):
        tick_step(done=True, **given)
    freed = tick_step(done=False, **given)
    assert (freed.done_by, freed.done_at) == (None, None)
    with pytest.raises(UnableToHandOver, match="was unticked already"):
        tick_step(done=False, **given)


@pytest.mark.parametrize(
    ("side", "may"), [("former", {"csm_a"}), ("new", {"csm_b"}), ("both", {"csm_a", "csm_b"})]
)
@pytest.mark.parametrize("who", ["csm_a", "csm_b", "manager", "ops"])
def test_each_step_is_ticked_by_its_side(
    row: Handover, cast: SimpleNamespace, side: str, may: set[str], who: str
) -> None:
    step = row.steps.filter(side=side).first()
    given = {"handover_id": row.pk, "step_id": step.pk, "done": True, "actor": getattr(cast, who), **CLOCK}
    if who in may:
        assert tick_step(**given).done_at
    else:
        with pytest.raises(UnableToHandOver, match="is ticked by"):
            tick_step(**given)


def test_what_is_signed_for_stays_ticked(row: Handover, cast: SimpleNamespace) -> None:
    tick_all(row, "former", "both", actor=cast.csm_a)
    sign(row, "former", actor=cast.csm_a)
    for side, actor in (("former", cast.csm_a), ("both", cast.csm_b)):
        step = row.steps.filter(side=side).first()
        with pytest.raises(UnableToHandOver, match="it stays ticked"):
            tick_step(handover_id=row.pk, step_id=step.pk, done=False, actor=actor, **CLOCK)


def test_a_step_of_another_handover_is_none_of_this_one(row: Handover, cast: SimpleNamespace) -> None:
    other = handed_over(cast, name="Other").steps.first()
    with pytest.raises(UnableToHandOver, match="no such step"):
        tick_step(handover_id=row.pk, step_id=other.pk, done=True, actor=cast.csm_a, **CLOCK)


def test_the_former_csm_writes_the_notes_and_nobody_else(row: Handover, cast: SimpleNamespace) -> None:
    write(row, " Ask for Ms Lund. ", cast.csm_a)
    row.refresh_from_db()
    assert row.notes == "Ask for Ms Lund."
    for actor in (cast.csm_b, cast.manager, cast.ops):
        with pytest.raises(UnableToHandOver, match="written by Ada Book"):
            write(row, "Mine", actor)


@pytest.mark.parametrize("words", ["x" * (LONGEST_NOTES + 1), "a\0b"])
def test_notes_that_cannot_be_kept_are_refused(row: Handover, cast: SimpleNamespace, words: str) -> None:
    with pytest.raises(UnableToHandOver):
        write(row, words, cast.csm_a)


def test_notes_that_somebody_changed_since_are_not_overwritten(row: Handover, cast: SimpleNamespace) -> None:
    """A cover and the former CSM, or one person in two windows."""
    write(row, "First", cast.csm_a)
    with pytest.raises(NotesChanged, match="Somebody changed the notes") as refused:
        write(row, "Second", cast.csm_a, seen="")
    row.refresh_from_db()
    assert (refused.value.now, row.notes) == ("First", "First")
    assert write(row, "Second", cast.csm_a, seen="First") == "Second"


def test_saving_the_same_notes_twice_is_no_conflict(row: Handover, cast: SimpleNamespace) -> None:
    write(row, "First", cast.csm_a, seen="")
    assert write(row, " First ", cast.csm_a, seen="") == "First"


def test_reading_the_notes_waits_until_there_are_some(cast: SimpleNamespace) -> None:
    row = handed_over(cast, touch_level="low")
    step = row.steps.get(words="Read the pack and the note")
    given = {"handover_id": row.pk, "step_id": step.pk, "actor": cast.csm_b, **CLOCK}
    with pytest.raises(UnableToHandOver, match="waits until Ada Book has written the notes"):
        tick_step(done=True, **given)
    write(row, "Ask for Ms Lund.", cast.csm_a)
    assert tick_step(done=True, **given).done_at
    write(row, "", cast.csm_a)
    assert tick_step(done=False, **given).done_at is None


def test_nobody_waits_for_notes_of_a_former_csm_who_has_left(cast: SimpleNamespace) -> None:
    row = handed_over(cast, touch_level="low")
    CSM.objects.filter(user=cast.csm_a).update(leaves_on=CLOCK["on"])
    tick_all(row, "new", actor=cast.csm_b)
    assert not row.steps.filter(side="new", done_at=None).exists()
