"""The balance page shows the numbers of the `workload_balance` command, digit for digit."""

import json

from django.core.management import call_command
from django.urls import reverse

from accounts.models import ExchangeRate
from tests.factories import CustomerFactory
from tests.pages.reading import plain, read


def command(capsys, **options):
    call_command("workload_balance", format="json", **options)
    return json.loads(capsys.readouterr().out)


def shown(response):
    return plain(read(response).words)


def test_every_line_of_the_command_is_on_the_page(company, sign_in, capsys):
    words = shown(sign_in(company.cast.ops).get(reverse("balance")))
    answer = command(capsys)
    assert len(answer["csms"]) == 2
    for line in answer["csms"]:
        arr = f"{line['arr']:,.2f}"
        expected = f"{line['customers']} " + " ".join(
            str(line["by_tier"].get(tier, 0)) for tier in ("global", "enterprise", "scale")
        )
        # name, team, customers, by tier, ARR, hours, capacity, utilisation
        said = f"{line['name']} {line['team']} {expected} {arr} {line['hours']:g} {line['capacity']:g} {100 * line['utilisation']:.2f} %"
        assert said in words, said


def test_the_four_figures_of_each_measure_are_those_of_the_command(company, sign_in, capsys):
    words = shown(sign_in(company.cast.ops).get(reverse("balance")))
    answer = command(capsys)
    for label, part in (("Utilisation", answer), ("ARR", answer["arr"]), ("Customers", answer["customers"])):
        said = f"{label} {part['outside_15_pct']:.1f} % {part['cv']:.4f} {part['gini']:.4f} {part['max_over_mean']:.4f}"
        assert said in words, said


def test_the_chart_has_a_bar_and_a_name_for_each_csm(company, sign_in):
    page = read(sign_in(company.cast.ops).get(reverse("balance")))
    assert "Ada Book" in page.words
    assert any(svg.get("role") == "img" and "2 CSMs" in svg.get("aria-label", "") for svg in page.of("svg"))


def test_a_team_filter_stays_in_the_address_and_counts_only_that_team(company, sign_in):
    team = company.cast.team_a
    response = sign_in(company.cast.ops).get(reverse("balance"), {"team": team.pk, "sort": "name"})
    assert "Ben Book" not in response.content.decode()
    page = read(response)
    assert any(option.get("value") == str(team.pk) and "selected" in option for option in page.of("option"))
    assert any(f"team={team.pk}" in link and "sort=" in link for link in page.links())


def test_orders_by_name_both_ways(company, sign_in):
    client = sign_in(company.cast.ops)
    for sort, first, second in (("name", "Ada Book", "Ben Book"), ("-name", "Ben Book", "Ada Book")):
        words = read(client.get(reverse("balance"), {"sort": sort})).words
        table = words[words.index("Customers, ARR, hours and utilisation by CSM") :]
        assert table.index(first) < table.index(second), sort


def test_an_unknown_team_or_order_gives_the_whole_page(company, sign_in):
    response = sign_in(company.cast.ops).get(reverse("balance"), {"team": "no-number", "sort": "password"})
    assert response.status_code == 200
    assert "Ben Book" in response.content.decode()


def test_a_manager_compares_the_own_team_only(company, sign_in):
    words = shown(sign_in(company.cast.manager).get(reverse("balance")))
    assert "CSMs 1 4 customers" in words


def test_a_missing_exchange_rate_is_said_and_breaks_no_page(company, sign_in):
    CustomerFactory(currency="SEK", csm=company.cast.csm_a.csm, csm_since="2026-01-01")
    assert not ExchangeRate.objects.exists()
    client = sign_in(company.cast.ops)
    for name in ("home", "balance", "books", "customers"):
        response = client.get(reverse(name))
        assert response.status_code == 200, name
    assert "SEK" in read(client.get(reverse("balance"))).words
    book = client.get(reverse("book", args=[company.cast.csm_a.csm.pk]))
    assert "SEK" in read(book).words


def test_without_csms_the_page_says_what_to_do(cast, sign_in):
    from accounts.models import CSM

    CSM.objects.all().delete()
    words = read(sign_in(cast.ops).get(reverse("balance"))).words
    assert "No CSMs to compare" in words


def test_the_list_of_books_leads_to_each_book(company, sign_in):
    page = read(sign_in(company.cast.ops).get(reverse("books")))
    for csm in (company.cast.csm_a.csm, company.cast.csm_b.csm):
        assert reverse("book", args=[csm.pk]) in page.links()
