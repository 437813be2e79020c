"""Through the company's service in a real browser: nothing that the site sends keeps the browser from going there and back."""

import sys

import pytest
import requests

from cstiers.embedded import site_command
from cstiers.processes import answers, free_port, start, stop, wait_until
from tests.journeys.person import Person
from tests.signing_in.provider_process import CLIENT, SECRET

# What the browser does with a page is the same over any database: once in a `make check` is enough.
pytestmark = [pytest.mark.journey, pytest.mark.postgres]


@pytest.fixture
def with_provider(installation, company, tmp_path):
    """Address of a site of the same installation that has a provider, which vouches for a CSM."""
    email = next(who["email"] for who in company["sign_ins"] if who["role"] == "CSM")
    theirs, ours = free_port(), free_port()
    options = {
        "OIDC_ISSUER": f"http://127.0.0.1:{theirs}",
        "OIDC_CLIENT_ID": CLIENT,
        "OIDC_CLIENT_SECRET": SECRET,
        "OIDC_NAME": "Acme",
    }
    commands = {
        theirs: [sys.executable, "-m", "tests.signing_in.provider_process", str(theirs)],
        ours: site_command(ours),
    }
    children = [
        start(command, log=tmp_path / f"{port}.log", env={**installation.environment, **options})
        for port, command in commands.items()
    ]
    try:
        for (port, _), child in zip(commands.items(), children, strict=True):
            wait_until(
                lambda port=port: answers(port),
                what=f"Port {port}",
                child=child,
                log=tmp_path / f"{port}.log",
            )
        requests.post(
            f"http://127.0.0.1:{theirs}/says", json={"claims": {"email": email}}, timeout=5
        ).raise_for_status()
        yield f"http://localhost:{ours}"
    finally:
        for child in children:
            stop(child)


def test_one_click_signs_in_through_the_company(chrome, with_provider):
    person = Person(chrome, with_provider, "", "")
    try:
        page = person.go("/sign-in/?next=/book/")
        page.get_by_role("link", name="Sign in with Acme").click()
        page.wait_for_url(f"{with_provider}/book/")
        assert page.locator(".user-card").count() == 1
        assert person.complaints == []
    finally:
        person.leave()
