"""SQLite as Django comes: no write-ahead log, deferred transactions, little patience. The control arm of the crowd."""

from cstiers.settings import *  # noqa: F403
from cstiers.settings import DATABASES

DATABASES["default"]["OPTIONS"] = {"timeout": 0.2, "init_command": "PRAGMA journal_mode=DELETE"}
