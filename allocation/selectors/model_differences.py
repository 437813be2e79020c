"""Two versions of the tiering model side by side: which to compare, and what differs, in words."""

from __future__ import annotations

from dataclasses import dataclass

from allocation.engine.differences import differences
from allocation.engine.rules import UnusableRules
from allocation.models import TieringModel
from allocation.selectors.model_checks import faults_of, rules_of_definition
from allocation.snapshots.vocabulary import model_vocabulary


@dataclass(frozen=True, slots=True)
class Differences:
    """lines: one sentence a difference. refusals: (version, faults) of what cannot be read any more.

    unusable: (version, faults) of what can be read, but was in force and could not be today.
    """

    lines: tuple[str, ...] = ()
    unusable: tuple[tuple[TieringModel, tuple[str, ...]], ...] = ()
    refusals: tuple[tuple[TieringModel, tuple[str, ...]], ...] = ()


def compared_with(*, model: TieringModel, asked: str = "") -> TieringModel | None:
    """The version asked for by its key; else the published one, or the one before; None when there is no other."""
    others = TieringModel.objects.exclude(pk=model.pk)
    chosen = others.filter(pk=int(asked)).first() if asked.isdecimal() and len(asked) < 10 else None
    before = others.filter(number__lt=model.number).order_by("-number")
    return chosen or others.published().first() or before.first() or others.order_by("number").first()


def differences_in_words(*, old: TieringModel, new: TieringModel) -> Differences:
    """What changes from the old version to the new one. Three queries."""
    vocabulary = model_vocabulary()
    read, refusals, unusable = [], [], []
    for version in (old, new):
        faults = faults_of(definition=version.definition, vocabulary=vocabulary)
        if faults and version.status != TieringModel.Status.DRAFT:
            unusable.append((version, faults))
        try:
            read.append(
                rules_of_definition(
                    definition=version.definition, vocabulary=vocabulary, retired_allowed=True
                )
            )
        except UnusableRules as faulty:
            refusals.append((version, faulty.faults))
    if refusals:
        return Differences(refusals=tuple(refusals))
    lines = differences(before=read[0], after=read[1], tiers=vocabulary.tiers)
    return Differences(lines=lines, unusable=tuple(unusable))
