"""What runs and plans share: whether they are under way, and how far, as JSON for the page's script."""

from datetime import datetime
from typing import Any

from django.http import JsonResponse

from allocation.models import RunStatus
from allocation.selectors.freezes import Frozen
from allocation.selectors.job_words import job_words

# Until then a freeze is something to know of beside a proposal.
BEFORE_APPLYING = (RunStatus.QUEUED, RunStatus.COMPUTING, RunStatus.PROPOSED, RunStatus.AWAITING_APPROVAL)


def is_under_way(job: Any) -> bool:
    """Queued, being worked on, or proposed with somebody's wish to apply it: the page looks again by itself."""
    return bool(job.is_busy)


def waits_for_freeze(job: Any, freeze: Frozen | None) -> bool:
    """Somebody wished it applied, and it is when the freeze is over: nothing to wait for on the page."""
    return bool(freeze is not None and job.is_accepted)


def progress(job: Any, *, what: str, at: datetime) -> JsonResponse:
    """{status, done, total, message, note, finished}: what cstiers/js/progress.js asks for."""
    under_way = is_under_way(job)
    return JsonResponse(
        {
            "status": job.status,
            "done": job.progress_done,
            "total": job.progress_total,
            "message": job.message or str(job.get_status_display()),
            "note": job_words(job=job, what=what, at=at) if under_way else "",
            "finished": not under_way,
        }
    )
