"""Pages about tiering models: new draft, compare, preview, live counts, lock; for CS ops and nobody else."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import timezone

from accounts import roles
from accounts.models import TouchActivity
from allocation.models import ModelLock, RetierRun, TieringModel
from allocation.selectors.model_editor import STAGES
from allocation.services.models import publish_model
from tests import factories
from tests.admin.test_screens import assert_clean
from tests.admin.world import DEFINITION

LIST = "/admin/allocation/tieringmodel/"
PAGES = ("compare", "preview")


@pytest.fixture
def tiers(db):
    top = factories.TierFactory(slug="top", name="Top", rank=1)
    base = factories.TierFactory(slug="base", name="Base", rank=2)
    for tier in (top, base):
        factories.TouchActivityFactory(tier=tier)
    return top, base


@pytest.fixture
def published(tiers):
    return TieringModel.objects.create(number=1, name="Now", definition=DEFINITION, status="published")


@pytest.fixture
def draft(published):
    changed = {**DEFINITION, "criteria": [{**DEFINITION["criteria"][0], "weight": 3}]}
    return TieringModel.objects.draft(name="Next", definition=changed, created_by_id=None)


def words(response):
    return response.content.decode()


def said(response):
    return [(message.level_tag, str(message)) for message in response.context["messages"]]


@pytest.mark.parametrize("who", ["manager", "csm_a", "nobody"])
def test_only_ops_may_open_or_do_anything_here(who, cast, sign_in, draft):
    client = sign_in(getattr(cast, who))
    doors = [("get", f"{LIST}{draft.pk}/{page}/") for page in PAGES]
    doors += [("post", f"{LIST}{draft.pk}/{page}/") for page in ("draft", "publish", "count")]
    doors += [("post", f"{LIST}count/"), ("get", f"{LIST}lock/"), ("post", f"{LIST}lock/")]
    answers = {door: getattr(client, door[0])(door[1], {"definition": "{}"}).status_code for door in doors}
    assert {door: status for door, status in answers.items() if status not in (302, 403)} == {}
    assert TieringModel.objects.count() == 2
    assert not ModelLock.objects.exists()


def test_who_may_enter_the_admin_but_not_make_models_is_refused_too(cast, sign_in, draft):
    rights = Permission.objects.filter(content_type__model="tieringmodel").exclude(
        codename="view_tieringmodel"
    )
    Group.objects.get(name=roles.OPS).permissions.remove(*rights)
    client = sign_in(cast.ops)
    assert client.get(f"{LIST}{draft.pk}/change/").status_code == 200  # seeing a version is another right
    answers = {page: client.get(f"{LIST}{draft.pk}/{page}/").status_code for page in PAGES}
    answers |= {
        page: client.post(f"{LIST}{draft.pk}/{page}/").status_code for page in ("draft", "count", "publish")
    }
    answers |= {"lock": client.get(f"{LIST}lock/").status_code}
    assert set(answers.values()) == {403}
    assert TieringModel.objects.count() == 2


def test_a_new_draft_is_made_with_the_button_of_the_list_and_copies_the_version_in_force(
    cast, sign_in, draft, published
):
    client = sign_in(cast.ops)
    page = words(client.get(LIST))
    assert f'action="{LIST}{published.pk}/draft/"' in page
    response = client.post(f"{LIST}{published.pk}/draft/", follow=True)
    assert said(response) == [("success", "Version 3 is a draft with the rules of version 1.")]
    copy = TieringModel.objects.get(number=3)
    assert (copy.definition, copy.status, copy.created_by) == (DEFINITION, "draft", cast.ops)
    assert client.get(f"{LIST}{published.pk}/draft/").status_code == 403  # never by a link


def test_a_version_is_compared_with_the_one_in_force_unless_another_is_asked_for(
    cast, sign_in, draft, published
):
    other = TieringModel.objects.draft(name="Other", definition=draft.definition, created_by_id=None)
    client = sign_in(cast.ops)
    response = client.get(f"{LIST}{draft.pk}/compare/")
    assert_clean(response)
    assert response.context["old"] == published
    assert "The criterion “Health” has another weight: 1 → 3." in words(response)
    same = client.get(f"{LIST}{draft.pk}/compare/", {"with": other.pk})
    assert same.context["old"] == other
    assert "Nothing differs" in words(same)


@pytest.mark.parametrize("asked", ["", "0", "999999999999", "nonsense", "١"])
def test_an_answer_is_there_whatever_is_asked_for(asked, cast, sign_in, draft, published):
    response = sign_in(cast.ops).get(f"{LIST}{draft.pk}/compare/", {"with": asked})
    assert response.context["old"] == published


def test_the_version_in_force_is_compared_with_the_one_before_and_the_only_one_with_none(
    cast, sign_in, published
):
    client = sign_in(cast.ops)
    assert "The only version" in words(client.get(f"{LIST}{published.pk}/compare/"))
    draft = TieringModel.objects.draft(name="Next", definition=DEFINITION, created_by_id=None)
    publish_model(model_id=draft.pk, at=timezone.now())
    assert client.get(f"{LIST}{draft.pk}/compare/").context["old"] == published


def test_a_version_that_names_what_is_gone_is_not_compared_but_said(cast, sign_in, draft, tiers):
    TieringModel.objects.filter(pk=draft.pk).update(definition={**DEFINITION, "tiers": [{"tier": "gone"}]})
    page = words(sign_in(cast.ops).get(f"{LIST}{draft.pk}/compare/"))
    assert "cannot be read with today's tiers and attributes" in page
    assert "There is no tier “gone”" in page


def test_the_preview_shows_what_would_happen_and_stores_nothing(cast, sign_in, draft, tiers):
    _, base = tiers
    since = timezone.localdate() - timedelta(days=400)
    rises = factories.CustomerFactory(name="Riser", arr=200000, tier=base, tier_since=since)
    factories.CustomerFactory(name="Stayer", arr=1, tier=base, tier_since=since)
    factories.CustomerFactory(name="Newcomer", arr=1)
    response = sign_in(cast.ops).get(f"{LIST}{draft.pk}/preview/")
    assert_clean(response)
    page = words(response)
    found = response.context["preview"]
    assert (found.customers, found.moves, found.ups, found.first_tiers) == (3, 1, 1, 1)
    assert "Riser" in page
    assert "Stayer" not in page
    assert "Top: ARR ≥ 100,000; ARR 200,000" in page
    assert "flow-up" in page
    assert not RetierRun.objects.exists()
    rises.refresh_from_db()
    assert rises.tier == base


def test_the_preview_names_whom_a_guard_holds_back(cast, sign_in, draft, tiers):
    since = timezone.localdate() - timedelta(days=400)
    factories.CustomerFactory(name="Payer", arr=1, tier=tiers[0], tier_since=since, paid_tier=tiers[0])
    response = sign_in(cast.ops).get(f"{LIST}{draft.pk}/preview/")
    assert_clean(response)
    held = words(response).split('id="held"')[1].split("</section>")[0]
    assert "Who they are" in held
    assert '<td data-label="Guard">Paid floor</td>' in held
    assert "Payer" in held
    assert "paid floor: never below the tier they pay for (the rules say Base: everyone else)" in held


def test_out_of_a_retired_tier_the_preview_and_the_counts_show_no_direction(cast, sign_in, draft):
    old = factories.TierFactory(slug="old", name="Old", rank=9, retired=True)
    since = timezone.localdate() - timedelta(days=400)
    factories.CustomerFactory(name="Riser", arr=200000, tier=old, tier_since=since)
    client = sign_in(cast.ops)
    response = client.get(f"{LIST}{draft.pk}/preview/")
    assert "0 up, 0 down, 1 from a tier no longer in use" in words(response)
    body = response.content.decode()
    assert "flow-none" in body
    assert "swatch-none" in body
    assert "flow-up" not in body
    assert "▲" not in body
    found = counts(client, f"{draft.pk}/", DEFINITION)
    assert (found["ups"], found["downs"], found["directions"]) == (
        0, 0, "0 up, 0 down, 1 from a tier no longer in use",
    )  # fmt: skip


def test_a_preview_that_cannot_be_computed_says_why(cast, sign_in, draft):
    client = sign_in(cast.ops)
    factories.CustomerFactory(arr=5, currency="CHF")
    assert "CHF" in words(client.get(f"{LIST}{draft.pk}/preview/"))
    TieringModel.objects.filter(pk=draft.pk).update(definition={})
    assert "The segments must be a list" in words(client.get(f"{LIST}{draft.pk}/preview/"))


def test_without_customers_the_preview_says_so(cast, sign_in, draft):
    assert "Import customers first" in words(sign_in(cast.ops).get(f"{LIST}{draft.pk}/preview/"))


def counts(client, path, definition):
    text = definition if isinstance(definition, str) else json.dumps(definition)
    response = client.post(f"{LIST}{path}count/", {"definition": text})
    assert response.status_code == 200, response.content
    return response.json()


def test_live_counts_are_those_of_the_engine(cast, sign_in, draft, tiers):
    for arr in (150000, 100000, 99999, 10):
        factories.CustomerFactory(arr=arr)
    gone = factories.CustomerFactory(arr=900000, status="left")
    client = sign_in(cast.ops)
    for path in ("", f"{draft.pk}/"):
        found = counts(client, path, DEFINITION)
        assert found["faults"] == []
        assert found["customers"] == 4
        assert found["tiers"] == [{"matches": 2, "gets": 2}, {"matches": 4, "gets": 2}]
        assert found["segments"] == [{"matches": 4, "gets": 4}]
        assert found["criteria"] == [0]
        assert found["first_tiers"] == 4
        assert found["directions"] == "0 up, 0 down"
        assert [(line["name"], line["now"], line["then"]) for line in found["spread"]] == [
            ("Top", 0, 2),
            ("Base", 0, 2),
            ("No tier", 4, 0),
        ]
    gone.refresh_from_db()
    assert gone.tier is None


def test_a_fault_is_counted_as_none_and_said_where_it_lies(cast, sign_in, draft):
    client = sign_in(cast.ops)
    faulty = {**DEFINITION, "tiers": [{"tier": "nowhere"}]}
    [fault] = counts(client, "", faulty)["faults"]
    assert (fault["part"], fault["index"]) == ("tiers", 0)
    assert fault["words"].startswith("There is no tier “nowhere”")
    assert "valid JSON" in counts(client, "", "{")["faults"][0]["words"]
    assert counts(client, "", "")["faults"]
    factories.CustomerFactory(arr=5, currency="CHF")
    assert "CHF" in counts(client, "", DEFINITION)["faults"][0]["words"]


def test_counts_are_asked_for_by_post_of_drafts_and_with_the_token(cast, draft, published):
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.ops)
    assert client.post(f"{LIST}{draft.pk}/count/", {"definition": "{}"}).status_code == 403
    assert client.get(f"{LIST}{draft.pk}/count/").status_code == 405
    plain = Client()
    plain.force_login(cast.ops)
    assert plain.post(f"{LIST}{published.pk}/count/", {"definition": "{}"}).status_code == 403
    assert plain.post(f"{LIST}999/count/", {"definition": "{}"}).status_code == 404


def test_the_page_of_a_draft_has_the_editor_and_the_text_it_works_on(cast, sign_in, draft):
    response = sign_in(cast.ops).get(f"{LIST}{draft.pk}/change/")
    assert_clean(response)
    page = words(response)
    assert 'id="rule-catalogue" type="application/json"' in page
    assert f'data-count-url="{LIST}{draft.pk}/count/"' in page
    assert 'name="definition"' in page
    assert 'type="module" src="/static/cstiers/js/rule-editor.js"' in page
    assert set(response.context["catalogue"]["stages"]) == set(STAGES)


def test_a_name_that_is_a_script_stays_a_name(cast, sign_in, draft, tiers):
    factories.VerticalFactory(name="</script><script>alert(1)</script>")
    response = sign_in(cast.ops).get(f"{LIST}{draft.pk}/change/")
    assert_clean(response)
    assert "<script>alert" not in words(response)


def test_the_text_is_one_thing_a_line_and_comes_back_as_it_was_typed(cast, sign_in, draft):
    client = sign_in(cast.ops)
    text = client.get(f"{LIST}{draft.pk}/change/").context["adminform"].form["definition"].value()
    assert '\n  "segments": [\n' in text
    assert json.loads(text) == draft.definition
    page = client.post(f"{LIST}{draft.pk}/change/", {"name": "Next", "definition": "{ broken"})
    assert page.context["adminform"].form["definition"].value() == "{ broken"


def test_tiers_of_somebody_elses_draft_are_no_remark_on_this_one(cast, sign_in, draft):
    factories.TierFactory(slug="planned", name="Planned", rank=3)
    client = sign_in(cast.ops)
    assert "No rule leads to the tier “Planned”" in words(client.get(f"{LIST}{draft.pk}/change/"))
    other = {**DEFINITION, "tiers": [{"tier": "planned"}]}
    TieringModel.objects.draft(name="Other", definition=other, created_by_id=None)
    assert "No rule leads to the tier “Planned”" not in words(client.get(f"{LIST}{draft.pk}/change/"))


def test_a_published_version_has_no_editor(cast, sign_in, published):
    page = words(sign_in(cast.ops).get(f"{LIST}{published.pk}/change/"))
    assert "data-rule-editor" not in page
    assert "New draft" in page
    assert ">Publish<" not in page


def test_a_model_from_nothing_begins_with_everybody_in_the_lowest_tier(cast, sign_in, tiers):
    client = sign_in(cast.ops)
    response = client.get(f"{LIST}add/")
    assert_clean(response)
    document = response.context["adminform"].form.initial["definition"]
    assert document["tiers"] == [{"tier": "base", "when": []}]
    saved = client.post(f"{LIST}add/", {"name": "Mine", "definition": json.dumps(document)})
    assert saved.status_code == 302


def test_checks_are_shown_with_the_version_and_say_when_all_is_fine(cast, sign_in, published, tiers):
    client = sign_in(cast.ops)
    sound = {
        **DEFINITION,
        "criteria": [],
        "tiers": [{"tier": "top", "when": [{"attribute": "arr", "op": ">=", "value": 9}]}, {"tier": "base"}],
    }
    draft = TieringModel.objects.draft(name="Sound", definition=sound, created_by_id=None)
    assert "Every rule can be reached" in words(client.get(f"{LIST}{draft.pk}/change/"))
    TouchActivity.objects.all().delete()
    page = words(client.get(f"{LIST}{draft.pk}/change/"))
    assert "The tier “Top” has no touch plan" in page
    assert "Every rule can be reached" not in page


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"tiers": DEFINITION["tiers"][:1]}, "The last tier rule must have no conditions"),
        ({"criteria": [{**DEFINITION["criteria"][0], "weight": -1}]}, "the weight must be from 0"),
        (
            {
                "segments": [
                    {"name": "A", "when": [{"attribute": "health", "op": ">", "value": 100}]},
                    {"name": "B"},
                ]
            },
            "can never hold",
        ),
        (
            {"segments": [{"name": "A", "when": [{"attribute": "mood", "op": "known"}]}, {"name": "B"}]},
            "there is no attribute “mood”",
        ),
        (
            {"criteria": [{**DEFINITION["criteria"][0], "scale": {"kind": "linear", "low": 5, "high": 5}}]},
            "low and high of the scale are the same",
        ),
    ],
)
def test_a_bad_model_is_refused_by_the_form_and_by_the_button(change, sentence, cast, sign_in, draft):
    bad = {**DEFINITION, **change}
    client = sign_in(cast.ops)
    form = client.post(f"{LIST}{draft.pk}/change/", {"name": "Next", "definition": json.dumps(bad)})
    assert form.status_code == 200
    assert sentence in words(form)
    TieringModel.objects.filter(pk=draft.pk).update(
        definition=bad
    )  # as it may stand after a tier was retired
    [(level, told)] = said(client.post(f"{LIST}{draft.pk}/publish/", follow=True))
    assert level == "error"
    assert sentence in told
    draft.refresh_from_db()
    assert draft.status == "draft"


def locked(client, until, why="Year-end."):
    return client.post(f"{LIST}lock/", {"until": until, "words": why, "set": "1"}, follow=True)


def test_ops_lock_the_model_and_nothing_is_published(cast, sign_in, draft):
    client = sign_in(cast.ops)
    assert "Lock the model until" in words(client.get(LIST))
    assert_clean(client.get(f"{LIST}lock/"))
    until = timezone.localdate() + timedelta(days=30)
    page = words(locked(client, until.isoformat()))
    assert f"The model is locked until {until.day} {until:%b %Y} by {cast.ops}: “Year-end.”" in page
    assert "Change or lift the lock" in page
    [(level, told)] = said(client.post(f"{LIST}{draft.pk}/publish/", follow=True))
    assert (level, "by " + str(cast.ops) in told, "Year-end." in told) == ("error", True, True)
    refused = client.post(f"{LIST}playbooks/", {"slug": "three-axis", "publish": "1"}, follow=True)
    assert said(refused)[0][0] == "error"
    draft.refresh_from_db()
    assert draft.status == "draft"


def test_ops_lift_the_lock_and_the_history_stays(cast, sign_in, draft):
    client = sign_in(cast.ops)
    locked(client, (timezone.localdate() + timedelta(days=30)).isoformat())
    assert client.post(f"{LIST}lock/", {"lift": "1", "words": ""}).context["lift_form"].errors
    client.post(f"{LIST}lock/", {"lift": "1", "words": "A fault was found."})
    page = words(client.get(f"{LIST}lock/"))
    assert "Year-end." in page
    assert "A fault was found." in page
    client.post(f"{LIST}{draft.pk}/publish/")
    draft.refresh_from_db()
    assert draft.status == "published"


@pytest.mark.parametrize("until", ["", "nonsense", "2001-01-01", "9999-12-31"])
def test_a_lock_that_makes_no_sense_is_refused_in_the_form(until, cast, sign_in, tiers):
    response = sign_in(cast.ops).post(f"{LIST}lock/", {"until": until, "words": "Why.", "set": "1"})
    assert response.status_code == 200
    assert response.context["lock_form"].errors
    assert not ModelLock.objects.exists()


def test_a_playbook_is_previewed_on_the_own_customers_before_it_is_published(cast, sign_in):
    gold = factories.TierFactory(slug="gold", name="Gold", rank=1)
    since = timezone.localdate() - timedelta(days=400)
    factories.CustomerFactory(name="Riser", arr=900000, tier=gold, tier_since=since)
    client = sign_in(cast.ops)
    seen = client.post(f"{LIST}playbooks/", {"slug": "three-axis", "draft": "1"}, follow=True)
    assert seen.redirect_chain[-1][0].endswith("/preview/")
    assert [(row.after.name, row.after.rank) for row in seen.context["preview"].shown] == [("Global", 1)]
    draft = TieringModel.objects.get()
    assert counts(client, f"{draft.pk}/", draft.definition)["spread"][0]["name"] == "Global"
    response = client.get(f"{LIST}{draft.pk}/change/")
    assert "tiers that neither it nor these rules have are retired" in words(response)
    assert "No rule leads to the tier “Gold”" not in words(response)  # it is about to be retired
    offered = [(tier["slug"], tier["rank"]) for tier in response.context["catalogue"]["tiers"]]
    assert offered == [("global", 1), ("enterprise", 2), ("scale", 3), ("gold", 4)]
    client.post(f"{LIST}{draft.pk}/publish/")
    draft.refresh_from_db()
    gold.refresh_from_db()
    assert (draft.status, gold.retired) == ("published", True)


def test_a_draft_of_a_playbook_that_ships_no_more_is_published_like_any_other(cast, sign_in, draft):
    TieringModel.objects.filter(pk=draft.pk).update(playbook="forgotten")
    sign_in(cast.ops).post(f"{LIST}{draft.pk}/publish/")
    draft.refresh_from_db()
    assert draft.status == "published"


def test_two_people_at_one_draft_do_not_write_over_each_other_unseen(cast, sign_in, draft):
    client = sign_in(cast.ops)
    seen = client.get(f"{LIST}{draft.pk}/change/").context["adminform"].form.initial["seen_digest"]
    form = {"name": "First", "definition": json.dumps(DEFINITION), "seen_digest": seen}
    assert client.post(f"{LIST}{draft.pk}/change/", form).status_code == 302
    late = client.post(f"{LIST}{draft.pk}/change/", {**form, "name": "Second"})
    assert "Somebody saved this draft while you were editing" in words(late)
    without = client.post(f"{LIST}{draft.pk}/change/", {"name": "Third", "definition": "{}"})
    assert "Somebody saved this draft" in words(without)
    draft.refresh_from_db()
    assert draft.name == "First"


def test_a_draft_is_thrown_away_and_a_version_that_was_in_force_never(cast, sign_in, draft, published):
    client = sign_in(cast.ops)
    assert client.post(f"{LIST}{published.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"{LIST}{draft.pk}/delete/", {"post": "yes"}).status_code == 302
    assert list(TieringModel.objects.values_list("pk", flat=True)) == [published.pk]
