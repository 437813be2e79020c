"""The page "What people overrule" and its CSV: who may open it, what it says, and that both say the same."""

import csv
from io import StringIO

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Tier
from allocation.services.overrides import approve_override, request_override
from tests.factories import TODAY
from tests.pages.company import CANARY
from tests.pages.reading import plain, read
from tests.pages.test_overrides import DAY, approved, asked

ROLES = {"ops": 200, "manager": 200, "csm_a": 403, "csm_b": 403, "nobody": 403}
PAGE = reverse("override_report")


@pytest.fixture(autouse=True)
def _overrides_of_the_fixed_day(monkeypatch):
    """`asked_at` is the row's own default: the clock of the models shows the fixed day as well."""
    noon = timezone.datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=timezone.get_default_timezone())
    monkeypatch.setattr("django.utils.timezone.now", lambda: noon)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("query", ["", "?format=csv"])
def test_ops_and_managers_open_it(company, sign_in, role, query):
    assert sign_in(getattr(company.cast, role)).get(PAGE + query).status_code == ROLES[role]


def test_a_stranger_is_sent_to_sign_in(company, client):
    assert client.get(PAGE).url.startswith(reverse("login"))


def test_it_only_shows(company, sign_in):
    assert sign_in(company.cast.ops).post(PAGE).status_code == 405


def test_without_any_override_it_says_so_and_shows_what_decides(company, sign_in):
    words = plain(read(sign_in(company.cast.ops).get(PAGE)).shown)
    assert "Nobody asked for an override in this time" in words
    assert "Segment is Global" in words
    assert "No criterion was overruled" in words


def test_it_says_what_is_overruled_and_leads_to_the_model(company, sign_in):
    approved(company)
    asked(company, customer=company.a[1])
    client = sign_in(company.cast.ops)
    shown = client.get(PAGE)
    words = plain(read(shown).shown)
    # Scale has customers 2 of Alpha and of Zebra, and one of them is overruled.
    assert "Asked for 2 1 waiting, 0 declined" in words
    assert "Approved 1 1 up" in words
    assert "Everyone else Mend the model 3 Scale 2 1 1 1 1 up 50.0 %" in words
    assert read(shown).refused_by_policy() == []
    assert f"/admin/allocation/tieringmodel/{company.run.tiering_model_id}/change/" in read(shown).links()
    assert "An override up overrules the criteria whose points lie below the customer's score" in words


def test_a_manager_sees_the_own_teams_and_no_way_into_the_admin(company, sign_in):
    approved(company)
    asked(company, by=company.cast.csm_b, customer=company.b[2])
    shown = sign_in(company.cast.manager).get(PAGE)
    body = shown.content.decode()
    assert "Your teams only" in body
    assert "Asked for 1 0 waiting, 0 declined" in plain(read(shown).shown)
    assert "tieringmodel" not in body
    assert "approves each other" not in body
    assert CANARY not in body
    assert "Ben Book" not in body
    rows = sign_in(company.cast.manager).get(PAGE + "?format=csv").content.decode()
    assert CANARY not in rows
    assert "Ben Book" not in rows


def test_the_period_is_chosen_in_the_address(company, sign_in):
    approved(company)
    client = sign_in(company.cast.ops)
    for query, asked_for in (
        (f"?from={TODAY}&to={TODAY}", 1),
        (f"?from={TODAY + DAY}&to={TODAY + DAY}", 0),
        (f"?to={TODAY - DAY}", 0),
        ("?from=0001-01-01&to=9999-12-31", 1),
    ):
        assert f"Asked for {asked_for} " in plain(read(client.get(PAGE + query)).shown), query


@pytest.mark.parametrize(
    "query", ["?from=soon", "?from=2027-01-01&to=2026-01-01", "?from=2026-02-30", "?to="]
)
def test_a_period_that_makes_no_sense_is_answered_with_the_usual_one(company, sign_in, query):
    approved(company)
    shown = sign_in(company.cast.ops).get(PAGE + query)
    assert shown.status_code == 200
    assert "Asked for 1 " in plain(read(shown).shown)


def rows_of(response):
    return list(csv.DictReader(StringIO(response.content.decode())))


def test_the_csv_says_the_same(company, sign_in):
    approved(company)
    client = sign_in(company.cast.ops)
    response = client.get(PAGE + "?format=csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert f"what-people-overrule-2025-11-22-to-{TODAY}.csv" in response["Content-Disposition"]
    rows = rows_of(response)
    rule = next(row for row in rows if row["part"] == "rule" and row["tier"] == "Scale")
    assert [rule[key] for key in ("customers", "asked", "approved", "customers_overruled", "share_pct", "up", "down")] == [
        "2", "1", "1", "1", "50.00", "1", "0",
    ]  # fmt: skip
    criteria = [row for row in rows if row["part"] == "criterion"]
    assert sum(int(row["overruled"]) for row in criteria) > 0
    assert {row["part"] for row in rows} == {"total", "rule", "segment", "criterion", "reason"}
    assert all(None not in row for row in rows)  # no line is longer than the headings


def test_a_name_that_a_spreadsheet_would_run_is_written_as_text(company, sign_in):
    company.cast.csm_a.name = "=1+1"
    company.cast.csm_a.save()
    company.cast.csm_a.groups.add(*company.cast.manager.groups.all())
    company.cast.team_a.manager = company.cast.csm_a
    company.cast.team_a.save()
    for number, (asker, decider) in enumerate(
        [(company.cast.csm_a, company.cast.manager), (company.cast.manager, company.cast.csm_a)]
    ):
        company.cast.team_a.manager = company.cast.manager
        company.cast.team_a.save()
        one = asked(company, by=asker, customer=company.a[number])
        company.cast.team_a.manager = decider
        company.cast.team_a.save()
        fresh = type(decider).objects.get(pk=decider.pk)
        approve_override(override_id=one.pk, actor=fresh, words="Yes", on=TODAY, at=timezone.now())
    rows = [
        row for row in rows_of(sign_in(company.cast.ops).get(PAGE + "?format=csv")) if "mutual" in row["part"]
    ]
    assert sorted(row["name"] for row in rows) == ["'=1+1 of Mia Manager", "Mia Manager of =1+1"]


def test_an_override_of_a_tier_that_is_no_more_is_still_told(company, sign_in):
    request_override(
        customer_id=company.a[2].pk, tier_id=Tier.objects.get(slug="enterprise").pk, reason_kind="other", words="W",
        starts_on=TODAY, expires_on=TODAY + DAY, actor=company.cast.ops, on=TODAY, at=timezone.now(),
    )  # fmt: skip
    Tier.objects.filter(slug__in=["enterprise", "scale"]).update(retired=True)
    assert sign_in(company.cast.ops).get(PAGE).status_code == 200


def test_one_that_keeps_a_customer_where_it_is_overrules_nothing(company, sign_in):
    """Scale by the model, and to stay in Scale: asked for, approved, counted apart."""
    approved(company, tier_id=Tier.objects.get(slug="scale").pk)
    words = plain(read(sign_in(company.cast.ops).get(PAGE)).shown)
    assert "1 to stay" in words
    assert "against a guard:" in words  # what the words mean stands below the table
    assert "1 against a guard" not in words
