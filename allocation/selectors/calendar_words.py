"""Names of touches as they may stand outside the house: a calendar is read by phones, and by whoever looks at them.

Activities are named by CS ops and may say what is internal ("High-touch adoption flow"). Words for a level, a tier or a
segment are taken out; where another internal word is left, only the kind of contact is named. What a touch is about ("Health
and usage review") tells nothing of how the customer is judged, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from accounts.models import Tier, TouchActivity
from allocation.models import TieringModel
from allocation.selectors.notice_words import one_line

Channel = TouchActivity.Channel
LEVELS = r"(?:high|mid|low|tech)[ -]?touch|self[ -]?service"
INTERNAL = re.compile(
    rf"\b(?:{LEVELS})\b|\b(?:tier\w*|segment\w*|scor(?:e|es|ed|ing)|touch[ -]?levels?|overrid\w*|criteri\w*|pyramid|sentiment"
    r"|paid floor|dead band|effective|suggested)\b",
    re.IGNORECASE,
)
KINDS: dict[str, str] = {
    Channel.MEETING: "Meeting",
    Channel.VISIT: "Visit",
    Channel.CALL: "Call",
    Channel.EMAIL: "E-mail",
    Channel.DIGITAL: "Digital contact",
    Channel.INTERNAL: "Internal review",
}
CONTACT = "Contact"


class OutsideWords:
    """`words_of(name, channel)` for many names; two statements when it is made."""

    def __init__(self) -> None:
        self._labels = _pattern([*Tier.objects.order_by("pk").values_list("name", flat=True), *_segments()])
        self._known: dict[tuple[str, str], str] = {}

    def words_of(self, name: str, channel: str) -> str:
        """The name without internal words; the kind of contact where nothing else is left. channel: "" where none is known."""
        key = (name, channel)
        if key not in self._known:
            self._known[key] = self._plain(name) or KINDS.get(channel, CONTACT)
        return self._known[key]

    def _plain(self, name: str) -> str:
        left = one_line(self._labels.sub(" ", one_line(name))).strip(" -–·:,;/()")
        return "" if INTERNAL.search(left) else left[:1].upper() + left[1:]


def _segments() -> list[str]:
    """Names of the segments of the model in use."""
    found = TieringModel.objects.published().values_list("definition__segments", flat=True).first()
    return [str(one.get("name", "")) for one in found or [] if isinstance(one, dict)]


def _pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Any of the names as a whole word, the longest first, and any word for a level."""
    known = sorted({name for name in names if name.strip()}, key=len, reverse=True)
    either = "|".join([*(re.escape(name) for name in known), LEVELS])
    return re.compile(rf"(?<![\w-])(?:{either})(?![\w-])", re.IGNORECASE)
