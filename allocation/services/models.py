"""Versions of the tiering model: a new draft from an old version, publishing, and the lock that forbids it.

A published version never changes; the database itself refuses it (allocation.triggers).
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from allocation.models import ModelLock, TieringModel
from allocation.querysets.versions import day_of
from allocation.selectors.model_checks import refusal_to_publish

AT_ONCE = "Somebody else drafted or published at the same moment; look at what is there now and try again."
LONGEST_LOCK = timedelta(days=3 * 366)
LONGEST_WORDS = 300
LONGEST_NAME = 200
_COPIED = re.compile(r" \(draft of version \d+\)$")


class UnableToDraftModel(ValueError):
    """No draft could be made; the message says why."""


class UnableToPublishModel(ValueError):
    """The version is not a draft any more, its rules have faults, or a lock holds; the message says which."""


class UnableToLockModels(ValueError):
    """The lock makes no sense as it was asked for; the message says why."""


def draft_of_version(*, model_id: int, actor_id: int | None = None) -> TieringModel:
    """A new draft with the rules of a version, under the next number; its name says whose they are.

    Raises UnableToDraftModel.
    """
    source = TieringModel.objects.get(pk=model_id)
    with TieringModel.objects.in_turn(UnableToDraftModel(AT_ONCE)):
        draft: TieringModel = TieringModel.objects.draft(
            name=_name_of_draft(source), definition=source.definition, created_by_id=actor_id
        )
    return draft


def _name_of_draft(source: TieringModel) -> str:
    """The version's own name and number; what an earlier copy added to the name goes."""
    own = _COPIED.sub("", source.name)
    added = f" (draft of version {source.number})"
    return own[: LONGEST_NAME - len(added)] + added


def publish_model(*, model_id: int, at: datetime, actor_id: int | None = None) -> None:
    """Make a draft the published version; the one before is retired and its open runs become stale.

    Raises UnableToPublishModel.
    """
    with TieringModel.objects.in_turn(UnableToPublishModel(AT_ONCE)):
        model = TieringModel.objects.get(pk=model_id)
        refusal = refusal_to_publish(definition=model.definition, on=day_of(at))
        if refusal:
            raise UnableToPublishModel(refusal)
        if model.status != TieringModel.Status.DRAFT:
            raise UnableToPublishModel(
                f"Version {model.number} is {model.status}; only a draft can be published."
            )
        if not TieringModel.objects.put_in_force(model, at=at, published_by_id=actor_id):
            raise UnableToPublishModel(AT_ONCE)


def lock_models(*, until: date, words: str, at: datetime, actor_id: int | None = None) -> ModelLock:
    """Nothing is published before ``until``. Raises UnableToLockModels.

    A lock that holds is replaced; its row stays as history.
    """
    today = day_of(at)
    said = _said(words)
    if until <= today:
        raise UnableToLockModels(f"A lock ends after today: {until:%d %b %Y} is not.")
    if until > today + LONGEST_LOCK:
        raise UnableToLockModels("A lock holds for three years at most.")
    return ModelLock.objects.create(until=until, words=said, set_by_id=actor_id, set_at=at)


def lift_lock(*, words: str, at: datetime, actor_id: int | None = None) -> ModelLock:
    """Publishing is possible again. Raises UnableToLockModels when no lock holds or nothing is said why."""
    said = _said(words)
    if ModelLock.objects.in_force(day_of(at)) is None:
        raise UnableToLockModels("No lock holds, so there is none to lift.")
    return ModelLock.objects.create(until=None, words=said, set_by_id=actor_id, set_at=at)


def _said(words: str) -> str:
    said = words.strip()
    if not said:
        raise UnableToLockModels("Say why, so that whoever wants to publish meanwhile understands.")
    if len(said) > LONGEST_WORDS:
        raise UnableToLockModels(f"Say it in at most {LONGEST_WORDS} characters, not {len(said)}.")
    if "\0" in said:  # PostgreSQL keeps none
        raise UnableToLockModels("What you say holds the character NUL: take it out.")
    return said
