"""What pages say to whom. Who may open which is the matrix of tests/access."""

import pytest
from django.urls import reverse

from tests.pages.company import CANARY, compared_plans, proposed_plan, proposed_run
from tests.pages.reading import read

LISTS = ("home", "my_book", "books", "balance", "pyramid", "customers", "runs", "plans")


def pages_of(company, user):
    """Every page that `user` may open, with own ids."""
    names = [name for name in LISTS if name != "my_book"]
    addresses = [reverse(name) for name in names] + [
        reverse("book", args=[company.cast.csm_a.csm.pk]),
        reverse("customer", args=[company.a[0].pk]),
        reverse("run", args=[company.run.pk]) + "?show=first",
        reverse("plan", args=[company.plan.pk]),
        reverse("customers") + f"?q={CANARY[:3]}",
        reverse("customers") + "?status=all&sort=-arr",
    ]
    return [*addresses, reverse("my_book")] if user.is_csm else addresses


@pytest.mark.parametrize("role", ["manager", "csm_a"])
def test_no_word_of_another_teams_book_is_on_any_page(company, sign_in, role):
    """Names, verticals, regions and countries of book B carry the canary; so does nothing of book A."""
    user = getattr(company.cast, role)
    client = sign_in(user)
    for address in pages_of(company, user):
        body = client.get(address).content.decode().replace(f'value="{CANARY[:3]}"', "")
        assert CANARY not in body, address
        assert "Ben Book" not in body, address
        assert "csm-b@" not in body, address


def test_the_control_ops_do_see_the_other_book(company, sign_in):
    client = sign_in(company.cast.ops)
    for address in (reverse("customers"), reverse("run", args=[company.run.pk]) + "?show=first"):
        assert CANARY in client.get(address).content.decode(), address


def test_proposals_of_other_teams_are_counted_out_of_a_managers_figures(company, sign_in):
    client = sign_in(company.cast.manager)
    body = read(client.get(reverse("run", args=[company.run.pk]) + "?show=first")).words
    # 4 customers in each book; the manager leads team A only.
    assert "Customers looked at 4" in body


def test_pages_say_nothing_that_the_policy_would_refuse(company, sign_in):
    run, plan = proposed_run(company.cast), proposed_plan(company.cast)
    client = sign_in(company.cast.ops)
    head = compared_plans(company.cast)
    addresses = [
        *pages_of(company, company.cast.ops),
        reverse("plan_compare", args=[head.pk]),
        reverse("run", args=[run.pk]),
        reverse("plan", args=[plan.pk]),
    ]
    for address in addresses:
        response = client.get(address)
        assert response.status_code == 200, address
        assert read(response).refused_by_policy() == [], address
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
        assert "no-store" in response.headers["Cache-Control"]
