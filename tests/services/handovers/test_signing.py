"""Signing: each side for itself, once its steps are ticked; done with the last signature that is needed."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from accounts import roles
from accounts.models import CSM, Leave
from allocation.models import Handover
from allocation.services.handovers import UnableToHandOver, cancel_handover, sign_handover, tick_step
from tests.factories import CLOCK, NOW, TODAY, CSMFactory, UserFactory
from tests.services.handovers.world import handed_over, sign, tick_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(cast: SimpleNamespace) -> Handover:
    return handed_over(cast)


def gone(user: Any) -> None:
    CSM.objects.filter(user=user).update(leaves_on=TODAY)


def test_it_is_done_when_both_have_signed(row: Handover, cast: SimpleNamespace) -> None:
    tick_all(row, "former", "both", actor=cast.csm_a)
    first = sign(row, "former", actor=cast.csm_a)
    assert (first.status, first.from_signed_by, first.from_signed_at) == ("open", cast.csm_a, NOW)
    tick_all(row, "new", actor=cast.csm_b)
    done = sign(row, "new", actor=cast.csm_b)
    assert (done.status, done.closed_at, done.closed_words) == ("done", NOW, "Signed by both.")
    assert done.to_signed_by == cast.csm_b


@pytest.mark.parametrize(("side", "who"), [("former", "csm_a"), ("new", "csm_b")])
def test_nobody_signs_before_the_own_steps_and_those_of_both_are_ticked(
    row: Handover, cast: SimpleNamespace, side: str, who: str
) -> None:
    actor = getattr(cast, who)
    tick_all(row, side, actor=actor)
    with pytest.raises(
        UnableToHandOver, match="Tick first what is still to be done: “Meet the customer together”"
    ):
        sign(row, side, actor=actor)
    tick_all(row, "both", actor=actor)
    assert getattr(sign(row, side, actor=actor), f"{'from' if side == 'former' else 'to'}_signed_by") == actor


@pytest.mark.parametrize("who", ["csm_b", "ops", "manager"])
def test_nobody_signs_for_the_other_side(row: Handover, cast: SimpleNamespace, who: str) -> None:
    tick_all(row, "former", "both", actor=cast.csm_a)
    with pytest.raises(UnableToHandOver, match="Ada Book signs for this side"):
        sign(row, "former", actor=getattr(cast, who))


def test_nobody_signs_twice(row: Handover, cast: SimpleNamespace) -> None:
    tick_all(row, "former", "both", actor=cast.csm_a)
    sign(row, "former", actor=cast.csm_a)
    with pytest.raises(UnableToHandOver, match="signed for this side already"):
        sign(row, "former", actor=cast.csm_a)


def test_a_former_csm_who_has_left_need_not_sign(row: Handover, cast: SimpleNamespace) -> None:
    gone(cast.csm_a)
    tick_all(row, "new", "both", actor=cast.csm_b)
    done = sign(row, "new", actor=cast.csm_b)
    assert (done.status, done.closed_words) == ("done", "Signed by the new CSM; Ada Book has left.")


@pytest.mark.parametrize("why", ["leaves", "no sign-in", "locked", "no role"])
def test_a_manager_ticks_and_signs_for_who_has_left(row: Handover, cast: SimpleNamespace, why: str) -> None:
    if why == "leaves":
        gone(cast.csm_a)
    elif why == "no sign-in":
        CSM.objects.filter(user=cast.csm_a).update(user=None)
    elif why == "locked":
        type(cast.csm_a).objects.filter(pk=cast.csm_a.pk).update(is_active=False)
    else:
        cast.csm_a.groups.clear()
    tick_all(row, "former", "both", actor=cast.manager)
    assert sign(row, "former", actor=cast.manager).from_signed_by == cast.manager


def test_the_new_csms_signature_is_always_needed_and_a_lead_gives_it_for_who_has_left(
    row: Handover, cast: SimpleNamespace
) -> None:
    tick_all(row, "former", "both", actor=cast.csm_a)
    gone(cast.csm_b)
    assert sign(row, "former", actor=cast.csm_a).status == "open"
    tick_all(row, "new", actor=cast.ops)
    assert sign(row, "new", actor=cast.ops).status == "done"


def test_one_person_does_not_sign_for_both_sides(row: Handover, cast: SimpleNamespace) -> None:
    for user in (cast.csm_a, cast.csm_b):
        gone(user)
    tick_all(row, "former", "new", "both", actor=cast.ops)
    sign(row, "former", actor=cast.ops)
    with pytest.raises(UnableToHandOver, match="signed by somebody else"):
        sign(row, "new", actor=cast.ops)


def test_a_cover_acts_for_who_is_away_but_not_against_the_own_side(
    row: Handover, cast: SimpleNamespace
) -> None:
    cover = CSMFactory(name="Cora", user=UserFactory(email="cora@example.com", role=roles.CSM))
    today = timezone.localdate()  # what a cover may do is of the moment of asking
    leave = Leave.objects.create(
        csm=cast.csm_a.csm, starts_on=today, ends_before=today + timedelta(days=9), covered_by=cover
    )
    tick_all(row, "former", "both", actor=cover.user)
    assert sign(row, "former", actor=cover.user).from_signed_by == cover.user
    # The new CSM covers for the former one: still only the own side.
    Leave.objects.filter(pk=leave.pk).update(covered_by=cast.csm_b.csm)
    step = row.steps.filter(side="former").first()
    fresh: Any = type(cast.csm_b).objects.get(pk=cast.csm_b.pk)
    with pytest.raises(UnableToHandOver, match="is ticked by Ada Book"):
        tick_step(handover_id=row.pk, step_id=step.pk, done=False, actor=fresh, **CLOCK)


def test_without_a_former_csm_the_new_one_alone_signs(cast: SimpleNamespace) -> None:
    row = handed_over(cast)
    Handover.objects.filter(pk=row.pk).update(from_csm=None)
    tick_all(row, "new", "both", actor=cast.csm_b)
    with pytest.raises(UnableToHandOver, match="There is no former CSM"):
        sign(row, "former", actor=cast.csm_b)
    assert sign(row, "new", actor=cast.csm_b).closed_words == "Signed by the new CSM."


def test_what_is_closed_stays_as_it_is(row: Handover, cast: SimpleNamespace) -> None:
    cancel_handover(handover_id=row.pk, words="A mistake", actor=cast.ops, **CLOCK)
    step = row.steps.filter(side="former").first()
    for act in (
        lambda: tick_step(handover_id=row.pk, step_id=step.pk, done=True, actor=cast.csm_a, **CLOCK),
        lambda: sign(row, "former", actor=cast.csm_a),
        lambda: cancel_handover(handover_id=row.pk, words="Again", actor=cast.ops, **CLOCK),
    ):
        with pytest.raises(UnableToHandOver, match="This handover is cancelled"):
            act()


@pytest.mark.parametrize("who", ["ops", "manager"])
def test_a_lead_cancels_with_words(row: Handover, cast: SimpleNamespace, who: str) -> None:
    actor = getattr(cast, who)
    with pytest.raises(UnableToHandOver, match="Say why it is cancelled"):
        cancel_handover(handover_id=row.pk, words=" ", actor=actor, **CLOCK)
    cancel_handover(handover_id=row.pk, words=" They stay with Ada. ", actor=actor, **CLOCK)
    row.refresh_from_db()
    assert (row.status, row.closed_words, row.closed_at) == ("cancelled", "They stay with Ada.", NOW)


def test_a_csm_does_not_cancel(row: Handover, cast: SimpleNamespace) -> None:
    with pytest.raises(UnableToHandOver, match="CS ops or a manager"):
        cancel_handover(handover_id=row.pk, words="No", actor=cast.csm_a, **CLOCK)


def test_who_does_not_see_it_is_told_that_there_is_none(row: Handover, cast: SimpleNamespace) -> None:
    stranger = CSMFactory(user=UserFactory(role=roles.CSM)).user
    for actor in (stranger, cast.nobody):
        with pytest.raises(UnableToHandOver, match="no such handover"):
            sign_handover(handover_id=row.pk, side="new", actor=actor, **CLOCK)


@pytest.mark.parametrize("side", ["", "both", "from"])
def test_a_side_that_is_none_is_refused(row: Handover, cast: SimpleNamespace, side: str) -> None:
    with pytest.raises(UnableToHandOver, match="Say for which side"):
        sign(row, side, actor=cast.csm_a)
