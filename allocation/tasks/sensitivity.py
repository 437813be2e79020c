"""The sensitivity of a model in the background. Its row says how far it is and keeps the answer, or the refusal."""

from celery import shared_task
from django.utils import timezone

from allocation.models import Sensitivity
from allocation.services import sensitivity
from allocation.tasks.runner import working


@shared_task(name="allocation.compute_sensitivity")
def compute_sensitivity(*, sensitivity_id: int) -> None:
    """Turn every number of a model by a little and count who moves."""
    refusals = (sensitivity.UnableToAskSensitivity,)
    with working(Sensitivity, sensitivity_id, refusals=refusals) as owner:
        sensitivity.compute_sensitivity(sensitivity_id=sensitivity_id, owner=owner, on=timezone.localdate())
