"""Who stopped a piece of work, in words."""

from accounts.models import Job


def stopped_by(job: Job) -> str:
    """The name of whoever asked; a command that nobody signed is the machine's operator."""
    return str(job.cancel_asked_by) if job.cancel_asked_by is not None else "the operator of the machine"
