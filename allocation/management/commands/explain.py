"""`explain EXTERNAL_ID [--run ID]`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import timezone

from accounts.management.base import DoorCommand
from accounts.models import Customer
from allocation.selectors.explanations import FACTS_CHANGED, customer_explanation, explanation_of_run


class Command(DoorCommand):
    help = "Say why a customer has its tier, and what would change it."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("external_id")
        parser.add_argument(
            "--run", type=int, metavar="ID", help="What that run said, whatever was decided since."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        actor = self.actor(options)
        customers = Customer.objects.all() if actor is None else Customer.objects.visible_to(actor)
        customer_id = (
            customers.filter(external_id=options["external_id"]).values_list("pk", flat=True).first()
        )
        if customer_id is None:
            self.refuse(f"There is no customer {options['external_id']}.")
        run_id, today = options["run"], timezone.localdate()
        if run_id is None:
            explanation = customer_explanation(customer_id=customer_id, today=today)
        else:
            explanation = explanation_of_run(customer_id=customer_id, run_id=run_id, today=today)
        if explanation is None and run_id is not None:
            self.refuse(f"Run {run_id} did not decide {options['external_id']}.")
        if explanation is None:
            self.refuse(f"No run has decided {options['external_id']} yet; start one with retier.")
        self.answer(explanation.found, _lines(explanation.found))


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{found['external_id']}: {found['effective']} (suggested {found['suggested']}, by {found['decided_by']})"
    yield f"Segment {found['segment']}; {found['reason']}"
    if found["decided_in"] != found["run"]:
        yield f"Decided in run {found['decided_in']}; confirmed unchanged in run {found['run']}."
    if found["facts_changed"]:
        yield FACTS_CHANGED
    if found["currency"]:
        yield f"Amounts in {found['currency']}."
    yield f"Score {found['score'] if found['score'] is not None else 'unknown'}:"
    for part in found["contributions"]:
        if part["points"] is None:
            yield f"       –  {part['criterion']} is missing: its weight {part['weight']} is shared out"
            continue
        value = "missing" if part["value"] is None else part["value"]
        yield f"  {part['contribution']:6.2f}  {part['criterion']} = {value} ({part['points']} points, weight {part['weight']})"
    for key, title in (("nearest_bound", "Nearest bound"), ("nearest_change", "Nearest change")):
        if found[key]:
            yield f"{title}: {found[key]['words']}"
