"""A second opinion on tiering: one customer after the other, in plain Python, straight from the model's document.

Written from docs/engine/tiering.md and scoring.md alone. It shares no code with the engine (no arrays, no rules read, no
populations kept), so an error would have to be made twice. Slow on purpose: it counts everything anew for everyone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

LEVELS = ("high", "mid", "low", "tech", "self_service")
POINTS = {
    "arr_percentile",
    "arr_share",
    "arr_share_above",
    "adoption",
    "health",
    "reputation",
    "complexity",
    "score",
    "score_percentile",
}
DATES = {"contract_start", "renewal_date", "health_on", "sentiment_on"}
SETS = {"open_goals", "products"}
NUMBERS = POINTS | {
    "arr", "potential_arr", "expansion_potential", "employees", "product_count", "relationship_breadth", "goal_count",
    "sentiment", "days_to_renewal", "days_since_start", "health_age", "sentiment_age",
}  # fmt: skip
MILLION = 1_000_000


@dataclass(slots=True)
class Opinion:
    """What one customer gets. score in hundredths, None for none; tiers are positions, -1 for none."""

    segment: str = ""
    score: int | None = None
    contributions: list[int] = field(default_factory=list)
    touch: str | None = None
    suggested: int = -1
    effective: int = -1
    by: str = "rule"
    bites: set[str] = field(default_factory=set)


def opinions(
    *,
    model: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    tiers: Sequence[tuple[str, str]],
    goal_kinds: Mapping[str, str],
    as_of: date,
) -> list[Opinion]:
    """tiers: (slug, touch level), the highest first."""
    office = _Office(model, tiers)
    people = [_plain(row, model, goal_kinds, as_of) for row in rows]
    active = [not row.get("left", False) for row in rows]
    _standing(people, active)
    for person in people:
        person["segment"] = office.segment(person, Fraction(0))
    _score(people, active, model)
    return [office.decide(person, row, as_of) for person, row in zip(people, rows, strict=True)]


def _plain(
    row: Mapping[str, Any], model: Mapping[str, Any], goal_kinds: Mapping[str, str], as_of: date
) -> dict[str, Any]:
    person = {name: value for name, value in row.items() if value is not None}
    goals = sorted(row.get("open_goals") or ())
    person["open_goals"], person["products"] = goals, list(row.get("products") or ())
    person["goal_count"], person["product_count"] = len(goals), len(person["products"])
    if "arr" in person and "potential_arr" in person:
        more = round(100 * person["potential_arr"]) - round(100 * person["arr"])
        person["expansion_potential"] = max(0, more) / 100
    for name, source, sign in (
        ("days_to_renewal", "renewal_date", 1),
        ("days_since_start", "contract_start", -1),
        ("health_age", "health_on", -1),
        ("sentiment_age", "sentiment_on", -1),
    ):
        if source in person:
            person[name] = sign * (person[source] - as_of).days
    ordered = [slug for slug in model.get("goals", []) if slug in goals]
    if goals:
        person["goal"] = (ordered or goals)[0]
    asked = [level for level in LEVELS if any(goal_kinds.get(slug) == level for slug in goals)]
    if asked:
        person["goals_ask_for"] = asked[0]
    return person


def percentile(value: float, others: Sequence[float]) -> int:
    """100 × (below + half of those equal, itself included) ÷ number, in millionths. ``others`` leave out the one asked."""
    below = sum(1 for other in others if other < value)
    equal = sum(1 for other in others if other == value) + 1
    return round(Fraction(100 * MILLION * (2 * below + equal), 2 * (len(others) + 1)))


def share_above(value: float, others: Sequence[float]) -> Fraction | None:
    """100 × the ARR of those with strictly more ÷ total ARR; None where there is none at all."""
    above = sum(round(100 * other) for other in others if other > value)
    total = sum(round(100 * other) for other in others) + round(100 * value)
    return Fraction(100 * above, total) if total else None


def _others(people: Sequence[Mapping[str, Any]], active: Sequence[bool], at: int, name: str) -> list[float]:
    return [
        other[name]
        for place, other in enumerate(people)
        if place != at and active[place] and other.get(name) is not None
    ]


def _standing(people: Sequence[dict[str, Any]], active: Sequence[bool]) -> None:
    for at, person in enumerate(people):
        if "arr" not in person:
            continue
        others = _others(people, active, at, "arr")
        person["arr_percentile"] = percentile(person["arr"], others) / MILLION
        above = share_above(person["arr"], others)
        if above is not None:
            person["arr_share_above"] = float(above)


def _score(people: Sequence[dict[str, Any]], active: Sequence[bool], model: Mapping[str, Any]) -> None:
    criteria = model["criteria"]
    for at, person in enumerate(people):
        points = [_points(each, at, people, active) for each in criteria]
        person["withheld"] = any(
            given is None and each.get("missing") == "undecided"
            for given, each in zip(points, criteria, strict=True)
        )
        counted = [
            round(each["points"] * MILLION) if given is None and each.get("missing") == "points" else given
            for given, each in zip(points, criteria, strict=True)
        ]
        weights = [Fraction(Decimal(str(each["weight"]))) for each in criteria]
        _weigh(person, counted, weights)
    for at, person in enumerate(people):
        if person["score"] is not None:
            person["score_percentile"] = (
                percentile(person["score"], _others(people, active, at, "score")) / MILLION
            )


def _weigh(person: dict[str, Any], points: Sequence[int | None], weights: Sequence[Fraction]) -> None:
    total = sum(
        (weight for weight, given in zip(weights, points, strict=True) if given is not None), Fraction(0)
    )
    person["contributions"], person["cents"], person["score"] = [0] * len(points), None, None
    if not total:
        return
    exact = [
        Fraction(0) if given is None else weight * given / total / (MILLION // 100)
        for weight, given in zip(weights, points, strict=True)
    ]
    cents = round(sum(exact))  # half-even
    whole = [math.floor(each) for each in exact]
    by_rest = sorted(range(len(exact)), key=lambda place: (whole[place] - exact[place], place))
    for place in by_rest[: cents - sum(whole)]:
        whole[place] += 1
    person["contributions"], person["cents"], person["score"] = whole, cents, cents / 100


def _points(
    each: Mapping[str, Any], at: int, people: Sequence[Mapping[str, Any]], active: Sequence[bool]
) -> int | None:
    name, scale, value = each["attribute"], each["scale"], people[at].get(each["attribute"])
    kind = scale["kind"]
    if kind == "choices":
        return _choice(scale, value, is_set=name in SETS)
    if value is None:
        return None
    if kind == "percentile":
        alike = [
            active[place] and (scale.get("within") != "segment" or person["segment"] == people[at]["segment"])
            for place, person in enumerate(people)
        ]
        given = percentile(value, _others(people, alike, at, name))
        return 100 * MILLION - given if scale.get("reverse") else given
    if kind == "steps":
        reached = [step[1] for step in scale["steps"] if value >= step[0]]
        return round((reached[-1] if reached else scale.get("below", 0)) * MILLION)
    low, high = scale["low"], scale["high"]
    if kind == "log":
        part = math.log(max(value, min(low, high)) / low) / math.log(high / low)
        return round(min(1.0, max(0.0, part)) * 100 * MILLION)
    share = (Fraction(value) - low) / (high - low)
    return round(min(Fraction(1), max(Fraction(0), share)) * 100 * MILLION)


def _choice(scale: Mapping[str, Any], value: Any, *, is_set: bool) -> int | None:
    listed = {word.casefold(): points for word, points in scale["points"].items()}
    words = value if is_set else [{True: "yes", False: "no"}.get(value, value)] if value is not None else None
    if words is None:
        return None
    given = [listed[word.casefold()] for word in words if word.casefold() in listed]
    if not is_set or not given:
        given = given or ([scale["other"]] if scale.get("other") is not None else [])
    elif scale.get("other") is not None and len(given) < len(words):
        given.append(scale["other"])  # a member that is not listed counts as any other
    return round(max(given) * MILLION) if given else None


class _Office:
    """Decides one customer at a time by the rules of one document."""

    def __init__(self, model: Mapping[str, Any], tiers: Sequence[tuple[str, str]]) -> None:
        self.model, self.levels = model, [level for _, level in tiers]
        self.places = {slug: place for place, (slug, _) in enumerate(tiers)}
        self.guards = model.get("guards", {})
        self.reads_score = any(
            name in {"score", "score_percentile"}
            for rule in (*model.get("touch", []), *model["tiers"])
            for name in _names(rule["when"])
        )

    def segment(self, person: Mapping[str, Any], by: Fraction) -> str:
        return next(
            str(rule["name"]) for rule in self.model["segments"] if self.all_hold(rule["when"], person, by)
        )

    def tier(self, person: dict[str, Any], by: Fraction) -> int:
        """by: 0 as written, 1 loosened by the dead band, -1 tightened."""
        person = {**person, "segment": self.segment(person, by)}
        person["touch"] = self.touch(person, by)
        rule = next(rule for rule in self.model["tiers"] if self.all_hold(rule["when"], person, by))
        return self.places[rule["tier"]]

    def touch(self, person: Mapping[str, Any], by: Fraction) -> str | None:
        return next(
            (
                str(rule["touch"])
                for rule in self.model.get("touch", [])
                if self.all_hold(rule["when"], person, by)
            ),
            None,
        )

    def all_hold(self, when: Sequence[Mapping[str, Any]], person: Mapping[str, Any], by: Fraction) -> bool:
        return all(self.holds(clause, person, by) for clause in when)

    def holds(self, clause: Mapping[str, Any], person: Mapping[str, Any], by: Fraction) -> bool:
        if "all" in clause:
            return self.all_hold(clause["all"], person, by)
        if "any" in clause:
            return any(self.holds(each, person, by) for each in clause["any"])
        name, op, wanted = clause["attribute"], clause["op"], clause["value"]
        value = person.get(name)
        if op in {"known", "missing"}:
            return (value is not None) == (op == "known")
        if value is None:
            return False
        if name in SETS:
            inside = [word in value for word in wanted]
            return {"any_of": any(inside), "all_of": all(inside), "none_of": not any(inside)}[op]
        if name in NUMBERS:
            return self.compares(name, value, op, wanted, by)
        if op == "is":
            return bool(value == wanted)
        return (value.casefold() in {word.casefold() for word in wanted}) == (op == "in")

    def compares(self, name: str, value: float, op: str, wanted: Any, by: Fraction) -> bool:
        if op == "between":
            return self.compares(name, value, ">=", wanted[0], by) and self.compares(
                name, value, "<", wanted[1], by
            )
        bound, band = Fraction(wanted), self.guards.get("dead_band") or {}
        step = Fraction(band.get("points", 2))
        if name not in POINTS:
            step = abs(bound) * Fraction(band.get("percent", 5)) / 100
        if op in {">=", ">"}:
            bound -= by * step
        elif op in {"<=", "<"}:
            bound += by * step
        limit = float(bound)
        return {
            ">=": value >= limit,
            ">": value > limit,
            "<=": value <= limit,
            "<": value < limit,
            "=": value == limit,
            "!=": value != limit,
        }[op]

    def decide(self, person: dict[str, Any], row: Mapping[str, Any], as_of: date) -> Opinion:
        zero = Fraction(0)
        suggested = self.tier(person, zero)
        found = Opinion(
            segment=person["segment"],
            score=person["cents"],
            contributions=person["contributions"],
            touch=self.touch(person, zero),
            suggested=suggested,
            effective=suggested,
        )
        current, override = row.get("current", -1), row.get("override", -1)
        for guard, tier in self.guarded(person, row, as_of, found):
            if tier != found.effective:
                found.effective, found.by = tier, guard
                found.bites.add(guard)
        if person["withheld"] or (self.reads_score and person["score"] is None):
            found.effective, found.by, found.bites = current, "undecided", set()
        if override >= 0:
            found.effective, found.by = override, "override"
        if row.get("left"):
            found.effective, found.by, found.bites = current, "left", {"left"}
        return found

    def guarded(self, person: dict[str, Any], row: Mapping[str, Any], as_of: date, found: Opinion) -> Any:
        """(guard, the tier it wants) in their order, each looking at what the one before left in ``found``."""
        current = row.get("current", -1)
        closed = (self.guards.get("first_year") or {}).get("touch_levels", [])
        if (
            self.levels[found.effective] in closed
            and row.get("first_renewal_done") is not True
            and found.effective != current
        ):
            open_above = [
                place for place in range(found.effective, -1, -1) if self.levels[place] not in closed
            ]
            yield "first_year", open_above[0]
        if current >= 0:
            if self.guards.get("dead_band", {}) is not None:
                ends = sorted(self.tier(person, Fraction(by)) for by in (1, -1))
                if ends[0] <= current <= ends[1]:
                    yield "dead_band", current
            stay = (self.guards.get("minimum_stay") or {}).get("days", 0)
            forgiven = row.get("goals_changed") or row.get("override_ended")
            if "since" in row and (as_of - row["since"]).days < stay and not forgiven:
                yield "minimum_stay", current
            freeze = (self.guards.get("renewal_freeze") or {}).get("days", 0)
            left = person.get("days_to_renewal")
            if freeze and left is not None and 0 <= left <= freeze and found.effective > current:
                yield "renewal_freeze", current
        paid = row.get("paid", -1)
        if self.guards.get("paid_floor", True) and 0 <= paid < found.effective:
            yield "paid_floor", paid


def _names(when: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    for clause in when:
        inner = clause.get("all", clause.get("any"))
        found += [clause["attribute"]] if inner is None else _names(inner)
    return found
