"""The first page, by role."""

from datetime import timedelta

from django.urls import reverse

from accounts.models import CSM, Customer, ImportBatch, TouchActivity
from allocation.models import Handover, Touch
from tests.factories import TODAY, CustomerFactory
from tests.pages.company import proposed_plan, proposed_run
from tests.pages.reading import plain, read


def home(client):
    response = client.get("/")
    assert response.status_code == 200
    return response


def test_ops_see_what_needs_doing_and_where_to_do_it(company, sign_in):
    CustomerFactory(name="Without tier")
    run, plan = proposed_run(company.cast), proposed_plan(company.cast)
    page = read(home(sign_in(company.cast.ops)))
    assert "What needs doing" in page.words
    assert "1 customer has no tier" in page.words
    assert reverse("customers") + "?gap=no_tier" in page.links()
    assert reverse("run", args=[run.pk]) in page.links()
    assert reverse("plan", args=[plan.pk]) in page.links()
    for name in ("balance", "runs", "plans", "books"):
        assert reverse(name) in page.links()


def test_an_installation_with_nothing_in_it_says_how_to_begin(cast, sign_in):
    page = read(home(sign_in(cast.ops)))
    assert "No tiering model is published" in page.words
    assert "No customers yet" in page.words


def test_the_figures_of_ops_are_those_of_everybody(company, sign_in):
    words = plain(read(home(sign_in(company.cast.ops))).shown)
    assert "Customers 8 active" in words
    assert "4,060,000.50 USD" in words  # 4 × 900 000 + 2 × 200 000 + 2 × 30 000.25
    assert "1 Global 4 3,600,000" in words


def test_a_manager_sees_the_own_teams_only(company, sign_in):
    words = plain(read(home(sign_in(company.cast.manager))).shown)
    assert "Customers 4 active" in words
    assert "2,030,000.25 USD" in words
    assert "Biggest renewals in 90 days" in words
    assert "Ada Book" in words


def test_the_biggest_renewals_come_first(company, sign_in):
    response = home(sign_in(company.cast.manager))
    # 900 000 on day 10 and on day 70, then 200 000, then 30 000.25
    assert [row.name[-3:] for row in response.context["renewals"]] == ["000", "003", "001", "002"]


def test_a_leaver_with_customers_is_named_to_the_manager(company, sign_in):
    CSM.objects.filter(pk=company.cast.csm_a.csm.pk).update(leaves_on=TODAY + timedelta(days=14))
    page = read(home(sign_in(company.cast.manager)))
    assert "Ada Book leaves soon and still has customers" in page.words


def test_a_manager_sees_the_touches_and_handovers_of_the_own_teams(company, sign_in):
    Touch.objects.all().delete()
    for book, days in (("a", -3), ("a", 0), ("b", -3)):
        due_on, customer = TODAY + timedelta(days=days), Customer.objects.get(pk=getattr(company, book)[0].pk)
        line = TouchActivity.objects.filter(tier=customer.tier).order_by("pk")[0]
        Touch.objects.create(
            customer=customer, activity=line, name="Review", slot_on=due_on, due_on=due_on, hours=1
        )
    ada, ben = company.cast.csm_a.csm, company.cast.csm_b.csm
    row = Handover.objects.create(customer=company.a[1], from_csm=ben, to_csm=ada, due_on=TODAY)
    client = sign_in(company.cast.manager)
    page = read(home(client))
    assert "1 touch late in your teams 1 more is due this week." in plain(page.words)
    assert reverse("touches") + "?show=late" in page.links()
    assert "1 handover open in your teams" in page.words
    Handover.objects.filter(pk=row.pk).update(due_on=TODAY - timedelta(days=1))
    Touch.objects.filter(due_on__lt=TODAY).delete()
    page = read(home(client))
    assert "1 handover late in your teams Of 1 open." in plain(page.words)
    assert "1 touch due this week in your teams" in page.words
    assert {reverse("handovers") + "?show=late", reverse("touches") + "?show=due"} <= set(page.links())


def test_a_csm_sees_the_own_book_in_figures_and_what_it_needs(company, sign_in):
    Customer.objects.filter(pk=company.a[3].pk).update(renewal_date=TODAY - timedelta(days=1), health=None)
    page = read(home(sign_in(company.cast.csm_a)))
    words = plain(page.shown)
    assert "Customers 4 active, in this book" in words
    assert "1 customer with a renewal date that has passed" in words
    assert "2 customers with a renewal within 30 days" in words  # day 10 and day 30
    assert "2 customers with health below 40" in words  # 20 and 30
    assert "1 customer with no health score" in words
    assert reverse("my_book") in page.links()
    assert reverse("balance") not in page.links()


def test_what_a_line_counts_is_what_its_link_lists(company, sign_in):
    client = sign_in(company.cast.csm_a)
    for entry in home(client).context["todos"]:
        counted = int(entry["title"].split()[0])
        assert len(client.get(entry["url"]).context["rows"]) == counted, entry["title"]


def test_nobody_is_told_kindly_what_to_wait_for(cast, sign_in):
    page = read(home(sign_in(cast.nobody)))
    assert "has no role yet" in page.words
    assert "What needs doing" not in page.words


def test_a_person_with_two_roles_sees_the_page_of_the_higher_one(company, sign_in):
    from django.contrib.auth.models import Group

    company.cast.csm_a.groups.add(Group.objects.get(name="Manager"))
    assert "Your teams" in read(home(sign_in(company.cast.csm_a))).words


def test_every_link_of_every_home_page_leads_somewhere(company, sign_in):
    for role in ("ops", "manager", "csm_a", "nobody"):
        client = sign_in(getattr(company.cast, role))
        for link in {link for link in read(home(client)).links() if link.startswith("/")}:
            assert client.get(link).status_code in {200, 302}, (role, link)


def test_an_import_that_waits_leads_to_the_imports(company, sign_in):
    ImportBatch.objects.create(kind="customers", file_name="list.csv", status="staged")
    page = read(sign_in(company.cast.ops).get(reverse("home")))
    assert "1 import waits for your confirmation" in page.words
    assert reverse("admin:accounts_importbatch_changelist") + "?status__exact=staged" in page.links()
