"""Totals reconcile to the cent and the minute: the books one by one, the balance, the pyramid, the customer list.

The company of mixed_company has three currencies, odd minutes, covered leave across teams, and customers who left, of no
tier, of a retired one and of no CSM. What the pages say is compared with sums made here from the rows.
"""

import re
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from django.urls import reverse

from accounts.models import CSM, Customer
from allocation.models import BookDay, Source
from allocation.selectors.balance import workload
from allocation.selectors.books import base_money, csm_book
from allocation.selectors.customer_totals import customer_totals
from allocation.selectors.outside_books import outside_books
from allocation.selectors.pyramid import pyramid
from allocation.selectors.pyramid_lines import Chosen
from allocation.selectors.wording import hours_and_minutes
from allocation.services.decisions import CsmChange, DecisionSource, set_csms
from allocation.snapshots.books import TouchPlans
from allocation.views.outside_books import outside_words
from allocation.views.pyramid_tables import money
from tests.factories import TODAY, CustomerFactory, GoalFactory, GoalKindFactory, TouchActivityFactory
from tests.pages import mixed_company
from tests.pages.reading import plain, read
from tests.queries.counting import queries_of

# Of a month, by hand: see mixed_company (52.5 and 59.5 half to even; 8.75; 2; 1).
MINUTES = {
    "Alpha one": 52, "Alpha two": 60, "Alpha three": 9, "Alpha four": 9, "Alpha five": 0, "Alpha old": 2,
    "Zebra one": 60, "Zebra two": 9, "Carol's": 9, "Nobody's": 9, "Self-served": 1, "Untouched": 0,
}  # fmt: skip


@pytest.fixture
def mixed(cast):
    return mixed_company.build(cast)


def cents_of(customer):
    if customer.arr is None:
        return 0
    rate = mixed_company.RATES.get(customer.currency, Decimal(1))
    return int((customer.arr / rate).quantize(Decimal("0.01"), ROUND_HALF_EVEN) * 100)


def sums(customers):
    """(customers, cents, minutes) from the rows themselves."""
    rows = [one for one in customers if one.status == "active"]
    return len(rows), sum(map(cents_of, rows)), sum(MINUTES[one.name] for one in rows)


def visible(user):
    return Customer.objects.visible_to(user).order_by("pk")


def words(response):
    assert response.status_code == 200
    return plain(read(response).words)


def amounts_in(page):
    return set(re.findall(r"[\d,]+(?:\.\d\d)? USD", page))


def said(figures):
    """As a totals line writes them."""
    customers, cents, minutes = figures
    return customers, f"{money(cents)} USD", hours_and_minutes(minutes)


@pytest.mark.parametrize("role", ["ops", "manager", "csm_a"])
def test_the_customer_list_says_what_its_customers_come_to(mixed, sign_in, role):
    user = getattr(mixed.cast, role)
    customers, arr, hours = said(sums(visible(user)))
    shown = sign_in(user).get(reverse("customers")).context["totals"]
    assert [plain(one.value) for one in shown] == [f"{customers}", arr, hours]


def test_the_totals_line_is_of_what_fits_the_filter_on_all_pages(mixed, sign_in):
    client = sign_in(mixed.cast.ops)
    silver = visible(mixed.cast.ops).filter(tier=mixed.tiers["silver"])
    shown = client.get(reverse("customers"), {"tier": mixed.tiers["silver"].pk, "page": 1}).context["totals"]
    assert plain(shown[1].value) == said(sums(silver))[1]
    # Who left is counted where asked for, with the ARR, and asks for no hours.
    gone = client.get(reverse("customers"), {"status": "left"}).context["totals"]
    assert [plain(one.value) for one in gone] == ["1", "77,777.00 USD", "0:00"]


@pytest.mark.parametrize("role", ["ops", "manager", "csm_a"])
def test_books_balance_pyramid_and_customer_list_are_one_sum(mixed, sign_in, role):
    user, client = getattr(mixed.cast, role), sign_in(getattr(mixed.cast, role))
    whole = sums(visible(user))

    # The books one by one, as their pages show them.
    books = [csm_book(csm=csm, as_of=TODAY) for csm in CSM.objects.visible_to(user).order_by("pk")]
    for book in books:
        page = words(client.get(reverse("book", args=[book.csm.pk])))
        # A cover reads on the own page what the own and the covered books come to: everybody in the list.
        serves = whole[1] if user == book.csm.user and book.covered else book.summary.arr_cents
        assert {plain(base_money(serves)), plain(base_money(book.summary.arr_cents))} & amounts_in(page)
    found = workload(as_of=TODAY, user=user)
    outside = outside_books(
        user=user, shown={row.csm for row in found.rows}, covers=found.covers, day=TODAY, today=TODAY
    )
    assert (
        sum(book.summary.customers for book in books) + outside.customers,
        sum(book.summary.arr_cents for book in books) + outside.arr_cents,
        sum(book.summary.minutes for book in books) + outside.minutes,
    ) == whole

    # The balance: the same customers and ARR; the hours where they are carried.
    assert (
        sum(row.customers for row in found.rows) + outside.customers,
        sum(row.arr_cents for row in found.rows) + outside.arr_cents,
        sum(row.minutes for row in found.rows) + outside.minutes_to_add,
    ) == whole

    # The pyramid, as a whole and layer by layer.
    stacked = pyramid(user=user, day=TODAY, today=TODAY)
    total = stacked.total
    assert (total.customers, total.arr_cents, total.minutes) == whole
    assert (
        sum(layer.customers for layer in stacked.layers),
        sum(layer.arr_cents for layer in stacked.layers),
        sum(layer.minutes for layer in stacked.layers),
    ) == whole
    if role != "csm_a":
        page = words(client.get(reverse("pyramid")))
        customers, arr, hours = said(whole)
        assert f"Customers {customers} Customers: how it came" in page
        assert arr in page
        assert f"Hours a month {hours} Hours" in page


def test_what_is_outside_the_books_is_said(mixed, sign_in):
    """Ops: three customers of nobody. A manager: hours that go to another team; and the other way round."""
    found = workload(as_of=TODAY, user=mixed.cast.ops)
    given = {"covers": found.covers, "day": TODAY, "today": TODAY}
    every = {row.csm for row in found.rows}
    of_all = outside_books(user=mixed.cast.ops, shown=every, **given)
    nobodys = [mixed.of[name] for name in ("Nobody's", "Self-served", "Untouched")]
    assert (of_all.customers, of_all.arr_cents, of_all.minutes) == sums(nobodys)
    assert (of_all.lent, of_all.borrowed) == (0, 0)
    said_words = outside_words(of_all)
    assert plain(said_words.customers) == "3 customers"
    page = words(sign_in(mixed.cast.ops).get(reverse("pyramid")))
    assert "In nobody's book: 3 customers" in page

    of_a = outside_books(user=mixed.cast.manager, shown={mixed.cast.csm_a.csm.key}, **given)
    assert (of_a.customers, of_a.lent, of_a.borrowed) == (0, 0, MINUTES["Zebra one"] + MINUTES["Zebra two"])
    others = every - {mixed.cast.csm_a.csm.key}
    of_b = outside_books(user=mixed.cast.ops, shown=others, whole=False, **given)
    assert (of_b.customers, of_b.lent, of_b.borrowed) == (0, MINUTES["Zebra one"] + MINUTES["Zebra two"], 0)


def closing(response):
    """What the balance says that all comes to: (customers, ARR, hours)."""
    found = re.search(
        r"All the customers of this page together: (\d+) customers?, (\S+ USD) of ARR and (\S+) hours? a month",
        words(response),
    )
    return int(found[1]), found[2], found[3]


@pytest.mark.parametrize("role", ["ops", "manager"])
def test_the_balance_closes_on_its_own_page(mixed, sign_in, role):
    user, client = getattr(mixed.cast, role), sign_in(getattr(mixed.cast, role))
    whole = sums(visible(user))
    response = client.get(reverse("balance"))
    assert closing(response) == said(whole)
    # The sum above it is another: nobody's customers are missing, or hours of another team are in it.
    above = response.context["total"]
    assert (int(above.customers), plain(above.hours)) != (whole[0], hours_and_minutes(whole[2]))
    lent = hours_and_minutes(MINUTES["Zebra one"] + MINUTES["Zebra two"])
    page = words(response)
    assert ("In nobody's book: 3 customers" in page) == (role == "ops")
    assert (f"These CSMs carry {lent} hours" in page) == (role == "manager")
    assert (f"These CSMs carry {lent} hours" in words(client.get(reverse("pyramid")))) == (role == "manager")


def test_the_balance_of_a_team_closes_with_the_customers_of_that_team(mixed, sign_in):
    client = sign_in(mixed.cast.ops)
    for team, book in ((mixed.cast.team_a, "a"), (mixed.cast.team_b, "bc")):
        owned = [csm for name, csm in mixed.books.items() if name in book]
        whole = sums(visible(mixed.cast.ops).filter(csm__in=owned))
        response = client.get(reverse("balance"), {"team": team.pk})
        assert closing(response) == said(whole)
        listed = client.get(reverse("customers"), {"team": team.pk}).context["totals"]
        assert [plain(one.value) for one in listed] == [f"{whole[0]}", *said(whole)[1:]]
        narrowed = words(client.get(reverse("pyramid"), {"team": team.pk}))
        assert ("CSMs of other teams carry" in narrowed) == (book == "bc")
        # Of some customers of a team there is no balance to set hours against.
        vertical = mixed.of["Zebra one"].vertical_id
        some = words(client.get(reverse("pyramid"), {"team": team.pk, "vertical": vertical}))
        assert "CSMs of other teams carry" not in some


def test_a_managers_balance_of_a_past_day_closes_with_the_pyramid_of_that_day(mixed, sign_in):
    """Carol's customer came to Ada since: the manager sees it, but no book of the own team held it then."""
    day = TODAY - mixed_company.DAY  # Ben is away and covered on it
    moved = mixed.of["Carol's"]
    set_csms(
        changes=[CsmChange(moved.pk, mixed.books["c"].pk, mixed.books["a"].pk)],
        on=TODAY,
        decision=DecisionSource(kind=Source.MANUAL),
    )
    BookDay.objects.create(
        csm=mixed.books["a"], on=day, customers=7, minutes=9, capacity_minutes=90, arr_cents=1
    )
    BookDay.objects.create(
        csm=mixed.books["a"],
        on=day - mixed_company.DAY,
        customers=7,
        minutes=9,
        capacity_minutes=90,
        arr_cents=1,
    )
    user, query = mixed.cast.manager, {"as_of": day.isoformat()}
    total = pyramid(user=user, day=day, today=TODAY).total
    client = sign_in(user)
    response = client.get(reverse("balance"), query)
    assert closing(response) == said((total.customers, total.arr_cents, total.minutes))
    assert total.customers == int(response.context["total"].customers) + 1
    for page in (response, client.get(reverse("pyramid"), query)):
        assert "or in books of other teams then: 1 customer" in words(page)
    # What was kept of the day ends the trend, not the customers of today's scope.
    assert [point.customers for point in response.context["trend"].points] == [7, 7]


def test_nothing_is_said_where_the_books_are_all_there_is(company, sign_in):
    client = sign_in(company.cast.manager)
    for name in ("pyramid", "balance"):
        page = words(client.get(reverse(name)))
        assert "In nobody's book" not in page
        assert "CSMs of other teams" not in page
        assert "All the customers of this page together" not in page


def test_team_vertical_and_region_narrow_pyramid_and_list_alike(mixed, sign_in):
    ops, client = mixed.cast.ops, sign_in(mixed.cast.ops)
    below = type(mixed.cast.team_a).objects.create(name="Below A", parent=mixed.cast.team_a)
    CSM.objects.filter(pk=mixed.books["c"].pk).update(team=below)
    one = mixed.of["Alpha one"]
    for query in (
        {"team": mixed.cast.team_a.pk},
        {"vertical": one.vertical_id},
        {"region": one.region_id, "team": mixed.cast.team_a.pk},
    ):
        found = pyramid(user=ops, day=TODAY, today=TODAY, chosen=Chosen(**query)).total
        shown = client.get(reverse("customers"), query).context["totals"]
        expected = said((found.customers, found.arr_cents, found.minutes))
        assert [plain(cell.value) for cell in shown] == [f"{expected[0]}", *expected[1:]]
        assert 0 < found.customers < 12
    # A team holds the teams below it.
    names = {
        row.name for row in client.get(reverse("customers"), {"team": mixed.cast.team_a.pk}).context["rows"]
    }
    assert "Carol's" in names


def test_of_a_past_day_the_pyramid_is_the_balance_of_that_day(mixed):
    day = mixed_company.LONG_AGO + mixed_company.DAY  # nobody had left yet, and nobody was away
    found = workload(as_of=day, user=mixed.cast.ops, rates_on=TODAY)
    outside = outside_books(
        user=mixed.cast.ops, shown={row.csm for row in found.rows}, covers=found.covers, day=day, today=TODAY
    )
    total = pyramid(user=mixed.cast.ops, day=day, today=TODAY).total
    assert total.customers == 13  # with the one who left since
    assert total.customers == sum(row.customers for row in found.rows) + outside.customers
    assert total.arr_cents == sum(row.arr_cents for row in found.rows) + outside.arr_cents
    assert total.minutes == sum(row.minutes for row in found.rows) + outside.minutes_to_add


def test_the_totals_line_asks_equally_often_at_any_size(mixed, sign_in):
    client = sign_in(mixed.cast.ops)
    few = len(queries_of(lambda: client.get(reverse("customers"))))
    Customer.objects.bulk_create(
        Customer(external_id=f"more-{number}", name=f"More {number}", arr=number, currency="EUR")
        for number in range(120)
    )
    assert len(queries_of(lambda: client.get(reverse("customers")))) == few


@pytest.mark.parametrize("goals", [False, True])
def test_totals_are_exact_with_and_without_goals_that_ask_for_hours(mixed, goals):
    """Seven cents thirty times are 2.10 on every database; a goal adds its hour a month for the one who has it."""
    tier = Customer.objects.get(name="Alpha one").tier
    before = customer_totals(rows=Customer.objects.active(), as_of=TODAY)
    more = [CustomerFactory(tier=tier, tier_since=TODAY, arr=Decimal("0.07")) for _ in range(30)]
    if goals:
        kind = TouchActivityFactory(
            tier=tier, goal_kind=GoalKindFactory(), times_a_year=12, hours_each=1
        ).goal_kind
        GoalFactory(customer=more[0], kind=kind)
    after = customer_totals(rows=Customer.objects.active(), as_of=TODAY)
    assert after.customers - before.customers == 30
    assert after.arr_cents - before.arr_cents == 210
    plain = TouchPlans(as_of=TODAY).minutes(customer_id=0, tier_id=tier.pk)
    assert after.minutes - before.minutes == 30 * plain + (60 if goals else 0)
