"""A database backend for measuring: how long each transaction waited for SQLite's one write lock and kept it.

The settings beside it (tests/rig/timed_settings.py) name it; the lines go to the file that WRITE_LOCK_LOG names.
"""

import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base

WORTH_A_PLACE = 0.5  # seconds: from here on the line says where in the project the transaction was ended


class DatabaseWrapper(base.DatabaseWrapper):
    _asked: float = 0.0
    _began: float | None = None

    def _start_transaction_under_autocommit(self) -> None:
        self._asked = time.monotonic()
        super()._start_transaction_under_autocommit()
        self._began = time.monotonic()

    def _commit(self) -> Any:
        done = super()._commit()
        self._told()
        return done

    def _rollback(self) -> Any:
        done = super()._rollback()
        self._told()
        return done

    def _told(self) -> None:
        if self._began is None:
            return
        held, waited = time.monotonic() - self._began, self._began - self._asked
        self._began = None
        where = _place() if held >= WORTH_A_PLACE else ""
        line = json.dumps(
            {
                "who": Path(sys.argv[0]).name,
                "waited": round(waited, 4),
                "held": round(held, 4),
                "where": where,
            }
        )
        with Path(os.environ["WRITE_LOCK_LOG"]).open("a", encoding="utf-8") as log:
            log.write(line + "\n")


def _place() -> str:
    """The project's own functions on the stack, the innermost first."""
    ours = [
        frame
        for frame in reversed(traceback.extract_stack())
        if any(f"/{app}/" in frame.filename for app in ("accounts", "allocation", "cstiers"))
    ]
    return " < ".join(f"{Path(frame.filename).name}:{frame.name}" for frame in ours[:4])
