"""What a sheet comes to is worked out once, until its customers change; and never of customers that are not so any more."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from django.db import transaction

from accounts.models import Customer
from allocation.models.figures import SHEET
from allocation.services.figures import write_sheets
from allocation.snapshots import figures_summed
from allocation.snapshots.figures import customer_figures
from allocation.snapshots.figures_summed import Scope, answered, cells, first_of
from tests.factories import CustomerFactory

LOOKS = Counter()


@dataclass(frozen=True)
class Amounts:
    """Those above a bound, and a note of each sheet that was looked at."""

    above: int

    def of(self, figures):
        LOOKS[figures.ids.tolist()[0] // SHEET] += 1
        return figures.arr[figures.arr > self.above].tolist()

    def together(self, parts):
        return sorted(arr for part in parts for arr in part)


@pytest.fixture
def sheets(db):
    """Three customers on three sheets, numbers 0 to 2 beyond all others."""
    LOOKS.clear()
    first = (Customer.objects.order_by("-pk").values_list("pk", flat=True).first() or 0) // SHEET + 5
    customers = [CustomerFactory(pk=(first + place) * SHEET, arr=place + 1) for place in range(3)]
    write_sheets()
    return customers


@pytest.mark.postgres
def test_only_sheets_that_changed_are_worked_out_again(sheets):
    _, two, three = sheets
    assert answered(customer_figures(), Amounts(0)) == [100, 200, 300]
    assert answered(customer_figures(), Amounts(0)) == [100, 200, 300]
    assert set(LOOKS.values()) == {1}
    Customer.objects.filter(pk=two.pk).update(arr=7)
    assert answered(customer_figures(), Amounts(0)) == [100, 300, 700]
    write_sheets()
    assert answered(customer_figures(), Amounts(0)) == [100, 300, 700]
    assert [LOOKS[customer.pk // SHEET] for customer in sheets] == [1, 3, 1]
    Customer.objects.filter(pk=three.pk).delete()
    assert answered(customer_figures(), Amounts(0)) == [100, 700]


@pytest.mark.postgres
def test_another_question_has_another_answer(sheets):
    assert answered(customer_figures(), Amounts(0)) == [100, 200, 300]
    assert answered(customer_figures(), Amounts(100)) == [200, 300]
    assert answered(customer_figures(), Amounts(0)) == [100, 200, 300]
    assert sum(LOOKS.values()) == 6


@pytest.mark.postgres
def test_no_more_questions_are_remembered_than_fit(sheets):
    for above in range(12):
        answered(customer_figures(), Amounts(above))
    assert len(figures_summed._MEMORY[Amounts]) == 4
    before = sum(LOOKS.values())
    assert answered(customer_figures(), Amounts(11)) == [100, 200, 300]
    assert sum(LOOKS.values()) == before
    assert answered(customer_figures(), Amounts(0)) == [100, 200, 300]
    assert sum(LOOKS.values()) == before + 3


@pytest.mark.postgres
@pytest.mark.parametrize("marked", [False, True])
def test_a_write_that_is_taken_back_is_forgotten(sheets, marked):
    one, two, _ = sheets
    if marked:
        Customer.objects.filter(pk=two.pk).update(arr=9)
    with pytest.raises(RuntimeError), transaction.atomic():
        Customer.objects.filter(pk=one.pk).update(arr=5)
        Customer.objects.filter(pk=two.pk).update(arr=6)
        assert answered(customer_figures(), Amounts(0)) == [300, 500, 600]
        raise RuntimeError
    assert answered(customer_figures(), Amounts(0)) == ([100, 300, 900] if marked else [100, 200, 300])


def test_what_is_not_kept_is_worked_out_each_time(db):
    CustomerFactory(arr=1)
    found = customer_figures().of(Customer.objects.values_list("pk", flat=True))
    assert found.serial == 0
    assert answered(customer_figures(), Amounts(0)) == [100]
    Customer.objects.update(arr=2)
    assert answered(customer_figures(), Amounts(0)) == [200]


def test_a_scope_holds_whom_it_names(db, cast):
    mine = CustomerFactory(csm=cast.csm_a.csm, csm_since="2026-01-01")
    CustomerFactory(csm=cast.csm_b.csm, csm_since="2026-01-01")
    CustomerFactory()

    def ids(scope):
        return [pk for sheet in customer_figures().sheets for pk in scope.of(sheet).ids.tolist()]

    assert ids(Scope(books=frozenset({cast.csm_a.csm.pk}))) == [mine.pk]
    assert ids(Scope(csm=cast.csm_a.csm.pk)) == [mine.pk]
    assert ids(Scope(books=frozenset())) == []
    assert len(ids(Scope())) == 3


def test_the_first_of_several_parts_are_in_order_of_all_rows():
    parts = [np.array([[3, 1, 1], [9, 8, 7]]), np.array([[1, 2], [6, 5]])]
    assert first_of(*parts, keys=2, at_most=2).tolist() == [[1, 1], [6, 7]]
    assert first_of(*parts, keys=2, at_most=9).tolist() == [[1, 1, 1, 2, 3], [6, 7, 8, 5, 9]]
    assert first_of(keys=2, at_most=2).tolist() == [[], []]
    none = cells(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    assert none.places.tolist() == []
