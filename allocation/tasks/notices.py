"""Mail in the background: whoever may decide is told, and what is written down is sent."""

import logging

from celery import shared_task
from django.utils import timezone

from allocation.services import notices
from allocation.tasks.bell import ring

logger = logging.getLogger(__name__)

LIMIT = 100  # mails of one turn: with a slow server still within the time of a task


@shared_task(name="allocation.send_notices")
def send_notices(*, limit: int = LIMIT) -> None:
    """Send what is due. On the timetable, and rung after a decision so that nobody waits for it."""
    done = notices.send_notices(at=timezone.now(), limit=limit)
    if done.failed:
        logger.warning("%s notices were not sent; the admin's list of notices says why.", done.failed)


@shared_task(name="allocation.tell_who_decides")
def tell_who_decides() -> None:
    """Write down whom to tell of runs and plans that wait for approval. On the timetable."""
    if notices.tell_who_decides(at=timezone.now()):
        ring(send_notices)
