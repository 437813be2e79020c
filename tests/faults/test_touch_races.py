"""Many planners at once, and tiers that change under them: a slot has one touch. On PostgreSQL only, as the other races."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from accounts.models import Customer, Tier
from allocation.models import Touch
from allocation.services.touches import PlannedTouches, plan_touches, planning
from tests import factories
from tests.factories import TODAY
from tests.faults.test_goal_races import PEOPLE, ROUNDS, at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def two_tiers() -> tuple[Tier, Tier]:
    """Two tiers with the same activity: its slots are the same in both."""
    tiers = [factories.TierFactory(touch_level="high") for _ in range(2)]
    for tier in tiers:
        factories.TouchActivityFactory(tier=tier, name="Meeting", times_a_year=52)
    return tiers[0], tiers[1]


def doubles() -> dict[tuple[int, Any], int]:
    slots = Counter(Touch.objects.values_list("customer_id", "slot_on"))
    return {slot: number for slot, number in slots.items() if number > 1}


def test_eight_planners_at_once_leave_what_one_leaves(transactional_db: None) -> None:
    tier, _ = two_tiers()
    for _ in range(ROUNDS):
        for _ in range(4):
            factories.CustomerFactory(tier=tier, tier_since=TODAY)
        found = at_once(lambda: plan_touches(on=TODAY))
        assert [type(one) for one in found] == [PlannedTouches] * PEOPLE, found
        assert doubles() == {}
        before = list(Touch.objects.order_by("pk").values())
        assert plan_touches(on=TODAY).added == 0
        assert list(Touch.objects.order_by("pk").values()) == before


@contextmanager
def slow_reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The first planner stands still after it read, until another could have written; the event: it has read."""
    has_read, real = threading.Event(), planning.touch_states

    def read(**given: Any) -> Any:
        found = real(**given)
        if not has_read.is_set():
            has_read.set()
            time.sleep(2)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(planning, "touch_states", read)
        yield has_read


def planned_while_the_tier_changes(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """One planner has read the old tier; it changes, and a second one plans by the new tier."""
    old, new = two_tiers()
    customer = factories.CustomerFactory(tier=old, tier_since=TODAY)

    def second() -> None:
        assert has_read.wait(timeout=20)
        Customer.objects.filter(pk=customer.pk).update(tier=new)
        plan_touches(on=TODAY)

    with slow_reader(monkeypatch) as has_read:
        threads = [in_thread(lambda: plan_touches(on=TODAY)), in_thread(second)]
        for thread in threads:
            thread.join(timeout=60)
    return Counter(Touch.objects.values_list("activity__tier__slug", flat=True))


def in_thread(work: Callable[[], object]) -> threading.Thread:
    def body() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=body)
    thread.start()
    return thread


def test_a_tier_that_changes_between_two_planners_leaves_one_touch_a_slot(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = planned_while_the_tier_changes(monkeypatch)
    assert len(found) == 1, "all of the new tier"
    assert doubles() == {}


def test_control_without_holding_the_customers_there_would_be_two(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "_hold", lambda customers: None)
    found = planned_while_the_tier_changes(monkeypatch)
    assert len(found) == 2
    assert doubles() != {}
