"""What a sheet comes to is worked out once, until its customers change; and never of customers that are not so any more."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest
from django.db import transaction

from accounts.models import Customer, Goal
from allocation.models import AllocationPolicy
from allocation.models.figures import SHEET
from allocation.selectors.book_sums import book_sums
from allocation.selectors.customers_by_arr import _ByArr
from allocation.selectors.pyramid_columns import pyramid_facts
from allocation.selectors.pyramid_sums import PyramidOf
from allocation.selectors.scope_sums import scope_sums
from allocation.services.figures import write_sheets
from allocation.snapshots import figures_summed
from allocation.snapshots.figures import customer_figures
from allocation.snapshots.figures_summed import EVERYBODY, Scope, answered, cells, first_of
from tests.factories import TODAY, CustomerFactory
from tests.pages import mixed_company

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


@pytest.fixture
def ending(cast):
    """A company kept as sheets, of which a goal is open and a renewal ahead for the last time today."""
    company = mixed_company.build(cast)
    Goal.objects.update(ends_before=TODAY + timedelta(days=1))
    Customer.objects.filter(name="Alpha one").update(renewal_date=TODAY)
    write_sheets()
    return company


def told(user, day):
    """What balance, pyramid and home are made of, on a day, with the rates of today."""
    everybody = customer_figures()
    facts, _ = pyramid_facts(everybody=everybody, scope=EVERYBODY, day=day, today=day)
    return {
        "books": book_sums(everybody=everybody, as_of=day, rates_on=TODAY, policy=AllocationPolicy()),
        "pyramid": answered(everybody, PyramidOf(facts)),
        "home": scope_sums(user=user, as_of=day, everybody=everybody),
    }


@pytest.mark.postgres
def test_another_day_is_another_question_without_a_write_between(ending, monkeypatch):
    today, tomorrow = TODAY, TODAY + timedelta(days=1)
    before = customer_figures()
    remembered = [told(ending.cast.ops, day) for day in (today, tomorrow, today, tomorrow)]
    assert [sheet.serial for sheet in customer_figures().sheets] == [sheet.serial for sheet in before.sheets]
    for day, found in zip((today, tomorrow, today, tomorrow), remembered, strict=True):
        monkeypatch.setattr(figures_summed, "_MEMORY", {})
        assert found == told(ending.cast.ops, day)
    of_today, of_tomorrow = remembered[:2]
    assert [name for name in of_today if of_today[name] == of_tomorrow[name]] == []


@pytest.mark.postgres
def test_what_is_remembered_of_a_sheet_is_no_view_of_it(ending):
    """Else all that was read of a sheet would live as long as its answers."""
    everybody = customer_figures()
    facts, _ = pyramid_facts(everybody=everybody, scope=EVERYBODY, day=TODAY, today=TODAY)
    for sheet in everybody.sheets:
        part = PyramidOf(facts).of(sheet)
        order, ids = _ByArr(EVERYBODY, facts.rates, facts.base, descending=True).of(sheet)
        assert [column.base is None for column in (part.tier, part.cents, order, ids)] == [True] * 4
