"""The files of deploy/ and the tables of docs/ name every setting, and no other."""

import re

import pytest

from cstiers import celery_settings
from tests.house.source import ROOT

READ = re.compile(r'env(?:\.\w+)?\(\s*"([A-Z][A-Z0-9_]+)"')
ENDPOINTS = {f"OIDC_{name}_ENDPOINT" for name in ("AUTHORIZATION", "TOKEN", "JWKS", "USERINFO")}


def settings_read():
    code = [ROOT / "cstiers/settings.py", ROOT / "cstiers/signing_in/options.py"]
    return {name for path in code for name in READ.findall(path.read_text())} | ENDPOINTS


def units():
    return sorted((ROOT / "deploy/systemd").glob("*.service"))


def test_the_example_names_every_setting_and_no_other():
    named = re.findall(r"(?m)^#?([A-Z][A-Z0-9_]+)=", (ROOT / "deploy/env.example").read_text())
    assert len(named) == len(set(named))
    assert set(named) == settings_read()


def test_the_example_says_the_defaults_of_what_is_commented_out():
    example = (ROOT / "deploy/env.example").read_text()
    code = (ROOT / "cstiers/settings.py").read_text()
    for name, default in re.findall(r'env\.int\("(\w+)", default=(\d+)\)', code):
        assert f"#{name}={default}\n" in example


def test_the_table_of_settings_names_every_setting():
    """Those of single sign-on have a table of their own."""
    table = (ROOT / "docs/running.md").read_text() + (ROOT / "docs/signing-in.md").read_text()
    assert {name for name in settings_read() if f"`{name}`" not in table} == set()


def test_a_worker_has_time_to_shut_down_softly(settings):
    unit = (ROOT / "deploy/systemd/cstiers-worker.service").read_text()
    assert "KillSignal=SIGQUIT" in unit
    soft = 30  # celery_settings with REDIS_URL
    assert f"worker_soft_shutdown_timeout = {soft} if" in (ROOT / "cstiers/celery_settings.py").read_text()
    assert int(re.search(r"TimeoutStopSec=(\d+)", unit)[1]) > soft
    assert celery_settings.task_acks_late


@pytest.mark.parametrize("path", units(), ids=lambda path: path.stem)
def test_each_unit_runs_as_nobody_special_with_the_same_settings(path):
    unit = path.read_text()
    for line in (
        "User=cstiers",
        "EnvironmentFile=/etc/cstiers/env",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
        "UMask=0077",
    ):
        assert f"\n{line}\n" in unit


def test_no_password_is_on_a_command_line():
    for path in units():
        assert "://" not in re.sub(r"(?m)^Documentation=.*$", "", path.read_text())


def nginx_servers():
    """The text of each server block."""
    text = re.sub(r"(?m)#.*$", "", (ROOT / "deploy/nginx.conf").read_text())
    return re.split(r"(?m)^server \{", text)[1:]


def test_no_log_of_nginx_has_the_secret_of_a_calendar():
    """Without a line of its own a server writes nginx's default format, with the whole address."""
    servers = nginx_servers()
    assert len(servers) == 2
    for server in servers:
        assert re.findall(r"access_log ([^;]+);", server) in (["/var/log/nginx/cstiers.log cstiers"], ["off"])
    assert (
        "$request_uri"
        not in re.search(r"log_format cstiers (.+)", (ROOT / "deploy/nginx.conf").read_text())[1]
    )


def test_a_calendar_is_not_handed_on_from_http_and_its_errors_are_written_nowhere():
    clear, secure = nginx_servers()
    secret = r"location ~ \^/calendar/\.\+\\\.ics\$ \{([^}]+)\}"
    assert re.search(secret, clear)[1].split() == ["return", "404;"]
    assert "error_log /dev/null" in re.search(secret, secure)[1]
    assert "return 301" not in clear.split("location")[0]  # beside the locations it would be done before them
