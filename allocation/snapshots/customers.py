"""Customers as the tiering engine reads them: one snapshot, a fixed number of queries, only what the rules read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
from django.db.models import F, Max, Q

from accounts.models import Customer, Goal
from allocation.engine.facts.attributes import CUSTOM_PREFIX, Kind
from allocation.engine.facts.rules import TieringRules
from allocation.engine.facts.tiering import Column, CustomerColumns, HeldTiers
from allocation.engine.kept import column_of, sources
from allocation.models import Override, RowStatus, Source, TierDecision, TierHolding
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
    "first_renewal_done",
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """facts: columns in the order of ``keys``. digests: of everything that decides a customer, one each.

    lifecycles: of goals, status, first renewal and override; goals: of open goals alone. Both 32 characters.
    """

    facts: CustomerColumns
    keys: tuple[int, ...]
    digests: tuple[str, ...]
    lifecycles: tuple[str, ...]
    goals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the queries gave: one mapping a customer, and what hangs on customers."""

    customers: list[dict[str, Any]]
    goals: dict[int, tuple[str, ...]]
    overrides: dict[int, tuple[int, int]]  # customer → (override, tier)

    def lifecycle(self, row: Mapping[str, Any]) -> str:
        pk = row["pk"]
        return digest(
            self.goals.get(pk, ()), row["status"], row["first_renewal_done"], self.overrides.get(pk)
        )

    def digest(self, row: Mapping[str, Any], names: Iterable[str]) -> str:
        """Of the stored values, so that another exchange rate is no change of facts."""
        values = [row[FIELDS.get(name, name)] for name in names if name in _STORED]
        own = [row["attributes"].get(name.removeprefix(CUSTOM_PREFIX)) for name in names if _is_custom(name)]
        money = row["currency"] if MONEY & set(names) else ""
        return digest(values, own, money, row["paid_tier_id"], self.lifecycle(row))


_STORED = frozenset(
    {
        *MONEY, "employees", "relationship_breadth", "adoption", "health", "reputation", "complexity", "sentiment",
        "vertical", "region", "language", "country", "package", "paid_tier", "champion", "loss_felt",
        "first_renewal_done", "contract_start", "renewal_date", "products", "health_on", "sentiment_on", "currency", "has_parent",
    }
)  # fmt: skip


def _is_custom(name: str) -> bool:
    return name.startswith(CUSTOM_PREFIX)


def digest(*values: object) -> str:
    """32 hexadecimal characters; the same values give the same digest on any machine and database."""
    return hashlib.blake2b(repr(values).encode(), digest_size=16).hexdigest()


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
) -> Snapshot:
    """All customers as of a day; five queries. ``goals_only``: in scope is only whose lifecycle changed.

    every: with n above 1 an evenly spaced sample, each n-th customer by its key; for looking only, never for a run.
    """
    names = sources(rules)
    rows = _read(names, as_of, None, every)
    lifecycles = tuple(rows.lifecycle(row) for row in rows.customers)
    goals = tuple(digest(rows.goals.get(row["pk"], ())) for row in rows.customers)
    columns = {name: _column(name, rows, vocabulary, rates, base) for name in names}
    facts = CustomerColumns(
        ids=tuple(row["external_id"] for row in rows.customers),
        columns=columns,
        active=np.array([row["status"] == Customer.Status.ACTIVE for row in rows.customers], dtype=np.bool_),
        held=_held(rows, vocabulary, lifecycles, goals, goals_only=goals_only),
        as_of=days(as_of),
    )
    return Snapshot(
        facts=facts,
        keys=tuple(row["pk"] for row in rows.customers),
        digests=tuple(rows.digest(row, names) for row in rows.customers),
        lifecycles=lifecycles,
        goals=goals,
    )


def facts_digests(*, rules: TieringRules, as_of: date, customer_ids: Collection[int]) -> dict[int, str]:
    """The digests of some customers as they are now; three queries."""
    names = sources(rules)
    rows = _read(names, as_of, customer_ids)
    return {row["pk"]: rows.digest(row, names) for row in rows.customers}


def days(on: date) -> int:
    """Days since 1970-01-01."""
    return (on - EPOCH).days


def _read(names: Sequence[str], as_of: date, ids: Collection[int] | None, every: int = 1) -> _Rows:
    fields = {FIELDS.get(name, name) for name in names if name in _STORED}
    if any(_is_custom(name) for name in names):
        fields.add("attributes")
    customers = Customer.objects.order_by("pk").values(*ALWAYS, *sorted(fields - set(ALWAYS)))
    goals = Goal.objects.open_on(as_of).order_by("kind__slug", "pk")
    overrides = Override.objects.filter(
        status=Override.Status.APPROVED, starts_on__lte=as_of, expires_on__gt=as_of
    )
    if ids is not None:
        customers, goals = customers.filter(pk__in=ids), goals.filter(customer_id__in=ids)
        overrides = overrides.filter(customer_id__in=ids)
    if every > 1:
        customers = customers.alias(turn=F("pk") % every).filter(turn=0)
        goals = goals.alias(turn=F("customer_id") % every).filter(turn=0)
        overrides = overrides.alias(turn=F("customer_id") % every).filter(turn=0)
    open_goals: dict[int, list[str]] = {}
    for customer_id, slug in goals.values_list("customer_id", "kind__slug"):
        open_goals.setdefault(customer_id, []).append(slug)
    return _Rows(
        customers=list(customers),
        goals={customer_id: tuple(slugs) for customer_id, slugs in open_goals.items()},
        overrides={
            customer: (pk, tier)
            for pk, customer, tier in overrides.values_list("pk", "customer_id", "tier_id")
        },
    )


def _column(
    name: str, rows: _Rows, vocabulary: ModelVocabulary, rates: Mapping[str, Decimal], base: str
) -> Column:
    kind = vocabulary.attributes[name].kind
    if name == "open_goals":
        return column_of(kind, [rows.goals.get(row["pk"], ()) for row in rows.customers])
    if name in MONEY:
        return column_of(kind, [_amount(row, name, rates, base) for row in rows.customers])
    if _is_custom(name):
        slug = name.removeprefix(CUSTOM_PREFIX)
        return column_of(kind, [_custom(row["attributes"].get(slug), kind) for row in rows.customers])
    if name == "has_parent":
        return column_of(kind, [row["parent_id"] is not None for row in rows.customers])
    field, plain = FIELDS.get(name, name), _PLAIN[kind]
    return column_of(kind, [plain(row[field]) for row in rows.customers])


def _amount(row: Mapping[str, Any], name: str, rates: Mapping[str, Decimal], base: str) -> float | None:
    """Money of a customer that left may be in a currency without a rate; it counts nowhere, so it stays unknown."""
    amount, currency = row[name], row["currency"]
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
    rows: _Rows,
    vocabulary: ModelVocabulary,
    lifecycles: Sequence[str],
    goals: Sequence[str],
    *,
    goals_only: bool,
) -> HeldTiers:
    """What customers hold, against the decision each stands on: the last one applied."""
    last = (
        TierDecision.objects.filter(status=RowStatus.APPLIED)
        .order_by()
        .values("customer_id")
        .annotate(last=Max("pk"))
    )
    stands = {
        customer_id: rest
        for customer_id, *rest in TierDecision.objects.filter(pk__in=last.values("last")).values_list(
            "customer_id", "lifecycle", "goals_digest", "decided_by"
        )
    }
    by_override = set(
        TierHolding.objects.current().filter(source=Source.OVERRIDE).values_list("customer_id", flat=True)
    )
    keys = [row["pk"] for row in rows.customers]
    then = [stands.get(pk, (None, None, "")) for pk in keys]
    ended = [
        pk not in rows.overrides and (pk in by_override or before[2] == "override")
        for pk, before in zip(keys, then, strict=True)
    ]
    changed = [before[0] != now for before, now in zip(then, lifecycles, strict=True)]
    return HeldTiers(
        current=_places(vocabulary, [row["tier_id"] for row in rows.customers]),
        paid=_places(vocabulary, [row["paid_tier_id"] for row in rows.customers]),
        override=_places(vocabulary, [rows.overrides.get(pk, (None, None))[1] for pk in keys]),
        since=np.array(
            [np.nan if row["tier_since"] is None else days(row["tier_since"]) for row in rows.customers]
        ),
        goals_changed=np.array(
            [before[1] is not None and before[1] != now for before, now in zip(then, goals, strict=True)],
            dtype=np.bool_,
        ),
        override_ended=np.array(ended, dtype=np.bool_),
        in_scope=np.array(changed if goals_only else [True] * len(keys), dtype=np.bool_),
    )


def _places(
    vocabulary: ModelVocabulary, tier_ids: Sequence[int | None]
) -> np.ndarray[Any, np.dtype[np.int64]]:
    places: dict[int | None, int] = {tier_id: place for place, tier_id in enumerate(vocabulary.tier_ids)}
    places[None] = -1
    return np.array([places[tier_id] for tier_id in tier_ids], dtype=np.int64)
