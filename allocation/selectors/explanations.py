"""Why a customer has its tier, from what the run of its decision kept: no other customer is read.

The numbers are those of the decision's day. What is not kept word for word (contributions, nearest bound, nearest
change) is worked out again by the engine from the facts, the rules, the rates and the crowd that the run kept. Whether
the facts are still those is all that is asked of today.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db.models import QuerySet

from accounts.models import Customer
from allocation.engine.explain import (
    bounds_of,
    in_words,
    nearest_bounds,
    number_in_words,
    reason_in_words,
    touch_in_words,
    values_in_words,
)
from allocation.engine.facts.attributes import Attribute, Kind
from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.tiering import DecidedBy, NumberColumn, TierFindings
from allocation.engine.kept import (
    KeptCrowd,
    Outcomes,
    crowd_from_json,
    facts_to_json,
    said_of,
    score_of,
    unpack_facts,
    unpack_outcomes,
    words_of,
)
from allocation.engine.rules import UnusableRules, read_rules
from allocation.engine.scoring import contributions_of
from allocation.engine.standing import POINT
from allocation.engine.tiering import decide_tiers
from allocation.engine.whatif import Change, nearest_changes
from allocation.models import OPEN_STATUSES, RetierRun, RunChunk, TierDecision, TierStanding
from allocation.snapshots.customers import customers_now
from allocation.snapshots.kept_vocabulary import vocabulary_from_json
from allocation.snapshots.standings import chunks_of, last_word
from allocation.snapshots.vocabulary import ModelVocabulary

EPOCH = date(1970, 1, 1)
FACTS_CHANGED = "Facts have changed since this run: the next one may decide otherwise."


@dataclass(frozen=True, slots=True)
class Explanation:
    """run: the last one that decided the customer, or the newest proposal (``proposed``). found: the `explain` command's answer.

    found["decided_in"]: the run since which nothing about the customer is new, which ``run`` only confirmed (or made).
    found["facts_changed"]: since the run; None when that cannot be told. found["currency"]: of all amounts in it.
    suggested, effective: the tiers' names on that day, "none" where there is none.
    """

    run: RetierRun
    proposed: bool
    suggested: str
    effective: str
    found: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Kept:
    """One customer's place in what a run kept."""

    run: RetierRun
    chunk: RunChunk
    outcomes: Outcomes
    place: int


@dataclass(frozen=True, slots=True)
class _Again:
    """The customer decided again, alone, against the crowd the run kept."""

    rules: TieringRules
    vocabulary: ModelVocabulary
    findings: TierFindings
    crowd: KeptCrowd


def explanation_of_run(*, customer_id: int, run_id: int, today: date) -> Explanation | None:
    """What one run said of a customer, whatever was decided since; None if it did not decide it."""
    kept = _kept_in(RetierRun.objects.filter(pk=run_id), customer_id)
    customer = Customer.objects.only("external_id").get(pk=customer_id)
    return None if kept is None else _explained(kept, customer, kept.run.status in OPEN_STATUSES, today)


def customer_explanation(*, customer_id: int, today: date) -> Explanation | None:
    """None when no run has decided the customer yet. Six queries, however many customers and runs there are; seven while
    there is only a proposal.
    """
    word = last_word(customer_id=customer_id)
    kept = None if word is None else _kept(RunChunk.objects.filter(pk=word.chunk_id), customer_id)
    if word is None or kept is None:
        return _without_last_word(customer_id, today)
    customer = Customer(pk=customer_id, external_id=word.external_id)
    said = _explained(kept, customer, False, today)
    return replace(said, found=said.found | {"decided_in": word.decided_in, "decided_as_of": word.decided_on})


def _without_last_word(customer_id: int, today: date) -> Explanation | None:
    """Of who stands on nothing the newest proposal, and of who stands on a run of an earlier version what that kept."""
    customer = Customer.objects.select_related("standing__run__tiering_model").get(pk=customer_id)
    if hasattr(customer, "standing"):
        return _of_an_earlier_version(customer.standing)
    kept = _kept_in(RetierRun.objects.filter(status__in=OPEN_STATUSES), customer_id)
    return None if kept is None else _explained(kept, customer, True, today)


def _explained(kept: _Kept, customer: Customer, proposed: bool, today: date) -> Explanation:
    row = TierDecision.objects.filter(run=kept.run, customer=customer).only("reason").first()
    return Explanation(
        run=kept.run,
        proposed=proposed,
        suggested=_name(_word(kept, "suggested"), kept.run),
        effective=_name(_word(kept, "effective"), kept.run),
        found=_found(kept, customer, row.reason if row else "", today),
    )


def _kept_in(runs: QuerySet[RetierRun], customer_id: int) -> _Kept | None:
    """What the newest of these runs kept of the customer."""
    chunks = RunChunk.objects.filter(pk__in=chunks_of(runs, customer_id), last_customer_id__gte=customer_id)
    return _kept(chunks.order_by("-run_id"), customer_id)


def _kept(chunks: QuerySet[RunChunk], customer_id: int) -> _Kept | None:
    """A run of a few may span the customer without having it."""
    for chunk in chunks.select_related("run__tiering_model").defer("stood_on", "left_out"):
        outcomes = unpack_outcomes(chunk.outcomes)
        place = outcomes.place(customer_id)
        if place is not None:
            return _Kept(chunk.run, chunk, outcomes, place)
    return None


def _word(kept: _Kept, name: str) -> str | None:
    return said_of(getattr(kept.outcomes, name), kept.place)


def _found(kept: _Kept, customer: Customer, reason: str, today: date) -> dict[str, Any]:
    run, again = kept.run, _again(kept)
    change = None if again is None else _nearest_change(again)
    return {
        "external_id": customer.external_id,
        "segment": _word(kept, "segment"),
        "score": score_of(kept.outcomes.score, kept.place),
        "contributions": [] if again is None else _contributions(run.tiering_model.definition, again),
        "touch": _word(kept, "touch"),
        "touch_reason": None if again is None else _touch_reason(again),
        "goal": _word(kept, "goal"),
        "suggested": _word(kept, "suggested"),
        "effective": _word(kept, "effective"),
        "decided_by": _word(kept, "decided_by"),
        "guards": words_of(kept.outcomes.guards, kept.place),
        "rule": None if again is None else in_words(again.rules.tiers[_rule(again)].when),
        "reason": reason or ("" if again is None else _reason(kept, again)),
        "nearest_bound": None if again is None else _nearest_bound(again),
        "nearest_change": None
        if change is None or again is None
        else _change_found(change, again.vocabulary),
        "run": run.pk,
        "as_of": run.as_of,
        "decided_in": run.pk,
        "decided_as_of": run.as_of,
        "currency": run.base_currency or None,
        "facts_changed": None if again is None else _facts_changed(kept, again.rules, today),
        "model_version": run.tiering_model.number,
    }


def _facts_changed(kept: _Kept, rules: TieringRules, today: date) -> bool:
    """Whether what these rules read, goals and override of the day among it, is today other than the run saw it.

    Amounts are compared as they are stored: another rate is no change of facts.
    """
    alone = kept.outcomes.keys[kept.place : kept.place + 1]
    version = kept.outcomes.version
    now = customers_now(rules=rules, as_of=today, customer_ids=alone, version=version).get(int(alone[0]))
    return now is None or now.digest != int(kept.outcomes.digests["facts"][kept.place])


def _of_an_earlier_version(standing: TierStanding) -> Explanation:
    """A decision of a version of the program that kept its reasons otherwise: what is left of it."""
    run = standing.run
    row = (
        TierDecision.objects.filter(run=run, customer_id=standing.customer_id)
        .select_related("suggested", "effective")
        .first()
    )
    suggested, effective = (row.suggested, row.effective) if row else (None, None)
    nothing = dict.fromkeys(("touch", "touch_reason", "goal", "rule", "nearest_bound", "nearest_change"))
    found = {
        "external_id": standing.customer.external_id,
        "segment": standing.segment,
        "score": standing.score,
        "contributions": [],
        "suggested": suggested.slug if suggested else None,
        "effective": effective.slug if effective else None,
        "decided_by": standing.decided_by,
        "guards": row.guards if row else [],
        "reason": row.reason if row else "",
        "run": run.pk,
        "as_of": run.as_of,
        "decided_in": run.pk,
        "decided_as_of": run.as_of,
        "currency": run.base_currency or None,
        "facts_changed": None,
        "model_version": run.tiering_model.number,
        **nothing,
    }
    return Explanation(
        run, False, suggested.name if suggested else "none", effective.name if effective else "none", found
    )


def _again(kept: _Kept) -> _Again | None:
    """None when the model of that day cannot be read by this version of the program."""
    vocabulary = vocabulary_from_json(kept.run.vocabulary)
    if vocabulary is None:
        return None
    try:
        rules = read_rules(
            definition=kept.run.tiering_model.definition,
            attributes=vocabulary.attributes,
            tiers=vocabulary.tiers,
            goal_kinds=vocabulary.goal_kinds,
        )
    except UnusableRules:
        return None
    crowd = crowd_from_json(kept.run.population)
    as_of = (kept.run.as_of - EPOCH).days
    _, facts = unpack_facts(data=kept.chunk.facts, tiers=vocabulary.tiers, as_of=as_of)
    alone = facts.take(np.array([kept.place], dtype=np.int64))
    findings = decide_tiers(facts=alone, rules=rules, tiers=vocabulary.tiers, people=crowd.people)
    return _Again(rules, vocabulary, findings, crowd)


def _rule(again: _Again) -> int:
    return int(again.findings.suggestions.rule[0])


def _touch_reason(again: _Again) -> str | None:
    return touch_in_words(rules=again.rules, touch=int(again.findings.suggestions.touch[0])) or None


def _reason(kept: _Kept, again: _Again) -> str:
    """The line a row of the run would have had."""
    said = again.findings.suggestions
    line = reason_in_words(
        rules=again.rules,
        tiers=again.vocabulary.tiers,
        segment=int(said.segment[0]),
        touch=int(said.touch[0]),
        rule=int(said.rule[0]),
        decided_by=DecidedBy(_word(kept, "decided_by") or DecidedBy.RULE),
    )
    labels = {bound.attribute.name: bound.attribute.label for bound in bounds_of(again.rules)}
    values = values_in_words(labels=labels, values=facts_to_json(again.findings.derived, tuple(labels))[0])
    return f"{line}; {values}" if values else line


def _contributions(definition: Mapping[str, Any], again: _Again) -> list[dict[str, Any]]:
    """Each criterion with the customer's value; the contributions add up to the score."""
    scores = again.findings.scores
    names = tuple(criterion.attribute.name for criterion in again.rules.criteria)
    values = facts_to_json(again.findings.derived, names)[0]
    return [
        {
            "criterion": criterion.get("name") or criterion["attribute"],
            "attribute": criterion["attribute"],
            "value": values.get(criterion["attribute"]),
            "points": None if points < 0 else round(points / POINT, 2),
            "weight": criterion.get("weight", 1),
            "contribution": cents / 100,
        }
        for criterion, points, cents in zip(
            definition.get("criteria", []),
            scores.points[0].tolist(),
            contributions_of(scores)[0].tolist(),
            strict=True,
        )
    ]


def _nearest_change(again: _Again) -> Change | None:
    return nearest_changes(
        findings=again.findings,
        rules=again.rules,
        tiers=again.vocabulary.tiers,
        rows=[0],
        crowd=again.crowd,
    )[0]


def _nearest_bound(again: _Again) -> dict[str, Any] | None:
    """With words: "ARR 168,000 is 18,000 from the bound 150,000; beyond it the rules say Scale"."""
    nearest = nearest_bounds(findings=again.findings, rules=again.rules)
    place = int(nearest.bound[0])
    if place < 0:
        return None
    bound, vocabulary = nearest.bounds[place], again.vocabulary
    column = again.findings.derived.columns[bound.attribute.name]
    value = float(column.values[0]) if isinstance(column, NumberColumn) else float("nan")
    away = round(float(nearest.distance[0]), 2)
    tier = vocabulary.slug(int(nearest.tier[0]))
    said, limit, distance = (number_in_words(number) for number in (value, bound.value, away))
    return {
        "attribute": bound.attribute.name,
        "op": bound.op,
        "bound": bound.value,
        "value": value,
        "distance": away,
        "tier": tier,
        "words": f"{bound.attribute.label} {said} is {distance} from the bound {limit}; beyond it the rules say "
        f"{_tier_name(tier, vocabulary)}",
    }


def _change_found(change: Change, vocabulary: ModelVocabulary) -> dict[str, Any]:
    attribute = vocabulary.attributes[change.attribute]
    before, after = _plain(change.before, attribute), _plain(change.after, attribute)
    slug = vocabulary.slug(change.tier)
    words = f"{attribute.label} from {_said(before)} to {_said(after)}: {_tier_name(slug, vocabulary)}"
    if attribute.kind is Kind.SET:
        words = f"{attribute.label} {_said(after)}: {_tier_name(slug, vocabulary)}"
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


def _tier_name(slug: str | None, vocabulary: ModelVocabulary) -> str:
    return next((tier.name for tier in vocabulary.tiers if tier.slug == slug), "no tier")


def _name(slug: str | None, run: RetierRun) -> str:
    """The tier's name on the day of the run."""
    return next((row[3] for row in run.vocabulary.get("tiers", []) if row[0] == slug), "none")
