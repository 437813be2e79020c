"""What the environment may say: each refusal is a sentence that names the variable and shows no password."""

import re

import pytest
from django.core.exceptions import ImproperlyConfigured

from cstiers import settings as given_settings
from cstiers.environment import Environment, broker, patience
from cstiers.production import POSITIVE, refuse_bad_settings
from tests.house.source import ROOT

WELL = {name: value for name, value in vars(given_settings).items() if name.isupper()}
SECRET = "s3cr3t"


def said(call, *words, **named):
    with pytest.raises(ImproperlyConfigured) as refused:
        call(*words, **named)
    assert SECRET not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("text", ["ten", "1.5", "1e3", "٣", "10 000", "0x10", "1_000", "9999999999"])
def test_a_number_that_is_none_is_refused(monkeypatch, text):
    monkeypatch.setenv("SOME_DAYS", text)
    assert said(Environment().int, "SOME_DAYS", default=3) == f"SOME_DAYS is “{text}”: give a whole number."


@pytest.mark.parametrize(("text", "number"), [("7", 7), (" 7 ", 7), ("-1", -1), ("", 3)])
def test_a_number_is_read_and_an_empty_value_is_none(monkeypatch, text, number):
    monkeypatch.setenv("SOME_DAYS", text)
    assert Environment().int("SOME_DAYS", default=3) == number


@pytest.mark.parametrize(
    ("text", "on"), [("1", True), ("True", True), ("on", True), ("0", False), ("no", False), ("", False)]
)
def test_a_switch_is_on_or_off(monkeypatch, text, on):
    monkeypatch.setenv("SOME_SWITCH", text)
    assert Environment().bool("SOME_SWITCH", default=False) is on


@pytest.mark.parametrize("text", ["yep", "ture", "2", "enabled"])
def test_a_switch_that_is_neither_is_refused_instead_of_being_off(monkeypatch, text):
    monkeypatch.setenv("HTTPS_ONLY", text)
    assert said(Environment().bool, "HTTPS_ONLY", default=False).startswith(f"HTTPS_ONLY is “{text}”")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://u:s3cr3t@h/x", "DATABASE_URL must begin with one of postgres://"),
        ("u:s3cr3t@h/x", "DATABASE_URL must begin with"),
        ("postgres://u:s3cr3t@h:5432/", "DATABASE_URL names no database"),
        ("postgres://u:s3cr3t@h:5432/a/b", "or more than one"),
        ("postgres://u:s3cr3t@h:port/x", "DATABASE_URL cannot be read"),
        ("postgres://u:s3cr3t#@h/x", "write it like postgres://user:password@host:5432/name"),
        ("postgres://u:s3/cr3t@h/x", "DATABASE_URL"),  # a slash of the password ends the host
        ("postgres://u:s3cr3t@h/x#y", "write this character of a password as %23"),
    ],
)
def test_a_database_that_cannot_be_meant_is_refused(url, sentence):
    assert sentence in said(Environment().database, url)


def test_databases_that_can_be_meant_are_read():
    found = Environment().database("postgresql://u:s%23x@h:5433/name?sslmode=verify-full")
    assert (found["NAME"], found["PASSWORD"], found["PORT"]) == ("name", "s#x", 5433)
    assert found["OPTIONS"] == {"sslmode": "verify-full"}
    assert Environment().database("sqlite:////srv/x.sqlite3")["NAME"] == "/srv/x.sqlite3"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("amqp://u:s3cr3t@h/0", "REDIS_URL must begin with one of redis://, rediss://"),
        ("127.0.0.1:6379", "REDIS_URL"),
        ("redis:///0", "needs a host"),
        ("redis://u:s3cr3t@h:6379/queue", "ends with the number of a database"),
        ("redis://h:port/0", "REDIS_URL cannot be read"),
    ],
)
def test_a_broker_that_cannot_be_meant_is_refused(url, sentence):
    assert sentence in said(broker, url)


@pytest.mark.parametrize("url", ["", "redis://h", "redis://h:6379/", "rediss://u:p@h:6379/3"])
def test_brokers_that_can_be_meant_are_taken_as_they_are(url):
    assert broker(url) == url


@pytest.mark.parametrize("url", ["smtp+tls://", "mail.example.com", "http://u:s3cr3t@mail"])
def test_a_mail_server_that_cannot_be_meant_is_refused(monkeypatch, url):
    monkeypatch.setenv("EMAIL_URL", url)
    assert said(Environment().mail, "EMAIL_URL", default="consolemail://").startswith("EMAIL_URL ")


def test_limits_of_time_are_told_to_postgresql_and_none_is_left_to_it():
    asked = patience(lock_timeout=20, statement_timeout=0, idle_in_transaction_session_timeout=60)
    assert asked == {"options": "-c jit=off -c lock_timeout=20s -c idle_in_transaction_session_timeout=60s"}
    assert patience(lock_timeout=0) == {}


@pytest.mark.parametrize("name", POSITIVE)
def test_what_is_counted_starts_at_one(name):
    refuse_bad_settings(WELL | {name: 1})
    assert said(refuse_bad_settings, WELL | {name: 0}) == f"{name} is 0: give a number from 1."
    assert said(refuse_bad_settings, WELL | {name: -3}) == f"{name} is -3: give a number from 1."


def test_a_lease_is_longer_than_a_breath():
    """The keeper of a claim beats four times in a lease: a worker that lives must not miss it."""
    refuse_bad_settings(WELL | {"LEASE_SECONDS": 3})
    assert said(refuse_bad_settings, WELL | {"LEASE_SECONDS": 2}).startswith("LEASE_SECONDS is 2")


def test_each_number_of_the_settings_is_one_that_is_looked_at():
    """A new `env.int(…)` needs a bound: here, in POSITIVE, or in `patience`, where 0 means none."""
    looked_at = {
        *POSITIVE,
        "SIGN_IN_GUESSES",
        "SIGN_IN_GUESSES_OF_ADDRESS",
        "SIGN_IN_MINUTES",
        "TRUSTED_PROXIES",
        "LEASE_SECONDS",
    }
    looked_at |= {"SESSION_HOURS", "SESSION_IDLE_MINUTES", "LEASE_SECONDS"}
    looked_at |= {"DATABASE_LOCK_SECONDS", "DATABASE_STATEMENT_SECONDS", "DATABASE_IDLE_SECONDS"}
    read = re.findall(r'env\.int\(\s*"(\w+)"', (ROOT / "cstiers/settings.py").read_text())
    assert set(read) - looked_at == set()


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"TIME_ZONE": "Berlin"}, "TIME_ZONE is “Berlin”, which is no time zone"),
        ({"TIME_ZONE": "Europe"}, "which is no time zone"),  # a folder of zones
        ({"TIME_ZONE": "../etc/passwd"}, "which is no time zone"),
        ({"BASE_CURRENCY": "usd"}, "three capital letters"),
        ({"BASE_CURRENCY": "US"}, "three capital letters"),
        ({"BASE_CURRENCY": "USD\n"}, "three capital letters"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL is “LOUD”: choose one of DEBUG, INFO"),
        ({"LOG_FORMAT": "JSON"}, "LOG_FORMAT is “JSON”: choose one of text, json"),
        ({"SITE_URL": "cstiers.example.com"}, "SITE_URL names “cstiers.example.com”: begin it with https://"),
        ({"SITE_URL": "https://"}, "SITE_URL names “https://”"),
        ({"CSRF_TRUSTED_ORIGINS": ["https://a.example.com", "b.example.com"]}, "names “b.example.com”"),
        ({"ALLOWED_HOSTS": ["https://a.example.com"]}, "give host names only"),
        ({"DEFAULT_FROM_EMAIL": "cstiers"}, "EMAIL_FROM is no e-mail address"),
    ],
)
def test_words_that_mean_nothing_are_refused(bad, sentence):
    assert sentence in said(refuse_bad_settings, WELL | bad)


def test_the_control_is_well():
    refuse_bad_settings(WELL)
