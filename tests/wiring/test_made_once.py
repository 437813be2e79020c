"""What is made once for the same words: days of SQLite, addresses, pages of the sidebar, what every page has around it."""

import datetime
from decimal import Decimal

import pytest
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.contrib.staticfiles.storage import staticfiles_storage as storage
from django.db import connection
from django.template import engines
from django.test import RequestFactory, override_settings
from django.urls import reverse, set_script_prefix
from django.utils.dateparse import parse_date

from accounts.models import Customer
from allocation.selectors import wording
from cstiers import sqlite_days
from cstiers.navigation import is_page, navigation
from cstiers.templatetags.lists import around
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


def test_an_address_with_an_id_is_djangos_below_any_prefix():
    for prefix in ("/", "/tiers10/", "/"):
        set_script_prefix(prefix)
        try:
            for pk in (7, 100):
                assert str(pk).join(around("customer")) == reverse("customer", args=[pk])
        finally:
            set_script_prefix("/")


@pytest.mark.django_db
def test_the_pages_of_the_sidebar_are_of_the_role_with_the_one_marked_that_is_open(cast):
    for person, path, there in (
        (cast.csm_a, "/book/", True),
        (cast.ops, "/book/", False),
        (cast.csm_a, "/touches/", True),
    ):
        request = RequestFactory().get(path)
        request.user = person
        pages, _ = navigation(request=request)
        assert ("/book/" in [page.url for page in pages]) is there
        assert [page.url for page in pages if page.current] == ([path] if there else [])


def test_what_is_fixed_sees_nothing_of_the_page():
    made = engines["django"].from_string(
        "{% load ui %}{% fixed %}<b>{{ name }}{% icon 'plus' %}</b>{% endfixed %}{{ name }}"
    )
    first, second = (made.render({"name": name}, RequestFactory().get("/")) for name in ("Anna", "Berta"))
    assert first.endswith("</b>Anna")
    assert second == first.replace("Anna", "Berta")


@pytest.mark.parametrize("first", ["0", "-0"])
def test_minus_nought_is_not_nought(first):
    wording._rounded.cache_clear()
    said = {text: wording.grouped(Decimal(text)) for text in (first, "0", "-0")}
    assert said == {"0": "0", "-0": "-0"}
