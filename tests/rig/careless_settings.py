"""SQLite with Django's own deferred transactions and little patience. The control arm of the crowd."""

from cstiers.settings import *  # noqa: F403
from cstiers.settings import DATABASES

DATABASES["default"]["OPTIONS"] = {"timeout": 0.2}
