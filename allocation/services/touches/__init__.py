"""Touches: planned ahead by the touch plans of the tiers; done, skipped, moved, logged and taken back by people."""

from allocation.services.touches.doing import (
    FURTHEST_MOVE,
    LONGEST_MINUTES,
    LONGEST_NAME,
    LONGEST_WORDS,
    NAMELESS,
    OLDEST_DAY,
    UnableToDoTouch,
    UnableToLogTouch,
    UnableToMoveTouch,
    UnableToReopenTouch,
    UnableToSkipTouch,
    do_touch,
    do_touches,
    log_touch,
    move_touch,
    reopen_touch,
    skip_touch,
)
from allocation.services.touches.planning import PlannedTouches, plan_touches

__all__ = [
    "FURTHEST_MOVE",
    "LONGEST_MINUTES",
    "LONGEST_NAME",
    "LONGEST_WORDS",
    "NAMELESS",
    "OLDEST_DAY",
    "PlannedTouches",
    "UnableToDoTouch",
    "UnableToLogTouch",
    "UnableToMoveTouch",
    "UnableToReopenTouch",
    "UnableToSkipTouch",
    "do_touch",
    "do_touches",
    "log_touch",
    "move_touch",
    "plan_touches",
    "reopen_touch",
    "skip_touch",
]
