"""Who works: the name a worker claims a row with, so that people can see where it runs."""

import os
import socket
import uuid


def runner_name() -> str:
    """Host and process, and a part that differs for each claim of the same process."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
