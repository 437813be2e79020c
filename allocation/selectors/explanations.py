"""Why a customer has its tier, from what its last decision kept: no other customer is read.

The numbers are those of the decision's day; the nearest single change is worked out again by the engine, against
the crowd that the run kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from allocation.engine.explain import in_words, number_in_words
from allocation.engine.facts.attributes import Attribute, Kind
from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.tiering import HeldTiers
from allocation.engine.kept import crowd_from_json, facts_from_json, sources
from allocation.engine.rules import UnusableRules, read_rules
from allocation.engine.tiering import decide_tiers
from allocation.engine.whatif import Change, nearest_changes
from allocation.models import OPEN_STATUSES, RowStatus, TierDecision
from allocation.snapshots.vocabulary import ModelVocabulary, model_vocabulary

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Explanation:
    """decision: the one the customer stands on, or the newest proposed one. found: the `explain` command's answer."""

    decision: TierDecision
    found: dict[str, Any]


def customer_explanation(*, customer_id: int) -> Explanation | None:
    """None when no run has decided the customer yet. Four queries, five for a proposal."""
    decision = _last_decision(customer_id)
    if decision is None:
        return None
    run, kept = decision.run, decision.explanation
    vocabulary = model_vocabulary()
    rules = _rules(decision, vocabulary)
    change = None if rules is None else _nearest_change(decision, rules, vocabulary)
    found = {
        "external_id": decision.customer.external_id,
        "segment": decision.segment,
        "score": decision.score,
        "contributions": _contributions(run.tiering_model.definition, kept),
        "suggested": decision.suggested.slug if decision.suggested else None,
        "effective": decision.effective.slug if decision.effective else None,
        "decided_by": decision.decided_by,
        "guards": decision.guards,
        "rule": None if rules is None else in_words(rules.tiers[kept["rule"]].when),
        "reason": decision.reason,
        "nearest_bound": _with_words(kept.get("bound"), vocabulary),
        "nearest_change": None if change is None else _change_found(change, vocabulary),
        "run": run.pk,
        "as_of": run.as_of,
        "model_version": run.tiering_model.number,
    }
    return Explanation(decision, found)


def _last_decision(customer_id: int) -> TierDecision | None:
    rows = TierDecision.objects.filter(customer_id=customer_id).select_related(
        "customer", "run__tiering_model", "suggested", "effective"
    )
    applied: TierDecision | None = rows.filter(status=RowStatus.APPLIED).order_by("-pk").first()
    if applied is not None:
        return applied
    proposed: TierDecision | None = (
        rows.filter(status=RowStatus.PROPOSED, run__status__in=OPEN_STATUSES).order_by("-pk").first()
    )
    return proposed


def _rules(decision: TierDecision, vocabulary: ModelVocabulary) -> TieringRules | None:
    """None when the model names what is no longer there: what was kept is told all the same."""
    try:
        return read_rules(
            definition=decision.run.tiering_model.definition,
            attributes=vocabulary.attributes,
            tiers=vocabulary.tiers,
            goal_kinds=vocabulary.goal_kinds,
        )
    except UnusableRules:
        return None


def _contributions(definition: dict[str, Any], kept: dict[str, Any]) -> list[dict[str, Any]]:
    """Each criterion with the customer's value; the contributions add up to the score."""
    return [
        {
            "criterion": criterion.get("name") or criterion["attribute"],
            "attribute": criterion["attribute"],
            "value": value,
            "points": points,
            "weight": criterion.get("weight", 1),
            "contribution": contribution,
        }
        for criterion, (value, points, contribution) in zip(
            definition.get("criteria", []), kept["criteria"], strict=True
        )
    ]


def _nearest_change(
    decision: TierDecision, rules: TieringRules, vocabulary: ModelVocabulary
) -> Change | None:
    kept, run = decision.explanation, decision.run
    crowd = crowd_from_json(run.population)
    held = kept["held"]
    facts = facts_from_json(
        rows=[kept["facts"]],
        names=sources(rules),
        attributes=vocabulary.attributes,
        words=crowd.words,
        held=_held(held, vocabulary),
        active=[not held.get("left", False)],
        as_of=(run.as_of - EPOCH).days,
    )
    findings = decide_tiers(facts=facts, rules=rules, tiers=vocabulary.tiers, people=crowd.people)
    return nearest_changes(findings=findings, rules=rules, tiers=vocabulary.tiers, rows=[0], crowd=crowd)[0]


def _held(held: dict[str, Any], vocabulary: ModelVocabulary) -> HeldTiers:
    slugs = [tier.slug for tier in vocabulary.tiers]

    def place(name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        slug = held.get(name)
        return np.array([slugs.index(slug) if slug in slugs else -1], dtype=np.int64)

    def flag(name: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
        return np.array([held.get(name, False)], dtype=np.bool_)

    return HeldTiers(
        current=place("current"),
        paid=place("paid"),
        override=place("override"),
        since=np.array([held.get("since", np.nan)], dtype=np.float64),
        goals_changed=flag("goals_changed"),
        override_ended=flag("override_ended"),
        in_scope=np.ones(1, dtype=np.bool_),
    )


def _with_words(bound: dict[str, Any] | None, vocabulary: ModelVocabulary) -> dict[str, Any] | None:
    """ "ARR 168,000 is 18,000 from 150,000; beyond it: Scale"."""
    if bound is None:
        return None
    attribute = vocabulary.attributes.get(bound["attribute"])
    label = attribute.label if attribute else bound["attribute"]
    value, limit, away = (number_in_words(float(bound[key])) for key in ("value", "bound", "distance"))
    words = f"{label} {value} is {away} from the bound {limit}; beyond it the rules say {_name(bound['tier'], vocabulary)}"
    return {**bound, "words": words}


def _change_found(change: Change, vocabulary: ModelVocabulary) -> dict[str, Any]:
    attribute = vocabulary.attributes[change.attribute]
    before, after = _plain(change.before, attribute), _plain(change.after, attribute)
    slug = vocabulary.slug(change.tier)
    words = f"{attribute.label} from {_said(before)} to {_said(after)}: {_name(slug, vocabulary)}"
    if attribute.kind is Kind.SET:
        words = f"{attribute.label} {_said(after)}: {_name(slug, vocabulary)}"
    return {"attribute": change.attribute, "from": before, "to": after, "tier": slug, "words": words}


def _plain(value: float | str | bool | None, attribute: Attribute) -> Any:
    """Dates as ISO days, everything else as it is."""
    if attribute.kind is Kind.DATE and isinstance(value, float):
        return (EPOCH + timedelta(days=int(value))).isoformat()
    return value


def _said(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number_in_words(value) if isinstance(value, float) else str(value)


def _name(slug: str | None, vocabulary: ModelVocabulary) -> str:
    return next((tier.name for tier in vocabulary.tiers if tier.slug == slug), "no tier")
