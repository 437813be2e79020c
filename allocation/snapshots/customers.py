"""Customers as the tiering engine reads them: one snapshot, a fixed number of queries, only what the rules read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, reduce
from operator import or_
from typing import Any, NamedTuple

import numpy as np
from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Max, Min, Q

from accounts.models import Customer
from allocation.engine.facts.attributes import Kind
from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.tiering import (
    NO_TIER,
    Column,
    CustomerColumns,
    DateColumn,
    DecidedBy,
    FlagColumn,
    Flags,
    HeldTiers,
    Integers,
    Keyed,
    NumberColumn,
)
from allocation.engine.kept import column_of, sources
from allocation.engine.packing import VERSION
from allocation.models import Source, TierHolding, TierStanding
from allocation.snapshots.arrays import EPOCH, Array, ArrayQuery, Coded, Whole, array_query
from allocation.snapshots.customer_rows import (
    ALWAYS,
    FIELDS,
    ID,
    MONEY,
    CustomerRows,
    Span,
    is_custom,
    own_column,
    read_rows,
)
from allocation.snapshots.money import amounts_in_base, frozen_rates
from allocation.snapshots.vocabulary import ModelVocabulary

# Goals are an axis of every decision, read by the rules or not.
ALWAYS_KEPT = ("open_goals",)
# Keys this close together are read as one range.
DENSE = 4
CHUNK = 500  # well under SQLite's limit of parameters in a statement
NOBODY = -1
# From so many on, what a server's processes take to be started is little beside what they read.
MANY = 40_000
PARTS = 3  # as many as a server of PostgreSQL works at by its own settings: a process and two that help it


@dataclass(frozen=True, slots=True)
class Snapshot:
    """facts: columns in the order of ``keys``, which rise. csm_ids: whose book each is in, NOBODY for nobody's.

    Digests: ``digests`` of everything that decides a customer (none where nobody asked for them), ``lifecycles`` of goals,
    status, first renewal and override, ``goals`` of open goals alone. ``rates``: those that amounts were turned into the base
    currency with. ``rows``: what was read of each customer, for who asked for more fields.
    """

    facts: CustomerColumns
    keys: Integers
    csm_ids: Integers
    digests: Integers
    lifecycles: Integers
    goals: Integers
    rates: Mapping[str, Decimal]
    rows: Sequence[Mapping[str, Any]] = ()


def tiering_rates(*, rules: TieringRules, as_of: date, base: str) -> dict[str, Decimal]:
    """The rates to freeze for a run: of all currencies in which active customers have amounts. Raises UnknownRate."""
    read = MONEY & set(sources(rules))
    if not read:
        return {}
    has_amounts = reduce(or_, (Q(**{f"{name}__isnull": False}) for name in read))
    customers = Customer.objects.active().filter(has_amounts).order_by()
    currencies = customers.values_list("currency", flat=True).distinct()
    return frozen_rates(currencies=currencies, as_of=as_of, base=base)


def customer_snapshot(
    *,
    rules: TieringRules,
    vocabulary: ModelVocabulary,
    as_of: date,
    base: str,
    rates: Mapping[str, Decimal] | None = None,
    goals_only: bool = False,
    every: int = 1,
    also: Collection[str] = (),
    with_ids: bool = True,
    in_parts: bool = False,
) -> Snapshot:
    """All customers as of a day; five queries. ``goals_only``: in scope is only whose lifecycle changed.

    rates: None for those of ``tiering_rates``, from what was read; one query more, and UnknownRate is raised.
    every: with n above 1 an evenly spaced sample, each n-th customer by its key; for looking only, never for a run.
    also: fields to be read in the same go, for what is computed beside the tiers; for looking only, so no digests.
    with_ids: the facts have the customers' external ids, else their keys.
    in_parts: many customers are read by several of the server's processes (PostgreSQL; one small query more).
    """
    names = sources(rules)
    rows = read_rows(
        names=names,
        as_of=as_of,
        whom=Q(),
        every=every,
        also=also,
        with_ids=with_ids,
        apart=_apart() if in_parts else (),
    )
    if rates is None:
        rates = frozen_rates(currencies=_currencies(rows, names), as_of=as_of, base=base)
    lifecycles, goals = rows.lifecycles(), rows.goal_digests()
    columns = {
        name: _column(name, rows, vocabulary, rates, base) for name in dict.fromkeys((*names, *ALWAYS_KEPT))
    }
    facts = CustomerColumns(
        ids=_ids(rows) if with_ids else Keyed(rows.keys),
        columns=columns,
        active=_active(rows),
        held=_held(rows, vocabulary, lifecycles, goals, goals_only=goals_only),
        as_of=days(as_of),
    )
    return Snapshot(
        facts=facts,
        keys=rows.keys,
        csm_ids=rows.whole("csm_id").or_else(NOBODY),
        digests=np.zeros(0, dtype=np.int64) if also else rows.digests(names, lifecycles),
        lifecycles=lifecycles,
        goals=goals,
        rates=rates,
        rows=_mappings(rows.told),
    )


def _apart() -> Sequence[int]:
    """Keys between which there may be about as many customers each, where a server can make use of them (PostgreSQL); none where all
    are few. The least and the greatest may be older than what is read then: the parts hold every key.
    """
    if connection.vendor != "postgresql":
        return ()
    span = Customer.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if span["first"] is None or (numbers := span["last"] - span["first"] + 1) < MANY:
        return ()
    return [span["first"] + numbers * at // (2 * PARTS) for at in range(1, 2 * PARTS)]  # two spans a part


def _ids(rows: CustomerRows) -> tuple[str, ...]:
    ids = rows.coded(ID)
    return tuple(map(ids.words.__getitem__, ids.codes.tolist()))


def _active(rows: CustomerRows) -> Flags:
    status = rows.coded("status")
    return status.mapped(lambda said: int(said == Customer.Status.ACTIVE), 0).astype(np.bool_)


def _currencies(rows: CustomerRows, names: Sequence[str]) -> list[str]:
    """In which active customers have amounts that the rules read."""
    counted = np.zeros(len(rows), dtype=np.bool_)
    for name in MONEY & set(names):
        counted |= rows.whole(name).known
    currencies = rows.coded("currency")
    return [currencies.words[code] for code in np.unique(currencies.codes[counted & _active(rows)]).tolist()]


def _mappings(columns: Mapping[str, Sequence[Any]]) -> Sequence[Mapping[str, Any]]:
    if not columns:
        return ()
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


class Now(NamedTuple):
    """What an applying run compares with its snapshot."""

    digest: int
    tier_id: int | None


class NowColumns(NamedTuple):
    """The same of many customers. keys rise; tier_ids: -1 for none."""

    keys: Integers
    digests: Integers
    tier_ids: Integers


def customers_now(
    *, rules: TieringRules, as_of: date, customer_ids: Integers, version: int = VERSION
) -> dict[int, Now]:
    """Some customers (rising keys) as they are now, who is gone left out; three queries, or three for each 500 far apart.

    version: of the outcomes that their digests are compared with.
    """
    now = customers_now_columns(rules=rules, as_of=as_of, customer_ids=customer_ids, version=version)
    tiers = (None if tier == NO_TIER else tier for tier in now.tier_ids.tolist())
    return dict(zip(now.keys.tolist(), map(Now, now.digests.tolist(), tiers), strict=True))


def _parts(keys: Integers) -> Iterable[Q | Span]:
    """Conditions on the key that together hold for these customers, and perhaps for some between them."""
    if not len(keys):
        return
    first, last = int(keys[0]), int(keys[-1])
    if last - first < DENSE * len(keys):
        yield Span(first, last)
        return
    for start in range(0, len(keys), CHUNK):
        yield Q(pk__in=keys[start : start + CHUNK].tolist())


def days(on: date) -> int:
    """Days since 1970-01-01."""
    return (on - EPOCH).days


def _column(
    name: str, rows: CustomerRows, vocabulary: ModelVocabulary, rates: Mapping[str, Decimal], base: str
) -> Column:
    kind = vocabulary.attributes[name].kind
    if name == "open_goals":
        return _of_words(kind, rows.goals, ())
    if name in MONEY:
        currencies = rows.coded("currency")
        return NumberColumn(
            amounts_in_base(amounts=rows.whole(name), currencies=currencies, rates=rates, base=base)
        )
    if is_custom(name):
        held = rows.coded(own_column(name))
        return _of_words(kind, Coded(held.codes, tuple(_custom(word, kind) for word in held.words)), None)
    if name == "has_parent":
        return FlagColumn(rows.whole("parent_id").known.astype(np.int64))
    return _plain(kind, rows.columns[FIELDS.get(name, name)])


def _plain(kind: Kind, column: Array) -> Column:
    if isinstance(column, Coded):
        # A blank text is a missing value.
        words = tuple(word or None for word in column.words)
        return _of_words(kind, Coded(column.codes, words), () if kind is Kind.SET else None)
    if kind is Kind.FLAG:
        return FlagColumn(column.or_else(-1))
    return DateColumn(column.numbers()) if kind is Kind.DATE else NumberColumn(column.numbers())


def _of_words(kind: Kind, coded: Coded, none: Any) -> Column:
    """A column of values that many share: made of each different one, then laid out."""
    column = column_of(kind, [*coded.words, none])
    return column.take(np.where(coded.codes < 0, len(coded.words), coded.codes))


def _custom(value: Any, kind: Kind) -> Any:
    """A custom attribute as it lies in JSON; a value of another kind than the attribute's counts as missing."""
    try:
        if value is None or value == "":
            return None
        if kind is Kind.DATE:
            return float(days(date.fromisoformat(str(value))))
        if kind is Kind.NUMBER:
            return float(Decimal(str(value)))
    except (ValueError, ArithmeticError):
        return None
    if kind is Kind.FLAG:
        return value if isinstance(value, bool) else None
    return str(value)


def _held(
    rows: CustomerRows,
    vocabulary: ModelVocabulary,
    lifecycles: Integers,
    goals: Integers,
    *,
    goals_only: bool,
) -> HeldTiers:
    """What customers hold, against the decision each stands on: the last one applied.

    That is read after them. A run that is applied or undone in between then shows at the customer when this one is applied; a customer
    newer than what it stands on would show nowhere.
    """
    stands, by_override = _standings().read(), _set_by_overrides().read()["customer_id"]
    keys = rows.keys
    place, before = _found(stands["customer_id"], keys)
    changed = ~before | (_taken(stands["lifecycle"], place) != lifecycles)
    other_goals = before & (_taken(stands["goals"], place) != goals)
    overridden = _taken(stands["overridden"], place)
    # A run that was applied since its end has decided the customer anew, also where it left the tier as it was.
    ended = (_found(by_override, keys)[1] & changed) | (before & (overridden == 1))
    in_force = np.isin(keys, [*rows.overrides])
    override = np.full(len(keys), NO_TIER, dtype=np.int64)
    override[in_force] = [vocabulary.place(rows.overrides[key][1]) for key in keys[in_force].tolist()]
    return HeldTiers(
        current=_places(vocabulary, rows.whole("tier_id")),
        paid=_places(vocabulary, rows.whole("paid_tier_id")),
        override=override,
        since=rows.whole("tier_since").numbers(),
        goals_changed=other_goals,
        override_ended=ended & ~in_force,
        in_scope=changed if goals_only else np.ones(len(keys), dtype=np.bool_),
    )


@cache
def _standings() -> ArrayQuery:
    by_one = ExpressionWrapper(Q(decided_by=DecidedBy.OVERRIDE.value), output_field=BooleanField())
    rows = TierStanding.objects.annotate(overridden=by_one).order_by("customer_id")
    return array_query(rows=rows, fields=("customer_id", "lifecycle", "goals", "overridden"))


@cache
def _set_by_overrides() -> ArrayQuery:
    rows = TierHolding.objects.current().set_by(Source.OVERRIDE).order_by("customer_id")
    return array_query(rows=rows, fields=("customer_id",))


def _found(among: Array, keys: Integers) -> tuple[Integers, Flags]:
    """Where each key stands among rising ones, and whether it does."""
    there = among.values if isinstance(among, Whole) else among.codes
    if not len(there):
        return np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=np.bool_)
    place = np.minimum(np.searchsorted(there, keys), len(there) - 1)
    return place, there[place] == keys


def _taken(column: Array, place: Integers) -> Integers:
    values = column.values if isinstance(column, Whole) else column.codes
    return values[place] if len(values) else np.zeros(len(place), dtype=np.int64)


def _places(vocabulary: ModelVocabulary, tier_ids: Whole) -> Integers:
    """Positions of tiers, -1 for none."""
    found = np.full(len(tier_ids), NO_TIER, dtype=np.int64)
    known = tier_ids.known
    for place, tier_id in enumerate(vocabulary.tier_ids):
        found[tier_ids.values == tier_id] = place
    if (known & (found == NO_TIER)).any():
        raise KeyError("A customer holds a tier that was not there when the tiers were read.")
    return found


def customers_now_columns(
    *, rules: TieringRules, as_of: date, customer_ids: Integers, version: int = VERSION
) -> NowColumns:
    """As `customers_now`, as arrays."""
    names, is_first = sources(rules), version == 1
    found = [NowColumns(*(np.zeros(0, dtype=np.int64) for _ in NowColumns._fields))]
    for part in _parts(customer_ids):
        rows = read_rows(names=names, as_of=as_of, whom=part, also=ALWAYS if is_first else ())
        made = rows.first_digests if is_first else rows.digests
        digests = made(names, rows.lifecycles())
        found.append(NowColumns(rows.keys, digests, rows.whole("tier_id").or_else(NO_TIER)))
    return NowColumns(*map(np.concatenate, zip(*found, strict=True)))
