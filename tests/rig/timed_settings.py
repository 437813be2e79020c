"""The settings of an installation whose write lock is measured (tests/rig/timed_sqlite)."""

from cstiers.settings import *  # noqa: F403
from cstiers.settings import DATABASES

DATABASES["default"]["ENGINE"] = "tests.rig.timed_sqlite"
