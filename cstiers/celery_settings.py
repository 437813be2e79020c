"""Celery's settings, with the reason beside each that is not a default.

With REDIS_URL messages go through Redis to any number of workers. Without it they are files under var/broker for
one embedded worker (`celery -A cstiers worker -B`), so that nothing has to be installed.
"""

from pathlib import Path
from typing import Any

from django.conf import settings


def _embedded_transport() -> dict[str, Any]:
    """Options of the file broker; its folders are for the owner alone."""
    base: Path = settings.VAR_DIR / "broker"
    for folder in (base, base / "queue", base / "control"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "data_folder_in": str(base / "queue"),
        "data_folder_out": str(base / "queue"),
        "control_folder": str(base / "control"),
        "polling_interval": 0.1,
    }


_REDIS_TRANSPORT: dict[str, Any] = {
    # At least four times the hard time limit: a shorter one would hand out a running task a second time.
    "visibility_timeout": 3600,
    # kombu looks for messages of dead workers about every 100 s by default; every 10 s is soon enough to notice.
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    # No time-out is the default: a hung Redis would hang the page that rings the bell.
    "socket_timeout": 5,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 15,
}

if settings.REDIS_URL:
    broker_url = settings.REDIS_URL
    broker_transport_options = _REDIS_TRANSPORT
    visibility_timeout = _REDIS_TRANSPORT["visibility_timeout"]
else:
    broker_url = "filesystem://localhost"
    broker_transport = "cstiers.file_broker:Transport"
    broker_transport_options = _embedded_transport()
    # SQLite has one writer and the embedded installation one machine.
    worker_concurrency = 1
    worker_enable_remote_control = (
        False  # one more queue to look into every tenth of a second, and nobody asks
    )

broker_connection_timeout = 3
broker_connection_retry_on_startup = True
broker_connection_max_retries = None  # a broker that is away all night must find its workers in the morning

# Nothing is read back: the row has the answer, and Redis keeps nothing confidential.
task_ignore_result = True
result_backend = None

accept_content = ["json"]
task_serializer = "json"

# A killed worker or pool child gives its message back. A loop is met by the attempts counted on the row.
task_acks_late = True
task_reject_on_worker_lost = True
worker_prefetch_multiplier = 1
worker_cancel_long_running_tasks_on_connection_loss = True
worker_soft_shutdown_timeout = 30 if settings.REDIS_URL else 0

task_time_limit = 900
task_soft_time_limit = 840
# A page must answer while the broker is away: one quick second try, then the sweep.
task_publish_retry = True
task_publish_retry_policy = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}

enable_utc = True
timezone = "UTC"
worker_hijack_root_logger = False
worker_send_task_events = False

# When CS ops want what done lies in the database (allocation.services.timetable), where the admin changes it.
beat_scheduler = "cstiers.beat:Timetable"
result_expires = None  # nothing is kept, so the library adds no task that cleans up


def _every_sweep(task: str) -> dict[str, Any]:
    """One that waited longer than its period is followed by a fresher one."""
    return {
        "task": task,
        "schedule": settings.SWEEP_SECONDS,
        "options": {"expire_seconds": settings.SWEEP_SECONDS},
    }


# What keeps the rest going; nobody changes it, and it is written to the database anew at each start of beat.
beat_schedule = {
    "sweep": _every_sweep("allocation.sweep"),
    "keep the timetable": _every_sweep("allocation.keep_timetable"),
    "tell who decides what waits": _every_sweep("allocation.tell_who_decides"),
    "send notices": _every_sweep("allocation.send_notices"),
    "write figures": _every_sweep("allocation.write_figures"),
}
