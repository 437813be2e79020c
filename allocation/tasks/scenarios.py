"""Scenarios in the background. The scenario's row says what is asked and keeps every refusal."""

from celery import shared_task
from django.utils import timezone

from allocation.models import Scenario
from allocation.services import scenarios
from allocation.tasks.runner import working


@shared_task(name="allocation.compute_scenario")
def compute_scenario(*, scenario_id: int) -> None:
    """Compute a queued scenario of the customers as they are today."""
    with working(Scenario, scenario_id, refusals=(scenarios.UnableToComputeScenario,)) as owner:
        scenarios.compute_scenario(scenario_id=scenario_id, owner=owner, on=timezone.localdate())
