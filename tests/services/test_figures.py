"""Sheets of figures: marked by the database whoever writes, written anew without losing a mark, repaired where they are untrue."""

import threading

import pytest
from django.db import connection, transaction

from accounts.models import Customer
from allocation.models import FigureMark, FigureSheet
from allocation.models.figures import SHEET
from allocation.services import figures
from allocation.services.figures import differing_sheets, write_sheets
from allocation.snapshots.figures import customer_figures
from tests.factories import CustomerFactory, GoalFactory

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]


def amounts():
    return sorted(arr for sheet in customer_figures().sheets for arr in sheet.arr.tolist())


def test_sheets_are_written_once_and_hold_what_customers_hold():
    customers = [CustomerFactory(arr=n) for n in (1, 2, 3)]
    numbers = {one.pk // SHEET for one in customers}
    assert write_sheets() == len(numbers)
    assert set(FigureSheet.objects.values_list("number", flat=True)) == numbers
    assert not FigureMark.objects.exists()
    assert write_sheets() == 0
    assert amounts() == [100, 200, 300]


@pytest.mark.parametrize("what", ["insert", "update", "delete", "goal"])
def test_whatever_writes_leaves_a_mark_and_is_seen_at_once(what):
    one = CustomerFactory(arr=1)
    write_sheets()
    if what == "insert":
        CustomerFactory(arr=5)
    elif what == "update":
        Customer.objects.filter(pk=one.pk).update(arr=5)
    elif what == "delete":
        Customer.objects.filter(pk=one.pk).delete()
    else:
        GoalFactory(customer=one)
    assert FigureMark.objects.exists()
    expected = {"insert": [100, 500], "update": [500], "delete": [], "goal": [100]}[what]
    assert amounts() == expected
    assert sum(len(sheet.goal_of) for sheet in customer_figures().sheets) == (what == "goal")
    write_sheets()
    assert amounts() == expected


def test_an_edit_that_is_taken_back_leaves_the_sheet_as_it_was():
    one = CustomerFactory(arr=1)
    write_sheets()
    version = FigureSheet.objects.get().version
    with pytest.raises(RuntimeError), transaction.atomic():
        Customer.objects.filter(pk=one.pk).update(arr=5)
        raise RuntimeError
    assert not FigureMark.objects.exists()
    assert FigureSheet.objects.get().version == version
    assert amounts() == [100]


@pytest.mark.django_db(transaction=True)
def test_a_write_between_reading_marks_and_customers_is_not_lost(monkeypatch):
    """Another connection commits while the sheet is being written: its mark stays, so that the sheet is written once more."""
    one = CustomerFactory(arr=1)
    read, done = figures.read_sheets, []

    def late(numbers):
        found = list(read(numbers))
        if not done:
            done.append(True)
            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()
        return found

    def elsewhere():
        try:
            Customer.objects.filter(pk=one.pk).update(arr=5)
        finally:
            connection.close()

    monkeypatch.setattr(figures, "read_sheets", late)
    assert figures._write_some() == 1
    assert FigureMark.objects.exists()
    assert amounts() == [500]
    assert write_sheets() == 1
    assert amounts() == [500]
    assert differing_sheets() == ()


@pytest.mark.django_db(transaction=True)
def test_what_writes_past_the_triggers_is_found_and_repaired():
    one = CustomerFactory(arr=1)
    write_sheets()
    assert differing_sheets() == ()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_customer DISABLE TRIGGER figures_of_changed")
        Customer.objects.filter(pk=one.pk).update(arr=5)
        cursor.execute("ALTER TABLE accounts_customer ENABLE TRIGGER figures_of_changed")
    assert amounts() == [100], "the control arm: without its trigger a sheet is wrong"
    assert differing_sheets(repair=False) == (one.pk // SHEET,)
    assert amounts() == [100]
    assert differing_sheets() == (one.pk // SHEET,)
    assert amounts() == [500]
    FigureSheet.objects.all().delete()
    FigureMark.objects.all().delete()
    assert differing_sheets() == (one.pk // SHEET,), "a missing sheet is untrue as well"


@pytest.mark.django_db(transaction=True)
def test_an_emptied_table_leaves_no_sheet():
    CustomerFactory(arr=1)
    write_sheets()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE accounts_customer CASCADE")
    assert amounts() == []


@pytest.mark.django_db(transaction=True)
def test_emptied_goals_leave_every_customer_in_the_figures():
    CustomerFactory(arr=1)
    write_sheets()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE accounts_goal")
    assert len(amounts()) == 1


@pytest.mark.django_db
def test_whoever_loads_rows_under_another_search_path_marks_them():
    one = CustomerFactory(arr=1)
    write_sheets()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = ''")
        cursor.execute("UPDATE public.accounts_customer SET arr = 2 WHERE id = %s", [one.pk])
        cursor.execute("SET LOCAL search_path = public")
    assert len(amounts()) == 1
    assert FigureMark.objects.count() == 1
