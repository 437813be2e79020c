"""Mappings, choices and whole third-party files through the command."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from accounts.models import ColumnMapping, Customer
from tests.importing.readers import Import, counts

pytestmark = pytest.mark.django_db


def test_a_mapping_is_followed_to_the_letter(load: Import) -> None:
    text = "Account,Annual Revenue,Tier,health\nAcme,5,gold,70\n"
    answer = load(text, mapping={"Account": "name", " annual revenue ": "arr"})
    acme = Customer.objects.get()
    assert (acme.arr, acme.tier, acme.health) == (5, None, 70)
    assert "Left out: Tier" in answer["said"]


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"Account": "tier"}, "“tier” is not accepted"),
        ({"Account": "override"}, "is not accepted"),
        ({"Account": "is_superuser"}, "is not accepted"),
        ({"Account": "id"}, "is not accepted"),
        ({"Account": "csm_since"}, "is not accepted"),
        ({"Account": "attr:Ünfit!"}, "no name for a custom attribute"),
        ({"Account": "name", "ARR": "name"}, "keep one"),
        ({"Accounts": "name"}, "which is not in the file"),
        ({"Account": 5}, "not a column name"),
        ([], "must be an object"),
    ],
)
def test_a_mapping_that_cannot_be_followed_is_refused(load: Import, mapping: Any, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        load("Account,ARR\nAcme,5\n", mapping=mapping)
    assert not Customer.objects.exists()


def test_two_readings_are_refused_until_one_is_chosen(load: Import) -> None:
    with pytest.raises(CommandError, match="--number-style point or --number-style comma"):
        load("name,arr\nAcme,1.234\n")
    load("name,arr\nAcme,1.234\n", number_style="comma")
    assert Customer.objects.get().arr == 1234


def test_lists_divided_by_commas_are_seen_as_such(load: Import) -> None:
    answer = load('name,products\nAcme,"Core, Analytics"\nBeta,Core\n')
    assert Customer.objects.get(name="Acme").products == ["Core", "Analytics"]
    assert "separated by commas" in answer["said"]


def test_every_maven_parent_resolves(load: Import, inputs: Path) -> None:
    answer = load(
        (inputs / "maven_crm/accounts.csv").read_bytes(),
        mapping={
            "account": "name",
            "sector": "vertical",
            "revenue": "arr",
            "office_location": "country",
            "subsidiary_of": "parent",
        },
    )
    assert counts(answer) == (85, 0, 0, 0)
    assert Customer.objects.exclude(parent=None).count() == 15
    assert "technolgy" in answer["new_values"]["vertical"]


def test_all_of_inc5000_comes_in(load: Import, inputs: Path) -> None:
    mapping = {
        "COMPANY NAME": "name",
        " REVENUE ": "arr",
        "EMPLOYEES": "employees",
        "INDUSTRY": "vertical",
        "STATE": "region",
    }
    data = (inputs / "inc5000/inc5000.csv").read_bytes()
    assert counts(load(data, mapping=mapping)) == (5000, 0, 0, 0)
    assert Customer.objects.filter(employees=0).count() == 10
    assert counts(load(data, mapping=mapping)) == (0, 0, 5000, 0)


def test_a_saved_mapping_is_used_by_its_name(load: Import) -> None:
    ColumnMapping.objects.create(
        name="Salesforce", kind="customers", mapping={"Account": "name", "Umsatz": "arr"}
    )
    load("Account,Umsatz\nAcme,5\n", mapping_name="Salesforce")
    assert Customer.objects.get().arr == 5
    with pytest.raises(CommandError, match="neither a file nor a saved mapping"):
        load("Account,Umsatz\nAcme,5\n", mapping_name="HubSpot")
