"""A pulse is left without getting in the way of what the process is for."""

import logging
from datetime import timedelta

import pytest
from django.db import OperationalError

from allocation.models import Pulse
from allocation.querysets.timetable import PulseQuerySet
from cstiers import pulses
from cstiers.pulses import Pulses
from tests.factories import CLOCK

NOW = CLOCK["at"]


@pytest.mark.django_db
def test_after_a_pulse_the_connection_is_closed_so_that_no_forked_child_inherits_it(monkeypatch):
    closed = []
    monkeypatch.setattr(pulses, "_hang_up", lambda: closed.append("yes"))
    assert Pulses("worker").leave(at=NOW)
    assert (Pulse.objects.get().part, closed) == ("worker", ["yes"])


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_told_once_and_once_when_it_is_back(monkeypatch, caplog):
    def gone(self, **named):
        raise OperationalError("connection refused")

    of_beat = Pulses("beat")
    with caplog.at_level(logging.WARNING, logger="cstiers.pulses"):
        with monkeypatch.context() as while_away:
            while_away.setattr(PulseQuerySet, "leave", gone)
            assert [of_beat.leave(at=NOW) for _ in range(3)] == [False, False, False]
        later = NOW + timedelta(seconds=10)
        assert of_beat.leave(at=later)
        assert of_beat.leave(at=later)
    assert [record.getMessage() for record in caplog.records] == [
        "The pulse of beat could not be left: OperationalError",
        "The pulse of beat is left again.",
    ]
