"""Tiering models in the admin: drafts are checked, a published version never changes, playbooks are loaded here."""

import html
import json

import pytest
from django.urls import reverse

from accounts.models import Tier
from allocation.models import TieringModel
from allocation.querysets.versions import definition_digest
from tests import factories
from tests.admin.world import DEFINITION

LIST = "/admin/allocation/tieringmodel/"


def tiers():
    factories.TierFactory(slug="top", name="Top", rank=1)
    factories.TierFactory(slug="base", name="Base", rank=2)


def test_a_draft_gets_the_next_number(cast, sign_in):
    tiers()
    client = sign_in(cast.ops)
    for number in (1, 2):
        response = client.post(f"{LIST}add/", {"name": "Mine", "definition": json.dumps(DEFINITION)})
        assert response.status_code == 302, response.context["errors"]
        model = TieringModel.objects.get(number=number)
        assert (model.status, model.created_by, len(model.digest)) == ("draft", cast.ops, 64)


def test_a_draft_that_cannot_be_used_is_refused_with_every_fault(cast, sign_in):
    tiers()
    faulty = DEFINITION | {
        "tiers": [{"tier": "nowhere", "when": [{"attribute": "shoe_size", "op": ">=", "value": 43}]}]
    }
    response = sign_in(cast.ops).post(f"{LIST}add/", {"name": "Mine", "definition": json.dumps(faulty)})
    page = response.content.decode()
    assert "nowhere" in page
    assert "shoe_size" in page
    refused = page[page.index('id="save-refused"') : page.index('class="rule-editor"')]
    assert all(words in refused for words in ("Nothing is saved yet.", "nowhere", "shoe_size"))
    assert not TieringModel.objects.exists()


def test_an_unfinished_condition_is_not_saved(cast, sign_in):
    tiers()
    model = TieringModel.objects.create(number=1, name="Mine", definition=DEFINITION)
    rule = {"tier": "top", "when": [{"attribute": "vertical", "op": "is", "value": ""}]}
    form = {
        "name": "Mine",
        "definition": json.dumps(DEFINITION | {"tiers": [rule, *DEFINITION["tiers"]]}),
        "seen_digest": model.digest,
    }
    response = sign_in(cast.ops).post(f"{LIST}{model.pk}/change/", form)
    assert "Tier rule 1, “Top”: choose a value for vertical." in response.content.decode()
    model.refresh_from_db()
    assert model.definition == DEFINITION


@pytest.mark.parametrize("status", ["draft", "published"])
def test_the_document_is_shown_one_thing_a_line(cast, sign_in, status):
    tiers()
    model = TieringModel.objects.create(number=1, name="Mine", definition=DEFINITION, status=status)
    page = html.unescape(sign_in(cast.ops).get(f"{LIST}{model.pk}/change/").content.decode())
    shown = [line.strip() for line in page.splitlines()]
    # PostgreSQL keeps the keys in an order of its own
    assert {'"segments": [', '"tiers": [', '"value": 100000'} <= {line.rstrip(",") for line in shown}


def test_publishing_retires_the_version_before(cast, sign_in):
    tiers()
    old = TieringModel.objects.create(number=1, name="Old", definition=DEFINITION, status="published")
    new = TieringModel.objects.create(number=2, name="New", definition=DEFINITION)
    client = sign_in(cast.ops)
    assert "Publish" in client.get(f"{LIST}{new.pk}/change/").content.decode()
    client.post(f"{LIST}{new.pk}/publish/")
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.status, new.status, new.published_by) == ("retired", "published", cast.ops)


def test_a_version_whose_tiers_were_retired_since_is_still_read_and_compared(cast, sign_in):
    tiers()
    heavier = {**DEFINITION, "criteria": [{**DEFINITION["criteria"][0], "weight": 3}]}
    old = TieringModel.objects.create(number=1, name="Old", definition=DEFINITION, status="retired")
    now = TieringModel.objects.create(number=2, name="Now", definition=heavier, status="published")
    Tier.objects.update(retired=True)
    client = sign_in(cast.ops)
    for version, note in (
        (old, "A draft of this version could not be published as things are now."),
        (now, "Runs cannot use this version any more."),
    ):
        page = client.get(f"{LIST}{version.pk}/change/").content.decode()
        assert note in page
        assert "The tier “Top” is retired" in page
        assert 'class="what"' in page  # and its rules are there in words
        assert "ARR ≥ 100,000" in page
        assert "it can be used" not in page
    page = client.get(f"{LIST}{now.pk}/compare/", {"with": old.pk}).content.decode()
    assert "The criterion “Health” has another weight: 1 → 3." in page
    assert "Not to be compared" not in page
    assert "as things are now it could not be published: The tier “Top” is retired" in page
    # reading it is no way to use it
    copy = client.post(f"{LIST}{old.pk}/draft/", follow=True).context["original"]
    page = client.post(f"{LIST}{copy.pk}/publish/", follow=True).content.decode()
    assert "The tier “Top” is retired, so no rule may lead to it." in page
    copy.refresh_from_db()
    assert copy.status == "draft"


def test_a_published_version_never_changes(cast, sign_in):
    tiers()
    model = TieringModel.objects.create(number=1, name="Old", definition=DEFINITION, status="published")
    client = sign_in(cast.ops)
    form = {"name": "Changed", "definition": "{}"}
    assert client.post(f"{LIST}{model.pk}/change/", form).status_code == 403
    for status, said in (
        ("published", "Version 1 is published already."),
        ("retired", "Version 1 was in force and is retired; make a new draft"),
    ):
        TieringModel.objects.filter(pk=model.pk).update(status=status)
        page = client.post(
            f"{LIST}{model.pk}/publish/", follow=True
        ).content.decode()  # from a page grown old
        assert said in page
        model.refresh_from_db()
        assert (model.status, model.published_by) == (status, None)
    assert client.get(f"{LIST}{model.pk}/publish/").status_code == 403
    model.refresh_from_db()
    assert model.name == "Old"


def test_nothing_is_published_by_a_link(cast, sign_in):
    tiers()
    model = TieringModel.objects.create(number=1, name="New", definition=DEFINITION)
    assert sign_in(cast.ops).get(f"{LIST}{model.pk}/publish/").status_code == 403
    model.refresh_from_db()
    assert model.status == "draft"


def test_a_version_is_shown_in_words(cast, sign_in):
    tiers()
    model = TieringModel.objects.create(number=1, name="Old", definition=DEFINITION, status="published")
    page = sign_in(cast.ops).get(f"{LIST}{model.pk}/change/").content.decode()
    for words in ("ARR ≥ 100,000", "everyone else", "0 points at 0, 100 at 100, evenly between", "100 %"):
        assert words in page


def test_a_playbook_is_loaded_and_published(cast, sign_in):
    client = sign_in(cast.ops)
    assert "three-axis" in client.get(f"{LIST}playbooks/").content.decode()
    client.post(f"{LIST}playbooks/", {"slug": "three-axis", "draft": "1"})
    assert TieringModel.objects.get().status == "draft"
    client.post(f"{LIST}playbooks/", {"slug": "three-axis", "publish": "1"})
    assert TieringModel.objects.filter(status="published").count() == 1
    assert Tier.objects.filter(retired=False).count() == 3


def test_an_unknown_playbook_is_refused_with_a_sentence(cast, sign_in):
    response = sign_in(cast.ops).post(f"{LIST}playbooks/", {"slug": "../etc"}, follow=True)
    assert response.status_code == 200
    assert [message.level_tag for message in response.context["messages"]] == ["error"]


def test_a_draft_published_while_its_page_is_saved_does_not_change(cast, sign_in, monkeypatch):
    tiers()
    model = TieringModel.objects.create(number=1, name="Mine", definition=DEFINITION)

    def published_meanwhile(*, definition):
        TieringModel.objects.update(status="published")
        return "0" * 64

    monkeypatch.setattr("allocation.admin.models_of_tiering.definition_digest", published_meanwhile)
    form = {"name": "Changed", "definition": json.dumps(DEFINITION)}
    assert sign_in(cast.ops).post(f"{LIST}{model.pk}/change/", form).status_code == 403
    model.refresh_from_db()
    assert model.name == "Mine"


def test_a_draft_saved_by_somebody_else_while_its_page_is_saved_is_not_written_over(
    cast, sign_in, monkeypatch
):
    tiers()
    seen = definition_digest(definition=DEFINITION)
    model = TieringModel.objects.create(number=1, name="Mine", definition=DEFINITION, digest=seen)
    theirs = {**DEFINITION, "guards": {"dead_band": None}}

    def saved_meanwhile(*, definition):  # after the form was checked, before the row is written
        digest = definition_digest(definition=theirs)
        TieringModel.objects.update(name="Theirs", definition=theirs, digest=digest)
        return definition_digest(definition=definition)

    monkeypatch.setattr("allocation.admin.models_of_tiering.definition_digest", saved_meanwhile)
    form = {"name": "Changed", "definition": json.dumps(DEFINITION), "seen_digest": seen}
    assert sign_in(cast.ops).post(f"{LIST}{model.pk}/change/", form).status_code == 403
    model.refresh_from_db()
    assert model.name == "Mine"  # all of this request is taken back, what it played of the other one too


@pytest.mark.parametrize(
    "definition",
    [
        json.dumps(DEFINITION).replace('"Everyone"', '"Every\\u0000one"'),  # PostgreSQL keeps no NUL
        json.dumps({**DEFINITION, "segments": [{"name": "Everyone", "note": float("nan")}]}),  # nor NaN
        json.dumps(DEFINITION).replace('"Everyone"', '"Every\\ud800one"'),  # nor half of a character
        json.dumps(DEFINITION).replace(
            '"Everyone"', '"Every\\ude00\\ud83done"'
        ),  # nor two halves the wrong way round
        json.dumps({**DEFINITION, "\udfff": 1}),
        json.dumps({**DEFINITION, "segments": [1]}).replace("1", "1" * 5000),  # more digits than Python reads
        "[" * 5000 + "]" * 5000,
        "{",
    ],
    ids=["NUL", "NaN", "half", "halves", "half in a name", "digits", "brackets", "cut off"],
)
def test_a_document_that_cannot_be_stored_is_refused_with_the_page(definition, cast, sign_in):
    tiers()
    client = sign_in(cast.ops)
    response = client.post(f"{LIST}add/", {"name": "Mine", "definition": definition})
    assert response.status_code == 200
    assert response.context["errors"]
    assert not TieringModel.objects.exists()
    counted = client.post(reverse("admin:allocation_tieringmodel_count_new"), {"definition": definition})
    assert counted.json()["faults"]


def test_a_character_written_as_its_two_halves_is_stored(cast, sign_in):
    tiers()
    definition = json.dumps(DEFINITION).replace('"Everyone"', '"Every\\ud83d\\ude00one"')
    sign_in(cast.ops).post(f"{LIST}add/", {"name": "Mine", "definition": definition})
    assert TieringModel.objects.get().definition["segments"][0]["name"] == "Every\N{GRINNING FACE}one"
