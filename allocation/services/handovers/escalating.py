"""Late handovers: both CSMs are told once, and some days later the managers; one mail a person and day at most.

Whoever has no manager is CS ops' business: nothing counts as passed on that nobody was told of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from allocation.models import Handover, Notice
from allocation.querysets.handovers import HandoverQuerySet
from allocation.querysets.notices import Letter
from allocation.selectors import notice_words
from allocation.selectors.approvers import cs_ops, managers_on
from allocation.selectors.handover_people import people_serving, signing_in_on
from allocation.selectors.wording import counted

ESCALATED_AFTER = timedelta(days=3)
"""So long after the CSMs were told a handover that is still open is the managers' business."""
CHUNK = 500
ABOUT = "handovers-late-"
NONE_OWN = "00000000"
LACKS_THE_FORMER = Q(to_signed_at__isnull=False, from_signed_at__isnull=True, from_csm__isnull=False)


def tell_of_late_handovers(*, on: date, at: datetime) -> str:
    """Tell of handovers whose day has passed: both CSMs (and who covers them) once, the managers of both three days later,
    or CS ops where neither has any. Returns a sentence that says what was told.

    All that is late stands in one mail a person. Repeating it, or doing it twice at once, tells nobody twice; what was
    missed while the timetable stood still is told late. One that lacks only the signature of a former CSM who has left
    since is done, and nobody is told of it.
    """
    with transaction.atomic():
        held = _held(on)
        ended = _end_where_nobody_signs_any_more(held, on, at)
        late = list(Handover.objects.late_on(on).select_related("from_csm", "to_csm").order_by("pk"))
        passed_on = _seen_to_by([row for row in late if row.pk in held and _is_long_late(row, on)], on)
        _mark(sorted(passed_on), at)
        told = _tell(late, passed_on, on, at)
    to_ops = sum(one.without for one in passed_on.values())
    said = [
        f"{counted(len(late), 'handover')} late" if late else "No handover is late",
        f"{len(passed_on) - to_ops} passed on to managers" if len(passed_on) > to_ops else "",
        f"{to_ops} passed on to CS ops" if to_ops else "",
        f"{counted(told, 'person', 'people')} told" if told else "",
        f"{ended} done without a former CSM" if ended else "",
    ]
    return ", ".join(words for words in said if words) + "."


def _held(on: date) -> frozenset[int]:
    """All that may be written below, locked at once and in the order in which applying a plan locks them: whoever came second
    waits, and no two wait for each other. Of two who look at once the second finds nothing left to do.
    """
    long_late = Q(due_on__lt=on - ESCALATED_AFTER, escalated_at__isnull=True)
    rows = Handover.objects.open().filter(long_late | LACKS_THE_FORMER)
    return frozenset(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))


def _end_where_nobody_signs_any_more(held: Collection[int], on: date, at: datetime) -> int:
    """Signed by the new CSM, and the former one left after that."""
    words = "Signed by the new CSM; the former one has left."
    gone = ~Q(from_csm__in=signing_in_on(on).values("pk"))
    return sum(
        Handover.objects.open()
        .filter(LACKS_THE_FORMER, gone, pk__in=part)
        .update(status=Handover.Status.DONE, closed_at=at, closed_words=words)
        for part in _chunks(sorted(held))
    )


def _is_long_late(row: Handover, on: date) -> bool:
    return row.escalated_at is None and row.due_on < on - ESCALATED_AFTER


def _mark(ids: Sequence[int], at: datetime) -> None:
    for part in _chunks(ids):
        if _not_passed_on(part).update(escalated_at=at) != len(part):
            raise RuntimeError("A handover was passed on by somebody else while its row was locked.")


def _not_passed_on(ids: Collection[int]) -> HandoverQuerySet:
    rows: HandoverQuerySet = Handover.objects.open().filter(pk__in=ids, escalated_at__isnull=True)
    return rows


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


@dataclass(frozen=True, slots=True)
class _SeenToBy:
    """Who hears of a handover that is late for days. without: it has no manager, so it is CS ops'."""

    people: frozenset[int]
    without: bool = False


def _seen_to_by(rows: Sequence[Handover], on: date) -> dict[int, _SeenToBy]:
    """By handover: the managers of the teams of both CSMs (who is away is represented), else CS ops; not those of which
    nobody can be told, which wait until somebody can.
    """
    if not rows:
        return {}
    managers, ops = managers_on(on=on), cs_ops()
    found = {}
    for row in rows:
        teams = {csm.team_id for csm in (row.from_csm, row.to_csm) if csm is not None}
        people = frozenset(person for team in teams for person in managers.of_team(team).people)
        if people or ops:
            found[row.pk] = _SeenToBy(people or ops, without=not people)
    return found


def _tell(late: Sequence[Handover], passed_on: Mapping[int, _SeenToBy], on: date, at: datetime) -> int:
    """A letter for each person who was not told of the newest of the own ones yet, and for each who sees to what is passed
    on.
    """
    own, newest = _own(late, on)
    led = Counter(person for one in passed_on.values() if not one.without for person in one.people)
    without = Counter(person for one in passed_on.values() if one.without for person in one.people)
    known = _told_until(own)
    letters = []
    for person in sorted(own.keys() | led.keys() | without.keys()):
        day = newest.get(person, NONE_OWN)
        is_new = day > known.get(person, NONE_OWN)
        passed = led[person] + without[person]
        if not is_new and not passed:
            continue
        words = notice_words.handovers_are_late(
            own=own[person],
            led=led[person],
            without_manager=without[person],
            link=notice_words.handovers_link("?show=late"),
        )
        about = f"{ABOUT}{day}" + (f"-led-{on:%Y%m%d}" if passed else "")
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
