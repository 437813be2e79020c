"""Touches in the background: what a change of tier or goals means for the touch plan, soon after it.

Every night the timetable plans the touches of everybody, so a ring that is lost costs until then.
"""

import logging
from collections.abc import Iterable

from celery import shared_task
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from allocation.selectors.touches import customers_of_run
from allocation.services import touches
from allocation.tasks.bell import ring

logger = logging.getLogger(__name__)

IDS_IN_A_MESSAGE = 500


def plan_soon(customer_ids: Iterable[int]) -> None:
    """Have the touches of these customers planned anew, once what changed their tier or goals is committed."""
    ids = sorted(set(customer_ids))
    for start in range(0, len(ids), IDS_IN_A_MESSAGE):
        ring(plan_touches, customer_ids=ids[start : start + IDS_IN_A_MESSAGE])


def plan_after_run(run_id: int) -> None:
    """Have the touches of those planned anew whose tier a run changed, or whom its undoing gave one back."""
    plan_soon(customers_of_run(run_id=run_id))


@shared_task(name="allocation.plan_touches")
def plan_touches(*, customer_ids: list[int]) -> None:
    """Bring the touches of these customers in line with their touch plans."""
    try:
        touches.plan_touches(on=timezone.localdate(), customer_ids=customer_ids)
    except (OperationalError, InterfaceError) as fault:
        logger.warning(
            "Touches of %s customers were not planned (%s); the timetable does so at night.",
            len(customer_ids),
            fault,
        )
