"""The balance as CSV: the lines of the page, and nothing a spreadsheet would run."""

import csv
from decimal import Decimal

from django.urls import reverse

from accounts.models import CSM, Team
from tests.factories import TODAY, CSMFactory, CustomerFactory, TierFactory, TouchActivityFactory
from tests.pages.reading import plain


def rows_of(response):
    assert response["Content-Type"].startswith("text/csv")
    assert response["Content-Disposition"] == 'attachment; filename="balance-2026-11-22.csv"'
    return list(csv.DictReader(response.content.decode().splitlines()))


def test_the_lines_are_those_of_the_page_and_add_up(company, sign_in):
    client = sign_in(company.cast.ops)
    page = client.get(reverse("balance"), {"by": "csms"}).context
    rows = rows_of(client.get(reverse("balance"), {"by": "csms", "format": "csv"}))
    assert [row["name"] for row in rows] == [row.line.name for row in page["rows"]] + ["All 2"]
    *csms, total = rows
    assert {row["line"] for row in csms} == {"csm"}
    assert sum(Decimal(row["arr"]) for row in csms) == Decimal(total["arr"])
    assert f"{Decimal(total['arr']):,.2f}" == page["total"].arr
    assert sum(int(row["customers"]) for row in csms) == int(total["customers"])
    ends = [name for name in total if name.startswith("renewals_") and "arr" not in name]
    assert sum(int(total[name]) for name in ends) == int(total["customers"])
    assert [f"{row['utilisation_pct']} %" for row in csms] == [plain(row.line.share) for row in page["rows"]]


def test_hours_of_many_lines_add_up_to_the_minute(company, sign_in):
    """Of twenty minutes each: with two decimals 40 lines would miss the total by eight minutes."""
    tier = TierFactory(slug="third", name="Third", rank=8, touch_level="low")
    TouchActivityFactory(tier=tier, times_a_year=Decimal(4), hours_each=Decimal(1))  # 20 minutes a month
    for number in range(40):
        csm = CSMFactory(name=f"Many {number:02}", team=company.cast.team_a)
        CustomerFactory(csm=csm, csm_since=TODAY, tier=tier, tier_since=TODAY)
    rows = rows_of(sign_in(company.cast.ops).get(reverse("balance"), {"by": "csms", "format": "csv"}))
    *csms, total = rows
    for column in ("hours", "capacity"):
        minutes = [round(sum(Decimal(row[column]) for row in some) * 60) for some in (csms, [total])]
        assert minutes[0] == minutes[1] > 0


def test_a_name_that_looks_like_a_formula_is_marked(company, sign_in):
    CSM.objects.filter(pk=company.cast.csm_a.csm.pk).update(name="=1+1")
    Team.objects.filter(pk=company.cast.team_b.pk).update(name="@SUM(A1)")
    client = sign_in(company.cast.ops)
    names = [row["name"] for row in rows_of(client.get(reverse("balance"), {"by": "csms", "format": "csv"}))]
    assert "'=1+1" in names
    assert "=1+1" not in names
    teams = [row["name"] for row in rows_of(client.get(reverse("balance"), {"format": "csv"}))]
    assert "'@SUM(A1)" in teams


def test_a_manager_gets_the_own_teams_only(company, sign_in):
    text = sign_in(company.cast.manager).get(reverse("balance"), {"format": "csv"}).content.decode()
    assert "Ada Book" in text
    assert "Ben Book" not in text
    assert company.cast.team_b.name not in text
