"""The timetable: schedules that CS ops change, and slots, the record of what was due and what became of it.

A slot is written once, whoever asks and however often (a unique key), carried out by one runner (a claim with a lease),
and says what came of it. Beat and messages only ring: `note_due` looks at the clock and at what is written.
"""

from allocation.services.timetable.schedules import change_schedule, ensure_schedules
from allocation.services.timetable.slots import (
    Outcome,
    UnableToAskNow,
    UnableToCarryOut,
    ask_now,
    carry_out_slot,
    forget_old_slots,
    note_due,
)

__all__ = [
    "Outcome",
    "UnableToAskNow",
    "UnableToCarryOut",
    "ask_now",
    "carry_out_slot",
    "change_schedule",
    "ensure_schedules",
    "forget_old_slots",
    "note_due",
]
