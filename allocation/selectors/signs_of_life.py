"""Which of the parts that run beside the site still say that they live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from allocation.models import Pulse
from allocation.selectors.wording import counted

PARTS = {"worker": "worker", "beat": "timetable (beat)"}  # as it is stored: as people say it
BEATS_MISSED = 6
ALIVE = "ok"


@dataclass(frozen=True, slots=True)
class SilentPart:
    """A part nobody has heard of for too long. `words` follow its name: "not heard of for 4 minutes"."""

    part: str
    last_at: datetime | None
    words: str

    @property
    def sentence(self) -> str:
        """For the landing page."""
        effect = {
            "worker": "runs, plans, imports and mail wait until one runs again.",
            "beat": "nothing is started by the calendar, and work whose bell was lost waits.",
        }[self.part]
        return f"The {PARTS[self.part]} was {self.words}: {effect}"


def signs_of_life(*, at: datetime) -> dict[str, str]:
    """Each part: `ok`, or words such as "not heard of for 4 minutes". One query."""
    return {**dict.fromkeys(PARTS, ALIVE), **{silent.part: silent.words for silent in silent_parts(at=at)}}


def silent_parts(*, at: datetime) -> list[SilentPart]:
    """The parts not heard of for six pulses (settings.PULSE_SECONDS), workers first. One query.

    Of many workers the last one that was heard of counts.
    """
    heard = dict(Pulse.objects.filter(part__in=PARTS).values_list("part", "at"))
    patience = timedelta(seconds=BEATS_MISSED * settings.PULSE_SECONDS)
    return [
        SilentPart(part, heard.get(part), _words(heard.get(part), at))
        for part in PARTS
        if part not in heard or at - heard[part] > patience
    ]


def _words(last_at: datetime | None, at: datetime) -> str:
    if last_at is None:
        return "never heard of"
    seconds = int((at - last_at).total_seconds())
    for size, noun in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"not heard of for {counted(seconds // size, noun)}"
    return f"not heard of for {counted(seconds, 'second')}"
