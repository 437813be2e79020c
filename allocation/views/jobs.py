"""What runs and plans share: how far the work is, as JSON for the page's script."""

from typing import Any

from django.http import JsonResponse


def progress(job: Any) -> JsonResponse:
    """{status, done, total, message, finished}: what cstiers/js/progress.js asks for."""
    return JsonResponse(
        {
            "status": job.status,
            "done": job.progress_done,
            "total": job.progress_total,
            "message": job.message or str(job.get_status_display()),
            "finished": not job.is_busy,
        }
    )
