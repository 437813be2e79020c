"""What is to be said about a version of the tiering model before it decides anything: faults, and why not to publish."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from django.db.models import Count

from accounts.models import Customer, TouchActivity
from accounts.models.service import TouchLevel
from allocation.engine.advice import Remark, Severity, remarks
from allocation.engine.facts.rules import TieringRules
from allocation.engine.rules import UnusableRules, read_rules
from allocation.models import ModelLock, TieringModel
from allocation.snapshots.vocabulary import ModelVocabulary, model_vocabulary


class TouchPlanRemark(Remark):
    """About a tier in use without a touch plan: mended there, not in the model."""


def rules_of_definition(
    *, definition: Any, vocabulary: ModelVocabulary | None = None, retired_allowed: bool = False
) -> TieringRules:
    """The rules as today's tiers, attributes and goal kinds read them. Raises UnusableRules; three queries at most.

    retired_allowed: to read or compare a version whose tiers were retired since.
    """
    known = model_vocabulary() if vocabulary is None else vocabulary
    return read_rules(
        definition=definition,
        attributes=known.attributes,
        tiers=known.tiers,
        goal_kinds=known.goal_kinds,
        retired_allowed=retired_allowed,
    )


def faults_of(*, definition: Any, vocabulary: ModelVocabulary | None = None) -> tuple[str, ...]:
    """A sentence a fault; none when the definition can be used."""
    try:
        rules_of_definition(definition=definition, vocabulary=vocabulary)
    except UnusableRules as refusal:
        return refusal.faults
    return ()


def tiers_led_to(*, definition: Any) -> frozenset[str]:
    """Slugs of the tiers that rules name, whether or not they can be used."""
    rows = definition.get("tiers") if isinstance(definition, Mapping) else None
    return frozenset(
        str(row.get("tier")) for row in (rows if isinstance(rows, list) else ()) if isinstance(row, Mapping)
    )


def holders_by_tier() -> dict[str, int]:
    """Active customers by the slug of each tier in use. One query."""
    held = Customer.objects.active().filter(tier__retired=False).order_by()
    return dict(held.values_list("tier__slug").annotate(customers=Count("pk")))


def refusal_to_publish(*, definition: Any, on: date) -> str:
    """Why this definition may not be put in force on this day, in sentences; empty when it may."""
    lock = ModelLock.objects.in_force(on)
    if lock is not None:
        return f"{lock.in_words()} Nothing is published before that day, unless CS ops lift the lock."
    return " ".join(faults_of(definition=definition))


def refusal_to_edit_around(*, on: date) -> str:
    """Why nothing that the published version reads may be edited on this day, in sentences; empty when it may."""
    lock = ModelLock.objects.in_force(on)
    if lock is None:
        return ""
    return (
        f"{lock.in_words()} What its rules read stays as it is before that day, unless CS ops lift the lock."
    )


def model_remarks(*, definition: Any, vocabulary: ModelVocabulary | None = None) -> tuple[Remark, ...]:
    """What looks wrong or doubtful; empty when nothing does, and when the definition has faults. Four queries."""
    known = model_vocabulary() if vocabulary is None else vocabulary
    try:
        rules = rules_of_definition(definition=definition, vocabulary=known)
    except UnusableRules:
        return ()
    return (*remarks(rules=rules, tiers=known.tiers), *_without_touch_plan(rules, known))


def without_planned_tiers(*, vocabulary: ModelVocabulary, definition: Any) -> ModelVocabulary:
    """The vocabulary for remarks on a version: a tier that only other drafts lead to and nobody holds is no tier yet.

    Loading a playbook as a draft adds its tiers; that is nothing to remark on other versions. Two queries.
    """
    versions = TieringModel.objects.exclude(status=TieringModel.Status.RETIRED)
    led_to: dict[str, set[str]] = {"draft": set(), "published": set()}
    for status, document in versions.values_list("status", "definition"):
        led_to[status] |= tiers_led_to(definition=document)
    held = Customer.objects.order_by().exclude(tier=None).values_list("tier__slug", flat=True).distinct()
    planned = led_to["draft"] - led_to["published"] - tiers_led_to(definition=definition) - set(held)
    tiers = tuple(replace(tier, retired=tier.retired or tier.slug in planned) for tier in vocabulary.tiers)
    return replace(vocabulary, tiers=tiers)


def _without_touch_plan(rules: TieringRules, vocabulary: ModelVocabulary) -> Iterator[TouchPlanRemark]:
    """Tiers that rules lead to and in which nothing would be done. Self-service asks for no plan."""
    used = {vocabulary.tiers[rule.tier].slug for rule in rules.tiers}
    done = TouchActivity.objects.filter(times_a_year__gt=0, tier__slug__in=used)
    planned = set(done.values_list("tier__slug", flat=True))
    for tier in vocabulary.tiers:
        if tier.slug in used - planned and tier.touch_level != TouchLevel.SELF_SERVICE:
            yield TouchPlanRemark(
                Severity.DOUBTFUL,
                f"The tier “{tier.name or tier.slug}” has no touch plan: nothing is done there, so its customers ask "
                "for no hours.",
            )
