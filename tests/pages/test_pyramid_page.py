"""The pyramid's page: the picture and the tables say the rows, and every list is a file that holds what the page counts."""

import csv
import datetime
import io
from decimal import Decimal

import openpyxl
import pytest
from django.urls import reverse

from accounts.models import CSM, Customer, ExchangeRate
from allocation.selectors.pyramid import pyramid
from allocation.selectors.pyramid_lines import customer_lines
from allocation.selectors.risks import at_risk
from tests.factories import TODAY, CustomerFactory
from tests.pages import mixed_company
from tests.pages.reading import plain, read
from tests.queries.counting import queries_of

KINDS = ("finance", "marketing", "upsell")


@pytest.fixture
def mixed(cast):
    return mixed_company.build(cast)


def found_for(user):
    return pyramid(user=user, day=TODAY, today=TODAY)


def page(client, **query):
    response = client.get(reverse("pyramid"), query)
    assert response.status_code == 200
    return response


def lines_of(response):
    """Rows of a CSV as dicts."""
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def file_of(client, kind, **query):
    response = client.get(reverse(f"pyramid_{kind}"), query)
    assert response.status_code == 200
    return response


def by_slug(found):
    return {layer.tier.slug if layer.tier else "": layer for layer in found.layers}


def test_tiers_come_from_the_top_and_what_is_in_none_of_them_stands_apart(mixed):
    found = found_for(mixed.cast.ops)
    assert [layer.tier.slug for layer in found.tiers] == ["gold", "silver", "self"]
    assert [layer.tier and layer.tier.slug for layer in found.apart] == ["old", None]
    assert {slug: layer.customers for slug, layer in by_slug(found).items()} == {
        "gold": 3, "silver": 5, "self": 1, "old": 1, "": 2,
    }  # fmt: skip
    assert found.total.without_arr == 1


def test_heads_are_hours_by_the_mean_net_hours_of_a_full_time_csm(mixed):
    """Three CSMs of 160 hours, 20 % of them not for customers unless said otherwise: what they have is what counts."""
    CSM.objects.update(hours_per_month=80, overhead_pct=25, ramp_pct=100)
    found = found_for(mixed.cast.ops)
    # Half-time CSMs have 60 of 80 hours; a full-time one would have 120 of 160.
    assert found.full_time.minutes == 120 * 60
    assert found.total.exact_heads * 7200 == found.total.minutes
    assert found.total.heads == 1  # a sliver of a head is a head


def test_without_csms_there_are_no_heads_and_the_page_says_so(mixed, sign_in):
    CSM.objects.update(ramp_pct=0)
    found = found_for(mixed.cast.ops)
    assert (found.total.heads, found.total.exact_heads) == (None, None)
    words = read(page(sign_in(mixed.cast.ops))).words
    assert "No CSM in this scope has hours this month" in words


def test_at_risk_counts_a_customer_once_and_each_reason_for_itself(mixed):
    risk = found_for(mixed.cast.ops).total.risk
    # Alpha two for three reasons, Zebra two for two; health 40 and sentiment 3 are none.
    assert risk.customers == 6
    assert dict(risk.reasons) == {"health": 4, "sentiment": 3, "goal": 2}
    # Renewals in 60, 10, 5 and 45 days; those in 91 and 200 are further away.
    assert risk.renewing == 4
    gold = by_slug(found_for(mixed.cast.ops))["gold"].risk
    two, zebra = Decimal("33333.33"), Decimal("50000.05")
    cents = sum(int(round(amount / mixed_company.RATES["EUR"], 2) * 100) for amount in (two, zebra))
    assert (gold.customers, gold.cents, gold.renewing_cents) == (2, cents, cents)


def test_the_filter_of_the_list_and_the_pyramid_mean_the_same_risk(mixed, sign_in):
    named = set(Customer.objects.active().filter(at_risk(on=TODAY)).values_list("pk", flat=True))
    assert len(named) == found_for(mixed.cast.ops).total.risk.customers
    lines = customer_lines(user=mixed.cast.ops, day=TODAY, today=TODAY)
    assert named == {line.pk for line in lines.rows if line.is_at_risk}
    client = sign_in(mixed.cast.ops)
    at, not_at = (
        client.get(reverse("customers"), {"risk": value}).context["page"].paginator.count
        for value in ("yes", "no")
    )
    assert (at, not_at) == (6, 6)


def test_room_to_grow_is_never_below_nothing_and_unknown_is_said(mixed):
    room = found_for(mixed.cast.ops).total.room
    assert (room.known, room.unknown) == (6, 6)
    assert room.with_room == 5  # Alpha two could only shrink
    gold = by_slug(found_for(mixed.cast.ops))["gold"].room
    zebra = round(Decimal(60_000) / mixed_company.RATES["EUR"], 2) - round(
        Decimal("50000.05") / mixed_company.RATES["EUR"], 2
    )
    assert gold.cents == 4_999_990 + int(zebra * 100)


def test_every_layer_leads_to_its_customers(mixed, sign_in):
    links = read(page(sign_in(mixed.cast.ops))).links()
    client = sign_in(mixed.cast.ops)
    for slug, number in (("gold", 3), ("old", 1)):
        address = f"/customers/?tier={mixed.tiers[slug].pk}"
        assert links.count(address) >= 3  # both drawings and the table
        assert client.get(address).context["page"].paginator.count == number
    assert "/customers/?gap=no_tier" in links
    narrowed = page(client, team=mixed.cast.team_a.pk)
    assert f"/customers/?tier={mixed.tiers['gold'].pk}&team={mixed.cast.team_a.pk}" in read(narrowed).links()


def test_every_number_says_how_it_came(mixed, sign_in):
    shown = read(page(sign_in(mixed.cast.ops)))
    spans = [one for one in shown.of("span") if "popover" in one]
    targets = [one.get("popovertarget") or "" for one in shown.of("button")]
    buttons = {target for target in targets if target.startswith("trace-")}
    assert {one["id"] for one in spans} == buttons
    tables = [
        cell
        for name in ("layers", "concentration", "risk", "room")
        for row in page(sign_in(mixed.cast.ops)).context[name].rows
        for cell in row.cells
    ]
    assert [cell.label for cell in tables if not cell.trace and cell.label != "Touch level"] == []


def test_the_page_says_nothing_that_the_policy_would_refuse(mixed, sign_in):
    assert read(page(sign_in(mixed.cast.ops))).refused_by_policy() == []


def test_a_manager_counts_the_own_teams_only(mixed, sign_in):
    response = page(sign_in(mixed.cast.manager))
    total = response.context["found"].total
    assert total.customers == 6
    assert total.concentration.customers == 6
    assert mixed_company.CANARY not in response.content.decode()
    assert "Carol" not in response.content.decode()
    assert response.context["found"].full_time.csms == 1


def test_an_unknown_team_is_narrowed_by_nothing_and_a_foreign_one_too(mixed, sign_in):
    client = sign_in(mixed.cast.manager)
    for value in ("no-number", "999999", f"{mixed.cast.team_b.pk}"):
        assert page(client, team=value).context["found"].total.customers == 6, value


def test_csms_and_people_without_a_role_are_refused(mixed, sign_in):
    for person in (mixed.cast.csm_a, mixed.cast.nobody):
        for name in ("pyramid", *(f"pyramid_{kind}" for kind in KINDS)):
            assert sign_in(person).get(reverse(name)).status_code == 403


def test_an_amount_without_a_rate_is_left_out_and_said(mixed, sign_in):
    ExchangeRate.objects.filter(currency="SEK").delete()
    response = page(sign_in(mixed.cast.ops))
    assert "SEK" in plain(read(response).words)
    assert response.context["found"].total.without_arr == 4
    rows = {row["name"]: row for row in lines_of(file_of(sign_in(mixed.cast.ops), "finance"))}
    assert rows["Zebra two"]["arr_base"] == ""  # not 0, and not 1.01


def test_a_past_day_is_of_the_ledgers_and_offers_no_files(mixed, sign_in):
    day = mixed_company.LONG_AGO + datetime.timedelta(days=1)
    response = page(sign_in(mixed.cast.ops), as_of=f"{day}")
    assert response.context["found"].total.customers == 13
    assert "As it stood on" in read(response).words
    assert "Lists for colleagues" not in read(response).words
    assert [link for link in read(response).links() if link.startswith("/customers/?")] == []


def test_an_empty_company_and_one_without_arr_say_what_to_do(cast, sign_in):
    client = sign_in(cast.ops)
    assert "No customers to stack" in read(page(client)).words
    CustomerFactory(arr=None)
    assert "No ARR to add up" in read(page(client)).words
    assert "No customer fits these filters" in read(page(client, team=cast.team_b.pk)).words


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tier", ["", "gold", "silver", "none"])
def test_a_file_holds_as_many_rows_and_as_much_as_the_page_says(mixed, sign_in, kind, tier):
    client = sign_in(mixed.cast.ops)
    value = f"{mixed.tiers[tier].pk}" if tier in mixed.tiers else tier
    said = next(row for row in page(client, tier=value).context["lists"] if row.label.lower() == kind)
    assert "format=csv" in said.csv_url and reverse(f"pyramid_{kind}") in said.csv_url
    rows = lines_of(client.get(said.csv_url))
    column = "room_base" if kind == "upsell" else "arr_base"
    total = sum((Decimal(row[column]) for row in rows if row[column]), Decimal(0))
    assert (said.rows, plain(said.total)) == (f"{len(rows):,}", f"{total:,.2f} USD")
    if tier in mixed.tiers:
        assert {row["tier"] for row in rows} <= {mixed.tiers[tier].name}


def test_finance_reads_both_currencies_shares_and_why_a_customer_is_at_risk(mixed, sign_in):
    rows = {row["name"]: row for row in lines_of(file_of(sign_in(mixed.cast.ops), "finance"))}
    assert len(rows) == 12  # who left is not there
    two = rows["Alpha two"]
    assert (two["arr"], two["currency"], two["base_currency"]) == ("33333.33", "EUR", "USD")
    assert two["arr_base"] == f"{round(Decimal('33333.33') / mixed_company.RATES['EUR'], 2)}"
    assert two["at_risk_because"] == "health below 40; sentiment 2 or below; an open goal of risk mitigation"
    assert (rows["Alpha one"]["at_risk"], rows["Alpha one"]["at_risk_because"]) == ("no", "")
    assert rows["Alpha four"]["arr_base"] == ""
    assert sum(Decimal(row["share_pct"]) for row in rows.values()) == pytest.approx(
        Decimal(100), abs=Decimal("0.001")
    )
    # The largest first.
    amounts = [Decimal(row["arr_base"] or 0) for row in rows.values()]
    assert amounts == sorted(amounts, reverse=True)


def test_marketing_reads_the_strongest_voices_first_and_those_at_risk_last(mixed, sign_in):
    rows = lines_of(file_of(sign_in(mixed.cast.ops), "marketing"))
    assert [row["name"] for row in rows] == [
        "Alpha one",  # 90 × 1.5
        "Alpha old",  # 10
        # at risk, so as not to ask:
        "Nobody's",  # 70
        "Alpha three",  # 60, no champion
        "Zebra one",  # 50
        "Alpha five",  # a champion of no known reputation
    ]
    assert [row["at_risk"] for row in rows] == ["no"] * 2 + ["yes"] * 4
    assert {"vertical", "country", "champion", "reputation", "tier", "at_risk"} <= set(rows[0])


def test_upsell_reads_the_most_room_first(mixed, sign_in):
    rows = lines_of(file_of(sign_in(mixed.cast.ops), "upsell"))
    room = [Decimal(row["room_base"]) for row in rows]
    assert room == sorted(room, reverse=True)
    assert {row["name"] for row in rows} == {"Alpha one", "Alpha four", "Alpha old", "Zebra one", "Nobody's"}


def test_a_managers_files_are_of_the_own_teams(mixed, sign_in):
    for kind in KINDS:
        for query in ({}, {"team": mixed.cast.team_b.pk}, {"tier": "none"}):
            body = b"".join(file_of(sign_in(mixed.cast.manager), kind, **query).streaming_content).decode()
            assert mixed_company.CANARY not in body
            assert "Carol" not in body


def test_a_workbook_holds_the_same_and_no_formula(mixed, sign_in):
    Customer.objects.filter(name="Alpha one").update(name='=HYPERLINK("http://x")')
    client = sign_in(mixed.cast.ops)
    response = file_of(client, "finance", format="xlsx")
    assert response["Content-Disposition"] == f'attachment; filename="pyramid-finance-internal-{TODAY}.xlsx"'
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content))).active
    names = [cell for cell in sheet["B"] if cell.value == '=HYPERLINK("http://x")']
    assert [cell.data_type for cell in names] == ["s"]
    assert sheet.max_row == 13
    heads = {cell.value: cell.column_letter for cell in sheet[1]}
    assert {sheet[heads[name]][1].number_format for name in ("arr", "arr_base")} == {"#,##0.00"}
    assert sheet[heads["share_pct"]][1].number_format == "General"
    width = {name: sheet.column_dimensions[letter].width for name, letter in heads.items()}
    assert width["name"] > width["arr"] > width["currency"]
    (row,) = [row for row in lines_of(file_of(client, "finance")) if "HYPERLINK" in row["name"]]
    assert row["name"].startswith("'=")


def test_an_unknown_form_of_file_leads_back_and_an_unknown_tier_holds_nobody(mixed, sign_in):
    client = sign_in(mixed.cast.ops)
    assert client.get(reverse("pyramid_finance"), {"format": "exe"}).url == reverse("pyramid")
    assert lines_of(file_of(client, "finance", tier="gold")) == []


def test_page_and_list_totals_ask_equally_often_at_any_size(mixed, sign_in):
    def asked(client, **query):
        return len(queries_of(lambda: page(client, **query)))

    people = [sign_in(mixed.cast.ops), sign_in(mixed.cast.manager)]
    queries = ({}, {"as_of": f"{mixed_company.LONG_AGO}"}, {"team": mixed.cast.team_a.pk})
    few = [asked(client, **query) for client in people for query in queries]
    Customer.objects.bulk_create(
        Customer(
            external_id=f"more-{number}",
            name=f"More {number}",
            arr=number,
            currency="EUR",
            health=number % 100,
            csm=mixed.books["a"],
            csm_since=TODAY,
            tier=mixed.tiers["gold"],
            tier_since=TODAY,
        )
        for number in range(150)
    )
    assert [asked(client, **query) for client in people for query in queries] == few
