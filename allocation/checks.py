"""Checks of the published tiering model, with `check --database default` and with every `migrate`."""

from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import DatabaseError

from allocation.engine.advice import Remark, Severity
from allocation.models import TieringModel
from allocation.selectors.model_checks import (
    TouchPlanRemark,
    faults_of,
    model_remarks,
    without_planned_tiers,
)
from allocation.snapshots.vocabulary import model_vocabulary
from allocation.triggers import tables_without_triggers


@register(Tags.database)
def published_model_can_be_used(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """W001: something cannot be meant. W002: it may be. W003: a tier without touch plan. W004: a run would fail.
    What is only good to know stands on the version's page.

    Warnings all: an error would stop `migrate`, and the commands with which the model is mended.
    """
    if not kwargs.get("databases"):
        return []
    try:
        model = TieringModel.objects.published().first()
        if model is None:
            return []
        faults = faults_of(definition=model.definition)
        vocabulary = without_planned_tiers(vocabulary=model_vocabulary(), definition=model.definition)
        found = model_remarks(definition=model.definition, vocabulary=vocabulary)
    except DatabaseError:  # not migrated yet: there are no models
        return []
    return [
        *(_unusable(model, fault) for fault in faults),
        *(_warning(model, remark) for remark in found if remark.severity is not Severity.NOTE),
    ]


def _unusable(model: TieringModel, fault: str) -> CheckMessage:
    return Warning(
        f"{model} is published, but cannot be used: {fault}",
        hint="Runs fail until it is mended: in the admin, make a new draft, mend it and publish it.",
        id="allocation.W004",
    )


def _warning(model: TieringModel, remark: Remark) -> CheckMessage:
    if isinstance(remark, TouchPlanRemark):
        hint, number = "Give the tier activities in its touch plan.", "W003"
    else:
        hint = "Look at it in the admin; a new draft can change it."
        number = "W001" if remark.severity is Severity.WRONG else "W002"
    return Warning(f"{model}: {remark.words}", hint=hint, id=f"allocation.{number}")


@register(Tags.database)
def decisions_cannot_be_rewritten(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """W005: the triggers of a table are away. A warning: an error would stop the `migrate` that makes them again."""
    try:
        bare = [
            name for using in kwargs.get("databases") or () for name in tables_without_triggers(using=using)
        ]
    except DatabaseError:  # no database yet
        return []
    return [
        Warning(
            f"Nothing keeps decided rows of {name} from being rewritten: its triggers are away.",
            hint="Run `python manage.py migrate`; it makes them again, also where there is nothing to migrate.",
            id="allocation.W005",
        )
        for name in bare
    ]
