"""Notices that nobody asks for any more are put away: mail names customers."""

import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from accounts.models import Leave
from allocation.models import Notice
from allocation.services.notices import KEEP, forget_old_notices
from allocation.tasks.timetable import keep_house
from tests.pages.approval_cast import waiting_run
from tests.services.digest_cast import DAY, MONDAY, morning

pytestmark = pytest.mark.django_db

NOW = morning(MONDAY, 12)
OLD = NOW - KEEP


def left(key: str, *, at: datetime.datetime = OLD - DAY, kind: str = "decided", **more: Any) -> Notice:
    given = {"subject": key, "body": "x", "created_at": at, "key": key}
    return Notice.objects.create(**(given | {"sent_at": at, "kind": kind} | more))


def keys() -> set[str]:
    return set(Notice.objects.values_list("key", flat=True))


def test_what_was_sent_or_given_up_long_ago_goes(cast: SimpleNamespace) -> None:
    left("sent", to=cast.ops), left("given-up", to=cast.ops, sent_at=None, attempts=5)
    left("new", to=cast.ops, at=OLD), left("unsent", to=cast.ops, sent_at=None, attempts=4)
    assert forget_old_notices(at=NOW) == 2
    assert keys() == {"new", "unsent"}
    assert forget_old_notices(at=NOW) == 0


def test_a_digest_goes_with_its_lines_and_the_newest_of_each_person_stays(cast: SimpleNamespace) -> None:
    """The newest says up to when its person was told."""
    for person in (cast.csm_a, cast.csm_b):
        for day in ("2026-01-05", "2026-01-12"):
            digest = left(f"digest-{day}-to-{person.pk}", to=person, kind="digest")
            left(f"line-{day}-{person.pk}", to=person, sent_at=None, told_in=digest)
    assert forget_old_notices(at=NOW) == 6
    assert keys() == {f"digest-2026-01-12-to-{person.pk}" for person in (cast.csm_a, cast.csm_b)}


def test_a_digest_stays_while_one_of_its_lines_does(cast: SimpleNamespace) -> None:
    first = left("digest-2026-01-05-to-1", to=cast.ops, kind="digest")
    left("digest-2026-01-12-to-1", to=cast.ops, kind="digest")
    left("line", to=cast.ops, at=OLD, sent_at=None, told_in=first)
    assert forget_old_notices(at=NOW) == 0


def test_what_is_so_still_is_kept_since_it_would_be_told_anew(cast: SimpleNamespace) -> None:
    """Whoever looks at what waits or holds writes a notice where there is none."""
    run = waiting_run(cast.ops)
    long_away = {"csm": cast.csm_a.csm, "starts_on": MONDAY - 300 * DAY}
    holds = Leave.objects.create(ends_before=MONDAY + DAY, **long_away)
    over = Leave.objects.create(csm=cast.csm_b.csm, starts_on=MONDAY - 300 * DAY, ends_before=MONDAY)
    standing = {f"run-{run.pk}-waits-to-1", f"leave-{holds.pk}-begins-with-2-to-1"}
    for key in (*standing, f"run-{run.pk}9-waits-to-1", f"leave-{over.pk}-begins-with-2-to-1"):
        left(key, to=cast.manager, kind="to_decide" if key.startswith("run") else "delegated")
    assert forget_old_notices(at=NOW) == 2
    assert keys() == standing


def test_housekeeping_puts_them_away(cast: SimpleNamespace) -> None:
    left("sent", to=cast.ops)
    assert "1 old notice" in keep_house(MONDAY, NOW).words
    assert keys() == set()
