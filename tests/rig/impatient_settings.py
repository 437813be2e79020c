"""The embedded installation with less patience for SQLite's write lock, so that a test need not hold it for long."""

from cstiers.settings import *  # noqa: F403
from cstiers.settings import DATABASES

DATABASES["default"]["OPTIONS"]["timeout"] = 2
