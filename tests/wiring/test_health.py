"""The health check tells strangers one word, and CS ops the parts."""

import json
from datetime import timedelta
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.utils import timezone

from allocation.models import Pulse
from cstiers import health


def test_a_stranger_hears_ok_and_nothing_else(client, db):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")


@pytest.mark.parametrize("role", ["manager", "csm_a", "nobody"])
def test_people_without_the_ops_role_hear_ok_and_nothing_else(cast, sign_in, role):
    assert sign_in(getattr(cast, role)).get("/healthz/").content == b"ok"


@pytest.fixture
def all_live(db):
    """Worker and beat have just been heard of."""
    for part in ("worker", "beat"):
        Pulse.objects.create(part=part, at=timezone.now())


def test_ops_see_the_parts(ops, sign_in, settings, all_live):
    settings.REDIS_URL = ""
    assert sign_in(ops).get("/healthz/").json() == dict.fromkeys(
        ("database", "broker", "worker", "beat"), "ok"
    )


def test_a_worker_that_is_silent_is_told_to_ops_but_the_site_is_well(
    ops, sign_in, client, settings, all_live
):
    settings.REDIS_URL = ""
    Pulse.objects.filter(part="worker").update(at=timezone.now() - timedelta(minutes=4))
    answer = sign_in(ops).get("/healthz/")
    assert (answer.status_code, answer.json()["worker"]) == (200, "not heard of for 4 minutes")
    assert (client.get("/healthz").status_code, client.get("/healthz").content) == (200, b"ok")


def told(*words):
    """What the command answers, and whether it refused."""
    out = StringIO()
    try:
        call_command("health", *words, "--format", "json", stdout=out)
    except CommandError as refused:
        return json.loads(out.getvalue()), str(refused)
    return json.loads(out.getvalue()), None


def test_the_command_tells_the_same_and_refuses_when_a_part_is_not_well(settings, all_live):
    settings.REDIS_URL = ""
    assert told() == (dict.fromkeys(("database", "broker", "worker", "beat"), "ok"), None)
    Pulse.objects.filter(part="beat").delete()
    assert told()[1] == "Not well: beat."
    assert told("--part", "worker", "--part", "database") == ({"database": "ok", "worker": "ok"}, None)


def test_the_command_answers_while_the_database_is_away(db, settings, monkeypatch):
    def gone():
        raise DatabaseError("the password is secret")

    settings.REDIS_URL = ""
    monkeypatch.setattr(health, "connection", SimpleNamespace(cursor=gone))
    found, refused = told()
    assert found["database"] == "unreachable"
    assert found["worker"] == found["beat"] == "not known while the database is not well"
    assert refused == "Not well: database, worker, beat."


def test_a_database_that_is_away_is_a_503_without_details(client, db, monkeypatch):
    def gone():
        raise DatabaseError("the password is secret")

    monkeypatch.setattr(health, "connection", SimpleNamespace(cursor=gone))
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (503, b"unavailable")


def test_missing_migrations_are_a_503(client, db, monkeypatch):
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: ["one"])
    assert client.get("/healthz").status_code == 503


def test_a_broker_that_is_away_is_told_to_ops_but_the_site_is_well(ops, sign_in, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # nobody listens on port 1
    answer = sign_in(ops).get("/healthz/")
    assert answer.status_code == 200
    assert (answer.json()["database"], answer.json()["broker"]) == ("ok", "unreachable")


def test_a_broker_that_answers_is_ok(ops, sign_in, settings):
    """Against the Redis of the test rig; the embedded broker is a folder and always there."""
    assert sign_in(ops).get("/healthz/").json()["broker"] == "ok"


def test_the_health_check_takes_no_post(client, db):
    assert client.post("/healthz/").status_code == 405
