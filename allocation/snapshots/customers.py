"""Customers as the tiering engine reads them: one snapshot, a fixed number of queries, only what the rules read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, reduce
from itertools import repeat
from operator import or_
from typing import Any, NamedTuple

import numpy as np
from django.db.models import F, Q

from accounts.models import Customer, Goal
from allocation.engine.facts.attributes import CUSTOM_PREFIX, Kind
from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.tiering import Column, CustomerColumns, DecidedBy, HeldTiers, Integers
from allocation.engine.kept import column_of, sources
from allocation.models import Override, Source, TierHolding, TierStanding
from allocation.snapshots.columns import read_columns
from allocation.snapshots.money import frozen_rates, in_base
from allocation.snapshots.vocabulary import ModelVocabulary

EPOCH = date(1970, 1, 1)

MONEY = frozenset({"arr", "potential_arr"})
# Where an attribute is stored when that is not a column of its own name.
FIELDS: Mapping[str, str] = {
    "vertical": "vertical__name",
    "region": "region__name",
    "language": "language__name",
    "paid_tier": "paid_tier__slug",
    "has_parent": "parent_id",
}
# Read for every customer, whatever the rules.
ALWAYS = (
    "pk",
    "external_id",
    "status",
    "currency",
    "tier_id",
    "tier_since",
    "paid_tier_id",
    "csm_id",
    "first_renewal_done",
)
# Goals are an axis of every decision, read by the rules or not.
ALWAYS_KEPT = ("open_goals",)
# Keys this close together are read as one range.
DENSE = 4
CHUNK = 500  # well under SQLite's limit of parameters in a statement


@dataclass(frozen=True, slots=True)
class Snapshot:
    """facts: columns in the order of ``keys``, which rise. csm_ids: whose book each is in, None for nobody's.

    Digests, 64 bits each: ``digests`` of everything that decides a customer (none where nobody asked for them),
    ``lifecycles`` of goals, status, first renewal and override, ``goals`` of open goals alone. ``rows``: what was read of
    each customer, for who asked for more fields.
    """

    facts: CustomerColumns
    keys: Integers
    csm_ids: tuple[int | None, ...]
    digests: Integers
    lifecycles: Integers
    goals: Integers
    rows: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the queries gave: columns of the customers' fields by name, and what hangs on customers."""

    columns: Mapping[str, Sequence[Any]]
    goals: dict[int, tuple[str, ...]]
    overrides: dict[int, tuple[int, int]]  # in force: customer → (override, tier)
    ended: dict[int, int]  # customer → the last override that held once and does no more

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def keys(self) -> Sequence[int]:
        return self.columns["pk"]

    def open_goals(self) -> list[tuple[str, ...]]:
        return [self.goals.get(pk, ()) for pk in self.keys]

    def goal_digests(self) -> Integers:
        one = cache(digest)  # thousands of customers share a handful of goals
        return _whole(one(goals) for goals in self.open_goals())

    def lifecycles(self) -> Integers:
        """An override that came and went between two runs is a change too: the customer still holds its tier."""
        one = cache(digest)
        overrides = (self.overrides.get(pk) or self.ended.get(pk) for pk in self.keys)
        parts = (self.open_goals(), self.columns["status"], self.columns["first_renewal_done"], overrides)
        return _whole(one(*values) for values in zip(*parts, strict=True))

    def digests(self, names: Sequence[str], lifecycles: Integers) -> Integers:
        """Of the stored values, so that another exchange rate is no change of facts."""
        stored = [self.columns[FIELDS.get(name, name)] for name in names if name in _STORED]
        slugs = [name.removeprefix(CUSTOM_PREFIX) for name in names if _is_custom(name)]
        values = map(list, zip(*stored, strict=True)) if stored else repeat([], len(self))
        own = (
            ([held.get(slug) for slug in slugs] for held in self.columns["attributes"])
            if slugs
            else repeat([], len(self))
        )
        money = self.columns["currency"] if MONEY & set(names) else repeat("", len(self))
        parts = zip(values, own, money, self.columns["paid_tier_id"], lifecycles.tolist(), strict=True)
        return np.frombuffer(b"".join(map(_short, parts)), dtype=">i8").astype(np.int64)


_STORED = frozenset(
    {
        *MONEY, "employees", "relationship_breadth", "adoption", "health", "reputation", "complexity", "sentiment",
        "vertical", "region", "language", "country", "package", "paid_tier", "champion", "loss_felt",
        "first_renewal_done", "contract_start", "renewal_date", "products", "health_on", "sentiment_on", "currency", "has_parent",
    }
)  # fmt: skip


def _is_custom(name: str) -> bool:
    return name.startswith(CUSTOM_PREFIX)


def digest(*values: object) -> int:
    """A signed number of 64 bits; the same values give the same digest on any machine and database."""
    return int.from_bytes(_short(values), "big", signed=True)


def _short(values: tuple[object, ...]) -> bytes:
    return hashlib.blake2b(repr(values).encode(), digest_size=16).digest()[:8]


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
    rates: Mapping[str, Decimal],
    base: str,
    goals_only: bool = False,
    every: int = 1,
    also: Collection[str] = (),
) -> Snapshot:
    """All customers as of a day; five queries. ``goals_only``: in scope is only whose lifecycle changed.

    every: with n above 1 an evenly spaced sample, each n-th customer by its key; for looking only, never for a run.
    also: fields to be read in the same go, for what is computed beside the tiers; for looking only, so no digests.
    """
    names = sources(rules)
    rows = _read(names, as_of, Q(), every, also)
    lifecycles, goals = rows.lifecycles(), rows.goal_digests()
    columns = {
        name: _column(name, rows, vocabulary, rates, base) for name in dict.fromkeys((*names, *ALWAYS_KEPT))
    }
    facts = CustomerColumns(
        ids=tuple(rows.columns["external_id"]),
        columns=columns,
        active=np.array(
            [said == Customer.Status.ACTIVE.value for said in rows.columns["status"]], dtype=np.bool_
        ),
        held=_held(rows, vocabulary, lifecycles, goals, goals_only=goals_only),
        as_of=days(as_of),
    )
    return Snapshot(
        facts=facts,
        keys=_whole(rows.keys),
        csm_ids=tuple(rows.columns["csm_id"]),
        digests=_whole(()) if also else rows.digests(names, lifecycles),
        lifecycles=lifecycles,
        goals=goals,
        rows=_mappings(rows.columns) if also else (),
    )


def _mappings(columns: Mapping[str, Sequence[Any]]) -> list[Mapping[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


class Now(NamedTuple):
    """What an applying run compares with its snapshot."""

    digest: int
    tier_id: int | None


def customers_now(*, rules: TieringRules, as_of: date, customer_ids: Integers) -> dict[int, Now]:
    """Some customers (rising keys) as they are now, who is gone left out; three queries, or three for each 500 far apart."""
    names = sources(rules)
    found: dict[int, Now] = {}
    for part in _parts(customer_ids):
        rows = _read(names, as_of, part)
        digests = rows.digests(names, rows.lifecycles()).tolist()
        found.update(zip(rows.keys, map(Now, digests, rows.columns["tier_id"]), strict=True))
    return found


def _parts(keys: Integers) -> Iterable[Q]:
    """Conditions on the key that together hold for these customers, and perhaps for some between them."""
    if not len(keys):
        return
    first, last = int(keys[0]), int(keys[-1])
    if last - first < DENSE * len(keys):
        yield Q(pk__gte=first, pk__lte=last)
        return
    for start in range(0, len(keys), CHUNK):
        yield Q(pk__in=keys[start : start + CHUNK].tolist())


def _whole(values: Iterable[int]) -> Integers:
    return np.fromiter(values, dtype=np.int64)


def days(on: date) -> int:
    """Days since 1970-01-01."""
    return (on - EPOCH).days


def _read(names: Sequence[str], as_of: date, whom: Q, every: int = 1, also: Collection[str] = ()) -> _Rows:
    """whom: a condition on the customer's key; an empty one is everybody. every: each n-th of them only."""
    fields = {FIELDS.get(name, name) for name in names if name in _STORED} | set(also)
    if any(_is_custom(name) for name in names):
        fields.add("attributes")
    read = (*ALWAYS, *sorted(fields - set(ALWAYS)))
    customers = Customer.objects.order_by("pk")
    goals = Goal.objects.open_on(as_of).order_by("kind__slug", "pk")
    overrides = Override.objects.in_force(as_of) | Override.objects.begun_by(as_of)
    if whom:
        customers = customers.filter(whom)
        goals, overrides = goals.filter(_of_customer(whom)), overrides.filter(_of_customer(whom))
    if every > 1:
        customers = customers.alias(turn=F("pk") % every).filter(turn=0)
        goals = goals.alias(turn=F("customer_id") % every).filter(turn=0)
        overrides = overrides.alias(turn=F("customer_id") % every).filter(turn=0)
    open_goals: dict[int, list[str]] = {}
    for customer_id, slug in goals.values_list("customer_id", "kind__slug"):
        open_goals.setdefault(customer_id, []).append(slug)
    in_force: dict[int, tuple[int, int]] = {}
    ended: dict[int, int] = {}
    fields_of_one = ("pk", "customer_id", "tier_id", "status", "expires_on")
    for pk, customer_id, tier_id, status, expires_on in overrides.order_by("pk").values_list(*fields_of_one):
        if status == Override.Status.APPROVED and expires_on > as_of:
            in_force[customer_id] = (pk, tier_id)
        else:
            ended[customer_id] = pk
    return _Rows(
        columns=read_columns(rows=customers, fields=read),
        goals={customer_id: tuple(slugs) for customer_id, slugs in open_goals.items()},
        overrides=in_force,
        ended=ended,
    )


def _of_customer(whom: Q) -> Q:
    """The same condition for rows that belong to a customer."""
    lookups: dict[str, Any] = dict(child for child in whom.children if isinstance(child, tuple))
    return Q(**{lookup.replace("pk", "customer_id", 1): value for lookup, value in lookups.items()})


def _column(
    name: str, rows: _Rows, vocabulary: ModelVocabulary, rates: Mapping[str, Decimal], base: str
) -> Column:
    kind = vocabulary.attributes[name].kind
    if name == "open_goals":
        return column_of(kind, rows.open_goals())
    if name in MONEY:
        amounts = zip(rows.columns[name], rows.columns["currency"], strict=True)
        return column_of(kind, [_amount(*one, rates, base) for one in amounts])
    if _is_custom(name):
        slug = name.removeprefix(CUSTOM_PREFIX)
        return column_of(kind, [_custom(held.get(slug), kind) for held in rows.columns["attributes"]])
    if name == "has_parent":
        return column_of(kind, [parent is not None for parent in rows.columns["parent_id"]])
    return column_of(kind, list(map(_PLAIN[kind], rows.columns[FIELDS.get(name, name)])))


def _amount(amount: Decimal | None, currency: str, rates: Mapping[str, Decimal], base: str) -> float | None:
    """Money of a customer that left may be in a currency without a rate; it counts nowhere, so it stays unknown."""
    if amount is None or (currency != base and currency not in rates):
        return None
    return float(in_base(amount, currency, rates=rates, base=base))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _word(value: Any) -> str | None:
    return value or None  # a blank text is a missing value


def _day(value: Any) -> float | None:
    return None if value is None else float(days(value))


_PLAIN: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.NUMBER: _number,
    Kind.CHOICE: _word,
    Kind.FLAG: lambda value: value,
    Kind.DATE: _day,
    Kind.SET: lambda value: value or (),
}


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
    rows: _Rows, vocabulary: ModelVocabulary, lifecycles: Integers, goals: Integers, *, goals_only: bool
) -> HeldTiers:
    """What customers hold, against the decision each stands on: the last one applied."""
    standings = TierStanding.objects.values_list("customer_id", "lifecycle", "goals", "decided_by")
    stands = {customer_id: before for customer_id, *before in standings}
    by_override = set(
        TierHolding.objects.current().set_by(Source.OVERRIDE).values_list("customer_id", flat=True)
    )
    keys = rows.keys
    then = [stands.get(pk) for pk in keys]
    now = zip(then, lifecycles.tolist(), strict=True)
    changed = [before is None or before[0] != lifecycle for before, lifecycle in now]
    # A run that was applied since its end has decided the customer anew, also where it left the tier as it was.
    ended = [
        pk not in rows.overrides
        and ((pk in by_override and anew) or (before is not None and before[2] == DecidedBy.OVERRIDE))
        for pk, before, anew in zip(keys, then, changed, strict=True)
    ]
    other = zip(then, goals.tolist(), strict=True)
    return HeldTiers(
        current=_places(vocabulary, rows.columns["tier_id"]),
        paid=_places(vocabulary, rows.columns["paid_tier_id"]),
        override=_places(vocabulary, [rows.overrides.get(pk, (None, None))[1] for pk in keys]),
        since=np.array(
            [np.nan if since is None else days(since) for since in rows.columns["tier_since"]],
            dtype=np.float64,
        ),
        goals_changed=np.array(
            [before is not None and before[1] != open_now for before, open_now in other], dtype=np.bool_
        ),
        override_ended=np.array(ended, dtype=np.bool_),
        in_scope=np.array(changed if goals_only else [True] * len(keys), dtype=np.bool_),
    )


def _places(vocabulary: ModelVocabulary, tier_ids: Sequence[int | None]) -> Integers:
    places: dict[int | None, int] = {tier_id: place for place, tier_id in enumerate(vocabulary.tier_ids)}
    places[None] = -1
    return np.array([places[tier_id] for tier_id in tier_ids], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class NowColumns:
    """The same as columns. keys rise and may hold others beside those asked for; tier_ids: -1 for no tier."""

    keys: Integers
    digests: Integers
    tier_ids: Integers


def customers_now_columns(*, rules: TieringRules, as_of: date, customer_ids: Integers) -> NowColumns:
    """Some customers (rising keys) as they are now, who is gone left out; statements as of `customers_now`."""
    names = sources(rules)
    parts = [_now_columns(_read(names, as_of, whom), names) for whom in _parts(customer_ids)]
    nobody = _whole(())
    return NowColumns(
        *(np.concatenate([nobody, *column]) for column in (zip(*parts, strict=True) if parts else ((),) * 3))
    )


def _now_columns(rows: _Rows, names: Sequence[str]) -> tuple[Integers, Integers, Integers]:
    tiers = _whole(-1 if tier is None else tier for tier in rows.columns["tier_id"])
    return _whole(rows.keys), rows.digests(names, rows.lifecycles()), tiers
