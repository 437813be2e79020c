"""Parents in a file, together with everything else that refuses a row."""

import pytest

from accounts.models import Customer
from tests.importing.readers import Import, counts

pytestmark = pytest.mark.django_db


def test_a_child_is_refused_with_a_parent_refused_for_its_currency_sign(load: Import) -> None:
    answer = load(
        "external_id,name,parent,arr,currency\n"
        "P,Parent,,€100.00,USD\n"
        "C,Child,P,100.00,USD\n"
        "G,Grandchild,C,100.00,USD\n"
        "O,Other,,100.00,USD\n"
    )
    assert counts(answer) == (1, 0, 0, 3)
    messages = {error["line"]: error["message"] for error in answer["errors"]}
    assert "The amount says €" in messages[2]
    assert "Its parent stands on line 2" in messages[3]
    assert "Its parent stands on line 3" in messages[4]
    assert list(Customer.objects.values_list("external_id", flat=True)) == ["O"]


def test_a_parent_named_like_a_row_without_an_id_is_refused_not_left_blank(load: Import) -> None:
    answer = load("external_id,name,parent\n,Acme,\nC,Child,Acme\nO,Other,\n")
    assert counts(answer) == (1, 0, 0, 2)
    assert "no customer with this external id or name" in answer["errors"][1]["message"]
