"""Signing, unticking and telling at once: a handover is done once, with its steps ticked, and each is passed on once."""

import threading
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from accounts.models import Customer
from allocation.models import Handover, Notice
from allocation.services.handovers import (
    UnableToHandOver,
    sign_handover,
    tell_of_late_handovers,
    tick_step,
)
from tests import factories
from tests.factories import CLOCK, NOW, TODAY
from tests.faults.test_claims import ROUNDS, RUNNERS, at_once
from tests.faults.test_plan_races import attempt
from tests.services.handovers.world import give, handed_over, sign, tick_all

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def people(transactional_db: None) -> SimpleNamespace:
    return factories.cast()


def ticked(people: SimpleNamespace, name: str) -> Handover:
    row = handed_over(people, name=name)
    tick_all(row, "former", "both", actor=people.csm_a)
    tick_all(row, "new", actor=people.csm_b)
    return row


def signs(row: Handover, side: str, actor: Any) -> object:
    return attempt(
        lambda: sign_handover(handover_id=row.pk, side=side, actor=actor, **CLOCK), UnableToHandOver
    )


def test_of_four_clicks_a_side_one_signs_and_the_handover_is_done(people: SimpleNamespace) -> None:
    for number in range(ROUNDS):
        row = ticked(people, f"Signed {number}")
        sides = (("former", people.csm_a), ("new", people.csm_b))
        found = at_once(lambda n, row=row, sides=sides: signs(row, *sides[n % 2]))
        assert [one != "refused" for one in found].count(True) == 2
        row.refresh_from_db()
        assert (row.status, row.closed_words) == ("done", "Signed by both.")


def test_a_step_is_signed_for_or_unticked_and_never_both(people: SimpleNamespace) -> None:
    for number in range(ROUNDS):
        row = ticked(people, f"Unticked {number}")
        step = row.steps.filter(side="former").first()

        def act(n: int, row: Handover = row, step: Any = step) -> object:
            if n % 2:
                return signs(row, "former", people.csm_a)
            given = {"handover_id": row.pk, "step_id": step.pk, "actor": people.csm_a, **CLOCK}
            return attempt(lambda: tick_step(done=False, **given), UnableToHandOver)

        at_once(act)
        row.refresh_from_db()
        step.refresh_from_db()
        assert (row.from_signed_at is None) is (step.done_at is None)


def test_control_looking_before_signing_signs_for_what_is_not_ticked(people: SimpleNamespace) -> None:
    """Without the lock on the handover the step is unticked between the look and the signature."""
    row = ticked(people, "Hasty")
    step = row.steps.filter(side="former").first()
    looked, unticked = threading.Event(), threading.Event()

    def act(n: int) -> object:
        if n == 0:
            is_ticked = not row.steps.filter(side="former", done_at__isnull=True).exists()
            looked.set()
            unticked.wait(timeout=20)
            if is_ticked:
                Handover.objects.filter(pk=row.pk).update(from_signed_at=NOW, from_signed_by=people.csm_a)
        elif n == 1:
            looked.wait(timeout=20)
            tick_step(handover_id=row.pk, step_id=step.pk, done=False, actor=people.csm_a, **CLOCK)
            unticked.set()
        return None

    at_once(act)
    row.refresh_from_db()
    step.refresh_from_db()
    assert row.from_signed_at is not None and step.done_at is None


def test_the_books_overtake_it_or_it_is_done_and_never_both(people: SimpleNamespace) -> None:
    for number in range(ROUNDS):
        row = ticked(people, f"Overtaken {number}")
        sign(row, "former", actor=people.csm_a)

        def act(n: int, row: Handover = row) -> object:
            if n == 0:
                return give(row.customer, people.csm_a.csm)
            return signs(row, "new", people.csm_b) if n == 1 else None

        at_once(act)
        row.refresh_from_db()
        again = Handover.objects.open().filter(customer=row.customer)
        # Done before it went back: that is a change like any other. Not done: nothing was handed over.
        assert (row.status, again.count()) in {("done", 1), ("cancelled", 0)}
        assert Customer.objects.get(pk=row.customer_id).csm_id == people.csm_a.csm.pk


def test_eight_who_look_at_once_tell_each_person_once(people: SimpleNamespace) -> None:
    for number in range(ROUNDS):
        handed_over(people, name=f"Late {number}")
        Handover.objects.update(due_on=TODAY - timedelta(days=9), escalated_at=None)
        Notice.objects.all().delete()
        said = at_once(lambda n: tell_of_late_handovers(on=TODAY, at=NOW + timedelta(seconds=n)))
        assert sum("passed on to managers" in str(one) for one in said) == 1
        assert sorted(str(row.to) for row in Notice.objects.select_related("to")) == [
            "Ada Book", "Ben Book", "Mia Manager",
        ]  # fmt: skip


def test_control_marking_without_a_condition_passes_it_on_several_times(people: SimpleNamespace) -> None:
    row = handed_over(people)
    gate = threading.Barrier(RUNNERS)

    def act(n: int) -> bool:
        seen = Handover.objects.get(pk=row.pk)
        gate.wait(timeout=20)  # everybody has looked before anybody writes
        if seen.escalated_at is not None:
            return False
        return Handover.objects.filter(pk=row.pk).update(escalated_at=NOW) == 1

    assert sum(bool(one) for one in at_once(act)) > 1
