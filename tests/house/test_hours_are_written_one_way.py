"""People read hours as 1:30 on every page, in mails and in the lines of a command; decimal hours are for files and JSON."""

import re

import pytest

from allocation.selectors import wording
from tests.house.source import ROOT

# Where minutes are turned into decimal hours inside of words, or decimal hours are written with a format of their own.
OTHERWISE = re.compile(
    r"""\{[^{}]*(?<!/)/\ ?60[^{}]*\}            # {minutes / 60:.1f}
    |\{[^{}]*(hours|capacity)['"]?\]?(\.normalize\(\))?:[^{}]*[fg]\}  # {line['hours']:.1f}
    |\b(hours|capacity)\|floatformat""",
    re.VERBOSE,
)
TYPED_IN = {  # what is typed into forms is shown as it is typed
    "allocation/admin/touches.py",
    "allocation/forms/scenarios.py",
}


def otherwise(text: str) -> list[str]:
    return [found.group() for found in OTHERWISE.finditer(text)]


def test_nobody_writes_hours_for_people_but_by_the_words_of_wording() -> None:
    found = {
        str(path.relative_to(ROOT)): wrong
        for folder, pattern in (("allocation", "*.py"), ("templates", "*.html"))
        for path in (ROOT / folder).rglob(pattern)
        if str(path.relative_to(ROOT)) not in TYPED_IN
        and (wrong := otherwise(path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "text",
    ["{held / 60:.1f} hours", "{line['hours']:.1f} of {csm['capacity']:.1f}", "{{ row.hours|floatformat }}"],
)
def test_what_is_written_otherwise_is_found(text: str) -> None:
    assert otherwise(text)


@pytest.mark.parametrize(
    ("minutes", "words"), [(0, "0:00"), (5, "0:05"), (90, "1:30"), (63096, "1,051:36"), (None, wording.DASH)]
)
def test_hours_and_minutes_are_written_alike(minutes: int | None, words: str) -> None:
    assert wording.hours_and_minutes(minutes) == words
    assert wording.hours(None if minutes is None else minutes / 60) == words
