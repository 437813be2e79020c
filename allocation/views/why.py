"""Why a customer has its tier, laid out for its page: the answer of the `explain` command as steps, picture and table."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings

from accounts.models import TouchLevel
from allocation.charts.bars import COLUMN, NARROW, ContributionBar, contribution_bars
from allocation.charts.svg import Markup, wide_and_narrow
from allocation.engine.facts.attributes import ATTRIBUTES, Unit
from allocation.models import Override
from allocation.selectors import wording
from allocation.selectors.explanations import FACTS_CHANGED, Explanation
from allocation.selectors.runs import GUARD_WORDS

MONEY = frozenset(name for name, attribute in ATTRIBUTES.items() if attribute.unit is Unit.MONEY)


@dataclass(frozen=True)
class Step:
    label: str
    value: str
    note: str = ""
    decider: bool = False
    trace: str = ""  # how a number came


@dataclass(frozen=True)
class Contribution:
    criterion: str
    value: str
    points: str
    weight: str
    contribution: str


@dataclass(frozen=True)
class Hint:
    label: str
    value: str


@dataclass(frozen=True)
class Why:
    """What the card shows. `problem` is set while the reasons are those of a proposal, `changed` once facts are others."""

    source: str
    sentence: str
    problem: str
    changed: str
    steps: list[Step]
    contributions: list[Contribution]
    chart: Markup | str
    score: str
    score_trace: str
    hints: list[Hint]


def why(explanation: Explanation, *, in_force: Override | None = None) -> Why:
    """The explanation of the decision a customer stands on, or of the newest proposal.

    in_force: the override that holds today. One that the run knew nothing of comes after what the run said.
    """
    since = None if explanation.found["decided_by"] == "override" else in_force
    found = explanation.found
    currency = found["currency"] or settings.BASE_CURRENCY
    return Why(
        source=_source(found),
        sentence=_sentence(explanation, since),
        problem="This is only proposed: the tier changes when the run is applied."
        if explanation.proposed
        else "",
        changed=_changed(found, since),
        steps=_steps(explanation, since),
        contributions=[_contribution(line, currency) for line in found["contributions"]],
        chart=contributions_chart(found),
        score=_score(found["score"]),
        score_trace=_score_trace(found),
        hints=_hints(found),
    )


def _sentence(explanation: Explanation, since: Override | None) -> str:
    """What holds comes first: the run's reason stands behind an override that it knew nothing of."""
    reason: str = explanation.found["reason"]
    if since is None:
        return reason
    holds = f"{since.tier.name} by override until {wording.day(since.expires_on)}; the model says {explanation.effective}"
    return f"{holds}. {reason}" if reason else f"{holds}."


def _source(found: dict[str, Any]) -> str:
    """The amounts in the sentences below it name no currency, so it is said here once."""
    run = f"run {found['run']}, as of {wording.day(found['as_of'])}, model version {found['model_version']}"
    if found["decided_in"] != found["run"]:
        first = f"decided in run {found['decided_in']}, as of {wording.day(found['decided_as_of'])}"
        run = f"{first}; confirmed unchanged in {run}"
    return f"{run}; amounts in {found['currency']}" if found["currency"] else run


def _changed(found: dict[str, Any], since: Override | None) -> str:
    """An override is among what the run read, so alone it makes the facts others."""
    return FACTS_CHANGED if found["facts_changed"] and since is None else ""


def _steps(explanation: Explanation, since: Override | None) -> list[Step]:
    found = explanation.found
    decided_by = found["decided_by"]
    by_rule = decided_by == "rule"
    guards = [guard for guard in found["guards"] if guard != decided_by]
    steps = [Step("Segment", found["segment"] or wording.DASH)]
    if found["contributions"]:
        steps.append(Step("Score", _score(found["score"]), "of 100", trace=_score_trace(found)))
    if found["goal"]:
        steps.append(Step("Leading goal", _in_words(found["goal"])))
    if found["touch"]:
        steps.append(Step("Touch level", _touch(found["touch"]), found["touch_reason"] or ""))
    steps.append(Step("The rules suggest", explanation.suggested, found["rule"] or "", decider=by_rule))
    steps.append(
        Step(
            "Guard or override",
            "None bites" if by_rule else GUARD_WORDS.get(decided_by, decided_by),
            "also: " + ", ".join(GUARD_WORDS.get(guard, guard) for guard in guards) if guards else "",
            decider=not by_rule,
        )
    )
    if since is None:
        return [*steps, Step("Tier", explanation.effective)]
    until = f"an override since, until {wording.day(since.expires_on)}"
    return [
        *steps,
        Step("The run said", explanation.effective),
        Step("Tier", since.tier.name, until, decider=True),
    ]


def _touch(level: str) -> str:
    return str(TouchLevel(level).label) if level in TouchLevel.values else level


def _in_words(slug: str) -> str:
    """ "risk-mitigation" → "Risk mitigation": kinds are kept by their slug, which never changes."""
    return slug.replace("-", " ").replace("_", " ").capitalize()


def _score(score: Any) -> str:
    return wording.DASH if score is None else f"{score:.2f}"


def _score_trace(found: dict[str, Any]) -> str:
    """The contributions, added up."""
    if found["score"] is None:
        return ""
    given = [line for line in found["contributions"] if line["points"] is not None]
    added = "\n+ ".join(f"{line['criterion']} {line['contribution']:.2f}" for line in given)
    return f"{added}\n= {_score(found['score'])}" if given else ""


def _contribution(line: dict[str, Any], currency: str) -> Contribution:
    missing = line["points"] is None
    return Contribution(
        criterion=line["criterion"],
        value="missing"
        if line["value"] is None
        else said(line["value"], attribute=line["attribute"], currency=currency),
        points="weight shared out" if missing else f"{line['points']:g}",
        weight=f"{line['weight']:g}",
        contribution=wording.DASH if missing else f"{line['contribution']:.2f}",
    )


def said(value: Any, *, attribute: str, currency: str) -> str:
    """A value of a criterion as people read it. currency: the base currency of its run."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "none"
    if isinstance(value, int | float):
        number = wording.trimmed(Decimal(str(value)))
        return f"{number}{wording.SPACE}{currency}" if attribute in MONEY else number
    return str(value)


def contributions_chart(found: dict[str, Any]) -> Markup | str:
    lines = found["contributions"]
    if not lines:
        return ""
    known = [line for line in lines if line["points"] is not None]
    weights = sum(float(line["weight"]) for line in known)
    bars = [
        ContributionBar(
            criterion=line["criterion"],
            contribution=float(line["contribution"] or 0),
            most=100 * float(line["weight"]) / weights if weights and line["points"] is not None else 0.0,
            words=f"{line['criterion']}: missing, its weight is shared out"
            if line["points"] is None
            else f"{line['criterion']}: {float(line['contribution'] or 0):.2f}",
            missing=line["points"] is None,
        )
        for line in lines
    ]
    score = None if found["score"] is None else float(found["score"])
    return wide_and_narrow(
        contribution_bars(bars, score=score, width=COLUMN),
        contribution_bars(bars, score=score, width=NARROW),
    )


def _hints(found: dict[str, Any]) -> list[Hint]:
    hints = []
    if found["nearest_bound"]:
        hints.append(Hint("Nearest bound", found["nearest_bound"]["words"]))
    if found["nearest_change"]:
        hints.append(Hint("Nearest single change that would move it", found["nearest_change"]["words"]))
    return hints
