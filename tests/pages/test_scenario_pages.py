"""Scenarios as pages: the list, one with its answer and its movers, what is done with it, several side by side."""

import csv
import io

import pytest
from django.urls import reverse

from accounts.models import Customer
from allocation.models import AllocationPolicy, Scenario, Staffing, TieringModel
from allocation.services import scenarios
from allocation.tasks.scenarios import compute_scenario
from tests.factories import TODAY, CSMFactory, CustomerFactory
from tests.pages.company import NOW
from tests.pages.reading import plain, read

HIGHEST = {"engagement": {"as": "wished", "without_a_wish": "highest"}}


@pytest.fixture
def rung(monkeypatch):
    bells = []
    for module in ("scenario_actions", "scenario_building"):
        monkeypatch.setattr(f"allocation.views.{module}.ring", lambda task, **ids: bells.append((task, ids)))
    return bells


def asked(actor, definition=None, *, name="What if", computed=True, shared=False):
    row = scenarios.ask_scenario(
        name=name, words="Why not", definition=definition or {}, actor=actor, at=NOW, on=TODAY
    )
    if computed:
        scenarios.compute_scenario(scenario_id=row.pk, owner="test", on=TODAY)
    if shared:
        scenarios.share_scenario(scenario_id=row.pk, shared=True, actor=actor)
    return Scenario.objects.get(pk=row.pk)


def page_of(client, this, query=""):
    return client.get(reverse("scenario", args=[this.pk]) + query)


def weighted(name="Weighted"):
    model = TieringModel.objects.published().get()
    return {"model": {"weights": {model.definition["criteria"][0]["name"]: 9}}}


def test_the_empty_list_leads_to_the_first_question(company, sign_in):
    page = read(sign_in(company.cast.ops).get(reverse("scenarios")))
    assert "No scenario yet" in page.words
    assert reverse("scenario_new") in page.links()


def test_asking_queues_a_row_and_rings_for_it(company, sign_in, rung):
    version = str(TieringModel.objects.published().get().number)
    typed = {"name": "Less", "version": version, "shown_version": version, "amount_0_attribute": "arr", "amount_0_change": "-10"}  # fmt: skip
    response = sign_in(company.cast.manager).post(reverse("scenario_new"), typed)
    made = Scenario.objects.get()
    assert (made.name, made.owner, made.status) == ("Less", company.cast.manager, "queued")
    assert made.definition == {"amounts": [{"attribute": "arr", "change_pct": -10}]}
    assert response.url == reverse("scenario", args=[made.pk])
    assert rung == [(compute_scenario, {"scenario_id": made.pk})]


def test_what_the_service_refuses_is_said_with_everything_that_was_typed(company, sign_in, rung):
    version = str(TieringModel.objects.published().get().number)
    typed = {
        "name": "Odd",
        "version": version,
        "shown_version": version,
        "more": '{"roster": {"without": ["Zoe"]}}',
    }
    for person, names in ((company.cast.ops, True), (company.cast.manager, False)):
        response = sign_in(person).post(reverse("scenario_new"), typed)
        words = plain(read(response).words)
        assert response.status_code == 422
        assert "there is no CSM “Zoe”" in words
        # Whom one could have named is read by CS ops only.
        assert ("Ben Book" in words) is names
        assert '"Zoe"' in words
    assert rung == []


def test_while_it_waits_the_page_says_so_and_asks_again_by_itself(company, sign_in):
    this = asked(company.cast.ops, computed=False)
    client = sign_in(company.cast.ops)
    page = read(page_of(client, this))
    assert "waits for a worker" in page.words
    assert [one for one in page.of("div") if one.get("data-progress-url")]
    assert client.get(reverse("scenario_progress", args=[this.pk])).json()["finished"] is False
    scenarios.compute_scenario(scenario_id=this.pk, owner="test", on=TODAY)
    assert client.get(reverse("scenario_progress", args=[this.pk])).json()["finished"] is True


def test_an_answer_stands_beside_today(company, sign_in):
    Staffing.objects.create(name="Usual", is_active=True, cost_a_head=100_000)
    this = asked(company.cast.ops, HIGHEST)
    response = page_of(sign_in(company.cast.ops), this)
    page = read(response)
    words = plain(page.shown)
    result, today = this.result, this.result["today"]
    assert page.refused_by_policy() == []
    assert "who has said nothing is taken to wish the highest" in words
    assert f"Customers that move {result['moves']}" in words
    assert result["minutes_asked"] > today["minutes_asked"]
    assert result["heads"] > today["heads"]
    tiles = {kpi.label: kpi for kpi in response.context["kpis"]}
    assert tiles["Heads needed"].value == str(result["heads"])
    assert all(kpi.trace for kpi in tiles.values())
    lines = {line.slug: line.cells[0] for line in response.context["tier_lines"]}
    for slug, (now, then, _) in lines.items():
        assert (int(now), int(then)) == (today["tiers"].get(slug, 0), result["tiers"].get(slug, 0)), slug
    assert response.context["total"].cells[0][2] == "±0"
    moving = sum(line.flow.customers for line in response.context["flows"] if line.flow.source)
    assert moving == result["moves"]
    # Looking changed nobody.
    held = dict(
        Customer.objects.values_list("tier__slug").order_by().distinct().values_list("tier__slug", "pk")
    )
    assert set(held) == set(today["tiers"])


def test_a_press_on_a_flow_leads_to_its_customers(company, sign_in):
    this = asked(company.cast.ops, HIGHEST)
    client = sign_in(company.cast.ops)
    everybody = page_of(client, this).context["page"].paginator.count
    line = next(one for one in page_of(client, this).context["flows"] if one.flow.source)
    response = page_of(client, this, f"?was={line.flow.source}&to={line.flow.target}")
    assert response.context["page"].paginator.count == line.flow.customers < everybody
    assert {(one.source.slug, one.target.slug) for one in response.context["movers"]} == {
        (line.flow.source, line.flow.target)
    }
    assert page_of(client, this, "?was=nowhere&to=nowhere").context["movers"] == []


def test_a_manager_reads_the_own_customers_among_the_movers_and_whole_figures(company, sign_in):
    this = asked(company.cast.ops, HIGHEST, shared=True)
    response = page_of(sign_in(company.cast.manager), this)
    words = plain(read(response).words)
    assert "Zebra" not in words
    seen = response.context["page"].paginator.count
    assert 0 < seen < this.result["moves"]
    assert f"{seen} of your teams, of {this.result['moves']} in all" in words
    assert "Make a draft" not in words


def test_a_manager_reads_no_name_of_a_csm_of_another_team(company, sign_in):
    ben = company.cast.csm_b.csm
    definition = {"roster": {"without": [ben.email, company.cast.csm_a.csm.email]}}
    this = asked(company.cast.ops, definition, shared=True)
    words = plain(read(page_of(sign_in(company.cast.manager), this)).words)
    assert "1 CSM of other teams is not there." in words
    assert ben.email not in words
    assert ben.email in plain(read(page_of(sign_in(company.cast.ops), this)).words)


def test_who_copies_and_changes_it_reads_no_such_name_either_and_the_question_stays(company, sign_in, rung):
    ben = company.cast.csm_b.csm
    this = asked(company.cast.ops, {"roster": {"without": [ben.email]}}, shared=True)
    client = sign_in(company.cast.manager)
    client.post(reverse("scenario_copy", args=[this.pk]))
    copy = Scenario.objects.get(owner=company.cast.manager)
    address = reverse("scenario_change", args=[copy.pk])
    shown = client.get(address).content.decode()
    assert ben.email not in shown
    assert "1 CSM of other teams is not there." in shown
    version = str(TieringModel.objects.published().get().number)
    client.post(address, {"name": "Mine", "version": version, "shown_version": version, "guards": "on"})
    copy.refresh_from_db()
    assert copy.definition == {"model": {"guards": "run out"}, "roster": {"without": [ben.email]}}


def test_an_answer_of_another_day_says_so(company, sign_in):
    this = asked(company.cast.ops)
    client = sign_in(company.cast.ops)
    assert "may have changed since" not in read(page_of(client, this)).words
    Scenario.objects.filter(pk=this.pk).update(as_of="2026-01-05")
    assert "Its “today” is 5 Jan 2026" in plain(read(page_of(client, this)).words)


def test_what_is_not_shared_is_not_there_for_another_manager(company, sign_in, rung):
    this = asked(company.cast.ops, HIGHEST)
    client = sign_in(company.cast.manager)
    assert page_of(client, this).status_code == 404
    for name in ("scenario_again", "scenario_copy", "scenario_share", "scenario_retire", "scenario_change"):
        assert client.post(reverse(name, args=[this.pk])).status_code == 404, name
    assert sign_in(company.cast.csm_a).get(reverse("scenarios")).status_code == 403


def test_somebody_elses_shared_scenario_is_copied_and_not_changed(company, sign_in, rung):
    this = asked(company.cast.ops, HIGHEST, shared=True)
    client = sign_in(company.cast.manager)
    for name in ("scenario_again", "scenario_share", "scenario_retire", "scenario_change", "scenario_cancel"):
        assert client.post(reverse(name, args=[this.pk])).status_code == 403, name
    response = client.post(reverse("scenario_copy", args=[this.pk]))
    copy = Scenario.objects.get(owner=company.cast.manager)
    assert response.url == reverse("scenario", args=[copy.pk])
    assert (copy.definition, copy.status) == (this.definition, "queued")
    assert rung == [(compute_scenario, {"scenario_id": copy.pk})]


def test_run_again_shared_and_put_away(company, sign_in, rung):
    this = asked(company.cast.manager, HIGHEST, name="Kept for a while")
    client = sign_in(company.cast.manager)
    client.post(reverse("scenario_share", args=[this.pk]), {"shared": "1"})
    assert Scenario.objects.get().shared is True
    client.post(reverse("scenario_share", args=[this.pk]), {"shared": "0"})
    assert Scenario.objects.get().shared is False
    client.post(reverse("scenario_again", args=[this.pk]))
    assert Scenario.objects.get().status == "queued"
    assert rung == [(compute_scenario, {"scenario_id": this.pk})]
    response = client.post(reverse("scenario_cancel", args=[this.pk]), follow=True)
    assert "nothing of it was kept" in read(response).words
    client.post(reverse("scenario_retire", args=[this.pk]), follow=True)
    assert this.name not in read(client.get(reverse("scenarios"))).shown
    assert this.name in read(client.get(reverse("scenarios") + "?show=away")).shown
    assert "was put away" in read(page_of(client, this)).words


def test_changed_it_is_computed_anew(company, sign_in, rung):
    this = asked(company.cast.ops, HIGHEST)
    client = sign_in(company.cast.ops)
    address = reverse("scenario_change", args=[this.pk])
    page = read(client.get(address))
    chosen = [one.get("value") for one in page.of("option") if "selected" in one]
    assert "wished, highest" in chosen
    version = str(TieringModel.objects.published().get().number)
    client.post(address, {"name": "Other", "version": version, "shown_version": version, "guards": "on"})
    row = Scenario.objects.get()
    assert (row.name, row.definition, row.status) == ("Other", {"model": {"guards": "run out"}}, "queued")
    assert rung == [(compute_scenario, {"scenario_id": this.pk})]


def test_a_failure_is_a_sentence_on_the_page(company, sign_in):
    this = asked(company.cast.ops, computed=False)
    Scenario.objects.filter(pk=this.pk).update(status="failed", message="No rate of EUR.")
    words = plain(read(page_of(sign_in(company.cast.ops), this)).words)
    assert "It could not be computed: No rate of EUR. Change what it names, or run it again." in words


def test_ops_make_a_draft_model_and_a_draft_policy_of_it_and_nobody_else(company, sign_in):
    definition = weighted() | {"policy": {"weight_hours": 11}}
    this = asked(company.cast.ops, definition, shared=True)
    addresses = [reverse(f"scenario_draft_{what}", args=[this.pk]) for what in ("model", "policy")]
    for address in addresses:
        assert sign_in(company.cast.manager).post(address).status_code == 403
    client = sign_in(company.cast.ops)
    model, policy = (client.post(address).url for address in addresses)
    draft = TieringModel.objects.get(status="draft")
    made = AllocationPolicy.objects.get(is_active=False)
    assert model == reverse("admin:allocation_tieringmodel_change", args=[draft.pk])
    assert policy == reverse("admin:allocation_allocationpolicy_change", args=[made.pk])
    assert (draft.definition["criteria"][0]["weight"], made.weight_hours) == (9, 11)
    page = read(page_of(client, this))
    assert {model, policy} <= set(page.links())
    assert "Make a draft" not in page.words


def test_a_draft_is_offered_only_of_what_is_changed(company, sign_in):
    client = sign_in(company.cast.ops)
    shown = {}
    for name, definition in (
        ("people", {"roster": {"add": [{"heads": 1}]}}), ("guards", {"model": {"guards": "run out"}}),
        ("weights", weighted()), ("points", {"policy": {"weight_fit": 2}}),
    ):  # fmt: skip
        this = asked(company.cast.ops, definition, name=name)
        shown[name] = page_of(client, this).context["drafts"]
    assert shown == {"people": (), "guards": (), "weights": ("model",), "points": ("policy",)}


def test_planned_books_say_who_is_served_and_what_lacks(company, sign_in):
    for number in range(2):  # 416 h a month each: more than anybody has
        CustomerFactory(name=f"New {number}", arr=20_000)
    definition = {"books": "planned anew", "tiers": {"scale": {"hours_a_year": 5000}}}
    this = asked(company.cast.ops, definition)
    response = page_of(sign_in(company.cast.ops), this)
    words = plain(read(response).shown)
    books = this.result["books"]
    assert books["unassigned"] == 2
    assert f"Assigned {books['assigned']}" in words
    assert f"Nobody has room {books['unassigned']}" in words
    assert [line["pool"] for line in response.context["shortages"]] == [
        one["pool"] for one in books["shortages"]
    ]


# ---- side by side ----


def side_by_side(client, *rows, query=""):
    asked_for = "&".join(f"s={row.pk}" for row in rows)
    return client.get(f"{reverse('scenario_compare')}?{asked_for}{query}", follow=True)


def cells(response):
    return {row.key: row for group in response.context["groups"] for row in group.rows}


def test_two_stand_beside_today_and_the_best_and_worst_are_named_in_words(company, sign_in):
    first = asked(company.cast.ops, HIGHEST, name="Highest")
    second = asked(company.cast.ops, {"amounts": [{"attribute": "arr", "change_pct": -90}]}, name="Poorer")
    response = side_by_side(sign_in(company.cast.ops), first, second)
    rows, page = cells(response), read(response)
    assert [cell.name for cell in rows["hours_asked"].cells] == ["Today", "Highest", "Poorer"]
    assert [cell.value for cell in rows["hours_asked"].cells] == [
        first.result["today"]["minutes_asked"], first.result["minutes_asked"], second.result["minutes_asked"],
    ]  # fmt: skip
    assert [cell.mark for cell in rows["hours_asked"].cells] == ["", "worst", "best"]
    # Nobody moves today: it takes no part.
    assert [bool(cell.mark) for cell in rows["moves"].cells] == [False, True, True]
    assert {
        cell.mark for key, row in rows.items() if key.startswith(("customers_", "arr_")) for cell in row.cells
    } == {""}
    assert "worst" in page.shown
    assert all(row.trace for row in rows.values())
    assert page.refused_by_policy() == []
    assert len([one for one in page.of("svg") if "chart-small" in one.get("class", "")]) == 2


def test_what_more_than_half_have_is_neither_best_nor_worst(company, sign_in):
    alike = [asked(company.cast.ops, name=f"Same {number}") for number in range(2)]
    rows = cells(side_by_side(sign_in(company.cast.ops), *alike))
    assert {cell.mark for row in rows.values() for cell in row.cells} == {""}


def test_another_day_and_planned_books_are_said_in_words(company, sign_in):
    first, second = (
        asked(company.cast.ops, name="First"),
        asked(company.cast.ops, {"books": "planned anew"}, name="Second"),
    )
    client = sign_in(company.cast.ops)
    response = side_by_side(client, first, second)
    words = plain(read(response).words)
    assert "The books are planned anew in “Second” only" in words
    # What cannot be compared has no best and no worst.
    assert {cell.mark for cell in cells(response)["gini"].cells} == {""}
    assert "different days" not in words
    Scenario.objects.filter(pk=first.pk).update(as_of="2026-01-05")
    assert "computed on different days" in plain(read(side_by_side(client, first, second)).words)


@pytest.mark.parametrize("chosen", [0, 1, 5])
def test_fewer_than_two_or_more_than_four_lead_back_with_a_sentence(company, sign_in, chosen):
    rows = [asked(company.cast.ops, name=f"Number {number}") for number in range(chosen)]
    response = side_by_side(sign_in(company.cast.ops), *rows)
    assert "Tick 2 to 4 scenarios that are computed" in plain(read(response).words)


def test_what_one_may_not_see_is_not_laid_beside(company, sign_in):
    own = [asked(company.cast.manager, name=f"Own {number}") for number in range(2)]
    other = asked(company.cast.ops, name="Hidden")
    response = side_by_side(sign_in(company.cast.manager), *own, other)
    assert [one.name for one in response.context["found"]] == ["Own 0", "Own 1"]
    assert "Hidden" not in read(response).words


def test_the_file_has_the_numbers_of_the_table(company, sign_in):
    first = asked(company.cast.ops, HIGHEST, name="=1+1")
    second = asked(company.cast.ops, name="Plain")
    response = side_by_side(sign_in(company.cast.ops), first, second, query="&format=csv")
    assert response["Content-Type"].startswith("text/csv")
    head, *lines = csv.reader(io.StringIO(response.content.decode()))
    assert head == ["figure", "what", "today", "'=1+1", "Plain"]
    found = {line[0]: line[2:] for line in lines}
    assert found["moves"] == ["0", str(first.result["moves"]), str(second.result["moves"])]
    assert float(found["hours_asked"][1]) == pytest.approx(first.result["minutes_asked"] / 60, abs=1e-4)
    cents = first.result["arr_cents_by_tier"]["global"]
    assert float(found["arr_global"][1]) == pytest.approx(cents / 100)


def test_a_manager_reads_no_name_of_another_team_where_a_copy_is_refused(company, sign_in, rung):
    gone = CSMFactory(name="Zoe Gone", email="zoe@example.com", team=company.cast.team_b)
    this = asked(company.cast.ops, {"roster": {"without": ["zoe@example.com"]}}, shared=True)
    gone.delete()
    client = sign_in(company.cast.manager)
    said = read(client.post(reverse("scenario_copy", args=[this.pk]), follow=True)).words
    assert "there is no CSM of that name." in said
    assert "zoe@example.com" not in said
    assert company.cast.csm_b.csm.name not in said
