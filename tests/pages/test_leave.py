"""Leave on the pages: what the cover reads each morning, what the book and the customer say, and the form of who leads."""

import datetime

import pytest
from django.urls import reverse

from accounts.models import CSM, Leave
from tests.factories import TODAY
from tests.pages.reading import plain, read

DAY = datetime.timedelta(days=1)
BACK = TODAY + 5 * DAY


@pytest.fixture
def covered(company):
    """Zebra's CSM, Ben, is away; Ada, of the other team, covers."""
    ada, ben = company.cast.csm_a.csm, company.cast.csm_b.csm
    company.leave = Leave.objects.create(csm=ben, starts_on=TODAY, ends_before=BACK, covered_by=ada)
    company.ada, company.ben = ada, ben
    return company


def words_of(client, name, *args, **query):
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return plain(read(answer).words)


def test_the_cover_reads_on_the_home_page_whose_book_it_is(covered, sign_in):
    words = words_of(sign_in(covered.cast.csm_a), "home")
    assert "You cover for Ben Book" in words
    assert "Zebra customer 000" in words  # among the next renewals


def test_my_book_lists_whom_the_cover_serves_and_marks_whose_they_are(covered, sign_in):
    client = sign_in(covered.cast.csm_a)
    answer = client.get(reverse("my_book"))
    names = {row.name for row in answer.context["rows"]}
    assert names == {customer.name for customer in (*covered.a, *covered.b)}
    words = plain(read(answer).words)
    assert "You cover for" in words
    assert "for Ben Book · Zebra-000" in words
    assert "4 active customers, and 4 of Ben Book" in words
    assert "4 own, the others covered" in words
    customers = next(kpi for kpi in answer.context["kpis"] if kpi.label == "Customers")
    assert (customers.value, customers.trace) == (
        "8",
        "4 own\n+ 4 of Ben Book, covered\n= 8 active customers",
    )
    one = client.get(reverse("my_book"), {"csm": covered.ben.pk})
    assert {row.name for row in one.context["rows"]} == {customer.name for customer in covered.b}


def test_every_customer_in_my_book_has_its_hours(covered, sign_in):
    answer = sign_in(covered.cast.csm_a).get(reverse("my_book"))
    book = answer.context["covered"][0]
    shown = sum(row.base_minutes for row in answer.context["rows"] if row.csm_id == covered.ben.pk)
    assert shown == book.minutes > 0


def test_the_tiles_of_home_count_whom_the_cover_serves(covered, sign_in):
    tiles = {kpi.label: kpi for kpi in sign_in(covered.cast.csm_a).get(reverse("home")).context["kpis"]}
    assert tiles["Customers"].value == "8"
    # Renewals in 10, 30, 50 and 70 days in both books.
    assert tiles["Renewals in 90 days"].value == "8"


def test_others_look_at_one_book_at_a_time(covered, sign_in):
    """A manager of the cover sees that the CSM covers, and neither whom nor the customers."""
    answer = sign_in(covered.cast.manager).get(reverse("book", args=[covered.ada.pk]))
    words = plain(read(answer).words)
    assert {row.name for row in answer.context["rows"]} == {customer.name for customer in covered.a}
    assert "Ada Book covers for someone in another team" in words
    assert "Ben" not in words


def test_the_covered_book_says_who_covers_and_its_hours_count_there(covered, sign_in):
    words = words_of(sign_in(covered.cast.csm_a), "book", covered.ben.pk)
    assert "Ben Book is away, back on 27 Nov 2026: you cover" in words
    assert "hours a month count with Ada Book" in words
    assert "My book" in words  # the way back
    assert "Ada Book covers" in words_of(sign_in(covered.cast.ops), "book", covered.ben.pk)


def test_a_customer_names_the_cover_beside_the_csm(covered, sign_in):
    words = words_of(sign_in(covered.cast.csm_a), "customer", covered.b[0].pk)
    assert "away, Ada Book covers until 27 Nov 2026" in words
    Leave.objects.update(covered_by=None)
    words = words_of(sign_in(covered.cast.ops), "customer", covered.b[0].pk)
    assert "away, nobody covers until 27 Nov 2026" in words


@pytest.mark.parametrize("page", ["books", "balance"])
def test_lists_of_books_mark_who_is_away_and_who_covers(covered, sign_in, page):
    words = words_of(sign_in(covered.cast.ops), page, by="csms")
    assert "away, back on 27 Nov 2026: Ada Book covers" in words
    assert "covers Ben Book" in words
    others = words_of(sign_in(covered.cast.manager), page, by="csms")
    assert "covers someone in another team" in others
    assert "Ben" not in others


def test_the_list_of_customers_of_a_cover_can_be_narrowed_by_book(covered, sign_in):
    client = sign_in(covered.cast.csm_a)
    answer = client.get(reverse("customers"), {"csm": covered.ben.pk})
    assert {row.name for row in answer.context["rows"]} == {customer.name for customer in covered.b}
    Leave.objects.all().delete()
    assert "csm" not in client.get(reverse("customers")).context["filter"].filters


@pytest.mark.parametrize(("ahead", "said"), [(0, True), (7, True), (8, False)])
def test_who_leads_is_asked_to_name_a_cover(company, sign_in, ahead, said):
    Leave.objects.create(
        csm=company.cast.csm_a.csm, starts_on=TODAY + ahead * DAY, ends_before=TODAY + 20 * DAY
    )
    for person in (company.cast.manager, company.cast.ops):
        assert ("Name a cover" in words_of(sign_in(person), "home")) is said


def test_who_will_cover_reads_it_some_days_before(company, sign_in):
    Leave.objects.create(
        csm=company.cast.csm_b.csm,
        starts_on=TODAY + 2 * DAY,
        ends_before=BACK,
        covered_by=company.cast.csm_a.csm,
    )
    client = sign_in(company.cast.csm_a)
    assert "You cover for Ben Book from 24 Nov 2026" in words_of(client, "home")
    assert "You cover for Ben Book from 24 Nov 2026" in words_of(client, "my_book")
    assert client.get(reverse("book", args=[company.cast.csm_b.csm.pk])).status_code == 404


def form(**more):
    return {"leave": "", "starts_on": "2026-12-01", "ends_before": "2026-12-08", "covered_by": ""} | more


def test_a_manager_records_leave_on_the_page_of_the_book(company, sign_in):
    csm, client = company.cast.csm_a.csm, sign_in(company.cast.manager)
    colleague = CSM.objects.create(name="Cem", team=company.cast.team_a)
    address = reverse("leave_record", args=[csm.pk])
    answer = client.post(address, form(covered_by=colleague.pk), follow=True)
    assert "Ada Book is away from 1 Dec 2026, back on 8 Dec 2026: Cem covers" in plain(read(answer).words)
    row = Leave.objects.get()
    client.post(address, form(leave=row.pk, covered_by="", ends_before="2026-12-09"))
    row.refresh_from_db()
    assert (row.ends_before, row.covered_by) == (datetime.date(2026, 12, 9), None)


def test_what_is_wrong_is_said_beside_what_was_typed(company, sign_in):
    csm, client = company.cast.csm_a.csm, sign_in(company.cast.manager)
    Leave.objects.create(csm=csm, starts_on=TODAY, ends_before=datetime.date(2026, 12, 3))
    answer = client.post(reverse("leave_record", args=[csm.pk]), form())
    assert answer.status_code == 422
    assert "Ada Book is away already" in read(answer).words
    assert b"2026-12-08" in answer.content
    assert client.post(reverse("leave_record", args=[csm.pk]), form(starts_on="soon")).status_code == 422


def test_a_manager_names_no_cover_of_another_team(company, sign_in):
    csm, client = company.cast.csm_a.csm, sign_in(company.cast.manager)
    answer = client.post(reverse("leave_record", args=[csm.pk]), form(covered_by=company.cast.csm_b.csm.pk))
    assert answer.status_code == 422
    assert not Leave.objects.exists()
    assert "Ben" not in read(answer).words


def test_leave_is_recorded_by_who_leads_the_csm(company, sign_in):
    def status(person, csm):
        return sign_in(person).post(reverse("leave_record", args=[csm.pk]), form()).status_code

    assert status(company.cast.csm_a, company.cast.csm_a.csm) == 403
    assert status(company.cast.manager, company.cast.csm_b.csm) == 404
    assert not Leave.objects.exists()
    assert "Record leave" not in words_of(sign_in(company.cast.csm_a), "my_book")
