"""Late handovers: both CSMs are told once, and some days later the managers; one mail a person and day at most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from django.db import transaction

from allocation.models import Handover, Notice
from allocation.querysets.notices import Letter
from allocation.selectors import notice_words
from allocation.selectors.approvers import managers_on
from allocation.selectors.handover_people import people_serving, signing_in_on
from allocation.selectors.wording import counted

ESCALATED_AFTER = timedelta(days=3)
"""So long after the CSMs were told a handover that is still open is the managers' business."""
CHUNK = 500
ABOUT = "handovers-late-"
NONE_OWN = "00000000"


def tell_of_late_handovers(*, on: date, at: datetime) -> str:
    """Tell of handovers whose day has passed: both CSMs (and who covers them) once, the managers of both three days later.
    Returns a sentence that says what was told.

    All that is late stands in one mail a person. Repeating it, or doing it twice at once, tells nobody twice; what was
    missed while the timetable stood still is told late. One that lacks only the signature of a former CSM who has left
    since is done, and nobody is told of it.
    """
    with transaction.atomic():
        ended = _end_where_nobody_signs_any_more(on, at)
        late = list(Handover.objects.late_on(on).select_related("from_csm", "to_csm").order_by("pk"))
        escalated = _escalate(on, at)
        led = _led([row for row in late if row.pk in escalated], on)
        told = _tell(late, led, on, at)
    said = [
        f"{counted(len(late), 'handover')} late" if late else "No handover is late",
        f"{len(escalated)} passed on to managers" if escalated else "",
        f"{counted(told, 'person', 'people')} told" if told else "",
        f"{ended} done without a former CSM" if ended else "",
    ]
    return ", ".join(words for words in said if words) + "."


def _end_where_nobody_signs_any_more(on: date, at: datetime) -> int:
    """Signed by the new CSM, and the former one left after that."""
    rows = Handover.objects.open().filter(
        to_signed_at__isnull=False, from_signed_at__isnull=True, from_csm__isnull=False
    )
    words = "Signed by the new CSM; the former one has left."
    return int(
        rows.exclude(from_csm__in=signing_in_on(on).values("pk")).update(
            status=Handover.Status.DONE, closed_at=at, closed_words=words
        )
    )


def _escalate(on: date, at: datetime) -> frozenset[int]:
    """Those that managers are to hear of now: of two who look at once only one finds a row."""
    rows = Handover.objects.late_on(on - ESCALATED_AFTER).filter(escalated_at__isnull=True)
    ids = list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), CHUNK):
        mine = ids[start : start + CHUNK]
        marked = Handover.objects.open().filter(pk__in=mine, escalated_at__isnull=True)
        if marked.update(escalated_at=at) != len(mine):
            raise RuntimeError("A handover was passed on by somebody else while its row was locked.")
    return frozenset(ids)


def _led(escalated: Sequence[Handover], on: date) -> Counter[int]:
    """{manager: number of handovers to see to}: of the teams of both CSMs; who is away is represented."""
    found: Counter[int] = Counter()
    if not escalated:
        return found
    managers = managers_on(on=on)
    for row in escalated:
        teams = {csm.team_id for csm in (row.from_csm, row.to_csm) if csm is not None}
        found.update({person for team in teams for person in managers.of_team(team).people})
    return found


def _tell(late: Sequence[Handover], led: Mapping[int, int], on: date, at: datetime) -> int:
    """A letter for each person who was not told of the newest of the own ones yet, and for each of `led`."""
    own, newest = _own(late, on)
    known = _told_until(own)
    letters = []
    for person in sorted(own.keys() | led.keys()):
        day = newest.get(person, NONE_OWN)
        is_new = day > known.get(person, NONE_OWN)
        if not is_new and not led.get(person):
            continue
        words = notice_words.handovers_are_late(
            own=own[person], led=led.get(person, 0), link=notice_words.handovers_link("?show=late")
        )
        about = f"{ABOUT}{day}" + (f"-led-{on:%Y%m%d}" if led.get(person) else "")
        letters.append(Letter(about, [person], *words))
    return Notice.objects.leave_each(letters, kind=Notice.Kind.ENDS_SOON, at=at)


def _own(late: Sequence[Handover], on: date) -> tuple[Counter[int], dict[int, str]]:
    """{person: late handovers in which the person serves either side}, and the newest day of theirs that passed."""
    ends = {pk for row in late for pk in (row.from_csm_id, row.to_csm_id) if pk is not None}
    serving = people_serving(csm_ids=ends, on=on)
    own: Counter[int] = Counter()
    newest: dict[int, str] = {}
    for row in late:
        for person in {
            person for pk in (row.from_csm_id, row.to_csm_id) if pk for person in serving.get(pk, ())
        }:
            own[person] += 1
            newest[person] = max(newest.get(person, NONE_OWN), f"{row.due_on:%Y%m%d}")
    return own, newest


def _told_until(people: Mapping[int, int]) -> dict[int, str]:
    """The newest day of which each person was told: the key of the notice begins with it."""
    rows = Notice.objects.filter(to__in=list(people), kind=Notice.Kind.ENDS_SOON, key__startswith=ABOUT)
    found: dict[int, str] = {}
    for person, key in rows.order_by("pk").values_list("to_id", "key"):
        found[person] = max(found.get(person, NONE_OWN), key[len(ABOUT) :][: len(NONE_OWN)])
    return found
