"""The attention page: figures that add up to the minute, the bases side by side, over capacity, and who sees whose hours."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Customer, Leave
from allocation.models import AttentionPolicy, Touch
from allocation.selectors.attention import book_care
from allocation.views.attention_parts import attention_card
from tests.factories import TODAY, CustomerFactory, TierFactory, TouchActivityFactory
from tests.pages.reading import plain, read

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _a_fixed_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


@pytest.fixture
def book(cast: SimpleNamespace) -> SimpleNamespace:
    """Ada has 120 net hours and three customers of 2 h base; left are 114 h, by reputation 60 : 30 : 10."""
    cast.tier = TierFactory(slug="one", name="One", rank=1)
    TouchActivityFactory(tier=cast.tier, name="Weekly call", times_a_year=Decimal(24), hours_each=Decimal(1))
    cast.ada, cast.ben = cast.csm_a.csm, cast.csm_b.csm
    cast.policy = AttentionPolicy.objects.create(name="Voices", basis="advocacy", is_active=True)
    cast.rows = [
        customer(cast, f"Alba {voice}", cast.ada, reputation=Decimal(voice)) for voice in (60, 30, 10)
    ]
    return cast


def customer(cast: SimpleNamespace, name: str, csm: Any, **facts: Any) -> Customer:
    given = {
        "champion": None,
        "health": None,
        "sentiment": None,
        "adoption": None,
        "renewal_date": None,
    } | facts
    row: Customer = CustomerFactory(
        external_id=name, name=name, tier=cast.tier, tier_since=TODAY, csm=csm, csm_since=TODAY, **given
    )
    return row


def address(book: SimpleNamespace, query: str = "") -> str:
    return reverse("book_attention", args=[book.ada.pk]) + query


def words_of(client: Any, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    page = read(response)
    assert page.refused_by_policy() == []
    return plain(page.words)


def minutes(text: str) -> int:
    hours, rest = text.replace(",", "").split(":")
    return int(hours) * 60 + int(rest)


def test_base_share_and_attention_add_up_to_the_minute(book, sign_in):
    context = sign_in(book.ops).get(address(book)).context
    figures = [(row.base, row.share, row.total) for row in context["rows"]]
    # 114 h × 0.6, 0.3 and 0.1
    assert figures == [("2:00", "68:24", "70:24"), ("2:00", "34:12", "36:12"), ("2:00", "11:24", "13:24")]
    total = context["total"]
    assert [sum(map(minutes, column)) for column in zip(*figures, strict=True)] == [
        minutes(total.base), minutes(total.share), minutes(total.total),
    ]  # fmt: skip
    assert total.total == "120:00"


def test_each_figure_says_how_it_came(book, sign_in):
    said = words_of(sign_in(book.ops), address(book))
    assert "The touch plan of One for a year, with what it adds for open goals, ÷ 12." in said
    assert "Left to share: 114:00 (net 120:00 − base 6:00)." in said
    assert "Weight: 0.60, reputation 60 ÷ 100. 114:00 × 60.0 % of all weight = 68:24" in said
    assert "Base 6:00 + shares 114:00 = net 120:00." in said
    assert "Hours a month 160:00" in said and "−40:00" in said  # a quarter is not spent on customers


def test_hours_done_this_month_stand_beside(book, sign_in):
    Touch.objects.create(
        customer=book.rows[0], name="Call", due_on=TODAY, hours=Decimal("1.25"), status="done", done_on=TODAY
    )
    response = sign_in(book.ops).get(address(book))
    context = response.context
    assert ([row.done for row in context["rows"]], context["total"].done) == (
        ["1:15", "0:00", "0:00"],
        "1:15",
    )
    # Two periods stand side by side, so both are named.
    assert (
        context["rows"][0].done_words
        == "Touches done with it since the month began: 1:15. Attention of the thirty days from today: 70:24."
    )
    assert "since 1 Nov 2026; attention is of the thirty days from today" in plain(read(response).words)


def test_leave_is_taken_off_and_said(book, sign_in):
    Leave.objects.create(csm=book.ada, starts_on=TODAY + DAY, ends_before=TODAY + 4 * DAY)
    said = words_of(sign_in(book.ops), address(book))
    assert "3 days of the 30 days from today are leave." in said
    assert "Net hours 108:00" in said


def test_a_floor_and_a_cap_are_said_with_whom_they_bind(book, sign_in):
    AttentionPolicy.objects.update(floor_pct=60, cap_pct=50)
    said = words_of(sign_in(book.ops), address(book))
    # An even share is 38 h, 60 % of it are 22:48; the cap is 57 h, and 34:12 are left for the second.
    assert (
        "Floor: nobody's share is below 60 % of an even share. Cap: nobody's share is above 50 % of the hours left."
        in said
    )
    assert "The floor raises Alba 10." in said
    assert "The cap holds Alba 60." in said
    assert "Held at the cap, 50 % of what is left: 57:00." in said
    assert "Raised to the floor, 60 % of an even share: 22:48." in said
    assert "34:12 × 100.0 % of all weight among those whom neither floor nor cap holds = 34:12" in said


def test_what_all_caps_leave_is_said_to_be_unallocated(book, sign_in):
    AttentionPolicy.objects.update(cap_pct=20)
    said = words_of(sign_in(book.ops), address(book))
    # Three times 22:48 of 114 h are given.
    assert "45:36 hours are unallocated: the cap keeps them from everybody." in said
    assert "Base 6:00 + shares 68:24 + unallocated 45:36 = net 120:00." in said


def test_over_capacity_is_said_with_the_hours_missing_and_nothing_is_scaled(book, sign_in):
    book.tier.activities.create(name="Daily call", times_a_year=Decimal(240), hours_each=Decimal("2.5"))
    response = sign_in(book.ops).get(address(book))
    said = plain(read(response).words)
    # 3 × (2 + 50) = 156 h of 120
    assert (
        "36:00 hours are missing. The touch plans of this book ask 156:00 hours and Ada Book has 120:00."
        in said
    )
    assert [row.total for row in response.context["rows"]] == ["52:00"] * 3
    assert [(line.name, hours) for line, hours, _ in response.context["over"]["asking"]] == [
        ("Daily call", "150:00"), ("Weekly call", "6:00"),
    ]  # fmt: skip
    assert response.context["sides"] is None  # with nothing to share the basis makes no difference


def test_the_bases_stand_side_by_side_and_each_sums_to_the_same(book, sign_in):
    Customer.objects.filter(pk=book.rows[2].pk).update(health=10)
    context = sign_in(book.csm_a).get(reverse("my_attention")).context
    assert [side.short for side in context["sides"]] == ["Need", "Expansion", "Advocacy", "Return", "Even"]
    assert [side.in_force for side in context["sides"]] == [False, False, True, False, False]
    for place in range(5):
        figures = [minutes(row.cells[place]["minutes"]) for row in context["compared_rows"]]
        assert sum(figures) == 7200 == minutes(context["compared_total"].cells[place]["minutes"])
    need = context["sides"][0]
    # By need all 114 h go to the third: 114 − 11:24 are moved.
    assert (need.moved, need.gains, need.loses) == ("102:36", "Alba 10 +102:36", "Alba 60 −68:24")
    assert need.words == "1 gain, 2 lose"


def test_leads_try_a_basis_floor_and_cap_in_the_address_and_nothing_changes(book, sign_in):
    before = AttentionPolicy.objects.values().get()
    for role in (book.ops, book.manager):
        client = sign_in(role)
        said = words_of(client, address(book, "?basis=even&cap=25"))
        assert (
            "You are trying even." in said
            and "Nothing is changed. In force is “Voices”: Advocacy value." in said
        )
        rows = client.get(address(book, "?basis=even&cap=25")).context["rows"]
        assert [row.share for row in rows] == ["28:30"] * 3  # a quarter of 114 h
    assert AttentionPolicy.objects.values().get() == before


@pytest.mark.parametrize("query", ["?basis=luck", "?floor=101", "?cap=-1", "?cap=many", "?cap=NaN"])
def test_what_cannot_be_tried_is_refused_with_a_sentence_and_what_is_in_force_stays(book, sign_in, query):
    response = sign_in(book.ops).get(address(book, query))
    assert response.status_code == 200
    assert response.context["trying"].errors
    assert [row.total for row in response.context["rows"]] == ["70:24", "36:12", "13:24"]


def test_a_csm_tries_another_basis_on_the_own_page(book, sign_in):
    before, client = AttentionPolicy.objects.values().get(), sign_in(book.csm_a)
    response = client.get(reverse("my_attention") + "?basis=even&cap=25")
    assert "You are trying even." in plain(read(response).words)
    assert [row.share for row in response.context["rows"]] == ["28:30"] * 3
    assert AttentionPolicy.objects.values().get() == before
    assert "You are trying" not in words_of(client, reverse("my_attention"))


def test_hours_of_covered_customers_count_and_a_managers_page_names_none_of_another_team(book, sign_in):
    other = customer(book, "Zebra", book.ben, reputation=Decimal(100))
    Leave.objects.create(csm=book.ben, covered_by=book.ada, starts_on=TODAY, ends_before=TODAY + DAY)
    mine = words_of(sign_in(book.csm_a), reverse("my_attention"))
    assert "Zebra" in mine and f"covered for {book.ben.name}" in mine
    response = sign_in(book.manager).get(address(book))
    assert "Zebra" not in response.content.decode() and other.external_id not in response.content.decode()
    assert "1 customer of someone in another team" in read(response).words
    assert response.context["total"].total == "120:00"
    for row in response.context["compared_rows"]:
        assert row.row.name != "Zebra"


def test_while_covered_the_own_page_says_where_the_hours_count(book, sign_in):
    Leave.objects.create(csm=book.ada, covered_by=book.ben, starts_on=TODAY, ends_before=TODAY + DAY)
    assert "Covered at present" in words_of(sign_in(book.csm_a), reverse("my_attention"))


def test_an_empty_book_says_so(book, sign_in):
    Customer.objects.update(csm=None, csm_since=None)
    assert "Nobody to share hours over" in words_of(sign_in(book.ops), address(book))


def test_a_currency_without_a_rate_is_named(book, sign_in):
    Customer.objects.filter(pk=book.rows[0].pk).update(currency="CHF", arr=1)
    assert "CHF" in words_of(sign_in(book.ops), address(book))


def test_a_long_book_shows_those_with_most_hours_and_sums_the_others(book, sign_in):
    for n in range(30):
        customer(book, f"Borg {n:02}", book.ada)
    client = sign_in(book.ops)
    short, long = (client.get(address(book, query)).context for query in ("", "?all=1"))
    assert (len(short["rows"]), len(long["rows"])) == (26, 33)
    assert short["rows"][-1].line.name == "8 other customers"
    for context in (short, long):
        assert sum(minutes(row.total) for row in context["rows"]) == 7200


def test_of_a_csm_outside_the_scope_there_is_no_page(book, sign_in):
    path = reverse("book_attention", args=[book.ben.pk])
    assert sign_in(book.csm_a).get(path).status_code == 404
    assert sign_in(book.manager).get(path).status_code == 404
    assert sign_in(book.csm_a).get(reverse("book_attention", args=[987654])).status_code == 404
    assert sign_in(book.nobody).get(address(book)).status_code == 403
    assert sign_in(book.ops).get(reverse("my_attention")).status_code == 403


def test_it_asks_equally_often_at_any_size(book, sign_in):
    client = sign_in(book.manager)

    def asked() -> int:
        client.get(address(book))
        with CaptureQueriesContext(connection) as said:
            client.get(address(book))
        return len(said)

    before = asked()
    for n in range(20):
        customer(book, f"Cora {n}", book.ada, arr=Decimal(n), potential_arr=Decimal(9 * n))
    assert asked() == before


def test_a_customers_page_tells_its_attention_and_how_it_came(book, sign_in):
    said = words_of(sign_in(book.csm_a), reverse("customer", args=[book.rows[0].pk]))
    assert f"Base 2:00 + share 68:24, of the hours of {book.ada.name}." in said
    assert "reputation 60 ÷ 100" in said


def test_the_card_of_a_book_sums_and_leads_to_the_page(book):
    card = attention_card(csm=book.ada, on=TODAY, own=True)
    assert card.url == reverse("my_attention")
    assert [(kind, hours) for kind, _, hours, _ in card.parts] == [
        ("base", "6:00"), ("share", "114:00"), ("done", "0:00"),
    ]  # fmt: skip
    same = attention_card(
        csm=book.ada, on=TODAY, own=False, care=book_care(csm=book.ada, as_of=TODAY), done={}
    )
    assert (same.parts, same.url) == (card.parts, address(book))
    assert re.search("<title>Base hours", card.chart)
    assert attention_card(csm=book.ben, on=TODAY, own=True).empty
