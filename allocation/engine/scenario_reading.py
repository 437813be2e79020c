"""Reads the definition of a scenario, with a sentence for every fault (docs/scenarios.md).

Nothing is repaired or guessed: a definition with a fault is refused, and all its faults are told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from allocation.engine.facts.scenarios import (
    AddedHeads,
    AmountChange,
    BoundChange,
    ModelChange,
    OpenedGoal,
    Question,
    TierChange,
    Where,
)
from allocation.engine.written import as_number, no_number

PARTS = ("model", "tiers", "policy", "roster", "goals", "engagement", "amounts", "books")
AMOUNTS = ("arr", "potential_arr", "employees", "adoption", "health", "reputation", "complexity")
WORDS: Mapping[str, str] = {
    "verticals": "vertical",
    "regions": "region",
    "countries": "country",
    "languages": "language",
    "products": "product",
}
"""What an added CSM may be able for, and the kind of name that each asks for."""
MOST_HEADS = 500
MOST_CAP = 1_000_000
MOST_HOURS = 8_760
LEAST_PCT, MOST_PCT = -100, 1_000
NAMES_SHOWN = 40

Names = Callable[[str], Sequence[str]]
"""The names there are of a kind: "tier", "goal kind", "vertical", "region", "country", "language", "product", "team", "policy",
"policy field", "CSM"; of a CSM its key. Asked only for what a definition names."""


class UnusableScenario(ValueError):
    """A definition that cannot be computed; ``faults`` has one sentence a fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = tuple(faults)


@dataclass(slots=True)
class _Reading:
    names: Names
    faults: list[str] = field(default_factory=list)

    def part(self, value: object, where: str, may_have: Sequence[str]) -> Mapping[str, object]:
        """An object with no other keys than these; what is left out is no fault."""
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.faults.append(f"{where} must be an object, not {value!r}.")
            return {}
        for key in sorted(set(map(str, value)) - set(may_have)):
            self.faults.append(f"{where} has an unknown part “{key}”; it may have {', '.join(may_have)}.")
        return value

    def rows(self, value: object, where: str) -> list[object]:
        if value is None:
            return []
        if not isinstance(value, list):
            self.faults.append(f"{where} must be a list, not {value!r}.")
            return []
        return value

    def known(self, kind: str, name: object, where: str) -> str:
        """The name as it is written where it is kept; "" and a fault when there is none."""
        if not isinstance(name, str) or not name.strip():
            self.faults.append(f"{where}: {name!r} is no name of a {kind}.")
            return ""
        there = self.names(kind)
        found = [one for one in there if one == name] or [
            one for one in there if one.casefold() == name.strip().casefold()
        ]
        if not found:
            self.faults.append(f"{where}: there is no {kind} “{name}”; there is: {listed(there)}.")
            return ""
        return found[0]

    def all_known(self, kind: str, value: object, where: str) -> tuple[str, ...]:
        found = (self.known(kind, name, where) for name in self.rows(value, where))
        return tuple(dict.fromkeys(name for name in found if name))

    def number(self, value: object, what: str, low: float, high: float) -> Decimal | None:
        number = as_number(value)
        if number is None:
            self.faults.append(f"{no_number(what, value)}.")
            return None
        if not Decimal(str(low)) <= number <= Decimal(str(high)):
            self.faults.append(f"{what} must be from {low:,} to {high:,}, not {value}.")
            return None
        return number

    def whole(self, value: object, what: str, low: int, high: int) -> int | None:
        number = self.number(value, what, low, high)
        if number is None:
            return None
        if number % 1:
            self.faults.append(f"{what} must be a whole number, not {value}.")
            return None
        return int(number)


def listed(names: Iterable[str]) -> str:
    """For a sentence: the names there are, the first forty of many."""
    every = list(names)
    rest = len(every) - NAMES_SHOWN
    shown = ", ".join(every[:NAMES_SHOWN]) or "none yet"
    return f"{shown} and {rest} more" if rest > 0 else shown


def read_scenario(*, definition: object, names: Names) -> Question:
    """The question that a definition asks, or UnusableScenario with all its faults.

    Whether weights, bounds and a whole document make a model is said where they are put in (``scenario_documents``).
    """
    reading = _Reading(names)
    if not isinstance(definition, Mapping):
        raise UnusableScenario(["A scenario must be an object; an empty one, {}, changes nothing."])
    parts = reading.part(definition, "The scenario", PARTS)
    model, run_out = _model(reading, parts.get("model"))
    policy_name, policy = _policy(reading, parts.get("policy"))
    added, without = _roster(reading, parts.get("roster"))
    closed, opened = _goals(reading, parts.get("goals"))
    as_wished, highest = _engagement(reading, parts.get("engagement"))
    question = Question(
        model=model,
        run_out=run_out,
        tiers=_tiers(reading, parts.get("tiers")),
        policy_name=policy_name,
        policy=policy,
        added=added,
        without=without,
        closed_goals=closed,
        opened_goals=opened,
        as_wished=as_wished,
        silent_take_highest=highest,
        amounts=_amounts(reading, parts.get("amounts")),
        planned_anew=_said(
            reading, parts.get("books", "as they are"), "Books", ("as they are", "planned anew")
        )
        == "planned anew",
    )
    if reading.faults:
        raise UnusableScenario(reading.faults)
    return question


def _said(reading: _Reading, value: object, what: str, choices: Sequence[str]) -> str:
    if value not in choices:
        quoted = " or ".join(f"“{choice}”" for choice in choices)
        reading.faults.append(f"{what} can be {quoted}, not {value!r}.")
        return choices[0]
    return str(value)


def _model(reading: _Reading, value: object) -> tuple[ModelChange, bool]:
    part = reading.part(value, "The model", ("version", "weights", "bounds", "definition", "guards"))
    run_out = "as the model says"
    if "guards" in part:
        run_out = _said(reading, part["guards"], "The guards", ("as the model says", "run out"))
    version = None
    if part.get("version") is not None:
        version = reading.whole(part["version"], "The version of the model", 1, 1_000_000_000)
    weights = {}
    for name, weight in reading.part(
        part.get("weights"), "The weights", _any_keys(part.get("weights"))
    ).items():
        number = reading.number(weight, f"The weight of “{name}”", 0, 1000)
        if number is not None:
            weights[name] = number
    whole_document = part.get("definition")
    if whole_document is not None and (version is not None or weights or part.get("bounds")):
        reading.faults.append(
            "A whole definition stands for itself: leave version, weights and bounds of the model out, or the definition."
        )
    return ModelChange(version, weights, _bounds(reading, part.get("bounds")), whole_document), (
        run_out == "run out"
    )


def _any_keys(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, Mapping) else ()


def _bounds(reading: _Reading, value: object) -> tuple[BoundChange, ...]:
    found = []
    for row in reading.rows(value, "The bounds"):
        part = reading.part(row, "A bound", ("rule", "attribute", "value"))
        rule, attribute = part.get("rule"), part.get("attribute")
        if not isinstance(rule, str) or not rule or not isinstance(attribute, str) or not attribute:
            reading.faults.append("A bound names its rule, its attribute and its value.")
            continue
        number = as_number(part.get("value"))
        if number is None:
            reading.faults.append(f"{no_number(f'The bound of {attribute} in “{rule}”', part.get('value'))}.")
            continue
        found.append(BoundChange(rule, attribute, number))
    return tuple(found)


def _tiers(reading: _Reading, value: object) -> dict[str, TierChange]:
    found = {}
    for name, change in reading.part(value, "The tiers", _any_keys(value)).items():
        slug = reading.known("tier", name, "The tiers")
        part = reading.part(change, f"The tier “{name}”", ("cap", "hours_a_year"))
        cap, minutes = part.get("cap"), None
        if cap is not None:
            cap = reading.whole(cap, f"The cap of “{name}”", 0, MOST_CAP)
        if part.get("hours_a_year") is not None:
            hours = reading.number(part["hours_a_year"], f"The hours a year of “{name}”", 0, MOST_HOURS)
            minutes = None if hours is None else round(hours * 60 / 12)
        if slug:
            found[slug] = TierChange("cap" in part, cap if isinstance(cap, int) else None, minutes)
    return found


def _policy(reading: _Reading, value: object) -> tuple[str, dict[str, object]]:
    if value is None:
        return "", {}
    if not isinstance(value, Mapping):
        reading.faults.append(f"The policy must be an object, not {value!r}.")
        return "", {}
    name = reading.known("policy", value["name"], "The policy") if value.get("name") is not None else ""
    fields = {}
    for key, given in value.items():
        if key == "name":
            continue
        field_name = reading.known("policy field", key, "The policy")
        if field_name:
            fields[field_name] = given
    return name, fields


def _roster(reading: _Reading, value: object) -> tuple[tuple[AddedHeads, ...], frozenset[str]]:
    part = reading.part(value, "The roster", ("add", "without"))
    added = [_added(reading, row) for row in reading.rows(part.get("add"), "The CSMs to add")]
    without = reading.all_known("CSM", part.get("without"), "The CSMs who are not there")
    heads = sum(one.heads for one in added)
    if heads > MOST_HEADS:
        reading.faults.append(f"At most {MOST_HEADS} CSMs can be added, not {heads}.")
    return tuple(added), frozenset(without)


def _added(reading: _Reading, row: object) -> AddedHeads:
    measures = ("hours_per_month", "overhead_pct", "ramp_pct")
    part = reading.part(row, "A CSM to add", ("heads", *WORDS, "team", "seniority", *measures))

    def words(name: str) -> tuple[str, ...]:
        return reading.all_known(WORDS[name], part.get(name), f"The {name} of CSMs to add")

    def number(name: str, most: int) -> Decimal | None:
        given = part.get(name)
        return None if given is None else reading.number(given, f"“{name}” of CSMs to add", 0, most)

    seniority = part.get("seniority")
    if seniority is not None:
        seniority = reading.whole(seniority, "The seniority of CSMs to add", 1, 5)
    return AddedHeads(
        heads=reading.whole(part.get("heads", 1), "The heads to add", 1, MOST_HEADS) or 0,
        verticals=words("verticals"),
        regions=words("regions"),
        countries=words("countries"),
        languages=words("languages"),
        products=words("products"),
        team=reading.known("team", part["team"], "The team of CSMs to add") if part.get("team") else "",
        seniority=seniority if isinstance(seniority, int) else None,
        hours_per_month=number("hours_per_month", 744),
        overhead_pct=number("overhead_pct", 100),
        ramp_pct=number("ramp_pct", 100),
    )


def _goals(reading: _Reading, value: object) -> tuple[frozenset[str], tuple[OpenedGoal, ...]]:
    part = reading.part(value, "The goals", ("close", "open"))
    closed = reading.all_known("goal kind", part.get("close"), "The goals to close")
    opened = []
    for row in reading.rows(part.get("open"), "The goals to open"):
        one = reading.part(row, "A goal to open", ("kind", "where"))
        kind = reading.known("goal kind", one.get("kind"), "A goal to open")
        opened.append(OpenedGoal(kind, _where(reading, one.get("where"))))
    for kind in sorted({one.kind for one in opened} & set(closed)):
        reading.faults.append(f"The goal kind “{kind}” is both closed and opened: name it once.")
    return frozenset(closed), tuple(opened)


def _where(reading: _Reading, value: object) -> Where:
    kinds = ("vertical", "region", "country", "tier")
    part = reading.part(value, "“where”", kinds)
    return Where(**{kind: reading.all_known(kind, part.get(kind), f"“where”, {kind}") for kind in kinds})


def _engagement(reading: _Reading, value: object) -> tuple[bool, bool]:
    if value is None:
        return False, False
    part = reading.part(value, "The engagement", ("as", "without_a_wish"))
    _said(reading, part.get("as"), "The engagement (“as”)", ("wished",))
    silent = _said(
        reading, part.get("without_a_wish", "keeps"), "Who is without a wish", ("keeps", "highest")
    )
    return True, silent == "highest"


def _amounts(reading: _Reading, value: object) -> tuple[AmountChange, ...]:
    found = []
    for row in reading.rows(value, "The amounts"):
        part = reading.part(row, "An amount", ("attribute", "change_pct", "where"))
        attribute = part.get("attribute")
        if attribute not in AMOUNTS:
            reading.faults.append(
                f"The amounts: {attribute!r} cannot be changed; what can is {', '.join(AMOUNTS)}."
            )
        change = reading.number(
            part.get("change_pct"), f"The change of {attribute} in per cent", LEAST_PCT, MOST_PCT
        )
        where = _where(reading, part.get("where"))
        if attribute in AMOUNTS and change is not None:
            found.append(AmountChange(str(attribute), change, where))
    return tuple(found)
