"""Work in the background, by noun. Tasks take ids by keyword and are safe to receive twice.

Celery finds every task of the project by importing this package.
"""

from allocation.tasks import (
    errands,
    figures,
    importing,
    notices,
    overrides,
    planning,
    retiering,
    scenarios,
    sensitivity,
    sweeping,
    timetable,
    touches,
)

__all__ = [
    "errands",
    "figures",
    "importing",
    "notices",
    "overrides",
    "planning",
    "retiering",
    "scenarios",
    "sensitivity",
    "sweeping",
    "timetable",
    "touches",
]
