"""Pages for what is not there, not allowed, or went wrong: in the common look, without telling anything."""

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.views.defaults import server_error


@pytest.mark.parametrize("who", ["ops", "manager", "csm_a", "nobody"])
def test_what_is_not_there_is_said_in_the_common_look(who, cast, sign_in):
    page = sign_in(getattr(cast, who)).get("/nowhere/")
    assert page.status_code == 404
    assert "There is nothing here" in page.content.decode()


def test_strangers_get_the_same_page(db, client):
    assert client.get("/nowhere/").status_code == 404


def test_a_refusal_says_why(cast, sign_in):
    page = sign_in(cast.csm_a).get("/admin/", follow=True)
    assert page.status_code == 403
    assert "The admin is for CS ops" in page.content.decode()


def test_the_page_for_a_failure_needs_neither_database_nor_request():
    page = server_error(RequestFactory().get("/"))
    assert page.status_code == 500
    assert "Something went wrong on our side" in page.content.decode()
    assert render_to_string("500.html") == page.content.decode()


@pytest.mark.parametrize(
    "address",
    [
        "/admin/allocation/tierdecision/?by=%00",
        "/admin/accounts/customer/?goal=%00",
        "/admin/autocomplete/?term=%00&app_label=accounts&model_name=customer&field_name=parent",
        "/customers/?q=%00",
    ],
)
def test_an_address_with_a_nul_is_a_bad_one_on_every_database(address, cast, sign_in):
    assert sign_in(cast.ops).get(address).status_code == 400


@pytest.mark.parametrize(
    ("address", "back"),
    [
        ("/runs/start/", "/runs/"),
        ("/runs/7/apply/", "/runs/7/"),
        ("/goals/7/close/", "/"),
        ("/sign-out/", "/"),
    ],
)
def test_an_address_that_only_a_button_sends_to_says_so_and_leads_on(address, back, cast, sign_in):
    page = sign_in(cast.ops).get(address, headers={"accept": "text/html,*/*"})
    assert (page.status_code, page["Allow"].split(",")[0]) == (405, "POST")
    words = page.content.decode()
    assert "This address only takes what a button sends" in words
    assert f'<a class="btn btn-primary" href="{back}">' in words


def test_programs_are_answered_without_a_page(client, db):
    assert client.post("/healthz/", headers={"accept": "*/*"}).content == b""
