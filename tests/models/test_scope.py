"""Who sees whose rows: `visible_to`, for each of the cast and every model that has it."""

from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser

from accounts import roles
from accounts.models import CSM, Customer, Team
from allocation.models import RetierRun
from tests import factories


@pytest.fixture
def books(cast: SimpleNamespace) -> SimpleNamespace:
    """A customer in each book, and one that nobody has."""
    cast.customer_a = factories.CustomerFactory(csm=cast.csm_a.csm, csm_since=factories.TODAY)
    cast.customer_b = factories.CustomerFactory(csm=cast.csm_b.csm, csm_since=factories.TODAY)
    cast.customer_free = factories.CustomerFactory()
    return cast


def test_ops_see_every_customer(books: SimpleNamespace) -> None:
    assert Customer.objects.visible_to(books.ops).count() == 3


def test_a_manager_sees_the_own_team_only(books: SimpleNamespace) -> None:
    assert list(Customer.objects.visible_to(books.manager)) == [books.customer_a]
    assert list(CSM.objects.visible_to(books.manager)) == [books.csm_a.csm]


def test_a_manager_of_managers_sees_the_teams_below(books: SimpleNamespace) -> None:
    director = factories.UserFactory(role=roles.MANAGER)
    top = factories.TeamFactory(manager=director)
    middle = factories.TeamFactory(parent=top)
    books.team_b.parent = middle
    books.team_b.save()
    assert list(Customer.objects.visible_to(director)) == [books.customer_b]
    assert set(Team.objects.visible_to(director)) == {top, middle, books.team_b}


def test_a_csm_sees_the_own_book_only(books: SimpleNamespace) -> None:
    assert list(Customer.objects.visible_to(books.csm_a)) == [books.customer_a]
    assert list(CSM.objects.visible_to(books.csm_a)) == [books.csm_a.csm]
    assert not RetierRun.objects.visible_to(books.csm_a).exists()


def test_two_roles_give_the_rights_of_both(books: SimpleNamespace) -> None:
    both = factories.UserFactory(role=roles.MANAGER)
    both.groups.add(*books.csm_b.groups.all())
    factories.CSMFactory(user=both, team=books.team_b)
    factories.TeamFactory(manager=both)
    books.team_a.manager = both
    books.team_a.save()
    mine = factories.CustomerFactory(csm=both.csm, csm_since=factories.TODAY)
    assert set(Customer.objects.visible_to(both)) == {mine, books.customer_a}


def test_a_circle_of_teams_ends(books: SimpleNamespace) -> None:
    """The database does not forbid longer circles; reading must still end."""
    below = factories.TeamFactory(parent=books.team_a)
    Team.objects.filter(pk=books.team_a.pk).update(parent=below)
    assert Customer.objects.visible_to(books.manager).count() == 1


@pytest.mark.parametrize("who", ["nobody", "anonymous", "inactive"])
def test_without_a_role_nothing_is_visible_anywhere(books: SimpleNamespace, who: str) -> None:
    user = {"nobody": books.nobody, "anonymous": AnonymousUser(), "inactive": books.ops}[who]
    if who == "inactive":
        user.is_active = False
    scoped = [
        model for model in apps.get_models() if hasattr(model._default_manager.get_queryset(), "visible_to")
    ]
    assert {"Customer", "CSM", "Team", "Goal", "RetierRun", "TierDecision", "BookPlan", "Move"} <= {
        model.__name__ for model in scoped
    }
    for model in scoped:
        assert not model._default_manager.get_queryset().visible_to(user).exists(), model.__name__


def test_the_teams_of_a_manager_are_read_once(books: SimpleNamespace, django_assert_num_queries) -> None:
    with django_assert_num_queries(3 + 2):  # roles, delegations and teams once, then one query a list
        list(Customer.objects.visible_to(books.manager))
        list(CSM.objects.visible_to(books.manager))
