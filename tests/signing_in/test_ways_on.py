"""Where the sign-in leads: to pages of ours only; and what it shows to whom."""

from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client

from tests.signing_in.conftest import PASSWORD, knock

ELSEWHERE = [
    "https://evil.example",
    "http://evil.example/",
    "HTTPS://EVIL.EXAMPLE",
    "//evil.example",
    "//evil.example/admin/",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " https://evil.example",
    "\x01https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "http:\\\\evil.example",
    "https://testserver@evil.example/",
    "https://testserver.evil.example/",
    "https://testserver:443@evil.example",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "ftp://testserver/",
    "file:///etc/passwd",
    "mailto:somebody@evil.example",
    "／／evil.example",  # full-width slashes
    "https://evil.example#@testserver/",
    "https://evil.example?@testserver/",
    "http://[::1]evil.example",
]
OURS = ["/customers/", "/admin/accounts/csm/?q=a", "/customers/?q=//evil.example"]


def landed(client, target):
    form = {"username": "ops@example.com", "password": PASSWORD, "next": target}
    return client.post("/sign-in/", form).headers["Location"]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_no_form_of_another_address_leads_there(people, target):
    """Neither after signing in nor for who is signed in already, as a browser understands what it is sent."""
    client = Client()
    for where in (landed(client, target), client.get("/sign-in/", {"next": target}).headers["Location"]):
        assert urlsplit(urljoin("http://testserver/sign-in/", where)).netloc == "testserver"
        assert where == "/" or target.startswith("／")  # which is a plain letter, so a path of ours


def test_the_table_of_forms_is_there():
    assert len(ELSEWHERE) >= 30


@pytest.mark.parametrize("target", OURS)
def test_a_page_of_ours_is_where_one_goes(people, target):
    client = Client()
    assert landed(client, target) == target
    assert client.get("/sign-in/", {"next": target}).headers["Location"] == target


def test_a_page_without_tls_is_no_page_of_ours_where_tls_is_insisted_on(people):
    client = Client()
    form = {"username": "ops@example.com", "password": PASSWORD, "next": "http://testserver/customers/"}
    assert client.post("/sign-in/", form, secure=True).headers["Location"] == "/"


@pytest.mark.parametrize("target", ["", "/sign-in/", "/sign-in/?next=/sign-in/"])
def test_who_is_signed_in_already_is_sent_home_and_never_round_in_circles(people, target):
    client = Client()
    knock("ops@example.com", PASSWORD, client=client)
    assert client.get("/sign-in/", {"next": target}).headers["Location"] == "/"
    assert client.post("/sign-in/", {"next": target}).headers["Location"] == "/"


def test_the_page_says_how_long_a_sign_in_lasts_to_who_was_sent_there(client, db):
    assert (
        "ends after 30 minutes without a click" in client.get("/sign-in/?next=/customers/").content.decode()
    )
    assert "ends after" not in client.get("/sign-in/").content.decode()


def test_a_form_sent_with_an_old_token_gets_a_page_of_ours(people):
    client = Client(enforce_csrf_checks=True)
    page = client.post("/sign-in/", {"username": "ops@example.com", "password": PASSWORD})
    assert page.status_code == 403
    assert "This page was open too long" in page.content.decode()
    assert "Nothing was changed" in page.content.decode()


def test_without_a_provider_nothing_of_single_sign_on_is_there(client, db):
    page = client.get("/sign-in/").content.decode()
    assert "Sign in with" not in page
    for path in ("/sign-in/sso/", "/sign-in/sso/callback/", "/oidc/callback/"):
        assert client.get(path).status_code in (302, 404)
        assert "provider" not in client.get(path).headers.get("Location", "")
