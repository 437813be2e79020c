"""A real process does not start with settings that must not be, and says what to do; each tried by starting it."""

import os
import subprocess
import sys

import pytest

from tests.house.source import ROOT

KEY = "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF"
SERVER = {"DATABASE_URL": "postgres://cstiers:secret@127.0.0.1:1/cstiers"}
REAL = {"HTTPS_ONLY": "1", "SECRET_KEY": KEY, "ALLOWED_HOSTS": "cstiers.example.com", "DEBUG": "0", **SERVER}
OIDC = {"OIDC_ISSUER": "https://id.example.com", "OIDC_CLIENT_ID": "cstiers", "OIDC_CLIENT_SECRET": "s"}
BROKER = {"REDIS_URL": "rediss://cstiers:secret@broker.example.com:6379/1"}
NEVER = [
    ({"SECRET_KEY": "short"}, "SECRET_KEY can be guessed"),
    ({"SECRET_KEY": "a" * 60}, "SECRET_KEY can be guessed"),
    ({"SECRET_KEY": "django-insecure-" + KEY}, "SECRET_KEY can be guessed"),
    ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
    ({"SECRET_KEY": "", "HTTPS_ONLY": "0"}, "SECRET_KEY is not set"),
    ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS is “*”"),
    ({"ALLOWED_HOSTS": "cstiers.example.com,*"}, "ALLOWED_HOSTS is “*”"),
    ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is empty"),
    ({"DEBUG": "1"}, "DEBUG and HTTPS_ONLY are both on"),
    ({"CSRF_TRUSTED_ORIGINS": "http://cstiers.example.com"}, "begin it with https://"),
    ({"SITE_URL": "http://cstiers.example.com"}, "begin it with https://"),
    ({"RATES_URL": "http://rates.example.com/x"}, "RATES_URL is not protected on its way"),
    ({"RATES_URL": "rates.csv", "HTTPS_ONLY": "0"}, "RATES_URL names no host"),
    ({"TRUSTED_PROXIES": "-1"}, "TRUSTED_PROXIES is negative"),
    ({"SIGN_IN_GUESSES": "0"}, "SIGN_IN_GUESSES must be 1 or more"),
    ({"SESSION_IDLE_MINUTES": "0"}, "SESSION_IDLE_MINUTES 2 or more"),
    ({"DATABASE_URL": "mysql://u:s3cr3t@db/cstiers"}, "DATABASE_URL must begin with one of postgres://"),
    ({"REDIS_URL": "amqp://u:s3cr3t@mq/0"}, "REDIS_URL must begin with one of redis://"),
    ({"EMAIL_URL": "mail.example.com"}, "EMAIL_URL must begin with one of smtp://"),
    ({"SWEEP_SECONDS": "ten"}, "SWEEP_SECONDS is “ten”: give a whole number."),
    ({"OVERRIDE_MONTHS": "0"}, "OVERRIDE_MONTHS is 0: give a number from 1."),
    ({"BEHIND_PROXY": "yep"}, "BEHIND_PROXY is “yep”: switch it on with 1 or off with 0."),
    ({"TIME_ZONE": "Europe/Berlim"}, "which is no time zone"),
    ({"LOG_FORMAT": "xml"}, "LOG_FORMAT is “xml”: choose one of text, json."),
    ({"VAR_DIR": "/proc/cstiers"}, "name a folder that this process may write to with VAR_DIR"),
    ({"OIDC_ONLY": "1"}, "nobody could sign in"),
    ({**OIDC, "OIDC_CLIENT_SECRET": ""}, "set all three"),
    ({**OIDC, "OIDC_ISSUER": "http://id.example.com"}, "it must begin with https://"),
    (
        {**OIDC, "OIDC_TOKEN_ENDPOINT": "https://id.example.com/token"},
        "OIDC_AUTHORIZATION_ENDPOINT and OIDC_JWKS",
    ),
    ({**OIDC, "OIDC_GROUPS_CLAIM": "groups"}, "set both or neither"),
    ({**OIDC, "OIDC_GROUPS_CLAIM": "groups", "OIDC_GROUPS": "boss=Director"}, "gives the role “Director”"),
]


def started(tmp_path, environment, *words):
    """What a process that reads the settings ends with."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "DJANGO_", "OIDC_")) and name not in ("DATABASE_URL", "REDIS_URL")
    }
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={**kept, "VAR_DIR": str(tmp_path), **REAL, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("bad", "sentence"), NEVER, ids=[f"{' '.join(bad)}-{n}" for n, (bad, _) in enumerate(NEVER)]
)
def test_a_process_does_not_start_with(tmp_path, bad, sentence):
    """Reading the settings is the first thing that the site, the worker and every command do."""
    ended = started(tmp_path, bad, "-c", "import cstiers.settings")
    assert ended.returncode != 0
    assert "ImproperlyConfigured" in ended.stderr
    assert sentence in ended.stderr
    assert "s3cr3t" not in ended.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("-m", "gunicorn", "cstiers.wsgi:application", "--check-config"),
        ("-m", "celery", "--app", "cstiers", "report"),
        ("manage.py", "migrate", "--plan"),
    ],
)
def test_the_site_the_worker_and_a_command_refuse_alike(tmp_path, words):
    ended = started(tmp_path, {"ALLOWED_HOSTS": "*"}, *words)
    assert ended.returncode != 0
    assert "ALLOWED_HOSTS is “*”" in ended.stderr + ended.stdout


@pytest.mark.parametrize(
    "more", [{}, OIDC, {"BEHIND_PROXY": "1"}, BROKER], ids=["plain", "sso", "proxy", "broker"]
)
def test_with_production_settings_the_deployment_check_finds_nothing(tmp_path, more):
    ended = started(tmp_path, more, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("unwise", "which"),
    [
        ({"BEHIND_PROXY": "1", "TRUSTED_PROXIES": "0"}, "cstiers.W001"),
        ({"TRUSTED_PROXIES": "1"}, "cstiers.W002"),
        ({"HTTPS_ONLY": "0"}, "security.W012"),
        ({"DATABASE_URL": ""}, "cstiers.W004"),
        ({"REDIS_URL": "redis://broker.example.com:6379/0"}, "cstiers.W005"),
    ],
)
def test_what_is_unwise_is_told_by_the_deployment_check(tmp_path, unwise, which):
    ended = started(tmp_path, unwise, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert ended.returncode == 1
    assert which in ended.stderr


@pytest.mark.parametrize(
    ("mail", "is_told"), [({}, True), ({"EMAIL_URL": "smtp+tls://user:secret@mail.example.com:587"}, False)]
)
def test_that_mail_reaches_nobody_is_told_and_stops_nothing(tmp_path, mail, is_told):
    ended = started(tmp_path, mail, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert ended.returncode == 0, ended.stderr
    assert ("cstiers.I003" in ended.stderr + ended.stdout) == is_told


def test_production_cookies_are_bound_to_the_host(tmp_path):
    code = (
        "from cstiers import settings as s; "
        "print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SITE_URL)"
    )
    ended = started(tmp_path, {}, "-c", code)
    assert ended.stdout.split() == [
        "__Host-sessionid",
        "__Host-csrftoken",
        "True",
        "True",
        "https://cstiers.example.com",
    ]


def test_without_a_provider_nothing_of_it_is_loaded(tmp_path):
    code = (
        "import sys, django; django.setup(); import cstiers.urls; "
        "print([name for name in ('mozilla_django_oidc', 'jwt', 'cstiers.signing_in.oidc') if name in sys.modules])"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "cstiers.settings"}
    assert started(tmp_path, environment, "-c", code).stdout.strip() == "[]"
    assert "oidc" in started(tmp_path, {**environment, **OIDC}, "-c", code).stdout


def test_the_secret_of_the_client_is_in_no_words_about_the_settings(tmp_path):
    ended = started(
        tmp_path,
        {**OIDC, "OIDC_CLIENT_SECRET": "s3cr3t-of-ours"},
        "-c",
        "from cstiers.settings import OIDC; print(OIDC)",
    )
    assert "cstiers" in ended.stdout
    assert "s3cr3t" not in ended.stdout
