"""The health check tells strangers one word, and CS ops the parts."""

from types import SimpleNamespace

import pytest
from django.db import DatabaseError

from cstiers import health


def test_a_stranger_hears_ok_and_nothing_else(client, db):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")


@pytest.mark.parametrize("role", ["manager", "csm_a", "nobody"])
def test_people_without_the_ops_role_hear_ok_and_nothing_else(cast, sign_in, role):
    assert sign_in(getattr(cast, role)).get("/healthz/").content == b"ok"


def test_ops_see_the_parts(ops, sign_in, settings):
    settings.REDIS_URL = ""
    assert set(sign_in(ops).get("/healthz/").json()) == {"database", "broker"}


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
    assert answer.json() == {"database": "ok", "broker": "unreachable"}


def test_a_broker_that_answers_is_ok(ops, sign_in, settings):
    """Against the Redis of the test rig; the embedded broker is a folder and always there."""
    assert sign_in(ops).get("/healthz/").json()["broker"] == "ok"


def test_the_health_check_takes_no_post(client, db):
    assert client.post("/healthz/").status_code == 405
