"""Versions of the tiering model: drafts copy, publishing goes one way, and a lock forbids it by every door."""

from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from allocation.models import ModelLock, TieringModel
from allocation.selectors import model_checks
from allocation.services import models
from allocation.services.models import (
    UnableToDraftModel,
    UnableToLockModels,
    UnableToPublishModel,
    draft_of_version,
    lift_lock,
    lock_models,
    publish_model,
)
from allocation.services.playbooks import UnableToLoadPlaybook, load_playbook
from tests import factories
from tests.admin.world import DEFINITION

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 9, tzinfo=timezone.get_default_timezone())
TODAY = date(2026, 11, 22)


@pytest.fixture
def tiers():
    factories.TierFactory(slug="top", name="Top", rank=1)
    factories.TierFactory(slug="base", name="Base", rank=2)


@pytest.fixture
def draft(tiers):
    return TieringModel.objects.draft(name="Mine", definition=DEFINITION, created_by_id=None)


def status_of(model):
    return TieringModel.objects.values_list("status", flat=True).get(pk=model.pk)


def test_a_new_draft_copies_the_rules_and_says_whose_they_are(draft, ops):
    TieringModel.objects.filter(pk=draft.pk).update(playbook="three-axis")
    publish_model(model_id=draft.pk, at=NOW, actor_id=ops.pk)
    copy = draft_of_version(model_id=draft.pk, actor_id=ops.pk)
    draft.refresh_from_db()
    assert (copy.number, copy.status, copy.playbook, copy.published_at) == (2, "draft", "", None)
    assert (copy.name, copy.definition, copy.digest) == (
        "Mine (draft of version 1)",
        DEFINITION,
        draft.digest,
    )
    assert copy.created_by == ops


def test_two_drafts_may_stand_side_by_side(draft):
    copies = [draft_of_version(model_id=draft.pk) for _ in range(2)]
    assert [copy.number for copy in copies] == [2, 3]


def test_a_number_taken_at_the_same_moment_is_refused_with_a_sentence(draft, monkeypatch):
    monkeypatch.setattr("allocation.querysets.versions.TieringModelQuerySet.next_number", lambda self: 1)
    with pytest.raises(UnableToDraftModel, match="at the same moment"):
        draft_of_version(model_id=draft.pk)


def test_publishing_says_who_and_when_and_retires_the_version_before(draft, ops):
    publish_model(model_id=draft.pk, at=NOW)
    copy = draft_of_version(model_id=draft.pk)
    publish_model(model_id=copy.pk, at=NOW, actor_id=ops.pk)
    copy.refresh_from_db()
    assert (status_of(draft), copy.status, copy.published_at, copy.published_by) == (
        "retired",
        "published",
        NOW,
        ops,
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"tiers": [{"tier": "top", "when": [{"attribute": "arr", "op": ">", "value": 1}]}]},
            "The last tier",
        ),
        ({"criteria": [{**DEFINITION["criteria"][0], "weight": -1}]}, "the weight must be from 0"),
        ({"tiers": [{"tier": "gone"}]}, "There is no tier “gone”"),
    ],
)
def test_a_draft_with_faults_is_not_published(draft, change, sentence):
    TieringModel.objects.filter(pk=draft.pk).update(definition={**DEFINITION, **change})
    with pytest.raises(UnableToPublishModel, match=sentence):
        publish_model(model_id=draft.pk, at=NOW)
    assert status_of(draft) == "draft"


def test_what_is_published_is_what_was_checked(draft, monkeypatch):
    """The draft is saved once more after its rules were checked: then it is not published unchecked."""
    checked = models.refusal_to_publish

    def saved_meanwhile(**asked):
        answer = checked(**asked)
        TieringModel.objects.update(definition={}, digest="1" * 64)
        return answer

    monkeypatch.setattr(models, "refusal_to_publish", saved_meanwhile)
    with pytest.raises(UnableToPublishModel, match="at the same moment"):
        publish_model(model_id=draft.pk, at=NOW)
    assert status_of(draft) == "draft"


def test_while_a_lock_holds_nothing_is_published_and_the_sentence_says_whose_lock_it_is(draft, ops):
    lock_models(until=TODAY + timedelta(days=1), words="Year-end.", at=NOW, actor_id=ops.pk)
    with pytest.raises(UnableToPublishModel) as refused:
        publish_model(model_id=draft.pk, at=NOW)
    assert str(refused.value).startswith(f"The model is locked until 23 Nov 2026 by {ops}: “Year-end.”")
    with pytest.raises(UnableToLoadPlaybook, match="The model is locked until 23 Nov 2026"):
        load_playbook(slug="three-axis", publish=True, at=NOW)
    assert set(TieringModel.objects.values_list("status", flat=True)) == {"draft"}


def test_a_playbook_loads_as_a_draft_while_a_lock_holds(ops):
    lock_models(until=TODAY + timedelta(days=1), words="Year-end.", at=NOW, actor_id=ops.pk)
    assert load_playbook(slug="three-axis", publish=False, at=NOW).status == "draft"


def test_a_refused_playbook_leaves_nothing_behind(ops):
    lock_models(until=TODAY + timedelta(days=1), words="Year-end.", at=NOW, actor_id=ops.pk)
    with pytest.raises(UnableToLoadPlaybook):
        load_playbook(slug="three-axis", publish=True, at=NOW)
    assert not TieringModel.objects.exists()


def test_a_lock_ends_on_its_day(draft):
    lock_models(until=TODAY + timedelta(days=1), words="Year-end.", at=NOW)
    publish_model(model_id=draft.pk, at=NOW + timedelta(days=1))
    assert status_of(draft) == "published"


def test_the_day_is_the_companys_and_not_the_one_of_greenwich(draft, settings):
    """Just after midnight in Auckland it is still the day before in London."""
    settings.TIME_ZONE = "Pacific/Auckland"
    with timezone.override("Pacific/Auckland"):
        midnight = datetime(2026, 11, 23, 0, 5, tzinfo=timezone.get_current_timezone())
        lock_models(until=date(2026, 11, 23), words="Year-end.", at=midnight - timedelta(hours=2))
        publish_model(model_id=draft.pk, at=midnight)
    assert status_of(draft) == "published"


def test_the_newest_lock_counts_and_lifting_keeps_the_history(draft, ops):
    lock_models(until=TODAY + timedelta(days=90), words="Confidence.", at=NOW)
    lock_models(until=TODAY + timedelta(days=30), words="Shorter.", at=NOW)
    assert ModelLock.objects.in_force(TODAY).words == "Shorter."
    lift_lock(words="A fault was found.", at=NOW, actor_id=ops.pk)
    assert ModelLock.objects.in_force(TODAY) is None
    publish_model(model_id=draft.pk, at=NOW)
    assert [row.words for row in ModelLock.objects.newest_first()] == [
        "A fault was found.",
        "Shorter.",
        "Confidence.",
    ]


@pytest.mark.parametrize(
    ("until", "words", "sentence"),
    [
        (TODAY, "Year-end.", "A lock ends after today"),
        (TODAY - timedelta(days=1), "Year-end.", "A lock ends after today"),
        (TODAY + timedelta(days=4 * 366), "For good.", "three years at most"),
        (TODAY + timedelta(days=1), "  ", "Say why"),
        (TODAY + timedelta(days=1), "x" * 301, "at most 300 characters, not 301"),
        (TODAY + timedelta(days=1), "Year\0end", "holds the character NUL"),
    ],
)
def test_a_lock_that_makes_no_sense_is_refused(until, words, sentence):
    with pytest.raises(UnableToLockModels, match=sentence):
        lock_models(until=until, words=words, at=NOW)
    assert not ModelLock.objects.exists()


def test_a_lock_that_does_not_hold_cannot_be_lifted():
    with pytest.raises(UnableToLockModels, match="No lock holds"):
        lift_lock(words="Why not.", at=NOW)
    lock_models(until=TODAY + timedelta(days=1), words="Year-end.", at=NOW)
    with pytest.raises(UnableToLockModels, match="Say why"):
        lift_lock(words="", at=NOW)


def test_a_lock_without_words_is_refused_by_the_database(db):
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelLock.objects.create(until=TODAY, words="", set_at=NOW)


def test_only_definitions_that_can_be_used_have_rules(tiers):
    assert model_checks.faults_of(definition=DEFINITION) == ()
    assert model_checks.faults_of(definition=[]) == (
        "The model must be an object with segments, criteria, tiers and guards.",
    )


class Deadlock(Exception):
    """As psycopg reports that two transactions waited for each other."""

    sqlstate = "40P01"


@pytest.mark.parametrize(
    ("cause", "raised"),
    [(Deadlock(), UnableToPublishModel), (Exception("server closed the connection"), OperationalError)],
)
def test_who_was_ended_by_the_database_for_somebody_else_is_told_and_other_errors_stay_errors(
    cause, raised, draft, monkeypatch
):

    def ended(*args, **kwargs):
        raise OperationalError("ended") from cause

    monkeypatch.setattr("allocation.querysets.versions.TieringModelQuerySet.put_in_force", ended)
    with pytest.raises(raised):
        publish_model(model_id=draft.pk, at=NOW)
