"""The bell: rung after the commit, silent when the broker is away."""

import importlib
import logging
import socket
import time

import pytest
from django.db import transaction

from allocation.tasks.bell import ring
from cstiers.celery import app


@app.task(name="tests.heard")
def heard(*, number: int) -> None:
    """Only its message matters."""


@pytest.fixture
def messages(monkeypatch):
    sent = []
    monkeypatch.setattr(heard, "apply_async", lambda kwargs, **options: sent.append(kwargs))
    return sent


def test_the_bell_is_rung_after_the_commit_and_not_before(django_capture_on_commit_callbacks, messages, db):
    with django_capture_on_commit_callbacks(execute=True):
        ring(heard, number=7)
        assert messages == []
    assert messages == [{"number": 7}]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_rings_nothing(messages):
    class Refused(Exception):
        pass

    with pytest.raises(Refused), transaction.atomic():
        ring(heard, number=7)
        raise Refused
    assert messages == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("listening", [False, True], ids=["down", "hung"])
def test_a_broker_that_is_away_costs_a_person_no_error_and_little_time(listening, caplog):
    """A port nobody listens on (down) and one that accepts and never answers (hung)."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listening:
            server.listen(8)
        app.conf.broker_url = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        importlib.import_module("kombu.transport.redis")  # the first use of a process loads it
        started = time.monotonic()
        try:
            with caplog.at_level(logging.WARNING):
                ring(heard, number=7)
        finally:
            app.conf.broker_url = "memory://"
        assert time.monotonic() - started < 5
    assert "the sweep will ring again" in caplog.text
