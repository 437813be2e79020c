"""What a scenario changes, one sentence a change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from accounts.models import GoalKind, Tier
from allocation.engine.facts.attributes import ATTRIBUTES
from allocation.engine.facts.scenarios import AddedHeads, ModelChange, Question, Where
from allocation.engine.scenario_documents import bound_now, weight_now
from allocation.engine.scenario_reading import UnusableScenario, read_scenario
from allocation.engine.written import as_number
from allocation.models import AllocationPolicy
from allocation.selectors.scenario_definition import base_document
from allocation.selectors.wording import hours_and_minutes
from allocation.snapshots.scenarios import ScenarioNames, base_policy

NOTHING = "Nothing is changed: what the published model says today."
SMALL = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


def changes_in_words(definition: Any) -> tuple[str, ...]:
    """In the order of docs/scenarios.md. Of a definition with faults the faults: a name may have gone since it was asked."""
    try:
        question = read_scenario(definition=definition, names=ScenarioNames())
    except UnusableScenario as refusal:
        return refusal.faults
    said = (
        *_model(question.model),
        *_guards(question),
        *_tiers(question),
        *_policy(question),
        *_roster(question),
        *_goals(question),
        *_engagement(question),
        *_amounts(question),
    )
    books = ("The books are planned anew.",) if question.planned_anew else ()
    return (*said, *books) or (NOTHING,)


def _model(change: ModelChange) -> Iterator[str]:
    if change.definition is not None:
        yield "Another model, given as a whole."
        return
    if change.version is not None:
        yield f"Version {change.version} of the model."
    if not change.weights and not change.bounds:
        return
    try:
        document = base_document(version=change.version)
    except UnusableScenario:
        document = None
    for name, weight in change.weights.items():
        yield f"Weight of {name} {_plain(weight)}{_instead(weight_now(document=document, name=name))}."
    for bound in change.bounds:
        now = _instead(bound_now(document=document, bound=bound))
        yield f"Bound of {_label(bound.attribute)} in “{bound.rule}” {_plain(bound.value)}{now}."


def _instead(now: object) -> str:
    number = as_number(now)
    return "" if number is None else f" instead of {_plain(number)}"


def _guards(question: Question) -> Iterator[str]:
    if question.run_out:
        yield "Minimum stay, dead band and renewal freeze hold nobody back any more."


def _tiers(question: Question) -> Iterator[str]:
    if not question.tiers:
        return
    tiers = {tier.slug: tier for tier in Tier.objects.order_by("rank")}
    for slug, change in question.tiers.items():
        tier = tiers[slug]
        if change.has_cap:
            now = "no cap" if tier.cap is None else str(tier.cap)
            new = "no cap" if change.cap is None else f"cap {change.cap}"
            yield f"{tier.name}: {new} instead of {now}."
        if change.minutes is not None:
            yield f"{tier.name}: {hours_and_minutes(change.minutes)} hours a month each instead of the touch plan."


def _policy(question: Question) -> Iterator[str]:
    if question.policy_name:
        yield f"Allocation policy “{question.policy_name}”."
    if not question.policy:
        return
    stored = base_policy(name=question.policy_name)
    for name, value in question.policy.items():
        field = AllocationPolicy._meta.get_field(name)
        label = str(field.verbose_name)  # type: ignore[union-attr]
        yield f"Policy, {label}: {_value(value)} instead of {_value(getattr(stored, name))}."


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    number = as_number(value)
    return str(value).replace("_", " ") if number is None else _plain(number)


def _roster(question: Question) -> Iterator[str]:
    for added in question.added:
        yield _added(added)
    for csm in sorted(question.without):
        yield f"{csm} is not there."


def _added(added: AddedHeads) -> str:
    number = SMALL[added.heads] if added.heads < len(SMALL) else f"{added.heads}"
    able = [
        *added.verticals,
        *added.regions,
        *added.countries,
        *added.languages,
        *added.products,
    ]
    for_whom = f" for {', '.join(able)}" if able else ""
    team = f" in {added.team}" if added.team else ""
    measures = {
        "hours a month": added.hours_per_month,
        "% not spent on customers": added.overhead_pct,
        "% ramp": added.ramp_pct,
    }
    said = [f"{_plain(value)} {what}" for what, value in measures.items() if value is not None]
    if added.seniority is not None:
        said.append(f"seniority {added.seniority}")
    return f"{number} more {'CSM' if added.heads == 1 else 'CSMs'}{for_whom}{team}{_beside(said)}."


def _beside(said: list[str]) -> str:
    return f" ({', '.join(said)})" if said else ""


def _goals(question: Question) -> Iterator[str]:
    if not question.closed_goals and not question.opened_goals:
        return
    names = dict(GoalKind.objects.order_by("slug").values_list("slug", "name"))
    for kind in sorted(question.closed_goals):
        yield f"Goals “{names[kind]}” are closed."
    for one in question.opened_goals:
        yield f"A goal “{names[one.kind]}” is opened for {_whom(one.where)}."


def _engagement(question: Question) -> Iterator[str]:
    if question.as_wished:
        silent = (
            "is taken to wish the highest" if question.silent_take_highest else "keeps the tier of the model"
        )
        yield f"Every customer gets the engagement it wishes; who has said nothing {silent}."


def _amounts(question: Question) -> Iterator[str]:
    for change in question.amounts:
        sign = "+" if change.change_pct >= 0 else "−"
        label = _label(change.attribute)
        yield f"{label[:1].upper()}{label[1:]} of {_whom(change.where)} {sign}{_plain(abs(change.change_pct))} %."


def _whom(where: Where) -> str:
    if where.is_everybody:
        return "everyone"
    parts: Mapping[str, tuple[str, ...]] = {
        "vertical": where.vertical,
        "region": where.region,
        "country": where.country,
        "tier": where.tier,
    }
    return "customers of " + " and ".join(
        f"{what} {' or '.join(names)}" for what, names in parts.items() if names
    )


def _label(attribute: str) -> str:
    found = ATTRIBUTES.get(attribute)
    return attribute if found is None else found.label


def _plain(value: Decimal) -> str:
    """1200000.50 → "1,200,000.5"."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
