"""What is kept of a run so that it can be repeated, and one customer explained, a year later without all the others.

Kept once a run: the sorted values that percentiles compare with (exact), a spread of every number the rules read
(for looking for the nearest change). Kept for some thousand customers at a time, as
packed columns: the facts the rules read with what each held, and the outcomes.
"""

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from allocation.engine.facts.attributes import DERIVED, Kind
from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.tiering import (
    DECIDERS,
    GUARDS,
    MISSING_CODE,
    NO_TIER,
    ChoiceColumn,
    Column,
    CustomerColumns,
    DateColumn,
    DecidedBy,
    FlagColumn,
    Flags,
    Floats,
    HeldTiers,
    Integers,
    Keyed,
    NumberColumn,
    Populations,
    SetColumn,
    TierFacts,
    TierFindings,
)
from allocation.engine.packing import VERSION, Pack, pack, unpack
from allocation.engine.scoring import scores_as_numbers
from allocation.engine.standing import population

QUANTILES = 33  # of a spread: the ends and 31 between them
HELD = "held:"  # before the names of what is held, so that no attribute can have one of them
CUSTOMER = "customer"
NOT_DECIDED = (DecidedBy.UNDECIDED, DecidedBy.LEFT)  # nothing is suggested for them


@dataclass(frozen=True, slots=True)
class KeptCrowd:
    """people: exact, sorted. spreads: 33 values from the lowest to the highest."""

    people: Populations
    spreads: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a run found for some customers; everything by its own word, so that it can be read without the model.

    tiers by slug, segments and deciders by name, ``touch`` by level; ``score`` in points (NaN: none). rule: position
    in the model's tier rules. ``digests``: whatever the caller wants to compare later, by name; ``version`` says how they
    were made: 1 by an earlier version of the program, which is what they have to be compared by.
    """

    keys: Integers
    segment: ChoiceColumn
    touch: ChoiceColumn
    goal: ChoiceColumn
    rule: Integers
    previous: ChoiceColumn
    suggested: ChoiceColumn
    effective: ChoiceColumn
    decided_by: ChoiceColumn
    guards: SetColumn
    score: Floats
    digests: Mapping[str, Integers]
    version: int = VERSION

    def place(self, key: int) -> int | None:
        """Where a customer stands among these, None if it is not one of them. Keys rise."""
        place = int(np.searchsorted(self.keys, key))
        return place if place < len(self.keys) and self.keys[place] == key else None


def sources(rules: TieringRules) -> tuple[str, ...]:
    """Names of the facts that decide a customer under these rules, guards included; sorted."""
    reads = set(rules.attributes())
    if rules.guards.first_year:
        reads.add("first_renewal_done")
    if rules.guards.renewal_freeze_days:
        reads.add("renewal_date")
    return tuple(sorted({source for name in reads for source in DERIVED.get(name, (name,))}))


def crowd_of(*, findings: TierFindings, rules: TieringRules) -> KeptCrowd:
    """What to keep of these findings."""
    spreads: dict[str, Floats] = {}
    for name in sources(rules):
        column = findings.derived.columns.get(name)
        if isinstance(column, NumberColumn | DateColumn):
            known = column.values[findings.derived.active & ~np.isnan(column.values)]
            if len(known):
                spreads[name] = _spread(known)
    return KeptCrowd(people=findings.people, spreads=spreads)


def _spread(known: Floats) -> Floats:
    """Evenly spaced quantiles, as `numpy.quantile` gives them to the last bit; sorting all is a tenth of its selecting some."""
    rising = np.sort(known)
    places = np.linspace(0, 1, QUANTILES) * (len(rising) - 1)
    below = np.floor(places).astype(np.int64)
    part = places - below
    low, high = rising[below], rising[np.minimum(below + 1, len(rising) - 1)]
    # From the nearer of the two.
    return np.where(part < 0.5, low + (high - low) * part, high - (high - low) * (1 - part))


def crowd_to_json(crowd: KeptCrowd) -> dict[str, Any]:
    """A small JSON object; the sorted values are packed, since they may be a hundred thousand."""
    return {
        "people": [
            [name, group, _packed(people.values)] for (name, group), people in sorted(crowd.people.items())
        ],
        "spreads": {name: np.round(values, 2).tolist() for name, values in crowd.spreads.items()},
    }


def crowd_from_json(kept: Mapping[str, Any]) -> KeptCrowd:
    """The crowd as it was; an empty object gives an empty crowd. Words that earlier versions kept are not read."""
    people: Populations = {}
    for name, group, packed in kept.get("people", []):
        values = _unpacked(packed)
        population(
            people, name=name, values=values, counted=np.ones(len(values), dtype=np.bool_), group=group
        )
    return KeptCrowd(
        people=people,
        spreads={name: np.array(values) for name, values in kept.get("spreads", {}).items()},
    )


def _packed(values: Floats) -> str:
    return base64.b64encode(pack(columns={"values": NumberColumn(values)}, integers={})).decode("ascii")


def _unpacked(packed: str) -> Floats:
    raw = base64.b64decode(packed)
    try:
        column = unpack(raw).columns["values"]
    except ValueError:  # a run of an earlier version: the bare numbers
        return np.frombuffer(zlib.decompress(raw), dtype="<f8").astype(np.float64)
    return column.values if isinstance(column, NumberColumn) else np.zeros(0)


def pack_facts(
    *, facts: CustomerColumns, keys: Integers, names: Sequence[str], tiers: Sequence[TierFacts]
) -> bytes:
    """The named facts of these customers, with what they held and who had left."""
    held, slugs = facts.held, tuple(tier.slug for tier in tiers)
    columns: dict[str, Column] = {name: facts.columns[name] for name in names if name in facts.columns}
    for name, places in (("current", held.current), ("paid", held.paid), ("override", held.override)):
        columns[HELD + name] = ChoiceColumn(places, slugs)
    columns[HELD + "since"] = DateColumn(held.since)
    for name, flags in _held_flags(facts).items():
        columns[HELD + name] = FlagColumn(flags.astype(np.int64))
    return pack(columns=columns, integers={CUSTOMER: keys})


def _held_flags(facts: CustomerColumns) -> Mapping[str, Flags]:
    held = facts.held
    return {
        "active": facts.active,
        "goals_changed": held.goals_changed,
        "override_ended": held.override_ended,
    }


def unpack_facts(
    *, data: bytes | memoryview, tiers: Sequence[TierFacts], as_of: int
) -> tuple[Integers, CustomerColumns]:
    """Keys and facts as they were packed; everybody is in scope. as_of: days since 1970-01-01."""
    kept = unpack(data)
    keys = kept.integers[CUSTOMER]
    places = {tier.slug: place for place, tier in enumerate(tiers)}
    held = HeldTiers(
        current=_places(kept, "current", places),
        paid=_places(kept, "paid", places),
        override=_places(kept, "override", places),
        since=_since(kept),
        goals_changed=_flag(kept, "goals_changed"),
        override_ended=_flag(kept, "override_ended"),
        in_scope=np.ones(len(keys), dtype=np.bool_),
    )
    columns = {name: column for name, column in kept.columns.items() if not name.startswith(HELD)}
    return keys, CustomerColumns(Keyed(keys), columns, _flag(kept, "active"), held, as_of)


def _places(kept: Pack, name: str, places: Mapping[str, int]) -> Integers:
    column = kept.columns[HELD + name]
    if not isinstance(column, ChoiceColumn):
        raise TypeError(f"{name} is no tier")
    mapped = np.array([*(places.get(slug, NO_TIER) for slug in column.vocabulary), NO_TIER], dtype=np.int64)
    return np.asarray(mapped[column.codes])  # -1 reaches the last entry


def _since(kept: Pack) -> Floats:
    column = kept.columns[HELD + "since"]
    return column.values if isinstance(column, DateColumn) else np.zeros(0)


def _flag(kept: Pack, name: str) -> Flags:
    column = kept.columns[HELD + name]
    return np.asarray(column.values == 1) if isinstance(column, FlagColumn) else np.zeros(0, dtype=np.bool_)


def outcomes_of(
    *,
    findings: TierFindings,
    rules: TieringRules,
    tiers: Sequence[TierFacts],
    keys: Integers,
    digests: Mapping[str, Integers],
) -> Outcomes:
    """The findings by their own words, in the order of the facts; ``keys`` must rise."""
    slugs = tuple(tier.slug for tier in tiers)
    said, guards = findings.suggestions, findings.guards
    deciders = tuple(by.value for by in DECIDERS)
    goal = findings.derived.columns.get("goal")
    open_ended = np.isin(guards.decided_by, [DECIDERS.index(by) for by in NOT_DECIDED])
    none = np.full(len(keys), MISSING_CODE, dtype=np.int64)
    return Outcomes(
        keys=keys,
        segment=ChoiceColumn(said.segment, tuple(rule.name for rule in rules.segments)),
        touch=ChoiceColumn(said.touch, tuple(rule.level for rule in rules.touch)),
        goal=goal if isinstance(goal, ChoiceColumn) else ChoiceColumn(none, ()),
        rule=said.rule,
        previous=ChoiceColumn(findings.derived.held.current, slugs),
        suggested=ChoiceColumn(np.where(open_ended, MISSING_CODE, said.tier), slugs),
        effective=ChoiceColumn(guards.effective, slugs),
        decided_by=ChoiceColumn(guards.decided_by, deciders),
        guards=SetColumn(guards.bites, tuple(guard.value for guard in GUARDS)),
        score=scores_as_numbers(findings.scores),
        digests=digests,
    )


CHOICES = ("segment", "touch", "goal", "previous", "suggested", "effective", "decided_by")


def taken(outcomes: Outcomes, rows: Integers) -> Outcomes:
    """The same outcomes for ``rows`` only, in that order."""
    return Outcomes(
        keys=outcomes.keys[rows],
        rule=outcomes.rule[rows],
        guards=outcomes.guards.take(rows),
        score=outcomes.score[rows],
        version=outcomes.version,
        digests={name: values[rows] for name, values in outcomes.digests.items()},
        **{name: getattr(outcomes, name).take(rows) for name in CHOICES},
    )


def pack_outcomes(outcomes: Outcomes) -> bytes:
    columns: dict[str, Column] = {name: getattr(outcomes, name) for name in CHOICES}
    columns |= {"guards": outcomes.guards, "score": NumberColumn(outcomes.score)}
    digests = {f"digest:{name}": values for name, values in outcomes.digests.items()}
    return pack(columns=columns, integers={CUSTOMER: outcomes.keys, "rule": outcomes.rule, **digests})


def unpack_outcomes(data: bytes | memoryview) -> Outcomes:
    kept = unpack(data)
    named: dict[str, Any] = {name: kept.columns[name] for name in (*CHOICES, "guards")}
    score = kept.columns["score"]
    prefix = "digest:"
    return Outcomes(
        keys=kept.integers[CUSTOMER],
        rule=kept.integers["rule"],
        score=score.values if isinstance(score, NumberColumn) else np.zeros(0),
        version=kept.version,
        digests={
            name.removeprefix(prefix): values
            for name, values in kept.integers.items()
            if name.startswith(prefix)
        },
        **named,
    )


def said_of(column: ChoiceColumn, place: int) -> str | None:
    """The word at a place, None where there is none."""
    code = int(column.codes[place])
    return None if code < 0 else column.vocabulary[code]


def score_of(scores: Floats, place: int) -> Decimal | None:
    """A kept score in points, exact to the hundredth; None where there is none."""
    score = float(scores[place])
    return None if np.isnan(score) else Decimal(round(score * 100)).scaleb(-2)


def words_of(column: SetColumn, place: int) -> list[str]:
    """The members at a place, in the order of the vocabulary."""
    return [word for word, there in zip(column.vocabulary, column.members[place], strict=True) if there]


def facts_to_json(facts: CustomerColumns, names: Sequence[str]) -> list[dict[str, Any]]:
    """The named facts of every customer as JSON values, missing ones left out."""
    rows: list[dict[str, Any]] = [{} for _ in range(len(facts))]
    for name in names:
        column = facts.columns.get(name)
        values = [] if column is None else plain_values(column)
        for row, value in zip(rows, values, strict=False):
            if value is not None:
                row[name] = value
    return rows


def plain_values(column: Column) -> list[Any]:
    """Plain values, None = missing; dates in days, sets as lists."""
    if isinstance(column, NumberColumn | DateColumn):
        return [
            None if value != value else value for value in column.values.tolist()
        ]  # only NaN differs from itself
    if isinstance(column, FlagColumn):
        return [None if value < 0 else bool(value) for value in column.values.tolist()]
    if isinstance(column, ChoiceColumn):
        return [None if code < 0 else column.vocabulary[code] for code in column.codes.tolist()]
    return [
        [word for word, there in zip(column.vocabulary, row, strict=True) if there]
        for row in column.members.tolist()
    ]


def column_of(kind: Kind, values: Sequence[Any], words: Sequence[str] = ()) -> Column:
    """A column of plain values, None = missing. Dates in days. ``words`` come first in a vocabulary, if given."""
    if kind is Kind.NUMBER or kind is Kind.DATE:
        numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        return NumberColumn(numbers) if kind is Kind.NUMBER else DateColumn(numbers)
    if kind is Kind.FLAG:
        return FlagColumn(np.array([-1 if value is None else int(value) for value in values], dtype=np.int64))
    if kind is Kind.CHOICE:
        found = sorted({value for value in values if value is not None} - set(words))
        vocabulary = (*words, *found)
        codes = {word: code for code, word in enumerate(vocabulary)}
        coded = [-1 if value is None else codes[value] for value in values]
        return ChoiceColumn(np.array(coded, dtype=np.int64), vocabulary)
    return _set_column(values, words)


def _set_column(values: Sequence[Any], words: Sequence[str]) -> SetColumn:
    found = sorted({word for value in values for word in value or ()} - set(words))
    vocabulary = (*words, *found)
    places = {word: place for place, word in enumerate(vocabulary)}
    members = np.zeros((len(values), len(vocabulary)), dtype=np.bool_)
    for row, value in enumerate(values):
        for word in value or ():
            members[row, places[word]] = True
    return SetColumn(members, vocabulary)
