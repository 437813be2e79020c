"""The lists of touches: what was closed lately is found by its moment, not among all that was ever done."""

from datetime import timedelta

import pytest

from allocation.models import Touch
from allocation.selectors.touch_lists import SHOWS, touch_list, touch_tallies, touches_in_scope
from tests.factories import NOW, TODAY, CustomerFactory

DAY = timedelta(days=1)
CLOCK = {"on": TODAY, "at": NOW}


@pytest.fixture
def closed(cast):
    """By days ago: of the list, at its end, and of before; and one that was done then and written down never."""
    customer = CustomerFactory()
    given = {"customer": customer, "name": "Call", "due_on": TODAY, "hours": 1, "status": "done"}
    for days in (1, 30, 31):
        Touch.objects.create(**given, done_on=TODAY - days * DAY, closed_at=NOW - days * DAY)
    Touch.objects.create(**given, done_on=TODAY)
    return touches_in_scope(user=cast.ops)


def test_done_is_what_was_written_down_in_the_last_thirty_days(closed):
    found = touch_list(touches=closed, show="done", **CLOCK)
    assert [touch.closed_at for touch in found] == [NOW - DAY, NOW - 30 * DAY]
    tallies = touch_tallies(touches=closed, **CLOCK)
    assert {show: tallies[show].count for show in SHOWS} == {"late": 0, "due": 0, "coming": 0, "done": 2}


@pytest.mark.usefixtures("only_on_sqlite")
def test_list_and_tally_are_found_by_the_index_of_the_moment(closed):
    """PostgreSQL reads so small a table from end to end, whatever indexes there are."""
    listed = touch_list(touches=Touch.objects.all(), show="done", **CLOCK)
    for rows in (listed, listed.order_by()):
        assert "closed_touches_by_moment" in rows.select_related(None).explain()
