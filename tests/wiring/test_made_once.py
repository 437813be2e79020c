"""What is made once for the same words: days of SQLite, addresses of static files, pages of the sidebar."""

import datetime

import pytest
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.contrib.staticfiles.storage import staticfiles_storage as storage
from django.db import connection
from django.test import override_settings
from django.utils.dateparse import parse_date

from accounts.models import Customer
from cstiers import sqlite_days
from cstiers.navigation import is_page
from tests.factories import CustomerFactory


@pytest.mark.parametrize("text", [b"2026-11-27", b"0001-01-01", b"9999-12-31", b"2024-02-29", b"no day"])
def test_a_day_is_what_django_makes_of_it(text):
    for _ in range(2):
        assert sqlite_days._day(text) == parse_date(text.decode())


@pytest.mark.django_db
def test_days_that_are_read_are_parsed_here_where_the_database_keeps_them_as_text():
    day = datetime.date(2031, 7, 9)
    CustomerFactory(renewal_date=day)
    sqlite_days._day.cache_clear()
    assert list(Customer.objects.values_list("renewal_date", flat=True)) == [day]
    assert (sqlite_days._day.cache_info().misses > 0) is (connection.vendor == "sqlite")


def test_an_address_of_a_static_file_is_djangos():
    for _ in range(2):
        assert storage.url("cstiers/css/book.css") == StaticFilesStorage().url("cstiers/css/book.css")


def test_which_pages_there_are_is_told_of_the_addresses_in_force():
    assert is_page("/book/")
    assert not is_page("/no-such-page/")
    with override_settings(ROOT_URLCONF="benchmarks.hello"):
        assert is_page("/hello/")
    assert not is_page("/hello/")
