"""The filters that are kept as HTML are what the form would show, and belong to nobody else."""

import re

import pytest
from django.http import QueryDict
from django.urls import reverse

from accounts.models import Customer, Region, Vertical
from allocation.filters.books import BookChoices, BookFilter
from allocation.selectors.book_facts import book_facts
from allocation.views import book_filters
from tests.factories import TODAY, RegionFactory, VerticalFactory


def fields_of(answer):
    """The fields of the form, without what lies between tags."""
    text = answer.content.decode()
    form = text[text.index('<form class="filter-bar book-filters"') : text.index("<summary>Columns")]
    return re.findall(r'<div class="field">.*?</div>', re.sub(r"\s+", " ", form))


def test_without_a_filter_the_fields_are_those_that_the_form_makes(company, sign_in):
    csm = company.cast.csm_a.csm
    shown = fields_of(sign_in(company.cast.csm_a).get(reverse("my_book"), {"view": "0"}))
    facts = book_facts(csm=csm, on=TODAY)
    form = BookFilter(
        QueryDict(), queryset=Customer.objects.filter(csm=csm), user=company.cast.csm_a, today=TODAY,
        choices=BookChoices.of(facts=facts, csm_ids=[csm.pk], every_word=False),
    ).form  # fmt: skip
    assert len(shown) == len(form.visible_fields()) > 8
    for field, html in zip([*_first(form), *_more(form)], shown, strict=True):
        assert re.sub(r"\s+", " ", str(field)) in html


def _first(form):
    return [field for field in form.visible_fields() if field.name in BookFilter.FIRST]


def _more(form):
    return [field for field in form.visible_fields() if field.name not in BookFilter.FIRST]


def test_a_word_that_a_customer_gets_is_a_choice_of_the_next_page(company, sign_in):
    client = sign_in(company.cast.csm_a)
    client.get(reverse("my_book"), {"view": "0"})
    for word, factory in (("vertical", VerticalFactory), ("region", RegionFactory)):
        Customer.objects.filter(pk=company.a[0].pk).update(**{word: factory(name=f"Brand-new {word}")})
    text = client.get(reverse("my_book"), {"view": "0"}).content.decode()
    assert "Brand-new vertical" in text
    assert "Brand-new region" in text
    (vertical,) = Vertical.objects.filter(name__startswith="Brand-new")
    vertical.name = "Renamed"
    vertical.save()
    text = client.get(reverse("my_book"), {"view": "0"}).content.decode()
    assert "Renamed" in text
    assert "Brand-new vertical" not in text


def test_words_of_one_book_are_no_choices_of_another(company, sign_in):
    book_filters._unfiltered.cache_clear()
    Customer.objects.filter(pk=company.b[0].pk).update(region=RegionFactory(name="Zebra region"))
    for person, seen in (("csm_b", True), ("csm_a", False), ("csm_b", True)):
        text = sign_in(getattr(company.cast, person)).get(reverse("my_book"), {"view": "0"}).content.decode()
        assert ("Zebra region" in text) is seen


@pytest.mark.parametrize("query", [{"q": "a"}, {"status": "active"}, {"region": "nonsense"}, {"tier": ""}])
def test_with_a_filter_in_the_address_the_form_says_what_was_asked(company, sign_in, query):
    answer = sign_in(company.cast.csm_a).get(reverse("my_book"), query)
    asked = BookFilter(
        QueryDict("&".join(f"{name}={value}" for name, value in query.items())), queryset=Customer.objects.none(),
        user=company.cast.csm_a, today=TODAY,
        choices=BookChoices((), (), tuple(Region.objects.values_list("pk", "name")[:0]), ()),
    ).form  # fmt: skip
    (name,) = query
    shown = next(html for html in fields_of(answer) if f'name="{name}"' in html)
    assert ("errorlist" in shown) is bool(asked[name].errors)
    if name in {"q", "status"}:
        assert re.sub(r"\s+", " ", str(asked[name])) in shown
