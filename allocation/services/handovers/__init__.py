"""Handovers on their way: steps ticked, notes written, signed by both sides, cancelled, and told when they are late.

They are opened with the change of CSM itself (allocation.services.decisions).
"""

from allocation.services.handovers.escalating import tell_of_late_handovers
from allocation.services.handovers.rows import LONGEST_NOTES, LONGEST_WORDS, UnableToHandOver
from allocation.services.handovers.signing import cancel_handover, sign_handover
from allocation.services.handovers.ticking import NotesChanged, tick_step, write_notes

__all__ = [
    "LONGEST_NOTES",
    "LONGEST_WORDS",
    "NotesChanged",
    "UnableToHandOver",
    "cancel_handover",
    "sign_handover",
    "tell_of_late_handovers",
    "tick_step",
    "write_notes",
]
