"""The embedded installation on a disk that is full: the database may not grow by a page."""

from cstiers.settings import *  # noqa: F403
from cstiers.settings import DATABASES

# Each connection may have as many pages as there are when it is opened.
DATABASES["default"]["OPTIONS"]["init_command"] += "; PRAGMA max_page_count=1"
