"""Who may open what (roles × pages), and that the wrong person learns nothing from a refusal."""

import pytest
from django.urls import reverse

from tests.pages.company import CANARY, compared_plans, proposed_plan, proposed_run
from tests.pages.reading import read

# page: what ops, a manager of team A, CSM A, CSM B and Nobody get
LISTS = {
    "home": (200, 200, 200, 200, 200),
    "my_book": (403, 403, 200, 200, 403),
    "books": (200, 200, 403, 403, 403),
    "balance": (200, 200, 403, 403, 403),
    "customers": (200, 200, 200, 200, 403),
    "runs": (200, 200, 403, 403, 403),
    "plans": (200, 200, 403, 403, 403),
    "override_report": (200, 200, 403, 403, 403),
}
ROLES = ("ops", "manager", "csm_a", "csm_b", "nobody")


@pytest.mark.parametrize("role", ROLES)
def test_each_role_opens_the_lists_that_are_for_it(company, sign_in, role):
    client = sign_in(getattr(company.cast, role))
    found = {page: client.get(reverse(page)).status_code for page in LISTS}
    assert found == {page: expected[ROLES.index(role)] for page, expected in LISTS.items()}


# things of book A (out of the scope of CSM B), and runs and plans
ROWS = {
    "book": (200, 200, 200, 404, 403),
    "customer": (200, 200, 200, 404, 403),
    "run": (200, 200, 403, 403, 403),
    "run_progress": (200, 200, 403, 403, 403),
    "plan": (200, 200, 403, 403, 403),
    "plan_progress": (200, 200, 403, 403, 403),
}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_opens_the_things_in_its_scope(company, sign_in, role):
    client = sign_in(getattr(company.cast, role))
    ids = {
        "book": company.cast.csm_a.csm.pk,
        "customer": company.a[0].pk,
        "run": company.run.pk,
        "plan": company.plan.pk,
    }
    found = {page: client.get(reverse(page, args=[ids[page.split("_")[0]]])).status_code for page in ROWS}
    assert found == {page: expected[ROLES.index(role)] for page, expected in ROWS.items()}


def test_a_stranger_is_sent_to_sign_in_everywhere(company, client):
    addresses = [reverse(name) for name in LISTS] + [
        reverse("book", args=[company.cast.csm_a.csm.pk]),
        reverse("customer", args=[company.a[0].pk]),
        reverse("run", args=[company.run.pk]),
        reverse("plan", args=[company.plan.pk]),
    ]
    for address in addresses:
        response = client.get(address)
        assert response.status_code == 302, address
        assert response.url.startswith(reverse("login"))


def test_out_of_scope_looks_exactly_like_missing(company, sign_in):
    client = sign_in(company.cast.csm_a)
    for name, foreign in (("book", company.cast.csm_b.csm.pk), ("customer", company.b[0].pk)):
        # One that is there, one that is not, one that no database has room for.
        answers = [client.get(reverse(name, args=[pk])) for pk in (foreign, 10**12, 10**30)]
        assert [answer.status_code for answer in answers] == [404, 404, 404]
        assert read(answers[0]).texts == read(answers[1]).texts == read(answers[2]).texts


ACTIONS = {
    # what ops, a manager, CSM A and Nobody get for a POST; 302 is "done, look at the page"
    "retier_start": (302, 403, 403, 403),
    "plan_start": (302, 403, 403, 403),
    "run_apply": (302, 403, 403, 403),
    "run_discard": (302, 403, 403, 403),
    "run_approve": (403, 302, 403, 403),
    "run_rows": (302, 302, 403, 403),
    "run_undo": (302, 403, 403, 403),
    "plan_apply": (302, 403, 403, 403),
    "plan_discard": (302, 403, 403, 403),
    "plan_rows": (302, 302, 403, 403),
    "plan_stop": (302, 403, 403, 403),
    "plan_undo": (302, 403, 403, 403),
}


def address_of(company, name):
    pk = {"run": company.run.pk, "plan": company.plan.pk}.get(name.split("_")[0])
    return reverse(name) if name.endswith("start") else reverse(name, args=[pk])


@pytest.mark.parametrize("role", ["ops", "manager", "csm_a", "nobody"])
def test_an_action_is_for_the_role_it_belongs_to(company, sign_in, role):
    place = ("ops", "manager", "csm_a", "nobody").index(role)
    client = sign_in(getattr(company.cast, role))
    found = {name: client.post(address_of(company, name)).status_code for name in ACTIONS}
    assert found == {name: expected[place] for name, expected in ACTIONS.items()}


def test_nothing_is_done_by_looking(company, sign_in):
    client = sign_in(company.cast.ops)
    found = {name: client.get(address_of(company, name)).status_code for name in ACTIONS}
    assert found == dict.fromkeys(ACTIONS, 405)


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


def test_a_change_in_one_book_changes_nothing_on_the_other_csms_pages(company, sign_in):
    client = sign_in(company.cast.csm_a)
    addresses = [
        reverse("home"),
        reverse("my_book"),
        reverse("customers"),
        reverse("customer", args=[company.a[0].pk]),
    ]
    before = [read(client.get(address)).texts for address in addresses]
    for customer in company.b:
        customer.arr, customer.health, customer.name = customer.arr * 7, 1, f"{CANARY} renamed"
        customer.save()
    assert [read(client.get(address)).texts for address in addresses] == before


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
