"""What the editor of a draft offers to choose from, and where in the document a fault lies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts.models import CustomAttribute, Customer, GoalKind, Language, Region, Vertical
from accounts.models.service import TouchLevel
from allocation.engine.facts.attributes import CUSTOM_PREFIX, Attribute, Kind, Stage
from allocation.engine.rule_clauses import OPS
from allocation.selectors.model_checks import faults_of
from allocation.snapshots.vocabulary import ModelVocabulary, model_vocabulary

MOST_WORDS = 200
MOST_LISTS = 2000  # lists of products read to find their words
# What each part may read: attributes known at this stage or before.
STAGES: Mapping[str, Stage] = {
    "segments": Stage.FACT,
    "criteria": Stage.SEGMENTED,
    "touch": Stage.SCORED,
    "tiers": Stage.TOUCHED,
}
# A part as a fault-free model has it, put in the place of one that is looked away from.
_EVERYONE: Mapping[str, Any] = {"segments": [{"name": "Everyone"}], "criteria": [], "guards": {}, "goals": []}

_HARMLESS: Mapping[str, Any] = {"attribute": "arr", "op": "known"}

# Groups of the attribute lists, in the order shown. What is in none of them stands under "More".
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Revenue",
        (
            *(
                "arr",
                "potential_arr",
                "expansion_potential",
                "arr_percentile",
                "arr_share",
                "arr_share_above",
            ),
            "currency",
        ),
    ),
    (
        "What the customer is",
        (
            *(
                "vertical",
                "region",
                "country",
                "language",
                "package",
                "products",
                "product_count",
                "employees",
            ),
            *("complexity", "reputation", "has_parent"),
        ),
    ),
    (
        "How it is going",
        (
            *("health", "health_on", "health_age", "adoption", "sentiment", "sentiment_on", "sentiment_age"),
            *("champion", "relationship_breadth", "loss_felt"),
        ),
    ),
    (
        "Contract",
        (
            *("contract_start", "days_since_start", "first_renewal_done", "renewal_date", "days_to_renewal"),
            "paid_tier",
        ),
    ),
    ("Goals", ("open_goals", "goal", "goals_ask_for", "goal_count")),
    ("Found by this model", ("segment", "score", "score_percentile", "touch")),
)
OWN_GROUP, OTHER_GROUP = "Your own attributes", "More"

OP_WORDS: Mapping[Kind, tuple[tuple[str, str], ...]] = {
    Kind.NUMBER: (
        (">=", "is at least"),
        (">", "is more than"),
        ("<=", "is at most"),
        ("<", "is less than"),
        ("between", "is from … to below …"),
        ("=", "is exactly"),
        ("!=", "is not exactly"),
    ),
    Kind.DATE: (
        (">=", "is on or after"),
        (">", "is after"),
        ("<=", "is on or before"),
        ("<", "is before"),
        ("between", "is from … to before …"),
        ("=", "is on"),
        ("!=", "is not on"),
    ),
    Kind.CHOICE: (
        ("is", "is"),
        ("is_not", "is not"),
        ("in", "is one of"),
        ("not_in", "is none of"),
    ),
    Kind.FLAG: (("is", "is"),),
    Kind.SET: (("any_of", "has any of"), ("all_of", "has all of"), ("none_of", "has none of")),
}
KNOWN_WORDS = (("known", "is known"), ("missing", "is missing"))


@dataclass(frozen=True, slots=True)
class Fault:
    """A sentence, and where it belongs: part "" is the whole document, index -1 the whole part."""

    words: str
    part: str = ""
    index: int = -1


def catalogue(*, vocabulary: ModelVocabulary) -> dict[str, Any]:
    """Attributes with their kinds and words, operators, tiers, touch levels, goal kinds: all that can be chosen."""
    words = _words(vocabulary)
    return {
        "groups": _groups(vocabulary.attributes, words),
        "stages": {part: int(stage) for part, stage in STAGES.items()},
        "ops": {kind.value: _ops(kind) for kind in OPS},
        "tiers": [
            {"slug": tier.slug, "name": tier.name or tier.slug, "rank": tier.rank, "retired": tier.retired}
            for tier in vocabulary.tiers
        ],
        "touch_levels": list(TouchLevel.choices),
        "goal_kinds": words["open_goals"],
        "currency": settings.BASE_CURRENCY,
    }


def _ops(kind: Kind) -> list[tuple[str, str]]:
    there = OPS[kind]
    return [(op, words) for op, words in (*OP_WORDS[kind], *KNOWN_WORDS) if op in there]


def _groups(attributes: Mapping[str, Attribute], words: Mapping[str, Any]) -> list[dict[str, Any]]:
    grouped = {name for _, names in GROUPS for name in names}
    own = tuple(name for name in attributes if name.startswith(CUSTOM_PREFIX))
    rest = tuple(name for name in attributes if name not in grouped and name not in own)
    found = []
    for label, names in (*GROUPS, (OWN_GROUP, own), (OTHER_GROUP, rest)):
        items = [_attribute(attributes[name], words) for name in names if name in attributes]
        if items:
            found.append({"label": label, "attributes": items})
    return found


def _attribute(attribute: Attribute, words: Mapping[str, Any]) -> dict[str, Any]:
    item = {
        "name": attribute.name,
        "label": attribute.label[:1].upper() + attribute.label[1:],
        "kind": attribute.kind.value,
        "unit": attribute.unit.value,
        "stage": int(attribute.stage),
    }
    return item | ({"words": words[attribute.name]} if attribute.name in words else {})


def _words(vocabulary: ModelVocabulary) -> dict[str, list[tuple[str, str]]]:
    """[word, label] of choices and sets: the vocabularies people keep, else the words customers really have."""
    goal_kinds = list(GoalKind.objects.order_by("name").values_list("slug", "name"))
    levels = [(value, label) for value, label in TouchLevel.choices]
    found = {
        "vertical": _same(Vertical.objects.order_by("name").values_list("name", flat=True)),
        "region": _same(Region.objects.order_by("name").values_list("name", flat=True)),
        "language": _same(Language.objects.order_by("name").values_list("name", flat=True)),
        "paid_tier": [(tier.slug, tier.name or tier.slug) for tier in vocabulary.tiers],
        "touch": levels,
        "goals_ask_for": levels,
        "open_goals": goal_kinds,
        "goal": goal_kinds,
        "products": _same(_products()),
    }
    for field in ("country", "package", "currency"):
        if field in vocabulary.attributes:
            found[field] = _same(_distinct(field))
    return found | _own_words()


def _same(words: Iterable[str]) -> list[tuple[str, str]]:
    return [(word, word) for word in words][:MOST_WORDS]


def _distinct(field: str) -> Collection[str]:
    rows = Customer.objects.active().order_by(field).values_list(field, flat=True).distinct()
    return [word for word in rows[: MOST_WORDS + 1] if word]


def _products() -> list[str]:
    lists = Customer.objects.active().order_by().values_list("products", flat=True).distinct()[:MOST_LISTS]
    return sorted({str(word) for listed in lists for word in listed or ()}, key=str.casefold)


def _own_words() -> dict[str, list[tuple[str, str]]]:
    """Of custom choices: the values ops listed, else those that occur."""
    found = {}
    for custom in CustomAttribute.objects.filter(kind=CustomAttribute.Kind.CHOICE).order_by("slug"):
        words = [str(choice) for choice in custom.choices] or _distinct(f"attributes__{custom.slug}")
        found[f"{CUSTOM_PREFIX}{custom.slug}"] = _same(str(word) for word in words)
    return found


def located_faults(*, definition: Any) -> tuple[Fault, ...]:
    """Every fault with the part and row it belongs to. Three queries.

    A fault belongs to a row when it is still there with the other rows of the part made good, and to a part when it
    goes with that part.
    """
    vocabulary = model_vocabulary()
    faults = faults_of(definition=definition, vocabulary=vocabulary)
    if not faults or not isinstance(definition, Mapping):
        return tuple(Fault(words) for words in faults)
    owners = _owners(definition, vocabulary)
    return tuple(Fault(words, *owners.get(words, ("", -1))) for words in faults)


def _owners(definition: Mapping[str, Any], vocabulary: ModelVocabulary) -> dict[str, tuple[str, int]]:
    """(part, index) by sentence; what stands in no part is left out."""

    def read(**changes: Any) -> set[str]:
        return set(faults_of(definition={**definition, **changes}, vocabulary=vocabulary))

    every = read()
    in_use = [tier.slug for tier in vocabulary.tiers if not tier.retired]
    neutral = {**_EVERYONE, "tiers": [{"tier": in_use[-1]}] if in_use else [], "touch": [{"touch": "low"}]}
    owners: dict[str, tuple[str, int]] = {}
    for part, nothing in neutral.items():
        if part not in definition:
            continue
        here = every - read(**{part: nothing})
        owners |= dict.fromkeys(here, (part, -1))
        rows = definition[part] if part in STAGES and isinstance(definition[part], list) else []
        for index in reversed(range(len(rows))):
            left = here & read(**{part: _alone(part, rows, index, nothing)})
            owners |= dict.fromkeys(left, (part, index))
    return owners


def _alone(part: str, rows: list[Any], index: int, nothing: list[Any]) -> list[Any]:
    """The part with one row as it is. Sentences name the places of rules, so each keeps its place."""
    if part == "criteria":
        return [rows[index]]
    fine = {**nothing[-1], "when": [_HARMLESS]} if nothing else {}
    before = [{**fine, "name": f"{part} {place}"} if part == "segments" else fine for place in range(index)]
    return [*before, rows[index], *nothing[-1:]]
