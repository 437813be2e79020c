"""What runs and plans share: whether they are under way, and how far, as JSON for the page's script."""

from typing import Any

from django.http import JsonResponse


def is_under_way(job: Any) -> bool:
    """Queued, being worked on, or proposed with somebody's wish to apply it: the page looks again by itself."""
    return bool(job.is_busy)


def progress(job: Any) -> JsonResponse:
    """{status, done, total, message, finished}: what cstiers/js/progress.js asks for."""
    return JsonResponse(
        {
            "status": job.status,
            "done": job.progress_done,
            "total": job.progress_total,
            "message": job.message or str(job.get_status_display()),
            "finished": not is_under_way(job),
        }
    )
