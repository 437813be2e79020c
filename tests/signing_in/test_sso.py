"""Single sign-on, end to end against a real provider process: who gets in, and who is told why not."""

import dataclasses
import sys
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.contrib.auth import get_user_model
from django.test import Client

from accounts import roles
from cstiers.processes import answers, free_port, start, stop, wait_until
from cstiers.signing_in.options import Provider
from cstiers.signing_in.provider import discovery
from tests.signing_in.conftest import PASSWORD, knock, signed_in
from tests.signing_in.provider_process import CLIENT, SECRET

User = get_user_model()
START, BACK = "/sign-in/sso/", "/sign-in/sso/callback/"


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    port, log = free_port(), tmp_path_factory.mktemp("provider") / "provider.log"
    child = start([sys.executable, "-m", "tests.signing_in.provider_process", str(port)], log=log)
    wait_until(lambda: answers(port), what="The provider", child=child, log=log)
    yield f"http://127.0.0.1:{port}"
    stop(child)


@pytest.fixture
def provider(process, settings, people):
    """`provider(claims={…}, wrong="…")` sets what it says next; `provider.change(only=True)` how we are set up."""
    settings.ROOT_URLCONF = "tests.signing_in.urls_with_sso"

    def change(**options):
        given = {
            "issuer": process,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "name": "Acme",
            "seconds": 2,
        }
        settings.OIDC = dataclasses.replace(Provider(**given), **options)
        password = "cstiers.signing_in.backends.Password"
        if settings.OIDC.only:
            password = "cstiers.signing_in.backends.BreakGlassPassword"
        settings.AUTHENTICATION_BACKENDS = [
            "axes.backends.AxesStandaloneBackend",
            password,
            "cstiers.signing_in.oidc.ByProvider",
        ]
        discovery.forget()

    def says(**what):
        requests.post(f"{process}/says", json=what, timeout=5).raise_for_status()

    says.change = change
    says.asked = lambda: requests.get(f"{process}/asked", timeout=5).json()
    change()
    says()
    return says


def to_provider(client, path=START):
    """The provider's answer, as an address of ours."""
    sent = client.get(path)
    assert sent.status_code == 302, sent.content.decode()
    back = requests.get(sent.headers["Location"], allow_redirects=False, timeout=5)
    assert back.status_code == 302
    return back.headers["Location"].removeprefix("http://testserver")


def enter(client, path=START):
    return client.get(to_provider(client, path))


def refused(client, page, sentence, status=403):
    text = page.content.decode()
    assert page.status_code == status, text
    assert "You are not signed in" in text
    assert sentence in text
    assert not signed_in(client)
    return True


def test_the_page_offers_the_provider_by_its_name_beside_the_password(provider, client):
    page = client.get("/sign-in/?next=/customers/%3Fq%3Da").content.decode()
    assert "Sign in with Acme" in page
    assert 'href="/sign-in/sso/?next=%2Fcustomers%2F%3Fq%3Da"' in page
    assert 'type="password"' in page


def test_who_the_provider_vouches_for_is_signed_in_and_led_on(provider, client):
    page = enter(client, f"{START}?next=/customers/")
    assert (page.status_code, page.headers["Location"]) == (302, "/customers/")
    assert signed_in(client)
    assert client.get("/admin/").status_code == 200


def test_the_request_has_state_nonce_and_a_challenge_of_its_own_each_time(provider, client):
    found = [parse_qs(urlsplit(client.get(START).headers["Location"]).query) for _ in range(2)]
    for name in ("state", "nonce", "code_challenge"):
        assert len(found[0][name][0]) >= 32
        assert found[0][name] != found[1][name]
    assert found[0]["redirect_uri"] == ["http://testserver/sign-in/sso/callback/"]
    assert found[0]["code_challenge_method"] == ["S256"]
    assert set(found[0]["scope"][0].split()) == {"openid", "email", "profile"}


@pytest.mark.parametrize(
    ("says", "sentence"),
    [
        ({"wrong": "nonce"}, "it belongs to another request"),
        ({"claims": {"nonce": None}}, "it belongs to another request"),
        ({"claims": {"aud": "another-site"}}, "it is meant for another site"),
        (
            {"claims": {"aud": ["cstiers", "another-site"], "azp": "another-site"}},
            "made out for another site",
        ),
        ({"claims": {"azp": "another-site"}}, "made out for another site"),
        ({"claims": {"iss": "https://somebody.else"}}, "it comes from somebody else"),
        ({"wrong": "expired"}, "it is too old"),
        ({"claims": {"exp": None}}, "its signature or form is wrong"),
        ({"claims": {"iat": 99999999999}}, "its signature or form is wrong"),  # from the future
        ({"claims": {"sub": None}}, "its signature or form is wrong"),
        ({"wrong": "unsigned"}, "not signed in the way we ask for"),
        ({"wrong": "signed with the secret"}, "not signed in the way we ask for"),
        ({"wrong": "another key"}, "its signature or form is wrong"),
        ({"wrong": "changed"}, "its signature or form is wrong"),
        ({"wrong": "unknown kid"}, "no key of the service fits"),
        ({"wrong": "no kid"}, "no key of the service fits"),
        ({"claims": {"email_verified": False}}, "has not verified the e-mail address ops@example.com"),
        ({"claims": {"email_verified": None}}, "has not verified the e-mail address"),
        ({"claims": {"email_verified": "no"}}, "has not verified the e-mail address"),
        ({"claims": {"email": None}}, "did not say your e-mail address"),
        ({"claims": {"email": ["ops@example.com"]}}, "did not say your e-mail address"),
        ({"claims": {"email": "unknown@example.com"}}, "unknown@example.com has no sign-in here yet"),
        ({"claims": {"email": "opſ@example.com"}}, "has no sign-in here yet"),  # the database takes ſ for s
        ({"wrong": "says no"}, "Acme signed nobody in (it says: access_denied)"),
        ({"iss": "https://somebody.else"}, "it comes from somebody else"),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else "",
)
def test_nobody_is_signed_in_by(provider, client, says, sentence):
    provider(**says)
    assert refused(client, enter(client), sentence)


@pytest.mark.parametrize("wrong", ["token door broken", "no id token", "discovery of another"])
def test_a_provider_that_answers_nonsense_is_told_as_such(provider, client, wrong):
    provider(wrong=wrong)
    page = client.get(START) if wrong.startswith("discovery") else enter(client)
    assert refused(client, page, "sign-in service", status=503)


def test_a_provider_that_does_not_answer_is_waited_for_two_seconds_and_asked_again_next_time(
    provider, client
):
    provider(wrong="slow")
    assert refused(client, client.get(START), "could not be reached", status=503)
    provider()
    assert enter(client).status_code == 302


def test_a_provider_that_is_away_keeps_nobody_from_the_password(provider, client):
    provider.change(issuer=f"http://127.0.0.1:{free_port()}")
    assert refused(client, client.get(START), "could not be reached", status=503)
    assert knock("ops@example.com", PASSWORD, client=client).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_who_is_switched_off_is_told_and_not_let_in(provider, client):
    User.objects.filter(email="ops@example.com").update(is_active=False)
    assert refused(client, enter(client), "switched off")


def test_who_is_switched_off_later_is_out_with_the_next_request(provider, client):
    enter(client)
    assert signed_in(client)
    User.objects.filter(email="ops@example.com").update(is_active=False)
    assert not signed_in(client)


def test_the_break_glass_account_is_not_the_providers_to_give(provider, client):
    User.objects.create_superuser("root@example.com", PASSWORD)
    provider(claims={"email": "root@example.com"})
    assert refused(client, enter(client), "break-glass account signs in by its password only")


def test_an_answer_is_good_once(provider, client):
    back = to_provider(client)
    assert client.get(back).status_code == 302
    client.post("/sign-out/")
    assert refused(client, client.get(back), "used already")


def test_an_answer_of_another_browser_signs_nobody_in(provider, client):
    """Else somebody could have another person work under his name."""
    back = to_provider(Client())
    assert refused(client, client.get(back), "begun in another browser")


@pytest.mark.parametrize(
    "query", ["", "?state=x", "?code=x&state=x", "?error=access_denied", "?error=<script>&state="]
)
def test_an_answer_without_a_question_ends_nobodys_session(provider, client, query):
    knock("ops@example.com", PASSWORD, client=client)
    assert client.get(BACK + query).status_code == 403
    assert signed_in(client)


def test_the_id_of_the_session_is_a_new_one(provider, client):
    back = to_provider(client)
    before = client.cookies["sessionid"].value
    client.get(back)
    assert client.cookies["sessionid"].value != before


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_single_sign_on_leads_to_pages_of_ours_only(provider, client, target):
    assert enter(client, f"{START}?next={target}").headers["Location"] == "/"


def test_the_discovery_document_is_read_when_first_needed_and_once(provider, client):
    assert client.get("/sign-in/").status_code == 200
    assert knock("ops@example.com", "wrong").status_code == 200
    assert provider.asked() == {}
    for _ in range(2):
        enter(Client())
    asked = provider.asked()
    assert asked["/.well-known/openid-configuration"] == 1
    assert "/userinfo" not in asked  # the token said everything


def test_named_endpoints_need_no_discovery(provider, client, process):
    provider.change(
        endpoints={
            "authorization": f"{process}/authorize",
            "token": f"{process}/token",
            "jwks": f"{process}/jwks",
        }
    )
    assert enter(client).status_code == 302
    assert "/.well-known/openid-configuration" not in provider.asked()


def test_a_page_of_such_a_person_asks_the_provider_nothing(provider, client):
    enter(client)
    provider()
    assert signed_in(client)
    assert provider.asked() == {}


def test_a_provider_that_takes_the_secret_in_the_header_only_gets_it_there(provider, client):
    provider(auth=["client_secret_basic"])
    assert enter(client).status_code == 302


def test_what_the_token_leaves_out_is_asked_for(provider, client):
    info = {"sub": "subject-1", "email": "ops@example.com", "email_verified": True}
    provider(claims={"email": None, "email_verified": None}, userinfo=info)
    assert enter(client).status_code == 302


def test_what_is_asked_for_must_be_about_the_same_person(provider, client):
    info = {"sub": "subject-2", "email": "ops@example.com", "email_verified": True}
    provider(claims={"email": None, "email_verified": None}, userinfo=info)
    assert refused(client, enter(client), "it speaks of two persons")


def test_entra_says_in_another_claim_that_the_address_is_proven(provider, client):
    provider.change(verified_claim="xms_edov")
    provider(claims={"email_verified": None, "xms_edov": "1"})
    assert enter(client).status_code == 302


def test_a_new_person_is_made_only_where_that_is_switched_on_and_has_no_role(provider, client):
    provider.change(create_users=True)
    provider(claims={"email": "New.Person@Example.com", "name": "New Person"})
    assert enter(client).status_code == 302
    made = User.objects.get(email="new.person@example.com")
    assert (made.name, made.is_staff, made.is_superuser, made.role_names) == (
        "New Person",
        False,
        False,
        frozenset(),
    )
    assert not made.has_usable_password()
    assert client.get("/customers/").status_code == 403


GROUPS = {"cs-ops": roles.OPS, "cs-leads": roles.MANAGER, "cs-team": roles.CSM}


def test_roles_follow_the_groups_at_each_sign_in(provider, client):
    provider.change(groups_claim="groups", roles=GROUPS)
    for theirs, ours, staff in (
        (["cs-leads", "cs-ops", "lunch"], {roles.MANAGER, roles.OPS}, True),
        (["cs-team"], {roles.CSM}, False),
        ("cs-leads", {roles.MANAGER}, False),  # some providers send one group as a text
        ([], set(), False),
        (None, set(), False),
    ):
        provider(claims={"groups": theirs, "is_superuser": True})
        assert enter(Client()).status_code == 302
        user = User.objects.get(email="ops@example.com")
        assert (set(user.role_names), user.is_staff, user.is_superuser) == (ours, staff, False)


def test_without_a_groups_claim_the_roles_are_ours_to_give(provider, client):
    provider(claims={"groups": []})
    enter(client)
    assert User.objects.get(email="ops@example.com").is_ops


def test_too_many_groups_to_be_listed_are_not_taken_for_none(provider, client):
    provider.change(groups_claim="groups", roles=GROUPS)
    provider(claims={"_claim_names": {"groups": "src1"}})
    assert refused(client, enter(client), "lists too many groups")
    assert User.objects.get(email="ops@example.com").is_ops


def test_where_only_the_provider_signs_in_the_password_form_is_out_of_sight(provider, client):
    provider.change(only=True)
    assert 'type="password"' not in client.get("/sign-in/").content.decode()
    assert 'type="password"' in client.get("/sign-in/?by=password").content.decode()
    assert enter(client).status_code == 302


def test_where_only_the_provider_signs_in_a_password_opens_for_the_break_glass_account_alone(provider):
    User.objects.create_superuser("root@example.com", PASSWORD)
    before = Client()
    assert knock("ops@example.com", PASSWORD, client=before).status_code == 302
    provider.change(only=True)
    right, wrong = knock("ops@example.com", PASSWORD), knock("ops@example.com", "wrong")
    assert (right.status_code, wrong.status_code) == (200, 200)
    assert "do not fit together" in right.content.decode()
    client = Client()
    assert knock("root@example.com", PASSWORD, client=client).status_code == 302
    assert signed_in(client)
    assert not signed_in(before)  # opened by password before


def test_the_password_page_is_not_for_who_has_none_here(provider, client):
    provider.change(only=True)
    enter(client)
    page = client.get("/password/")
    assert page.status_code == 403
    assert "change it there" in page.content.decode()


def test_a_locked_person_can_still_come_through_the_provider(provider, client):
    for _ in range(6):
        page = knock("ops@example.com", "wrong", client=client)
    assert page.status_code == 429
    assert "Sign in with Acme" in page.content.decode()
    assert enter(client).status_code == 302


ROWS = {
    # address: (not signed in, signed in) — the same for every role; both write only the own session
    START: (302, 302),
    BACK: (403, 403),
}


@pytest.mark.parametrize("path", ROWS)
def test_each_address_of_single_sign_on_answers_everybody_alike(provider, people, sign_in, path):
    anonymous, known = ROWS[path]
    assert Client().get(path).status_code == anonymous
    for user in (people.ops, people.manager, people.csm_a, people.nobody):
        assert sign_in(user).get(path).status_code == known
        assert sign_in(user).post(path).status_code == 405


def test_the_rows_are_all_addresses_of_single_sign_on():
    from cstiers.signing_in.oidc_views import urlpatterns

    assert {f"/{pattern.pattern}" for pattern in urlpatterns} == set(ROWS)
