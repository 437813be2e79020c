"""What a piece of long work waits for, or is doing, in a sentence under its bar."""

from __future__ import annotations

from datetime import datetime

from accounts.models import Job
from allocation.selectors import wording
from allocation.selectors.signs_of_life import silent_parts
from allocation.selectors.stopping import stopped_by

WORKER = "worker"


def job_words(*, job: Job, what: str, at: datetime) -> str:
    """For work that is under way; what: "run", "plan", "import". At most one query, where it waits for a worker."""
    status: str = job.status  # type: ignore[attr-defined]
    if job.is_being_stopped:
        asked = f"{stopped_by(job)} asked for it to be stopped"
        if job.is_unheld(at):
            return f"{asked}, but no worker has it any more. Cancelled again, it ends at once."
        return f"{asked}: it ends after the step under way."
    if job.rest_until is not None and job.rest_until > at:
        tried = "once" if job.attempts == 1 else f"{job.attempts} times"
        return f"Tried {tried}; the next try is at {wording.clock(job.rest_until)}. It starts by itself."
    if status in job.WORKING and job.claimed_by:
        if job.lease_until is not None and job.lease_until >= at:
            return f"You may leave this page: the {what} goes on without it."
        return f"Its worker has not been heard of any more. {_worker(at) or 'The next one goes on with it.'}"
    doing = "It is about to be applied." if status == "proposed" else f"The {what} waits for a worker."
    return f"{doing} {_worker(at) or 'It starts by itself.'}"


def _worker(at: datetime) -> str:
    """Why no worker takes it up; "" while one is there."""
    silent = next((part for part in silent_parts(at=at) if part.part == WORKER), None)
    if silent is None:
        return ""
    if silent.last_at is None:
        return "No worker has been heard of yet; it starts by itself when one is there."
    since = wording.moment(silent.last_at)
    return f"No worker has been heard of since {since}; it starts by itself when one is back."
