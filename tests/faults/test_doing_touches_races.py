"""Two people at one touch: it is done once, and the other is told. On PostgreSQL only, as the other races."""

import os
import threading
import time
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import Customer
from allocation.models import Touch
from allocation.services import touches
from allocation.services.touches import doing
from tests import factories
from tests.faults.test_goal_races import PEOPLE, at_once, each_at_once

ROUNDS = int(os.environ.get("CSTIERS_ROUNDS", "5"))
CLOCK = {"on": factories.TODAY, "at": factories.NOW}

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def planned() -> Touch:
    activity = factories.TouchActivityFactory()
    touch: Touch = Touch.objects.create(
        customer=factories.CustomerFactory(), activity=activity, name="Review",
        slot_on=factories.TODAY, due_on=factories.TODAY, hours=1,
    )  # fmt: skip
    return touch


def test_a_touch_is_done_once_and_the_others_are_told() -> None:
    ops = factories.cast().ops
    for _ in range(ROUNDS):
        touch = planned()
        found = at_once(
            lambda touch=touch: touches.do_touch(
                touch_id=touch.pk, actor=ops, done_on=factories.TODAY, **CLOCK
            )
        )
        refused = [one for one in found if not isinstance(one, Touch)]
        assert [type(one) for one in refused] == [touches.UnableToDoTouch] * (PEOPLE - 1)
        assert all("written down as done by Olga Ops" in str(one) for one in refused)


def test_a_touch_is_done_or_skipped_or_done_with_others_and_never_two_of_them() -> None:
    ops = factories.cast().ops
    for _ in range(ROUNDS):
        touch = planned()

        def do(touch: Touch = touch) -> object:
            return touches.do_touch(touch_id=touch.pk, actor=ops, done_on=factories.TODAY, **CLOCK)

        def skip(touch: Touch = touch) -> object:
            return touches.skip_touch(touch_id=touch.pk, actor=ops, words="Away", at=factories.NOW)

        def several(touch: Touch = touch) -> object:
            return touches.do_touches(touch_ids=[touch.pk], actor=ops, **CLOCK)

        found = each_at_once([do, skip, several] * 2)
        assert sum(isinstance(one, Touch) or one == 1 for one in found) == 1
        told = (touches.UnableToDoTouch, touches.UnableToSkipTouch)
        assert sum(isinstance(one, told) or one == 0 for one in found) == 5


def test_many_clicks_log_one_touch() -> None:
    ops, customer = factories.cast().ops, factories.CustomerFactory()
    found = at_once(
        lambda: touches.log_touch(
            customer_id=customer.pk, actor=ops, done_on=factories.TODAY, minutes=5, name="Call", **CLOCK
        )
    )
    assert sum(isinstance(one, touches.UnableToLogTouch) for one in found) == PEOPLE - 1
    assert Touch.objects.count() == 1


def test_what_was_logged_is_taken_back_once() -> None:
    ops = factories.cast().ops
    for _ in range(ROUNDS):
        touch = touches.log_touch(
            customer_id=factories.CustomerFactory().pk, actor=ops, done_on=factories.TODAY, minutes=5,
            name="Call", **CLOCK,
        )  # fmt: skip
        found = at_once(
            lambda touch=touch: touches.reopen_touch(touch_id=touch.pk, actor=ops, at=factories.NOW)
        )
        assert [one for one in found if one is False] == [False]
        assert sum(isinstance(one, touches.UnableToReopenTouch) for one in found) == PEOPLE - 1


def done_while_the_customer_goes_to_another(touch: Touch, actor: Any, to: Any) -> object:
    """What `do_touches` says to who waits for the row of a customer that is given to another CSM meanwhile."""
    found: list[object] = []

    def wait() -> None:
        try:
            found.append(touches.do_touches(touch_ids=[touch.pk], actor=actor, **CLOCK))
        finally:
            connection.close()

    waiting = threading.Thread(target=wait)
    with transaction.atomic():
        Customer.objects.filter(pk=touch.customer_id).update(csm=to)
        waiting.start()
        time.sleep(0.5)  # it stands before the row now
        assert not found
    waiting.join(timeout=60)
    return found[0]


def test_who_lost_the_customer_while_waiting_does_none_of_its_touches() -> None:
    cast, touch = factories.cast(), planned()
    Customer.objects.filter(pk=touch.customer_id).update(csm=cast.csm_a.csm, csm_since=factories.TODAY)
    assert done_while_the_customer_goes_to_another(touch, cast.csm_a, cast.csm_b.csm) == 0
    touch.refresh_from_db()
    assert (touch.status, touch.closed_by) == ("planned", None)


def test_control_rights_read_before_the_rows_are_held_let_the_touch_be_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cast, touch = factories.cast(), planned()
    Customer.objects.filter(pk=touch.customer_id).update(csm=cast.csm_a.csm, csm_since=factories.TODAY)

    def read_before(actor: Any) -> QuerySet[Customer]:
        seen = list(Customer.objects.visible_to(actor).values_list("pk", flat=True))
        return Customer.objects.filter(pk__in=seen).select_for_update(of=("self",), no_key=True)

    monkeypatch.setattr(doing, "_holding", read_before)
    assert done_while_the_customer_goes_to_another(touch, cast.csm_a, cast.csm_b.csm) == 1


def test_control_without_the_lock_and_the_condition_everybody_did_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the two keep away: eight people who are each told that it is theirs, and the last one's words."""
    seen = threading.Barrier(PEOPLE)

    def unlocked(touch_id: int, actor: Any) -> Touch:
        touch = Touch.objects.select_related("activity", "customer", "closed_by").get(pk=touch_id)
        seen.wait(timeout=20)  # everybody saw it open before anybody writes
        return touch

    def whatever_it_is(touch: Touch) -> QuerySet[Touch]:
        return Touch.objects.filter(pk=touch.pk)

    monkeypatch.setattr(doing, "_locked_touch", unlocked)
    monkeypatch.setattr(doing, "_open", whatever_it_is)
    ops, touch = factories.cast().ops, planned()
    found = at_once(lambda: touches.do_touch(touch_id=touch.pk, actor=ops, done_on=factories.TODAY, **CLOCK))
    assert [type(one) for one in found] == [Touch] * PEOPLE
