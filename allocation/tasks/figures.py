"""Keeps the sheets that figures of all customers are added up from."""

from celery import shared_task

from allocation.services import figures


@shared_task(name="allocation.write_figures", ignore_result=True)
def write_figures() -> None:
    """Write the sheets whose customers changed. On the timetable (cstiers.celery_settings); pages are right without it, and slower."""
    figures.write_sheets()
