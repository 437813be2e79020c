"""Signing, unticking and telling at once: a handover is done once, with its steps ticked, and each is passed on once."""

import threading
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, transaction

from accounts.models import CSM, Customer
from allocation.models import Handover, Notice, Source
from allocation.selectors.handover_sides import Standing, standing_in
from allocation.services.decisions import CsmChange, DecisionSource, set_csms
from allocation.services.handovers import (
    UnableToHandOver,
    escalating,
    sign_handover,
    signing,
    tell_of_late_handovers,
    tick_step,
    ticking,
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


def unlocked(*, handover_id: int, actor: Any, on: date) -> tuple[Handover, Standing]:
    """As open_handover, without the lock."""
    rows = Handover.objects.select_related("customer", "from_csm__user", "to_csm__user")
    row = rows.get(pk=handover_id, status="open")
    return row, standing_in(handover=row, user=actor, on=on)


def test_control_without_the_lock_it_is_signed_for_what_is_not_ticked(
    people: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step is unticked between the look and the signature."""
    row = ticked(people, "Hasty")
    step = row.steps.filter(side="former").first()
    looked, unticked = threading.Event(), threading.Event()
    refuse = signing._refuse

    def slow(*given: Any) -> None:
        refuse(*given)
        looked.set()
        unticked.wait(timeout=20)

    monkeypatch.setattr(signing, "open_handover", unlocked)
    monkeypatch.setattr(ticking, "open_handover", unlocked)
    monkeypatch.setattr(signing, "_refuse", slow)

    def act(n: int) -> object:
        if n == 0:
            return sign(row, "former", actor=people.csm_a)
        if n == 1:
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


def test_control_without_lock_and_condition_it_is_passed_on_several_times(
    people: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = handed_over(people)
    Handover.objects.update(due_on=TODAY - timedelta(days=9))
    gate = threading.Barrier(RUNNERS)
    mark = escalating._mark

    def late_mark(ids: Any, at: Any) -> None:
        gate.wait(timeout=20)  # everybody has looked before anybody writes
        mark(ids, at)

    monkeypatch.setattr(escalating, "_held", lambda on: frozenset([row.pk]))
    monkeypatch.setattr(escalating, "_not_passed_on", lambda ids: Handover.objects.filter(pk__in=ids))
    monkeypatch.setattr(escalating, "_mark", late_mark)
    said = at_once(lambda n: tell_of_late_handovers(on=TODAY, at=NOW + timedelta(seconds=n)))
    assert sum("passed on to managers" in str(one) for one in said) == RUNNERS


def both_ways(people: SimpleNamespace, name: str) -> tuple[Handover, Handover]:
    """The first is passed on, the second ends because its former CSM has left; both go back to Ada in one decision."""
    first, second = (ticked(people, f"{name} {one}") for one in ("first", "second"))
    Handover.objects.filter(pk__in=[first.pk, second.pk]).update(due_on=TODAY - timedelta(days=9))
    sign(second, "new", actor=people.csm_b)
    CSM.objects.filter(user=people.csm_a).update(leaves_on=TODAY)
    return first, second


def overtake(rows: tuple[Handover, Handover], people: SimpleNamespace) -> None:
    changes = [CsmChange(row.customer_id, people.csm_b.csm.pk, people.csm_a.csm.pk) for row in rows]
    set_csms(changes=changes, on=TODAY, decision=DecisionSource(Source.MANUAL))


def test_telling_and_a_plan_lock_in_one_order_and_never_wait_for_each_other(people: SimpleNamespace) -> None:
    for number in range(ROUNDS):
        CSM.objects.filter(user=people.csm_a).update(leaves_on=None)
        rows = both_ways(people, f"Order {number}")
        at_once(
            lambda n, rows=rows: overtake(rows, people) if n % 2 else tell_of_late_handovers(on=TODAY, at=NOW)
        )
        for row in rows:
            row.refresh_from_db()
            assert row.status in {"cancelled", "done"}


def test_control_ending_before_locking_the_others_is_a_deadlock(
    people: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is ended was locked first, whatever its place, and what is passed on after that."""
    rows = both_ways(people, "Crossed")
    ended, waits = threading.Event(), threading.Event()
    held, words = escalating._held, "Signed by the new CSM; the former one has left."

    def ends_first(on: date) -> frozenset[int]:
        Handover.objects.filter(pk=rows[1].pk).update(closed_words=words)
        ended.set()
        waits.wait(timeout=20)
        return held(on)

    monkeypatch.setattr(escalating, "_held", ends_first)

    def act(n: int) -> object:
        if n == 0:
            return tell_of_late_handovers(on=TODAY, at=NOW)
        if n == 1:
            ended.wait(timeout=20)
            with transaction.atomic():
                Handover.objects.select_for_update().get(pk=rows[0].pk)
                waits.set()  # it has the first one and wants the second, which the other one has
                overtake(rows, people)
        return None

    with pytest.raises(OperationalError, match="deadlock detected"):
        at_once(act)
