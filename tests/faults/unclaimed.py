"""The control of double deliveries: the Celery application of cstiers, but everybody who wants a row gets it."""

from typing import Any

from celery.signals import worker_process_init

from cstiers.celery import app

__all__ = ["app"]


@worker_process_init.connect
def _everybody_claims(**kwargs: Any) -> None:
    from django.db.models import F

    from accounts.querysets.jobs import JobQuerySet

    def claim(rows: Any, pk: int, *, working: str, **ignored: Any) -> int:
        rows.filter(pk=pk).update(status=working, fence=F("fence") + 1)
        return int(rows.values_list("fence", flat=True).get(pk=pk))

    JobQuerySet.claim = claim  # type: ignore[method-assign, assignment]
