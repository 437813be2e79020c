"""Which numbers deserve debate: ask, follow, read, sort, filter, take as a file; CS ops only."""

import csv
import io
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse
from django.utils import timezone

from allocation.models import Sensitivity, TieringModel
from allocation.selectors.sensitivity import versions_to_ask
from allocation.services.sensitivity import ask_sensitivity, compute_sensitivity
from allocation.tasks.sensitivity import compute_sensitivity as task
from tests.factories import CLOCK, TODAY
from tests.pages.reading import plain, read


@pytest.fixture
def rung(monkeypatch):
    bells = []
    monkeypatch.setattr("allocation.views.sensitivity.ring", lambda task, **ids: bells.append((task, ids)))
    return bells


@pytest.fixture
def done(company):
    model = TieringModel.objects.published().get()
    this = ask_sensitivity(model_id=model.pk, actor=company.cast.ops, **CLOCK)
    compute_sensitivity(sensitivity_id=this.pk, owner="test", on=TODAY)
    return this


def page_of(client, this, query=""):
    return client.get(reverse("sensitivity", args=[this.pk]) + query)


def rows_of(response):
    return [row for group in response.context["groups"] for row in group.rows]


def test_asking_writes_a_row_rings_and_leads_to_its_page(company, sign_in, rung):
    client = sign_in(company.cast.ops)
    model = TieringModel.objects.published().get()
    response = client.post(reverse("sensitivity_start"), {"model": model.pk})
    this = Sensitivity.objects.get()
    assert response.url == reverse("sensitivity", args=[this.pk])
    assert rung == [(task, {"sensitivity_id": this.pk})]
    assert this.requested_by == company.cast.ops
    words = read(client.get(response.url)).words
    assert "waits for a worker" in words
    assert "Cancel" in words
    known = client.get(reverse("sensitivity_progress", args=[this.pk])).json()
    assert (known["status"], known["finished"]) == ("queued", False)
    assert (
        "being computed already"
        in read(client.post(reverse("sensitivity_start"), {"model": model.pk}, follow=True)).words
    )
    said = read(client.post(reverse("sensitivity_cancel", args=[this.pk]), follow=True)).words
    assert "nothing of it was kept" in said


def test_a_version_that_is_not_offered_is_refused(company, sign_in, rung):
    response = sign_in(company.cast.ops).post(reverse("sensitivity_start"), {"model": "98765"}, follow=True)
    assert "Select a valid choice" in read(response).words
    assert rung == []


def test_the_list_names_what_decides_and_offers_the_version_asked_for(company, sign_in, done):
    client = sign_in(company.cast.ops)
    draft = TieringModel.objects.create(number=7, name="Another", definition={}, status="draft")
    response = client.get(reverse("sensitivities") + f"?model={draft.pk}")
    assert done.tiering_model.name in read(response).words
    Sensitivity.objects.get(pk=done.pk)
    assert f'<option value="{draft.pk}" selected>' in response.content.decode()
    for odd in ("x", "²", "9" * 30):
        assert client.get(reverse("sensitivities"), {"model": odd}).status_code == 200


def test_the_page_says_the_three_numbers_and_shows_every_number(company, sign_in, done):
    shown = read(page_of(sign_in(company.cast.ops), done)).words
    this = Sensitivity.objects.get(pk=done.pk)
    assert "decide" in shown
    for knob in this.result["knobs"]:
        assert plain(knob["name"]) in plain(shown) or knob["kind"] == "guard"


@pytest.mark.parametrize("kind", ["weight", "bound", "scale", "guard"])
def test_the_table_is_narrowed_by_kind(company, sign_in, done, kind):
    response = page_of(sign_in(company.cast.ops), done, f"?kind={kind}&counted=effective")
    expected = {
        knob["name"] for knob in Sensitivity.objects.get(pk=done.pk).result["knobs"] if knob["kind"] == kind
    }
    assert {row.name for row in rows_of(response)} == expected


@pytest.mark.parametrize("sort", ["name", "-name", "small", "-middle", "-large", "arr", "first", "odd", ""])
def test_every_order_shows_every_number(company, sign_in, done, sort):
    response = page_of(sign_in(company.cast.ops), done, f"?sort={sort}&counted=effective")
    names = [row.name for row in rows_of(response)]
    assert len(names) == len(Sensitivity.objects.get(pk=done.pk).result["knobs"])
    if sort in {"name", "-name"}:
        for group in response.context["groups"]:
            names = [row.name for row in group.rows]
            assert names == sorted(names, key=str.casefold, reverse=sort == "-name")


def test_every_number_leads_to_its_place_in_the_model(company, sign_in, done):
    client = sign_in(company.cast.ops)
    rows = rows_of(page_of(client, done, "?counted=effective"))
    address, _, anchor = rows[0].edit_url.partition("#")
    assert f'id="{anchor}"' in client.get(address).content.decode()


def test_what_if_names_the_change_of_the_sentence(company, sign_in, done):
    """And the form of a scenario that it leads to stands filled in, with nothing to complain of."""
    client = sign_in(company.cast.ops)
    rows = rows_of(page_of(client, done, "?counted=suggested"))
    address = next(row.what_if_url for row in rows if row.what_if_url)
    assert urlsplit(address).path == "/scenarios/new/"
    asked = json.loads(parse_qs(urlsplit(address).query)["definition"][0])["model"]
    assert asked["version"] == done.tiering_model.number
    assert asked["guards"] == "run out"
    assert asked.get("weights") or asked["bounds"][0]["value"] is not None
    response = client.get(address)
    assert [str(one) for one in response.context["messages"]] == []
    assert {one.get("name"): one.get("value") for one in read(response).of("input")}["name"]


def test_the_published_version_is_offered_first_however_old_it_is(company):
    first = TieringModel.objects.published().get()
    drafts = [TieringModel(number=first.number + n, name=f"Draft {n}", definition={}) for n in range(1, 121)]
    TieringModel.objects.bulk_create(drafts)
    offered = versions_to_ask()
    assert offered[0] == first
    assert [one.number for one in offered[1:4]] == [first.number + n for n in (120, 119, 118)]


def test_the_file_has_every_number_counted_both_ways(company, sign_in, done):
    response = page_of(sign_in(company.cast.ops), done, "?format=csv")
    assert "sensitivity-version-1" in response["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert {row["counted"] for row in rows} == {"now", "guards run out"}
    assert {row["name"] for row in rows} == {
        knob["name"] for knob in Sensitivity.objects.get(pk=done.pk).result["knobs"]
    }


def test_nobody_but_ops_may_open_it(company, sign_in, done):
    for person in (company.cast.manager, company.cast.csm_a, company.cast.nobody):
        client = sign_in(person)
        assert client.get(reverse("sensitivities")).status_code == 403
        assert page_of(client, done).status_code == 403
        assert client.post(reverse("sensitivity_start"), {"model": 1}).status_code == 403
    assert sign_in(company.cast.ops).get(reverse("sensitivity", args=[98765])).status_code == 404


def test_a_refusal_of_the_computation_is_read_on_its_page(company, sign_in):
    model = TieringModel.objects.published().get()
    this = Sensitivity.objects.create(
        tiering_model=model, as_of=TODAY, status="failed", message="No rate.", finished_at=timezone.now()
    )
    shown = read(page_of(sign_in(company.cast.ops), this)).words
    assert "It failed: No rate. Nothing was changed." in shown
    assert "Ask again" in shown


def test_the_page_of_a_version_leads_here(company, sign_in):
    model = TieringModel.objects.published().get()
    shown = sign_in(company.cast.ops).get(reverse("admin:allocation_tieringmodel_change", args=[model.pk]))
    assert f"{reverse('sensitivities')}?model={model.pk}" in shown.content.decode()
