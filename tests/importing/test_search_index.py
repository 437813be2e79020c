"""The index of parts of names while a long file is written (PostgreSQL)."""

from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Customer
from allocation.services.importing import search_index
from allocation.services.importing.search_index import INDEX, search_index_sorted_beside
from tests.importing.test_import_races import confirm_and_apply, staged

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

FILE = "external_id,name\n" + "".join(f"c-{at},Customer {at}\n" for at in range(200))


@pytest.fixture(autouse=True)
def short_files_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "WORTH_A_SESSION", 10)


def asked(statement: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]


def waiting_pages() -> int:
    """Pages of the list, taken off it by asking."""
    pages: int = asked("SELECT gin_clean_pending_list(%s::regclass)", INDEX)
    return pages


def test_a_long_file_leaves_nothing_waiting_and_the_next_writer_has_the_limit_of_everybody():
    limit = asked("SHOW gin_pending_list_limit")
    confirm_and_apply(staged(FILE).pk)()
    assert Customer.objects.filter(name__icontains="omer 19").count() == 11
    assert waiting_pages() == 0
    assert asked("SHOW gin_pending_list_limit") == limit


def test_a_short_file_is_sorted_in_by_who_comes_later():
    confirm_and_apply(staged("external_id,name\nc-1,Acme\n").pk)()
    assert waiting_pages() > 0


def test_an_import_does_not_need_the_session_beside_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(search_index, "SORT_IN", "SELECT 1 / 0 WHERE %s <> ''")
    confirm_and_apply(staged(FILE).pk)()
    assert Customer.objects.count() == 200


def test_without_an_index_of_ours_the_list_stays_as_short_as_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(search_index, "INDEX", "not_there")
    limit = asked("SHOW gin_pending_list_limit")
    with transaction.atomic(), search_index_sorted_beside(new_customers=1_000):
        assert asked("SHOW gin_pending_list_limit") == limit
