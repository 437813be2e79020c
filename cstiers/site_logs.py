"""gunicorn's lines in the format of all others: `gunicorn --logger-class cstiers.site_logs.SiteLogger --access-logfile -`."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import Any

from gunicorn.glogging import Logger

from cstiers.logs import ID, USER, formatter, without_secret


class SiteLogger(Logger):  # type: ignore[misc]
    """gunicorn's lines in the same format (`gunicorn --logger-class cstiers.site_logs.SiteLogger --access-logfile -`)."""

    def _set_handler(self, log: logging.Logger, output: Any, fmt: Any, stream: Any = None) -> None:
        super()._set_handler(
            log, output, formatter(os.environ.get("LOG_FORMAT") or "text"), stream or sys.stderr
        )

    def access(self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: Any) -> None:
        """One line an answer: the path without what follows “?”, since searches hold names."""
        if not self.access_log_enabled:
            return
        status = int(str(resp.status).split(None, 1)[0])
        path, method = environ.get("PATH_INFO", ""), environ.get("REQUEST_METHOD", "")
        path = without_secret(path.encode("unicode_escape").decode("ascii"))
        told = {
            "method": method,
            "path": path,
            "status": status,
            "milliseconds": int(request_time.total_seconds() * 1000),
            "bytes": getattr(resp, "sent", 0) or 0,
            "request_id": environ.get(ID),
            "user_id": environ.get(USER),
        }
        self.access_log.info("%s %s", method, path, extra={k: v for k, v in told.items() if v is not None})
