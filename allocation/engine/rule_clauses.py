"""Reads conditions and groups of a tiering model: ``{"attribute", "op", "value"}``, ``{"all": […]}``, ``{"any": […]}``."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from allocation.engine.facts.attributes import TOUCH_LEVELS, Attribute, Kind, Stage
from allocation.engine.facts.rules import Clause, Condition, Group, Value
from allocation.engine.written import as_number, is_blank

EPOCH = date(1970, 1, 1)
DEEPEST = 8

# Stands where a condition could not be read, so that its rule is not taken for a catch-all as well.
_NOBODY = Group(any_of=True, parts=())

_BOUNDS = frozenset({">=", ">", "<=", "<", "=", "!=", "between"})
_ALWAYS = frozenset({"known", "missing"})
OPS: Mapping[Kind, frozenset[str]] = {
    Kind.NUMBER: _BOUNDS | _ALWAYS,
    Kind.DATE: _BOUNDS | _ALWAYS,
    Kind.CHOICE: frozenset({"is", "is_not", "in", "not_in"}) | _ALWAYS,
    Kind.FLAG: frozenset({"is"}) | _ALWAYS,
    Kind.SET: frozenset({"any_of", "all_of", "none_of"}),
}
_TOO_EARLY: Mapping[Stage, str] = {
    Stage.SEGMENTED: "segments come before it, so they cannot read the segment itself",
    Stage.SCORED: "the score is only known to touch and tier rules",
    Stage.TOUCHED: "the touch level is only known to tier rules",
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a clause may name at this stage; faults are added to ``faults``. has_touch: the model gives touch levels."""

    attributes: Mapping[str, Attribute]
    stage: Stage
    segments: tuple[str, ...]
    goal_kinds: Collection[str] | None
    faults: list[str]
    has_touch: bool = False

    def attribute(self, name: object, where: str) -> Attribute | None:
        found = self.attributes.get(name) if isinstance(name, str) else None
        if found is None:
            self.faults.append(f"{where}: there is no attribute “{name}”.")
            return None
        if found.stage > self.stage:
            self.faults.append(f"{where}: “{name}” cannot be used here; {_TOO_EARLY[found.stage]}.")
            return None
        if found.stage is Stage.TOUCHED and not self.has_touch:
            self.faults.append(f"{where}: “{name}” cannot be used here; the model has no touch rules.")
            return None
        return found

    def unknown_words(self, attribute: Attribute, words: Collection[str]) -> list[str]:
        """Words that cannot occur. Free vocabularies (verticals, packages…) are not known to the engine."""
        possible: Mapping[str, Collection[str] | None] = {
            "segment": self.segments,
            "open_goals": self.goal_kinds,
            "goal": self.goal_kinds,
            "touch": TOUCH_LEVELS,
            "goals_ask_for": TOUCH_LEVELS,
        }
        known = possible.get(attribute.name)
        return [] if known is None else [word for word in words if word not in known]


def read_group(value: object, *, where: str, vocabulary: Vocabulary) -> Group:
    """A rule's ``when``: a list of which all must hold. An empty list holds for everyone."""
    if not isinstance(value, list):
        vocabulary.faults.append(f"{where}: “when” must be a list of conditions.")
        return Group(any_of=False, parts=(_NOBODY,))
    return _group(value, any_of=False, where=where, vocabulary=vocabulary, depth=0)


def _group(value: list[object], *, any_of: bool, where: str, vocabulary: Vocabulary, depth: int) -> Group:
    parts: list[Clause] = []
    for item in value:
        read = _clause(item, where=where, vocabulary=vocabulary, depth=depth)
        # "between" is read as two bounds: of an "any" both of them belong to one choice.
        parts.extend([Group(any_of=False, parts=tuple(read))] if any_of and len(read) > 1 else read)
    return Group(any_of=any_of, parts=tuple(parts))


def _clause(item: object, *, where: str, vocabulary: Vocabulary, depth: int) -> list[Clause]:
    if not isinstance(item, Mapping):
        vocabulary.faults.append(f"{where}: a condition must be an object, not {item!r}.")
        return [_NOBODY]
    if "any" not in item and "all" not in item:
        return _condition(item, where=where, vocabulary=vocabulary)
    kind = "any" if "any" in item else "all"
    inner = item[kind]
    if len(item) != 1 or not isinstance(inner, list) or not inner or depth >= DEEPEST:
        vocabulary.faults.append(
            f"{where}: “{kind} of” needs a list with at least one condition and nothing beside it."
        )
        return [_NOBODY]
    return [_group(inner, any_of=kind == "any", where=where, vocabulary=vocabulary, depth=depth + 1)]


def _condition(item: Mapping[str, object], *, where: str, vocabulary: Vocabulary) -> list[Clause]:
    attribute = vocabulary.attribute(item.get("attribute"), where)
    if attribute is None:
        return [_NOBODY]
    op = str(item.get("op"))
    if op not in OPS[attribute.kind]:
        ops = ", ".join(sorted(OPS[attribute.kind]))
        vocabulary.faults.append(f"{where}: {attribute.label} cannot be compared by “{op}”; it takes {ops}.")
        return [_NOBODY]
    if op in _ALWAYS:
        return [Condition(attribute, op)]
    read = _READERS[attribute.kind]
    return read(attribute, op, item.get("value"), where, vocabulary)


def _bounds(attribute: Attribute, op: str, value: object, where: str, vocabulary: Vocabulary) -> list[Clause]:
    """``between`` includes its lower bound and leaves out its upper, as everywhere in cstiers."""
    if op != "between":
        bound = _bound(attribute, value)
        if bound is None:
            vocabulary.faults.append(_needs(attribute, where, value))
            return [_NOBODY]
        return [Condition(attribute, op, bound)]
    pair = [_bound(attribute, each) for each in value] if isinstance(value, list) else []
    if len(pair) != 2 or pair[0] is None or pair[1] is None:
        vocabulary.faults.append(
            f"{where}: {attribute.label} between needs two values, the lower and the upper."
        )
        return [_NOBODY]
    return [Condition(attribute, ">=", pair[0]), Condition(attribute, "<", pair[1])]


def _bound(attribute: Attribute, value: object) -> Decimal | int | None:
    if attribute.kind is Kind.NUMBER:
        return as_number(value)
    try:
        return (date.fromisoformat(str(value)) - EPOCH).days
    except ValueError:
        return None


def _needs(attribute: Attribute, where: str, value: object) -> str:
    what = "a number" if attribute.kind is Kind.NUMBER else "a date such as 2026-12-31"
    if is_blank(value):
        return f"{where}: {attribute.label} is empty; it needs {what}."
    return f"{where}: {attribute.label} needs {what}, not {value!r}."


def _flag(attribute: Attribute, op: str, value: object, where: str, vocabulary: Vocabulary) -> list[Clause]:
    if not isinstance(value, bool):
        vocabulary.faults.append(f"{where}: {attribute.label} needs true or false, not {value!r}.")
        return [_NOBODY]
    return [Condition(attribute, op, value)]


def _listed(attribute: Attribute, op: str, value: object, where: str, vocabulary: Vocabulary) -> list[Clause]:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        needs = f"{attribute.label} needs a value or a list of values, not {value!r}"
        said = f"choose a value for {attribute.label}" if value is None or value == [] else needs
        vocabulary.faults.append(f"{where}: {said}.")
        return [_NOBODY]
    if not all(word.strip() for word in words):
        vocabulary.faults.append(f"{where}: choose a value for {attribute.label}.")
        return [_NOBODY]
    for word in vocabulary.unknown_words(attribute, words):
        vocabulary.faults.append(f"{where}: {attribute.label} cannot be “{word}”; there is no such one.")
    stored: Value = tuple(words)
    return [Condition(attribute, {"is": "in", "is_not": "not_in"}.get(op, op), stored)]


_READERS = {
    Kind.NUMBER: _bounds,
    Kind.DATE: _bounds,
    Kind.FLAG: _flag,
    Kind.CHOICE: _listed,
    Kind.SET: _listed,
}
