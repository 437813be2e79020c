"""The Celery application: the bell that tells a worker to look into the database.

A job's row is the record of what is to be done; a message only carries its number. A lost message costs time
(the sweep rings again), never work.
"""

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

from cstiers.pulses import WorkerPulse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cstiers.settings")

app = Celery("cstiers")
app.config_from_object(
    "cstiers.celery_settings"
)  # read when first asked for, so Django's settings come first
app.autodiscover_tasks(["allocation"])
app.steps["worker"].add(WorkerPulse)


@setup_logging.connect
def log_as_the_site_does(**named: Any) -> None:
    """Worker and beat write Django's lines and no others; LOG_LEVEL rules, not `--loglevel`."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
