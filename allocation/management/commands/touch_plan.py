"""`touch_plan EXTERNAL_ID`: the coming 12 months of a customer, and what is late."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import timezone

from accounts.management.base import DoorCommand
from accounts.models import Customer
from allocation.selectors.touch_plan import touch_plan_answer
from allocation.selectors.wording import hours


class Command(DoorCommand):
    help = "The touches of a customer in the coming 12 months by its touch plan, with those that are late."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("external_id", metavar="EXTERNAL_ID")

    def handle(self, *args: Any, **options: Any) -> None:
        actor, key = self.actor(options), options["external_id"]
        seen = Customer.objects.all() if actor is None else Customer.objects.visible_to(actor)
        customer = seen.filter(external_id=key).first()
        if customer is None:
            self.refuse(f"There is no customer {key}.")
        found = touch_plan_answer(customer=customer, on=timezone.localdate())
        self.answer(found, _lines(found))


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    touches = found["touches"]
    tier = f"tier {found['tier']}" if found["tier"] else "no tier"
    yield f"{found['external_id']} ({tier}): {len(touches)} touches in the coming 12 months, with those that are late"
    for activity, times in sorted(Counter(one["activity"] for one in touches).items()):
        yield f"  {activity}: {times}"
    for one in touches:
        yield f"  {one['due_on']} {one['status']:<8} {one['activity']} ({hours(one['hours'])} h)"
