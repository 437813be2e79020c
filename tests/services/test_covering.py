"""Leave recorded by who leads, and told to whom it concerns: on the first day, on the last, and where nobody covers."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from accounts.models import CSM, Leave, User
from allocation.models import Notice
from allocation.services.covering import UnableToRecordLeave, record_leave, tell_of_leave
from tests.factories import TODAY, CSMFactory, CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db

DAY = datetime.timedelta(days=1)
FIRST, BACK = TODAY + 10 * DAY, TODAY + 14 * DAY


@pytest.fixture
def world(cast: SimpleNamespace) -> SimpleNamespace:
    """Ada of Mia's team A has a customer; Cem is a colleague there, Ben one in team B without a manager."""
    cast.ada, cast.ben = cast.csm_a.csm, cast.csm_b.csm
    cast.cem = CSMFactory(name="Cem", email="cem@example.com", team=cast.team_a)
    CustomerFactory(csm=cast.ada, csm_since=TODAY - 100 * DAY)
    return cast


def away(csm: CSM, cover: CSM | None, **days: Any) -> Leave:
    return Leave.objects.create(
        csm=csm, covered_by=cover, **({"starts_on": FIRST, "ends_before": BACK} | days)
    )


def told(day: datetime.date) -> tuple[str, dict[str, list[str]]]:
    """The sentence, and {to: subjects} of what was written down by it."""
    before = set(Notice.objects.values_list("pk", flat=True))
    sentence = tell_of_leave(on=day, at=datetime.datetime.combine(day, datetime.time(6), tzinfo=datetime.UTC))
    found: dict[str, list[str]] = {}
    for row in Notice.objects.exclude(pk__in=before).select_related("to").order_by("subject", "pk"):
        found.setdefault(row.to.email, []).append(row.subject)
    return sentence, found


def test_on_the_first_day_the_cover_and_the_manager_are_told(world: SimpleNamespace) -> None:
    away(world.ada, world.ben)
    assert told(FIRST - DAY) == ("Nobody had to be told of leave.", {})
    assert told(FIRST) == (
        "1 leave begins.",
        {
            "csm-b@example.com": ["You cover for Ada Book from today"],
            "manager@example.com": ["Ada Book is away from today"],
        },
    )


def test_nobody_is_told_twice_and_a_day_missed_is_told_late(world: SimpleNamespace) -> None:
    away(world.ada, world.ben)
    assert told(FIRST + DAY)[0] == "1 leave begins."
    assert told(FIRST + DAY) == ("Nobody had to be told of leave.", {})


def test_who_is_named_as_cover_later_is_told_then(world: SimpleNamespace) -> None:
    row = away(world.ada, world.ben)
    told(FIRST)
    cem = UserFactory(email="cem-user@example.com", role="CSM")
    CSM.objects.filter(pk=world.cem.pk).update(user=cem)
    Leave.objects.filter(pk=row.pk).update(covered_by=world.cem)
    assert "cem-user@example.com" in told(FIRST + DAY)[1]


def test_on_the_last_day_both_are_told_that_it_ends(world: SimpleNamespace) -> None:
    away(world.ada, world.ben)
    told(FIRST)
    sentence, mails = told(BACK - DAY)
    assert sentence == "1 ends tomorrow."
    assert set(mails) == {"csm-b@example.com", "manager@example.com"}
    assert told(BACK) == ("Nobody had to be told of leave.", {})


def test_of_a_single_day_the_first_mail_says_when_it_ends(world: SimpleNamespace) -> None:
    away(world.ada, world.ben, ends_before=FIRST + DAY)
    assert told(FIRST)[0] == "1 leave begins."


@pytest.mark.parametrize(("before", "warned"), [(8, False), (7, True), (1, True), (0, True)])
def test_the_manager_is_warned_some_days_before_where_nobody_covers(
    world: SimpleNamespace, before: int, warned: bool
) -> None:
    away(world.ada, None)
    sentence, mails = told(FIRST - before * DAY)
    assert mails == ({"manager@example.com": ["Nobody covers for Ada Book"]} if warned else {})
    if warned:
        assert sentence == ("1 will begin without a cover." if before else "1 begins without a cover.")


def test_a_cover_who_is_not_there_is_none(world: SimpleNamespace) -> None:
    away(world.ada, world.ben)
    away(world.ben, None, starts_on=BACK - DAY, ends_before=BACK)
    assert told(FIRST - DAY)[1] == {"manager@example.com": ["Nobody covers for Ada Book"]}


def test_who_has_no_customers_needs_no_cover(world: SimpleNamespace) -> None:
    away(world.cem, None)
    assert told(FIRST) == ("Nobody had to be told of leave.", {})


def test_the_sentence_counts(world: SimpleNamespace) -> None:
    away(world.ada, None)
    away(world.cem, world.ben)
    dan = CSMFactory(name="Dan", team=world.team_a)
    away(dan, world.ben, starts_on=FIRST - DAY, ends_before=FIRST + DAY)
    assert told(FIRST)[0] == "2 leaves begin, 1 ends tomorrow, 1 begins without a cover."


def recorded(world: SimpleNamespace, **more: Any) -> Leave:
    given = {
        "csm_id": world.ada.pk, "leave_id": None, "starts_on": FIRST, "ends_before": BACK,
        "covered_by_id": world.cem.pk, "actor": world.manager, "on": TODAY,
    }  # fmt: skip
    return record_leave(**(given | more))


def test_a_manager_records_leave_and_names_the_cover(world: SimpleNamespace) -> None:
    row = recorded(world)
    assert (row.csm, row.starts_on, row.ends_before, row.covered_by) == (world.ada, FIRST, BACK, world.cem)


def test_a_leave_is_changed_and_no_second_one_made(world: SimpleNamespace) -> None:
    row = recorded(world, covered_by_id=None)
    recorded(world, leave_id=row.pk, ends_before=BACK + DAY)
    changed = Leave.objects.get()
    assert (changed.ends_before, changed.covered_by) == (BACK + DAY, world.cem)


def test_a_leave_that_has_begun_can_end_today(world: SimpleNamespace) -> None:
    row = recorded(world)
    recorded(world, leave_id=row.pk, ends_before=FIRST + DAY, on=FIRST + DAY)
    assert not Leave.objects.covered_on(FIRST + DAY).exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"starts_on": TODAY - DAY}, "today or a later day"),
        ({"ends_before": FIRST}, "first day back must be after"),
        ({"ends_before": TODAY + 2000 * DAY}, "within two years"),
        ({"leave_id": 987654}, "no such leave"),
        ({"covered_by_id": "ada"}, "cover the own leave"),
        ({"covered_by_id": "ben"}, "cover of your own teams"),
        ({"csm_id": "ben"}, "no such CSM"),
        ({"actor": "csm_a"}, "no such CSM"),
        ({"actor": "nobody"}, "no such CSM"),
    ],
)
def test_what_is_refused(world: SimpleNamespace, more: dict[str, Any], words: str) -> None:
    given = dict(more)
    for name in ("covered_by_id", "csm_id"):
        if name in given:
            given[name] = getattr(world, given[name]).pk
    if "actor" in given:
        given["actor"] = getattr(world, given["actor"])
    with pytest.raises(UnableToRecordLeave, match=words):
        recorded(world, **given)
    assert not Leave.objects.exists()


def test_what_has_begun_and_what_is_over_stays(world: SimpleNamespace) -> None:
    row = recorded(world)
    with pytest.raises(UnableToRecordLeave, match="that stays"):
        recorded(world, leave_id=row.pk, starts_on=FIRST + DAY, on=FIRST)
    with pytest.raises(UnableToRecordLeave, match="what is past stays"):
        recorded(world, leave_id=row.pk, on=BACK)


def test_days_that_another_leave_has_are_refused(world: SimpleNamespace) -> None:
    recorded(world)
    with pytest.raises(UnableToRecordLeave, match="is away already"):
        recorded(world, starts_on=BACK - DAY, ends_before=BACK + DAY)
    assert recorded(world, starts_on=BACK, ends_before=BACK + DAY)  # the next one begins on the day back


def test_ops_name_a_cover_of_another_team_and_the_manager_may_keep_it(world: SimpleNamespace) -> None:
    row = recorded(world, actor=world.ops, covered_by_id=world.ben.pk)
    recorded(world, leave_id=row.pk, covered_by_id=world.ben.pk, ends_before=BACK + DAY)
    assert Leave.objects.get().covered_by == world.ben


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda ben: Leave.objects.create(csm=ben, starts_on=BACK - DAY, ends_before=BACK),
            "Ben Book is away",
        ),
        (lambda ben: CSM.objects.filter(pk=ben.pk).update(leaves_on=BACK - DAY), "Ben Book leaves on"),
        (lambda ben: CSM.objects.filter(pk=ben.pk).update(starts_on=FIRST + DAY), "Ben Book starts on"),
        (lambda ben: User.objects.filter(pk=ben.user_id).update(is_active=False), "no longer signs in"),
    ],
    ids=["away", "leaves", "starts later", "no sign-in"],
)
def test_a_cover_is_there_on_all_of_the_days(world: SimpleNamespace, change: Any, words: str) -> None:
    change(world.ben)
    with pytest.raises(UnableToRecordLeave, match=words):
        recorded(world, actor=world.ops, covered_by_id=world.ben.pk)


def test_who_covers_may_fall_ill(world: SimpleNamespace) -> None:
    """Refusing that would keep a leave from being recorded that is a fact."""
    recorded(world)
    assert recorded(world, csm_id=world.cem.pk, covered_by_id=None)
