"""The demonstration company: believable, the same for the same seed, only in an empty installation."""

from datetime import date
from decimal import Decimal

import pytest

from accounts import roles
from accounts.demo_company import imagine_company
from accounts.models import CSM, Customer, Goal, Team, User
from allocation.models import BookHolding
from allocation.services.demo import UnableToSeedDemo, demo_sign_ins, seed_demo
from tests import factories

TODAY = date(2026, 11, 22)


def test_the_same_seed_gives_the_same_company_and_another_seed_another() -> None:
    first = imagine_company(customers=50, csms=6, seed=3, today=TODAY)
    assert first == imagine_company(customers=50, csms=6, seed=3, today=TODAY)
    assert first != imagine_company(customers=50, csms=6, seed=4, today=TODAY)


def test_arr_is_as_skewed_as_in_real_lists() -> None:
    """A tenth of the customers carries more than half of the ARR (Gini of real lists: 0.6 to 0.86)."""
    arr = sorted(
        row.facts["arr"] for row in imagine_company(customers=600, csms=24, seed=1, today=TODAY).customers
    )
    assert sum(arr[-60:]) > sum(arr) / 2


def test_some_have_said_what_they_wish_and_of_these_most_wish_the_highest() -> None:
    wishes = [
        row.facts["wished_engagement"]
        for row in imagine_company(customers=600, csms=24, seed=1, today=TODAY).customers
    ]
    said = [wish for wish in wishes if wish]
    assert 0 < len(said) < 600
    assert said.count("high") > len(said) / 2


@pytest.mark.django_db
def test_the_default_company_has_everything_the_demo_shows() -> None:
    found = seed_demo(customers=120, csms=24, seed=1, today=TODAY, base_currency="USD")
    assert found == {"customers": 120, "csms": 24}
    assert Customer.objects.count() == 120
    assert CSM.objects.count() == 24
    assert Team.objects.filter(parent__isnull=False).count() == 4
    assert Customer.objects.values("vertical").distinct().count() == 5
    assert Customer.objects.values("currency").distinct().count() == 4
    assert Goal.objects.exists()
    assert Customer.objects.filter(renewal_date__gt=TODAY).exists()
    assert not Customer.objects.filter(tier__isnull=False).exists()
    assert BookHolding.objects.count() == Customer.objects.filter(csm__isnull=False).count() > 100
    assert not Customer.objects.filter(arr__lt=Decimal(0)).exists()


@pytest.mark.django_db
def test_there_is_a_sign_in_for_each_role_and_it_works() -> None:
    seed_demo(customers=5, csms=2, seed=1, today=TODAY, base_currency="USD")
    found = {who.role: who for who in demo_sign_ins()}
    assert set(found) == set(roles.ALL)
    for role, who in found.items():
        user = User.objects.get(email=who.email)
        assert user.check_password(who.password)
        assert user.role_names == {role}
        assert user.is_staff == (role == roles.OPS)


@pytest.mark.django_db
def test_an_installation_in_use_is_left_alone() -> None:
    factories.CustomerFactory()
    with pytest.raises(UnableToSeedDemo, match="empty"):
        seed_demo(customers=5, csms=2, seed=1, today=TODAY, base_currency="USD")
    assert Customer.objects.count() == 1


@pytest.mark.django_db
def test_no_csms_is_a_company_too() -> None:
    assert seed_demo(customers=5, csms=0, seed=1, today=TODAY, base_currency="USD") == {
        "customers": 5,
        "csms": 0,
    }


@pytest.mark.django_db
def test_names_that_are_taken_already_are_refused_with_a_sentence_and_nothing_is_written() -> None:
    factories.TeamFactory(name="Customer Success")
    with pytest.raises(UnableToSeedDemo, match="under the same name or e-mail"):
        seed_demo(customers=5, csms=2, seed=1, today=TODAY, base_currency="USD")
    assert not Customer.objects.exists()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_customers_came_to_their_csm_on_days_of_the_past_and_not_before_their_contract() -> None:
    seed_demo(customers=120, csms=6, seed=1, today=TODAY, base_currency="USD")
    held = BookHolding.objects.select_related("customer")
    days = {row.starts_on for row in held}
    assert len(days) > 5 and max(days) < TODAY
    for row in held:
        assert row.customer.csm_since == row.starts_on
        assert row.starts_on >= row.customer.contract_start
    assert not Goal.objects.filter(starts_on__gte=TODAY).exists()
