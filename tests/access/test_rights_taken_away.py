"""A right that is taken away is gone with the next request, whatever page is still open."""

import datetime

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from accounts import roles
from accounts.models import CSM, Customer, Delegation, Goal, Team, User
from allocation.models import RetierRun
from tests import factories
from tests.access.calling import undone
from tests.access.world import NOW, A, B

pytestmark = pytest.mark.django_db

TODAY = factories.TODAY


@pytest.fixture(autouse=True)
def _nothing_stays():
    """The company is shared by the module."""
    with undone():
        yield


def customer_page(world, book=A):
    return reverse("customer", args=[world.customers[book][0].pk])


def status(world, person, path):
    return world.clients[person].get(path).status_code


def open_goal(world, person, book=A):
    """Sends what the open page would send; gives the answer and whether a goal came of it."""
    kind = factories.GoalKindFactory(slug="nurture")
    path = reverse("goal_open", args=[world.customers[book][1].pk])
    answer = world.clients[person].post(path, {"kind": kind.pk, "owner": "", "words": "Later"})
    return answer.status_code, Goal.objects.filter(kind=kind).exists()


def test_the_control_with_the_right_it_is_done(world):
    assert open_goal(world, "manager_a") == (302, True)


@pytest.mark.parametrize(("person", "role"), [("manager_a", roles.MANAGER), ("csm_a", roles.CSM)])
def test_a_role_taken_away_between_looking_and_acting(world, person, role):
    assert status(world, person, customer_page(world)) == 200
    world.persons[person].groups.remove(Group.objects.get(name=role))
    assert open_goal(world, person) == (403, False)
    assert status(world, person, customer_page(world)) == 403


def test_ops_no_more_starts_nothing_and_is_out_of_the_admin(world):
    assert status(world, "ops", "/admin/accounts/customer/") == 200
    world.persons["ops"].groups.clear()
    runs = RetierRun.objects.count()
    assert world.clients["ops"].post(reverse("retier_start")).status_code == 403
    assert world.clients["ops"].get("/admin/accounts/customer/", follow=True).status_code == 403
    assert RetierRun.objects.count() == runs


@pytest.mark.parametrize("person", ["ops", "manager_a", "csm_a"])
def test_who_is_switched_off_is_signed_out(world, person):
    User.objects.filter(pk=world.persons[person].pk).update(is_active=False)
    answer = world.clients[person].get(customer_page(world))
    assert answer.headers["Location"].startswith("/sign-in/")
    assert open_goal(world, person) == (302, False)


def test_a_manager_whose_team_is_given_to_another(world):
    team = Team.objects.get(pk=world.csms[A].team_id)
    Team.objects.filter(pk=team.pk).update(manager=world.persons["manager_b"])
    assert open_goal(world, "manager_a") == (404, False)
    assert status(world, "manager_b", customer_page(world)) == 200


def test_a_csm_who_changes_team_takes_the_book_along(world):
    CSM.objects.filter(pk=world.csms[A].pk).update(team=world.csms[B].team)
    assert status(world, "manager_a", customer_page(world)) == 404
    assert status(world, "manager_b", customer_page(world)) == 200


def test_a_customer_that_changes_book(world):
    pk = world.customers[A][1].pk
    Customer.objects.filter(pk=pk).update(csm=world.csms[B])
    assert open_goal(world, "csm_a") == (404, False)
    assert status(world, "csm_b", reverse("customer", args=[pk])) == 200


def test_a_sign_in_that_is_taken_from_a_csm(world):
    CSM.objects.filter(pk=world.csms[A].pk).update(user=None)
    assert status(world, "csm_a", customer_page(world)) == 404
    assert status(world, "csm_a", reverse("my_book")) == 200
    assert world.customers[A][0].name not in world.clients["csm_a"].get(reverse("my_book")).content.decode()


@pytest.mark.parametrize("name", ["home", "my_book", "customers"])
def test_a_csm_without_a_book_is_told_so_and_sees_nobodys(world, name):
    user = factories.UserFactory(role=roles.CSM)
    client = world.clients["stranger"]
    client.force_login(user)
    answer = client.get(reverse(name))
    assert answer.status_code == 200
    assert not any(book in answer.content.decode() for book in (A, B, "Zorilla"))


def delegation(world, **fields):
    values = {
        "starts_on": TODAY - datetime.timedelta(days=1),
        "ends_before": TODAY + datetime.timedelta(days=5),
    }
    people = {"manager": world.persons["manager_a"], "delegate": world.persons["manager_b"]}
    return Delegation.objects.create(
        **people | values | fields, created_by=world.persons["manager_a"], created_at=NOW
    )


def test_a_delegate_sees_and_does_what_the_manager_does(world):
    assert open_goal(world, "manager_b") == (404, False)
    delegation(world)
    assert status(world, "manager_b", customer_page(world)) == 200
    assert open_goal(world, "manager_b") == (302, True)


def test_a_delegation_that_is_taken_back(world):
    row = delegation(world)
    assert status(world, "manager_b", customer_page(world)) == 200
    Delegation.objects.filter(pk=row.pk).update(ended_at=NOW, ended_by=world.persons["manager_a"])
    assert open_goal(world, "manager_b") == (404, False)


@pytest.mark.parametrize(
    ("days", "seen"), [((0, 1), 200), ((1, 5), 404), ((-5, 0), 404), ((-5, 1), 200)]
)  # from today for a day; from tomorrow; until yesterday; until today
def test_a_delegation_holds_on_its_days_only(world, days, seen):
    starts_on, ends_before = (TODAY + datetime.timedelta(days=day) for day in days)
    delegation(world, starts_on=starts_on, ends_before=ends_before)
    assert status(world, "manager_b", customer_page(world)) == seen


def test_who_is_no_manager_any_more_has_nothing_to_delegate(world):
    delegation(world)
    world.persons["manager_a"].groups.clear()
    assert status(world, "manager_b", customer_page(world)) == 404


def test_a_delegate_without_the_role_decides_nothing(world):
    delegation(world, delegate=world.persons["nobody"])
    delegation(world, delegate=world.persons["csm_b"])
    assert status(world, "nobody", customer_page(world)) == 403
    assert status(world, "csm_b", customer_page(world)) == 404


def test_two_roles_give_the_rights_of_both_and_of_no_third(world):
    """A manager of team A who has a book in team B besides."""
    user = world.persons["manager_a"]
    user.groups.add(Group.objects.get(name=roles.CSM))
    own = factories.CSMFactory(user=user, team=world.csms[B].team)
    mine = factories.CustomerFactory(csm=own, csm_since=TODAY)
    assert status(world, "manager_a", customer_page(world)) == 200
    assert status(world, "manager_a", reverse("customer", args=[mine.pk])) == 200
    assert status(world, "manager_a", reverse("my_book")) == 200
    assert status(world, "manager_a", customer_page(world, B)) == 404
    assert status(world, "manager_a", reverse("book", args=[world.csms[B].pk])) == 404
