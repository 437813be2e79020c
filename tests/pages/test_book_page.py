from datetime import timedelta
from decimal import Decimal

from django.urls import reverse

from accounts.models import CSM, Tier
from tests.factories import TODAY, CustomerFactory
from tests.pages.reading import plain, read


def test_my_book_is_the_page_of_the_own_csm(company, sign_in):
    client = sign_in(company.cast.csm_a)
    own = read(client.get(reverse("my_book")))
    assert "My book" in own.words
    assert all(customer.name in own.words for customer in company.a)


def test_a_book_says_what_it_holds_and_what_it_asks(company, sign_in):
    words = plain(
        read(sign_in(company.cast.ops).get(reverse("book", args=[company.cast.csm_a.csm.pk]))).words
    )
    assert "Book of Ada Book" in words
    # 900 000 + 200 000 + 30 000.25 + 900 000
    assert "2,030,000.25 USD" in words
    assert "Customers 4 Customers: how it came Active customers of this book. active, in this book" in words
    # Global 2 of a cap of 6, Enterprise 1 of 15, Scale 1 of 40
    assert "1 Global 2 6" in words
    assert "2 Enterprise 1 15" in words
    assert "3 Scale 1 40" in words


def test_the_hours_of_the_rows_add_up_to_the_hours_of_the_book(company, sign_in):
    from allocation.selectors.balance import workload

    csm = company.cast.csm_a.csm
    response = sign_in(company.cast.ops).get(reverse("book", args=[csm.pk]))
    rows = response.context["rows"]
    line = next(row for row in workload(as_of=TODAY).rows if row.csm == csm.key)
    assert sum(row.base_minutes for row in rows) == line.minutes


def test_a_goal_shows_on_its_customer(company, sign_in):
    page = read(sign_in(company.cast.csm_a).get(reverse("my_book")))
    assert "Adoption" in page.words


def test_a_filter_narrows_the_list_and_the_figures_stay_those_of_the_book(company, sign_in):
    response = sign_in(company.cast.csm_a).get(reverse("my_book"), {"q": "customer 002"})
    assert [row.name for row in response.context["rows"]] == ["Alpha customer 002"]
    assert "Customers 4" in read(response).words


def test_a_filter_that_fits_nobody_says_how_to_get_back(company, sign_in):
    words = read(sign_in(company.cast.csm_a).get(reverse("my_book"), {"q": "nobody is called so"})).words
    assert "No customer fits these filters" in words
    assert "Clear the filters" in words


def test_an_empty_book_says_what_to_wait_for(cast, sign_in):
    assert "This book is empty" in read(sign_in(cast.csm_a).get(reverse("my_book"))).words


def test_a_csm_without_a_csm_record_is_told_so(cast, sign_in):
    CSM.objects.filter(user=cast.csm_a).update(user=None)
    client = sign_in(cast.csm_a)
    assert "No book is linked to your sign-in" in read(client.get(reverse("my_book"))).words
    assert "linked to no CSM record" in read(client.get(reverse("home"))).words


def test_a_book_over_capacity_says_by_how_much(company, sign_in):
    csm = company.cast.csm_a.csm
    CSM.objects.filter(pk=csm.pk).update(hours_per_month=Decimal(8))
    words = read(sign_in(company.cast.ops).get(reverse("book", args=[csm.pk]))).words
    assert "hours a month more than there are" in words


def test_a_book_over_a_cap_says_so(company, sign_in):
    csm = company.cast.csm_a.csm
    tier = Tier.objects.get(slug="global")
    tier.cap = 1
    tier.save()
    words = read(sign_in(company.cast.ops).get(reverse("book", args=[csm.pk]))).words
    assert "2 Global customers are more than the cap of 1." in words


def test_a_book_without_capacity_has_words_instead_of_a_number(company, sign_in):
    csm = company.cast.csm_a.csm
    CSM.objects.filter(pk=csm.pk).update(hours_per_month=0)
    assert "no capacity" in read(sign_in(company.cast.ops).get(reverse("book", args=[csm.pk]))).words


def test_the_next_renewals_come_nearest_first(company, sign_in):
    CustomerFactory(
        name="Soon", csm=company.cast.csm_a.csm, csm_since=TODAY, renewal_date=TODAY + timedelta(days=1)
    )
    response = sign_in(company.cast.csm_a).get(reverse("my_book"))
    names = [row.name for row in response.context["renewals"]]
    # 1, 10, 30, 50, 70 days
    assert names == ["Soon", *(f"Alpha customer {number:03d}" for number in range(4))]
