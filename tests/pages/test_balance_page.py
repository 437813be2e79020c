"""The balance page shows the numbers of the `workload_balance` command, digit for digit, and its teams add up."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse

from accounts.models import CSM, Customer, ExchangeRate, Leave, Team, Tier
from allocation.models import BookDay
from allocation.selectors.wording import hours
from allocation.services.book_days import keep_book_days
from tests.factories import TODAY, CSMFactory, CustomerFactory
from tests.pages.reading import plain, read


def command(capsys, **options):
    call_command("workload_balance", format="json", **options)
    return json.loads(capsys.readouterr().out)


def answer(client, **query):
    response = client.get(reverse("balance"), query)
    assert response.status_code == 200
    return response


def shown(response):
    return plain(read(response).words)


def lines(response):
    return {row.line.name: row.line for row in response.context["rows"]}


@pytest.fixture
def nested(company):
    """Team B is part of team A, and one CSM has no team."""
    Team.objects.filter(pk=company.cast.team_b.pk).update(parent=company.cast.team_a)
    loner = CSMFactory(name="Lo Ner", email="lo@example.com", team=None)
    CustomerFactory(
        name="Alone",
        arr=1000,
        csm=loner,
        csm_since=TODAY,
        tier=Tier.objects.get(slug="scale"),
        tier_since=TODAY,
    )
    return company


def test_every_line_of_the_command_is_on_the_page(company, sign_in, capsys):
    found = lines(answer(sign_in(company.cast.ops), by="csms"))
    given = command(capsys)
    assert len(given["csms"]) == len(found) == 2
    for line in given["csms"]:
        on_page = found[line["name"]]
        assert on_page.note == line["team"]
        assert on_page.customers == str(line["customers"])
        assert {cell.tier.lower(): cell.number for cell in on_page.by_tier} == {
            tier: str(number) for tier, number in line["by_tier"].items()
        }
        assert on_page.arr == f"{line['arr']:,.2f}"
        assert (on_page.hours, on_page.capacity) == (hours(line["hours"]), hours(line["capacity"]))
        assert plain(on_page.share) == f"{100 * line['utilisation']:.2f} %"


def test_the_four_figures_of_each_measure_are_those_of_the_command(company, sign_in, capsys):
    response = answer(sign_in(company.cast.ops))
    given = command(capsys)
    for one, part in zip(response.context["even"], (given, given["arr"], given["customers"]), strict=True):
        assert plain(one.outside) == f"{part['outside_15_pct']:.1f} %"
        figures = (part["cv"], part["gini"], part["max_over_mean"])
        assert (one.cv, one.gini, one.max_over_mean) == tuple(f"{figure:.4f}" for figure in figures)
        assert all(figure in shown(response) for figure in (one.cv, one.gini, one.max_over_mean))


def test_the_chart_has_a_bar_and_a_name_for_each_csm(company, sign_in):
    page = read(answer(sign_in(company.cast.ops), by="csms"))
    assert "Ada Book" in page.words
    assert any(svg.get("role") == "img" and "2 CSMs" in svg.get("aria-label", "") for svg in page.of("svg"))


def test_teams_come_first_where_there_are_several_and_lead_on_to_csms_and_to_the_book(company, sign_in):
    client, cast = sign_in(company.cast.ops), company.cast
    first = answer(client)
    assert set(lines(first)) == {cast.team_a.name, cast.team_b.name}
    (to_team,) = [link for link in read(first).links() if link.endswith(f"?team={cast.team_a.pk}")]
    of_team = client.get(to_team)
    assert set(lines(of_team)) == {"Ada Book"}
    page = read(of_team)
    assert reverse("book", args=[cast.csm_a.csm.pk]) in page.links()
    assert reverse("balance") in page.links()  # the way back


def test_a_choice_of_csms_is_kept_in_the_address(company, sign_in):
    page = read(answer(sign_in(company.cast.ops)))
    (link,) = [link for link in page.links() if "by=csms" in link and "format" not in link]
    assert set(lines(answer(sign_in(company.cast.ops), by="csms"))) == {"Ada Book", "Ben Book"}
    assert link.startswith("?")


def test_a_team_holds_the_books_of_those_below_and_the_total_counts_each_once(nested, sign_in):
    response = answer(sign_in(nested.cast.ops))
    found, total = lines(response), response.context["total"]
    assert list(found) == [nested.cast.team_a.name, nested.cast.team_b.name, "Without a team"]
    top, below, none = found.values()
    assert (top.csms, below.csms, none.csms, total.csms) == ("2 CSMs", "1 CSM", "1 CSM", "3 CSMs")
    assert (top.depth, below.depth) == (0, 1)
    assert (int(top.customers), int(below.customers), int(none.customers)) == (8, 4, 1)
    assert int(total.customers) == 9 == Customer.objects.active().filter(csm__isnull=False).count()


def test_a_team_shows_what_is_below_it_and_who_is_directly_in_it(nested, sign_in):
    response = answer(sign_in(nested.cast.ops), team=nested.cast.team_a.pk)
    assert list(lines(response)) == [nested.cast.team_b.name, f"Directly in {nested.cast.team_a.name}"]
    assert response.context["total"].customers == "8"
    inner = answer(sign_in(nested.cast.ops), team=nested.cast.team_b.pk)
    assert [name for name, _ in inner.context["way"]] == ["Balance", nested.cast.team_a.name]
    assert list(lines(inner)) == ["Ben Book"]


def test_sums_by_team_and_by_csm_are_the_same(nested, sign_in):
    client = sign_in(nested.cast.ops)
    one, other = (answer(client, by=by).context["total"] for by in ("teams", "csms"))
    assert one == other


def test_an_order_flattens_the_teams_and_says_what_each_is_part_of(nested, sign_in):
    response = answer(sign_in(nested.cast.ops), sort="-customers")
    found = lines(response)
    assert [line.customers for line in found.values()] == ["8", "4", "1"]
    assert {line.depth for line in found.values()} == {0}
    assert f"part of {nested.cast.team_a.name}" in shown(response)


def test_the_filter_and_the_order_stay_in_the_address(company, sign_in):
    team = company.cast.team_a
    response = answer(sign_in(company.cast.ops), team=team.pk, sort="name")
    assert "Ben Book" not in response.content.decode()
    page = read(response)
    assert any(option.get("value") == str(team.pk) and "selected" in option for option in page.of("option"))
    assert any(f"team={team.pk}" in link and "sort=" in link for link in page.links())


def test_orders_by_name_both_ways(company, sign_in):
    client = sign_in(company.cast.ops)
    assert list(lines(answer(client, by="csms", sort="name"))) == ["Ada Book", "Ben Book"]
    assert list(lines(answer(client, by="csms", sort="-name"))) == ["Ben Book", "Ada Book"]


@pytest.mark.parametrize("team", ["no-number", "-1", "٣", "99999999999999999999", ""])
def test_an_unknown_team_or_order_gives_the_whole_page(company, sign_in, team):
    response = answer(sign_in(company.cast.ops), team=team, sort="password", by="postcode")
    assert set(lines(response)) == {company.cast.team_a.name, company.cast.team_b.name}


def test_a_manager_compares_the_own_team_only(company, sign_in):
    client = sign_in(company.cast.manager)
    (csms, *_) = answer(client).context["kpis"]
    assert (csms.label, csms.value, csms.note) == ("CSMs", "1", "4 customers")
    others = answer(client, team=company.cast.team_b.pk)  # as if it were not there
    assert list(lines(others)) == ["Ada Book"]
    assert company.cast.team_b.name not in shown(others)


def test_a_book_over_a_cap_says_so_in_words_and_with_a_mark(company, sign_in):
    Tier.objects.filter(slug="scale").update(cap=1)
    Customer.objects.filter(csm=company.cast.csm_a.csm).update(tier=Tier.objects.get(slug="scale"))
    response = answer(sign_in(company.cast.ops), by="csms")
    (cell,) = [cell for cell in lines(response)["Ada Book"].by_tier if cell.tier == "Scale"]
    # Full time is 160 hours, and so many has Ada.
    assert (cell.number, plain(cell.words), cell.over) == ("4", "3 over", True)
    assert "Here 1; 4 in the book." in cell.trace
    assert any("cap-words small bad" in span.get("class", "") for span in read(response).of("span"))
    teams = lines(answer(sign_in(company.cast.ops)))
    (cell,) = [cell for cell in teams[company.cast.team_a.name].by_tier if cell.tier == "Scale"]
    assert f"{plain(cell.words)} {cell.where}" == "3 over in 1 book"


def test_renewals_add_up_to_the_customers_and_the_arr(company, sign_in):
    Customer.objects.filter(pk=company.a[0].pk).update(renewal_date=TODAY - timedelta(days=1))
    Customer.objects.filter(pk=company.a[1].pk).update(renewal_date=None)
    Customer.objects.filter(pk=company.a[2].pk).update(renewal_date=TODAY)
    response = answer(sign_in(company.cast.ops), by="csms")
    line = lines(response)["Ada Book"]
    numbers = {cell.label: cell.customers for cell in line.renewals}
    # 22 Nov 2026 is in the fourth quarter; the fourth customer's contract ends on 31 Jan 2027.
    assert numbers == {
        "Past": "1", "Q4 2026": "1", "Q1 2027": "1", "Q2 2027": "0", "Q3 2027": "0", "Later": "0", "No date": "1",
        "All": "4",
    }  # fmt: skip


def test_who_is_covered_has_no_part_in_the_mean_nor_in_all(company, sign_in):
    """The mean and the last line speak of the same books: of those whose hours count on the day."""
    ada, ben = company.cast.csm_a.csm, company.cast.csm_b.csm
    Leave.objects.create(csm=ben, covered_by=ada, starts_on=TODAY, ends_before=TODAY + timedelta(days=3))
    response = answer(sign_in(company.cast.ops), by="csms")
    found, total = lines(response), response.context["total"]
    assert (found["Ben Book"].capacity, found["Ben Book"].without) == ("–", "covered")
    assert total.capacity == found["Ada Book"].capacity
    assert total.pct == found["Ada Book"].pct
    (mean,) = [kpi for kpi in response.context["kpis"] if kpi.label == "Mean utilisation"]
    assert plain(mean.value) == f"{total.pct:.1f} %"
    assert "1 without one left out" in mean.trace


def test_every_number_that_was_worked_out_says_how(company, sign_in):
    response = answer(sign_in(company.cast.ops), by="csms")
    line = lines(response)["Ada Book"]
    assert plain(line.pct_trace).startswith(f"{line.hours} hours asked ÷ {line.capacity} hours of capacity")
    csm = company.cast.csm_a.csm
    assert line.capacity_trace.startswith(
        f"{hours(csm.hours_per_month)} hours a month × ramp {csm.ramp_pct:g} %"
    )
    assert line.capacity_trace.endswith(f"= {line.capacity} hours")
    triggers = [button.get("popovertarget") for button in read(response).of("button")]
    named = [trigger for trigger in triggers if trigger]
    assert len(named) == len(set(named)) > 10


def test_the_trend_has_one_sentence_until_there_are_two_days(company, sign_in):
    client = sign_in(company.cast.ops)
    assert "The trend grows from today on" in shown(answer(client))
    first = BookDay.objects.create(
        csm=company.cast.csm_a.csm, on=TODAY, minutes=60, capacity_minutes=600, customers=4, arr_cents=100
    )
    response = answer(client)
    assert "First figures kept on 22 Nov 2026; the picture begins with the second day." in shown(response)
    assert "The trend grows" not in shown(response)
    assert [plain(row.day) for row in response.context["trend_rows"]] == ["22 Nov 2026"]
    BookDay.objects.filter(pk=first.pk).delete()
    keep_book_days(on=TODAY - timedelta(days=8))
    response = answer(client)
    assert "The trend grows" not in shown(response)
    # The books began 100 days before today: the month ends since then come from the ledgers.
    assert [(plain(row.day), row.worked_out) for row in response.context["trend_rows"]] == [
        ("22 Nov 2026", False),
        ("14 Nov 2026", False),
        ("31 Oct 2026", True),
        ("30 Sep 2026", True),
        ("31 Aug 2026", True),
    ]
    assert "worked out later" in shown(response)
    assert response.context["trend_rows"][0].cv == response.context["even"][0].cv


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


@pytest.mark.parametrize("query", [{}, {"format": "csv"}])
def test_without_csms_the_page_says_what_to_do(cast, sign_in, query):
    CSM.objects.all().delete()
    response = answer(sign_in(cast.ops), **query)
    if not query:
        assert "No CSMs to compare" in read(response).words


def test_csms_without_customers_have_a_page_too(cast, sign_in):
    assert "no hours are asked" in shown(answer(sign_in(cast.ops), by="csms"))
    CSM.objects.update(hours_per_month=0)
    assert "nobody has a utilisation" in shown(answer(sign_in(cast.ops), by="csms"))


def test_the_list_of_books_leads_to_each_book(company, sign_in):
    page = read(sign_in(company.cast.ops).get(reverse("books")))
    for csm in (company.cast.csm_a.csm, company.cast.csm_b.csm):
        assert reverse("book", args=[csm.pk]) in page.links()


@pytest.mark.parametrize("name", ["balance", "books"])
def test_a_heading_says_on_a_press_how_its_figures_came(company, sign_in, name):
    """By keyboard and on a phone too, which a title alone does not."""
    response = sign_in(company.cast.ops).get(reverse(name))
    page = read(response)
    said = {one["id"] for one in page.of("span") if "popover" in one}
    hints = [column for column in response.context["columns"] if column.hint]
    assert len(hints) >= 3
    for column in hints:
        buttons = [one for one in page.of("button") if one.get("title") == column.hint]
        assert buttons, column.label
        assert {one["popovertarget"] for one in buttons} <= said
        assert f"{column.label}: how it came" in plain(page.words) or not column.sort
