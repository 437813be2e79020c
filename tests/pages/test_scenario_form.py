"""The form of a scenario as a page: presets, another version's numbers, whose words a manager chooses among."""

import copy
import json

import pytest
from django.urls import reverse

from accounts.models import Tier
from allocation.models import Scenario, TieringModel
from allocation.selectors.scenario_ground import ground
from tests.factories import TODAY
from tests.pages.reading import plain, read
from tests.pages.test_scenario_pages import asked


@pytest.fixture
def today(company):
    return ground(user=company.cast.ops, version=None, on=TODAY)


def test_a_bound_is_offered_where_rule_and_attribute_name_exactly_one(today, company):
    model = TieringModel.objects.published().get()
    twice = copy.deepcopy(model.definition)
    bound = today.bounds[0]
    for part, key in (("segments", "name"), ("tiers", "tier")):
        for row in twice[part]:
            if row[key] == bound.rule:
                row["when"] = [*row["when"], {"attribute": bound.attribute, "op": "<", "value": 10**9}]
    draft = TieringModel.objects.draft(name="Twice", definition=twice, created_by_id=None)
    shown = ground(user=company.cast.ops, version=draft.number, on=TODAY)
    assert (bound.rule, bound.attribute) not in {(one.rule, one.attribute) for one in shown.bounds}
    assert shown.version == draft.number != shown.published


def test_a_preset_fills_the_form_in(company, sign_in, today):
    page = read(sign_in(company.cast.ops).get(reverse("scenario_new") + "?preset=arr"))
    values = {one.get("name"): one.get("value") for one in page.of("input")}
    assert values["name"] == "ARR −10 %"
    assert values["amount_0_change"] == "-10"
    assert page.refused_by_policy() == []


def test_a_preset_asked_twice_gets_a_name_that_is_free(company, sign_in):
    ops = company.cast.ops

    def name():
        page = read(sign_in(ops).get(reverse("scenario_new") + "?preset=arr"))
        return next(one["value"] for one in page.of("input") if one.get("name") == "name")

    asked(ops, name="ARR −10 %")
    assert name() == "ARR −10 % (2)"
    asked(company.cast.manager, name="ARR −10 % (2)")  # somebody else's takes no name from anybody
    assert name() == "ARR −10 % (2)"
    asked(ops, name="ARR −10 % (2)")
    assert name() == "ARR −10 % (3)"


def test_a_question_in_the_address_stands_in_the_form(company, sign_in, today):
    bound, place = today.bounds[0], 0
    asked_for = {"model": {"version": today.version, "bounds": [
        {"rule": bound.rule, "attribute": bound.attribute, "value": 12345}
    ]}}  # fmt: skip
    client = sign_in(company.cast.ops)
    page = read(client.get(reverse("scenario_new"), {"definition": json.dumps(asked_for)}))
    values = {one.get("name"): one.get("value") for one in page.of("input")}
    assert values[f"bound_{place}"] == "12345"
    assert "12,345 instead of" in plain(values["name"])


@pytest.mark.parametrize("odd", ["", "{", "[]", "7", "null", "[" * 5000, '{"model": 3}', '{"tea": 1}', '{"model": {"version": 99}}'])  # fmt: skip
def test_a_question_in_the_address_that_cannot_be_asked_is_said_over_an_empty_form(
    company, sign_in, today, odd
):
    response = sign_in(company.cast.ops).get(reverse("scenario_new"), {"definition": odd})
    page = read(response)
    assert response.status_code == 200
    assert [str(one) for one in response.context["messages"]] or "note-bad" in page.shown
    assert {one.get("name"): one.get("value") for one in page.of("input")}.get("name") in (None, "")


def test_a_managers_address_does_not_tell_whether_another_team_has_a_csm(company, sign_in):
    """The page for one that there is and one that is made up differs in nothing but the name."""
    shown = set()
    for name in (company.cast.csm_b.csm.email, "nobody@example.com"):
        given = {"definition": json.dumps({"roster": {"without": [name]}})}
        page = read(sign_in(company.cast.manager).get(reverse("scenario_new"), given))
        assert f"there is no CSM “{name}”" in page.words
        shown.add(page.words.replace(name, "NAME"))
    assert len(shown) == 1


def test_another_version_shows_its_numbers_and_keeps_what_was_typed(company, sign_in, today):
    other = copy.deepcopy(TieringModel.objects.published().get().definition)
    other["criteria"][0]["weight"] = 77
    draft = TieringModel.objects.draft(name="Other", definition=other, created_by_id=None)
    client = sign_in(company.cast.ops)
    typed = {
        "name": "Kept", "version": str(draft.number), "shown_version": str(today.version), "weight_0": "5", "look": "1",
    }  # fmt: skip
    response = client.post(reverse("scenario_new"), typed)
    page = read(response)
    values = {one.get("name"): one.get("value") for one in page.of("input")}
    assert (values["name"], values["shown_version"], values.get("weight_0")) == (
        "Kept",
        str(draft.number),
        None,
    )
    assert "77" in page.words
    assert not Scenario.objects.exists()


def test_a_version_whose_numbers_were_not_shown_is_refused(company, sign_in, today):
    draft = TieringModel.objects.draft(name="Other", definition={}, created_by_id=None)
    response = sign_in(company.cast.ops).post(
        reverse("scenario_new"),
        {"name": "Other", "version": str(draft.number), "shown_version": str(today.version)},
    )
    assert response.status_code == 422
    assert "Show its numbers" in read(response).words
    assert not Scenario.objects.exists()


def test_without_a_model_people_and_books_can_still_be_asked_about(cast, sign_in):
    page = read(sign_in(cast.ops).get(reverse("scenario_new")))
    assert "No tiering model is there yet" in plain(page.words)


def test_a_retired_tier_is_not_offered(today, company):
    Tier.objects.filter(slug=today.tiers[0].slug).update(retired=True)
    shown = ground(user=company.cast.ops, version=None, on=TODAY)
    assert today.tiers[0].slug not in {tier.slug for tier in shown.tiers}


def test_a_manager_chooses_among_the_own_csms_and_words(company):
    shown = ground(user=company.cast.manager, version=None, on=TODAY)
    assert "Zebraland" not in shown.countries
    assert [name for _, name in shown.csms if "Ben" in name] == []
