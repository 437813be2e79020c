"""Late handovers: both CSMs once, the managers three days later, one mail a person and day."""

from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import CSM, Team, User
from allocation.models import Handover, Notice
from allocation.services.handovers import tell_of_late_handovers
from tests.factories import NOW, TODAY
from tests.services.handovers.world import handed_over, sign, tick_all
from tests.services.test_notices import INTERNAL

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def late(cast: SimpleNamespace) -> Handover:
    """Due today."""
    row = handed_over(cast)
    Handover.objects.filter(pk=row.pk).update(due_on=TODAY)
    Notice.objects.all().delete()
    row.refresh_from_db()
    return row


def tell(on: date) -> str:
    at: datetime = NOW + (on - TODAY)
    return tell_of_late_handovers(on=on, at=at)


def told() -> list[tuple[Any, str]]:
    """(person, subject) of every mail, in order."""
    rows = Notice.objects.select_related("to").order_by("pk")
    return [(row.to, row.subject) for row in rows]


def test_on_its_day_it_is_not_late(late: Handover) -> None:
    assert tell(TODAY) == "No handover is late."
    assert told() == []


def test_the_day_after_both_csms_are_told_once(late: Handover, cast: SimpleNamespace) -> None:
    tell(TODAY + DAY)
    assert told() == [(person, "1 handover with you is late") for person in (cast.csm_a, cast.csm_b)]
    tell(TODAY + DAY)
    tell(TODAY + 2 * DAY)
    tell(TODAY + 3 * DAY)
    assert len(told()) == 2


def test_three_days_after_that_the_managers_are_told_once(late: Handover, cast: SimpleNamespace) -> None:
    Team.objects.filter(pk=cast.team_b.pk).update(manager=cast.manager)
    tell(TODAY + DAY)
    tell(TODAY + 3 * DAY)
    late.refresh_from_db()
    assert late.escalated_at is None
    assert tell(TODAY + 4 * DAY) == "1 handover late, 1 passed on to managers, 1 person told."
    assert told()[2:] == [(cast.manager, "1 handover in your teams is late")]
    late.refresh_from_db()
    assert late.escalated_at == NOW + 4 * DAY
    tell(TODAY + 4 * DAY)
    tell(TODAY + 9 * DAY)
    assert len(told()) == 3


def test_one_mail_sums_up_several(cast: SimpleNamespace) -> None:
    for name in ("One", "Two", "Three"):
        handed_over(cast, name=name)
    Handover.objects.update(due_on=TODAY - 9 * DAY)
    Notice.objects.all().delete()
    tell(TODAY)
    assert sorted((str(person), subject) for person, subject in told()) == [
        ("Ada Book", "3 handovers with you are late"),
        ("Ben Book", "3 handovers with you are late"),
        ("Mia Manager", "3 handovers in your teams are late"),
    ]


def test_a_manager_who_is_a_csm_too_gets_one_mail(late: Handover, cast: SimpleNamespace) -> None:
    Team.objects.filter(pk=cast.team_a.pk).update(manager=cast.csm_b)
    cast.csm_b.groups.add(*cast.manager.groups.all())
    tell(TODAY + 4 * DAY)
    assert [(str(to), subject) for to, subject in told()] == [
        ("Ada Book", "1 handover with you is late"),
        ("Ben Book", "1 handover with you is late and 1 handover in your teams is late"),
    ]
    tell(TODAY + 5 * DAY)
    assert len(told()) == 2


def test_another_one_that_becomes_late_is_told_again_with_all(late: Handover, cast: SimpleNamespace) -> None:
    tell(TODAY + DAY)
    other = handed_over(cast, name="Other")
    Handover.objects.filter(pk=other.pk).update(due_on=TODAY + DAY)
    Notice.objects.filter(kind="decided").delete()
    tell(TODAY + 2 * DAY)
    assert [subject for _, subject in told()][2:] == ["2 handovers with you are late"] * 2
    # The newer one is done: of the older one they were told already.
    Handover.objects.filter(pk=other.pk).update(status="done")
    tell(TODAY + 3 * DAY)
    assert len(told()) == 4


def test_what_is_closed_is_not_late(late: Handover) -> None:
    Handover.objects.filter(pk=late.pk).update(status="cancelled")
    assert tell(TODAY + 9 * DAY) == "No handover is late."


def test_one_that_waits_for_somebody_who_has_left_is_done_and_nobody_is_told(
    late: Handover, cast: SimpleNamespace
) -> None:
    tick_all(late, "new", "both", actor=cast.csm_b)
    sign(late, "new", actor=cast.csm_b)
    CSM.objects.filter(user=cast.csm_a).update(leaves_on=TODAY)
    assert tell(TODAY + 9 * DAY) == "No handover is late, 1 done without a former CSM."
    late.refresh_from_db()
    assert (late.status, told()) == ("done", [])


def test_the_mail_says_no_internal_word_and_leads_to_the_late_ones(late: Handover) -> None:
    tell(TODAY + 9 * DAY)
    for row in Notice.objects.all():
        assert not INTERNAL.search(f"{row.subject} {row.body}"), row.body
        assert "/handovers/?show=late" in row.body
        assert "Acme" not in row.body


@pytest.mark.parametrize("why", ["no team", "no manager"])
def test_where_nobody_leads_cs_ops_are_told(late: Handover, cast: SimpleNamespace, why: str) -> None:
    if why == "no team":
        CSM.objects.update(team=None)
    else:
        Team.objects.update(manager=None)
    assert tell(TODAY + 4 * DAY) == "1 handover late, 1 passed on to CS ops, 3 people told."
    assert (cast.ops, "1 handover without a manager is late") in told()
    tell(TODAY + 5 * DAY)
    assert len(told()) == 3


def test_what_nobody_can_be_told_of_is_not_passed_on_until_somebody_can(
    late: Handover, cast: SimpleNamespace
) -> None:
    Team.objects.update(manager=None)
    User.objects.filter(pk=cast.ops.pk).update(is_active=False)
    assert tell(TODAY + 4 * DAY) == "1 handover late, 2 people told."
    late.refresh_from_db()
    assert late.escalated_at is None
    Team.objects.filter(pk=cast.team_a.pk).update(manager=cast.manager)
    assert tell(TODAY + 5 * DAY) == "1 handover late, 1 passed on to managers, 1 person told."
    late.refresh_from_db()
    assert late.escalated_at == NOW + 5 * DAY


def test_what_is_written_is_locked_at_once_and_in_order(late: Handover, cast: SimpleNamespace) -> None:
    """One that ends and one that is passed on: locked one after the other they could wait for a plan that waits for them."""
    ends = handed_over(cast, name="Ends")
    tick_all(ends, "new", "both", actor=cast.csm_b)
    sign(ends, "new", actor=cast.csm_b)
    with CaptureQueriesContext(connection) as captured:
        tell(TODAY + 9 * DAY)
    asked = [query["sql"] for query in captured.captured_queries if "allocation_handover" in query["sql"]]
    first = asked[0]
    assert first.startswith('SELECT "allocation_handover"."id" AS "pk"')
    assert first.split(" FOR UPDATE")[0].endswith("ORDER BY 1 ASC")
    # SQLite knows no such lock, and has one writer at a time.
    assert connection.vendor == "sqlite" or " FOR UPDATE" in first
    written = [sql for sql in asked if sql.startswith("UPDATE")]
    assert written and all('"allocation_handover"."id" IN (' in sql for sql in written)
