"""Wiring: settings, addresses, the Celery application."""

from cstiers.celery import app as celery_app  # tasks bind to it wherever Django runs

__all__ = ["celery_app"]
