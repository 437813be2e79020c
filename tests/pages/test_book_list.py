"""The list of a book: columns, filters, order, saved views and the CSV that says the same."""

import csv
import io
from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.models import Customer
from allocation.models import SavedView, Touch
from allocation.selectors.book_columns import COLUMNS, USUAL
from tests.factories import TODAY, CustomerFactory
from tests.pages.reading import plain, read


@pytest.fixture
def touched(company):
    """Customer 0 has a late touch, 1 one due this week, 2 one far away, 3 none; an hour was done with 0 this month."""
    for customer, days in zip(company.a, (-3, 2, 40), strict=False):
        Touch.objects.create(customer=customer, name="Call", due_on=TODAY + timedelta(days=days), hours=1)
    Touch.objects.create(
        customer=company.a[0], name="Visit", due_on=TODAY, hours="1.5", status="done", done_on=TODAY
    )
    Touch.objects.create(  # last month
        customer=company.a[0], name="Visit", due_on=TODAY, hours=5, status="done", done_on=TODAY.replace(day=1) - timedelta(days=1),
    )  # fmt: skip
    return company


def rows(client, **query):
    return list(client.get(reverse("my_book"), {"view": "0", **query}).context["rows"])


def numbers(found):
    return [int(row.name[-1]) for row in found]


def csv_of(client, name="my_book_csv", *args, **query):
    answer = client.get(reverse(name, args=args), query)
    return answer, list(csv.reader(io.StringIO(answer.content.decode())))


def test_health_and_sentiment_are_said_in_words(company, sign_in):
    Customer.objects.filter(pk=company.a[0].pk).update(health=35, sentiment=4)
    words = plain(read(sign_in(company.cast.csm_a).get(reverse("my_book"))).words)
    assert "35 health: how it came" in words
    assert "· low" in words
    assert "4 of 5 sentiment: how it came" in words  # then the popover: by whom and when
    assert "· good" in words
    assert "not set" in words


@pytest.mark.parametrize(
    ("health", "word"), [("39.99", "low"), (40, "middle"), ("66.99", "middle"), (67, "good")]
)
def test_the_words_of_health_change_at_the_bounds_of_its_filter(company, sign_in, health, word):
    Customer.objects.filter(pk=company.a[0].pk).update(health=health)
    client = sign_in(company.cast.csm_a)
    assert [row.health_word for row in rows(client) if row.pk == company.a[0].pk] == [word]
    assert company.a[0].pk in {row.pk for row in rows(client, health=word)}


def test_the_next_touch_says_how_late_it_is(touched, sign_in):
    found = {int(row.name[-1]): row.touch_words for row in rows(sign_in(touched.cast.csm_a))}
    assert found == {0: "3 days late", 1: "in 2 days", 2: "in 40 days", 3: ""}


def test_the_hours_done_are_those_of_the_month_and_the_planned_ones_the_attention(touched, sign_in):
    from allocation.selectors.attention import book_attention

    found = {row.external_id: row for row in rows(sign_in(touched.cast.csm_a))}
    assert found[touched.a[0].external_id].done == "1:30"  # the five hours of last month are not counted
    shares = book_attention(csm=touched.cast.csm_a.csm, as_of=TODAY).shares
    assert {share.external_id: share.minutes for share in shares} == {
        key: row.planned_minutes for key, row in found.items()
    }


@pytest.mark.parametrize(("due", "there"), [("late", [0]), ("due", [1]), ("open", [0, 1, 2]), ("none", [3])])
def test_the_list_is_narrowed_by_when_the_next_touch_is(touched, sign_in, due, there):
    """The next one of customer 0 is late, whatever else is due."""
    Touch.objects.create(customer=touched.a[0], name="Call", due_on=TODAY, hours=1)
    assert sorted(numbers(rows(sign_in(touched.cast.csm_a), due=due))) == there


@pytest.mark.parametrize(
    ("wanted", "there"), [("poor", [0, 1]), ("mixed", [2]), ("good", [3]), ("unset", [])]
)
def test_the_list_is_narrowed_by_sentiment(company, sign_in, wanted, there):
    for customer, value in zip(company.a, (1, 2, 3, 4), strict=True):
        Customer.objects.filter(pk=customer.pk).update(sentiment=value)
    assert sorted(numbers(rows(sign_in(company.cast.csm_a), sentiment=wanted))) == there


def test_a_heading_sorts_by_the_next_touch_and_who_has_none_stands_last_either_way(touched, sign_in):
    client = sign_in(touched.cast.csm_a)
    assert numbers(rows(client, sort="touch")) == [0, 1, 2, 3]
    assert numbers(rows(client, sort="-touch")) == [2, 1, 0, 3]


@pytest.mark.parametrize("column", [column.sort for column in COLUMNS])
def test_every_heading_sorts_both_ways_and_loses_nobody(touched, sign_in, column):
    client = sign_in(touched.cast.csm_a)
    for sort in (column, f"-{column}"):
        assert sorted(numbers(rows(client, sort=sort))) == [0, 1, 2, 3]


def test_the_best_use_of_the_next_hour_comes_first(touched, sign_in):
    answer = sign_in(touched.cast.csm_a).get(reverse("my_book"))
    ranks = [row.next_rank for row in answer.context["rows"] if row.next_rank]
    assert ranks == sorted(ranks)
    best = answer.context["best"]
    assert [entry.next_rank for entry in best] == ranks[:3]
    assert "3 days late" in read(answer).words


def test_the_columns_are_chosen_in_the_address(company, sign_in):
    answer = sign_in(company.cast.csm_a).get(
        reverse("my_book"), {"columns": ["vertical", "tier", "nonsense"]}
    )
    labels = [column.label for column in answer.context["columns"]]
    assert labels == ["Customer", "Tier", "Vertical"]
    assert 'data-label="ARR"' not in answer.content.decode().split('id="renewals-heading"')[0]


def test_goals_stand_below_the_tier_and_alone_where_the_tier_is_not_shown(company, sign_in):
    client = sign_in(company.cast.csm_a)
    usual = client.get(reverse("my_book"), {"view": "0", "sort": "-goals"})
    tier = usual.context["columns"][1]
    assert (tier.label, tier.second.label, tier.second.sort) == ("Tier", "Goals", "goals")
    # One cell, two orders: the heading says the one that holds.
    assert (tier.sorted_as, tier.second.next_sort) == ("descending", "goals")
    assert len(usual.context["columns"]) == len(USUAL)  # with the customer, and without the goals
    assert "Goals" in {
        column.label
        for column in client.get(reverse("my_book"), {"columns": ["goals", "arr"]}).context["columns"]
    }
    _, lines = csv_of(client)
    assert {"Tier", "Open goals"} <= set(lines[0])


def test_the_csv_has_the_rows_the_order_and_the_columns_of_the_screen(touched, sign_in):
    client = sign_in(touched.cast.csm_a)
    query = {"sort": "-touch", "due": "open", "columns": ["touch", "sentiment", "month"]}
    shown = client.get(reverse("my_book"), query).context
    answer, lines = csv_of(client, **query)
    assert lines[0] == [
        "Customer", "External id", "Sentiment of 5", "Sentiment in words", "Hours done this month",
        "Attention this month, hours", "Next touch", "Next touch on", "Next touch is",
    ]  # fmt: skip
    assert [line[1] for line in lines[1:]] == [row.external_id for row in shown["rows"]]
    assert [line[-1] for line in lines[1:]] == [row.touch_words for row in shown["rows"]]
    assert lines[-1][4] == "1.5000"
    assert "internal" in answer["Content-Disposition"]
    links = read(client.get(reverse("my_book"), query)).links()
    assert (
        reverse("my_book_csv") + "?due=open&sort=-touch&columns=sentiment&columns=month&columns=touch"
        in links
    )


def test_the_csv_has_every_page_of_the_list(company, sign_in):
    for number in range(60):
        CustomerFactory(name=f"More {number:02d}", csm=company.cast.csm_a.csm, csm_since=TODAY)
    client = sign_in(company.cast.csm_a)
    page = client.get(reverse("my_book"), {"sort": "name"})
    assert len(page.context["rows"]) == 50
    _, lines = csv_of(client, sort="name")
    assert len(lines) == 65
    assert [line[0] for line in lines[1:51]] == [row.name for row in page.context["rows"]]


def test_a_name_that_is_a_formula_is_marked_in_the_csv(company, sign_in):
    Customer.objects.filter(pk=company.a[0].pk).update(name='=HYPERLINK("x")')
    _, lines = csv_of(sign_in(company.cast.csm_a), sort="name")
    assert '\'=HYPERLINK("x")' in {line[0] for line in lines}


def test_another_ones_csv_is_not_there(company, sign_in):
    csm = company.cast.csm_b.csm
    assert sign_in(company.cast.csm_a).get(reverse("book_csv", args=[csm.pk])).status_code == 404
    assert sign_in(company.cast.nobody).get(reverse("book_csv", args=[csm.pk])).status_code == 403
    assert sign_in(company.cast.ops).get(reverse("my_book_csv")).status_code == 403


def test_who_leads_sees_the_columns_that_the_csm_sees(touched, sign_in):
    own = sign_in(touched.cast.csm_a).get(reverse("my_book"))
    lead = sign_in(touched.cast.manager).get(reverse("book", args=[touched.cast.csm_a.csm.pk]))
    assert [column.label for column in lead.context["columns"]] == [
        column.label for column in own.context["columns"]
    ]
    assert lead.context["rows"] == own.context["rows"]
    assert len(lead.context["shown_columns"]) == len(USUAL)


def keep(client, name="Late ones", query="due=late&sort=-arr&columns=tier&columns=touch", **more):
    return client.post(
        reverse("view_save"), {"name": name, "query": query, "next": reverse("my_book"), **more}
    )


def test_a_view_keeps_filters_order_and_columns_under_a_name(touched, sign_in):
    client = sign_in(touched.cast.csm_a)
    answer = keep(client, query="due=late&sort=-arr&columns=tier&columns=touch&page=7&as_of=2020-01-01&x=1")
    view = SavedView.objects.get()
    assert view.query == "due=late&sort=-arr&columns=tier&columns=touch"
    shown = client.get(answer.url)
    assert numbers(shown.context["rows"]) == [0]
    assert [column.label for column in shown.context["columns"]] == ["Customer", "Tier", "Next touch"]
    assert [chip.name for chip in shown.context["chips"] if chip.current] == ["Late ones"]


def test_a_view_of_the_same_name_is_replaced(company, sign_in):
    client = sign_in(company.cast.csm_a)
    keep(client)
    keep(client, name="LATE ones", query="due=due")
    assert list(SavedView.objects.values_list("name", "query")) == [("LATE ones", "due=due")]


def test_the_book_opens_with_the_default_view_and_the_whole_book_stays_a_press_away(touched, sign_in):
    client = sign_in(touched.cast.csm_a)
    keep(client, default="on")
    opened = client.get(reverse("my_book"), follow=True)
    assert numbers(opened.context["rows"]) == [0]
    whole = next(chip for chip in opened.context["chips"] if chip.pk == 0)
    assert len(client.get(reverse("my_book") + whole.url).context["rows"]) == 4
    view = SavedView.objects.get()
    client.post(reverse("view_default", args=[view.pk]), {"default": "0", "next": reverse("my_book")})
    assert len(client.get(reverse("my_book")).context["rows"]) == 4


def test_a_default_view_narrows_nobody_elses_book(touched, sign_in):
    """A manager's view of late touches would hide the rest of every book that is looked at."""
    client = sign_in(touched.cast.manager)
    keep(client, default="on")
    assert SavedView.objects.get().is_default
    opened = client.get(reverse("book", args=[touched.cast.csm_a.csm.pk]))
    assert len(opened.context["rows"]) == 4


def test_one_view_at_most_is_the_default(company, sign_in):
    client = sign_in(company.cast.csm_a)
    keep(client, default="on")
    keep(client, name="Other", default="on")
    assert list(SavedView.objects.filter(is_default=True).values_list("name", flat=True)) == ["Other"]
    first = SavedView.objects.get(name="Late ones")
    client.post(reverse("view_default", args=[first.pk]), {"default": "1"})
    assert list(SavedView.objects.filter(is_default=True).values_list("name", flat=True)) == ["Late ones"]


def test_a_view_is_renamed_and_deleted(company, sign_in):
    client = sign_in(company.cast.csm_a)
    keep(client)
    keep(client, name="Other")
    pk = SavedView.objects.get(name="Other").pk
    refused = client.post(reverse("view_rename", args=[pk]), {"name": "late ONES"}, follow=True)
    assert "Another of your views is called" in read(refused).words
    client.post(reverse("view_rename", args=[pk]), {"name": "Better"})
    assert SavedView.objects.get(pk=pk).name == "Better"
    client.post(reverse("view_delete", args=[pk]))
    assert list(SavedView.objects.values_list("name", flat=True)) == ["Late ones"]


def test_a_view_is_its_persons_own(company, sign_in):
    keep(sign_in(company.cast.csm_a))
    pk = SavedView.objects.get().pk
    for person in (company.cast.manager, company.cast.ops, company.cast.csm_b):
        client = sign_in(person)
        for name in ("view_rename", "view_default", "view_delete"):
            assert client.post(reverse(name, args=[pk]), {"name": "x"}).status_code == 404
    book = sign_in(company.cast.ops).get(reverse("book", args=[company.cast.csm_a.csm.pk]))
    assert book.context["chips"] == []
    assert "Late ones" not in read(book).words


def test_a_view_never_leads_to_another_site(company, sign_in):
    answer = keep(sign_in(company.cast.csm_a), next="//evil.example/book/")
    assert answer.url.startswith(reverse("my_book") + "?")


def test_late_touches_are_counted_as_the_list_of_touches_counts_them(touched, sign_in):
    """Two late ones of one customer are two, of one customer."""
    customer = touched.a[0]
    Touch.objects.create(customer=customer, name="Review", due_on=TODAY - timedelta(days=1), hours=1)
    client = sign_in(touched.cast.csm_a)
    tile = next(k for k in client.get(reverse("my_book")).context["kpis"] if k.label == "Touches late")
    of_list = client.get(reverse("touches") + "?show=late").context["tally"].count
    assert (tile.value, tile.note, of_list) == ("2", "of 1 customer", 2)


def test_a_filtered_list_says_how_many_of_how_many(touched, sign_in):
    client = sign_in(touched.cast.csm_a)
    found = {
        query: client.get(reverse("my_book") + query).context["count_words"]
        for query in ("?view=0", "?view=0&status=active", "?view=0&due=late", "?view=0&status=all")
    }
    assert list(found.values()) == [
        "4 active customers",
        "4 active customers",
        "1 of 4 active customers",
        "4 customers shown",
    ]


def test_a_filter_that_says_what_holds_anyway_is_none_in_use(company, sign_in):
    client = sign_in(company.cast.csm_a)
    found = [client.get(reverse("my_book"), {"status": word}).context for word in ("active", "all")]
    assert [(one["more_in_use"], one["filtered"]) for one in found] == [(0, False), (1, True)]


def test_what_the_next_touch_says_is_not_said_again_beside_it(touched, sign_in):
    Customer.objects.filter(pk=touched.a[0].pk).update(renewal_date=None, health=90)
    client = sign_in(touched.cast.csm_a)
    late = next(row for row in rows(client) if row.pk == touched.a[0].pk)
    assert "Call is 3 days late" in late.next_words
    assert "Call" not in late.next_more
    alone = read(client.get(reverse("my_book"), {"view": "0", "columns": ["tier", "next"]})).words
    assert "Call is 3 days late" in plain(alone)


def test_the_hours_of_a_book_are_written_one_way_and_stay_numbers_in_the_file(touched, sign_in):
    client = sign_in(touched.cast.csm_a)
    shown = [row.hours for row in rows(client)]
    assert all(":" in hours for hours in shown)
    _, lines = csv_of(client, columns="base")
    assert [round(float(line[-1]) * 60) for line in lines[1:]] == [
        int(hours.split(":")[0]) * 60 + int(hours.split(":")[1]) for hours in shown
    ]
