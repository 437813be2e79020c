"""What is read of customers for the tiering engine: their own fields as arrays, open goals, and overrides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from django.db.models import F, Q, QuerySet

from accounts.models import Customer, Goal
from allocation.engine.facts.attributes import CUSTOM_PREFIX
from allocation.engine.facts.tiering import Integers
from allocation.models import Override
from allocation.snapshots.arrays import EPOCH, Array, ArrayQuery, Coded, Whole, array_query, arrays_of
from allocation.snapshots.by_words import ByWords, by_words
from allocation.snapshots.columns import read_columns
from allocation.snapshots.digests import column_digests, digest

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
    "status",
    "currency",
    "tier_id",
    "tier_since",
    "paid_tier_id",
    "csm_id",
    "first_renewal_done",
)
# Of them what a comparison with an earlier snapshot needs.
COMPARED = ("pk", "status", "currency", "tier_id", "paid_tier_id", "first_renewal_done")
ID = "external_id"  # read where people look at the result
STORED = frozenset(
    {
        *MONEY, "employees", "relationship_breadth", "adoption", "health", "reputation", "complexity", "sentiment",
        "vertical", "region", "language", "country", "package", "paid_tier", "champion", "loss_felt",
        "first_renewal_done", "contract_start", "renewal_date", "products", "health_on", "sentiment_on", "currency", "has_parent",
    }
)  # fmt: skip
OWN = "attributes"
RENEWALS = 3  # a first renewal is completed, is not, or nobody knows


@dataclass(frozen=True, slots=True)
class CustomerRows:
    """Columns of the customers' own fields by name, rising by key, and what hangs on customers.

    ``goals``: the slugs of each one's open goals. ``told``: the rows as Python values, for who asked for more fields.
    """

    columns: Mapping[str, Array]
    keys: Integers
    goals: Coded
    overrides: Mapping[int, tuple[int, int]]  # in force: customer → (override, tier)
    ended: Mapping[int, int]  # customer → the last override that held once and does no more
    told: Mapping[str, Sequence[Any]]

    def __len__(self) -> int:
        return len(self.keys)

    def whole(self, name: str) -> Whole:
        column = self.columns[name]
        if not isinstance(column, Whole):
            raise TypeError(f"{name} is not a number")
        return column

    def coded(self, name: str) -> Coded:
        column = self.columns[name]
        if not isinstance(column, Coded):
            raise TypeError(f"{name} is not a text")
        return column

    def goal_digests(self) -> Integers:
        return self.goals.mapped(digest, 0)

    def lifecycles(self) -> Integers:
        """Of goals, status, first renewal and override.

        An override that came and went between two runs is a change too: the customer still holds its tier.
        """
        status, renewal = self.coded("status"), self.whole("first_renewal_done").or_else(-1) + 1
        combined = (self.goals.codes * len(status.words) + status.codes) * RENEWALS + renewal
        by_combination: Integers = np.zeros(
            len(self.goals.words) * len(status.words) * RENEWALS, dtype=np.int64
        )
        for combination in np.flatnonzero(np.bincount(combined, minlength=1)).tolist():
            by_combination[combination] = digest(*self._said(combination), None)
        found: Integers = by_combination[combined]
        with_override = np.flatnonzero(np.isin(self.keys, [*self.overrides, *self.ended]))
        for at in with_override.tolist():
            key = int(self.keys[at])
            override = self.overrides.get(key) or self.ended.get(key)
            found[at] = digest(*self._said(int(combined[at])), override)
        return found

    def _said(self, combination: int) -> tuple[Any, Any, bool | None]:
        """Goals, status and first renewal of a combination."""
        both, renewal = divmod(combination, RENEWALS)
        goals, status = divmod(both, len(self.coded("status").words))
        done = None if renewal == 0 else renewal == RENEWALS - 1
        return self.goals.words[goals], self.coded("status").words[status], done

    def digests(self, names: Sequence[str], lifecycles: Integers) -> Integers:
        """Of the stored values, so that another exchange rate is no change of facts."""
        fields = [FIELDS.get(name, name) for name in names if name in STORED]
        own = [own_column(name) for name in names if is_custom(name)]
        money = ["currency"] if MONEY & set(names) else []
        read = {name: self.columns[name] for name in (*fields, *own, *money, "paid_tier_id")}
        return column_digests(columns={**read, "lifecycle": Whole(lifecycles)}, count=len(self))

    def first_digests(self, names: Sequence[str], lifecycles: Integers) -> Integers:
        """As the first version of the program made them of rows as Python values, for proposals that it left behind."""
        stored = [self.told[FIELDS.get(name, name)] for name in names if name in STORED]
        slugs = [name.removeprefix(CUSTOM_PREFIX) for name in names if is_custom(name)]
        money = self.told["currency"] if MONEY & set(names) else [""] * len(self)
        own = [[held.get(slug) for slug in slugs] for held in self.told[OWN]] if slugs else [[]] * len(self)
        values = [list(row) for row in zip(*stored, strict=True)] if stored else [[]] * len(self)
        parts = zip(values, own, money, self.told["paid_tier_id"], lifecycles.tolist(), strict=True)
        return np.array([digest(*part) for part in parts], dtype=np.int64)


def is_custom(name: str) -> bool:
    return name.startswith(CUSTOM_PREFIX)


def own_column(name: str) -> str:
    """The column of a custom attribute."""
    return f"{OWN}:{name.removeprefix(CUSTOM_PREFIX)}"


def stored_fields(names: Iterable[str]) -> list[str]:
    """The customer's own fields in which these attributes are stored; sorted."""
    fields = {FIELDS.get(name, name) for name in names if name in STORED}
    if any(is_custom(name) for name in names):
        fields.add(OWN)
    return sorted(fields)


class Span(NamedTuple):
    """Customers by their keys, both ends included."""

    first: int
    last: int


# Where the ends of a span stand in a query that is written once: no key is below nought.
ENDS = Span(-(2**40), -(2**41))


class _Queries(NamedTuple):
    customers: ArrayQuery
    goals: ByWords
    overrides: ArrayQuery


def read_rows(
    *,
    names: Sequence[str],
    as_of: date,
    whom: Q | Span,
    every: int = 1,
    also: Collection[str] = (),
    with_ids: bool = False,
    apart: Sequence[int] = (),
) -> CustomerRows:
    """Three queries. whom: a condition on the customer's key; an empty one is everybody. every: each n-th of them only.
    apart: keys at which the customers may be read in parts (`ArrayQuery.read`).

    Of a span only what is COMPARED is read, beside what the rules read.

    also: more fields, and then everything as Python values too.
    """
    instead = None
    if isinstance(whom, Span):
        instead = {ENDS.first: whom.first, ENDS.last: whom.last}
        queries = _of_a_span(tuple(names), as_of)
    else:
        queries = _queries(tuple(names), as_of, whom, every, (*also, *([ID] if with_ids else [])))
    told: Mapping[str, Sequence[Any]] = {}
    if also:
        asked = _customers(_of(whom), every)
        told = read_columns(rows=asked, fields=_fields(names, (*also, *([ID] if with_ids else []))))
        columns = arrays_of(model=Customer, columns=told, keys=_own_keys(names))
    else:
        columns = queries.customers.read(instead, apart=apart)
    keys = columns["pk"]
    if not isinstance(keys, Whole):
        raise TypeError("keys are no numbers")
    in_force, ended = _overrides(queries.overrides.read(instead), as_of)
    return CustomerRows(
        columns, keys.values, _goals(queries.goals.read(instead), keys.values), in_force, ended, told
    )


@lru_cache(maxsize=32)
def _of_a_span(names: tuple[str, ...], as_of: date) -> _Queries:
    """Written once, since whoever goes through a run's chunks asks for one span after the other."""
    return _queries(names, as_of, _of(ENDS), 1, (), COMPARED)


def _of(whom: Q | Span) -> Q:
    return Q(pk__gte=whom.first, pk__lte=whom.last) if isinstance(whom, Span) else whom


def _fields(names: Sequence[str], also: Collection[str], always: Sequence[str] = ALWAYS) -> tuple[str, ...]:
    return (*always, *sorted({*stored_fields(names), *also} - set(always)))


def _own_keys(names: Sequence[str]) -> Mapping[str, Sequence[str]]:
    slugs = [name.removeprefix(CUSTOM_PREFIX) for name in names if is_custom(name)]
    return {OWN: slugs} if slugs else {}


@lru_cache(maxsize=32)
def _queries(
    names: tuple[str, ...],
    as_of: date,
    whom: Q,
    every: int,
    also: tuple[str, ...],
    always: tuple[str, ...] = ALWAYS,
) -> _Queries:
    """Written once for the same, since each run of a day asks for it anew."""
    goals = Goal.objects.open_on(as_of)
    overrides = (Override.objects.in_force(as_of) | Override.objects.begun_by(as_of)).order_by("pk")
    if whom:
        goals, overrides = goals.filter(_of_customer(whom)), overrides.filter(_of_customer(whom))
    if every > 1:
        goals = goals.alias(turn=F("customer_id") % every).filter(turn=0)
        overrides = overrides.alias(turn=F("customer_id") % every).filter(turn=0)
    return _Queries(
        array_query(
            rows=_customers(whom, every),
            fields=_fields(names, also, always),
            keys=_own_keys(names),
        ),
        by_words(rows=goals, number="customer_id", word="kind__slug"),
        array_query(rows=overrides, fields=("pk", "customer_id", "tier_id", "status", "expires_on")),
    )


def goal_digests_now(*, keys: Integers, as_of: date) -> Integers:
    """Digests of the goals that these customers (rising keys, at least one) have open on the day. One query."""
    instead = {ENDS.first: int(keys[0]), ENDS.last: int(keys[-1])}
    return _goals(_of_a_span((), as_of).goals.read(instead), keys).mapped(digest, 0)


def _customers(whom: Q, every: int) -> QuerySet[Customer]:
    customers = Customer.objects.order_by("pk")
    if whom:
        customers = customers.filter(whom)
    return customers.alias(turn=F("pk") % every).filter(turn=0) if every > 1 else customers


def _overrides(read: Mapping[str, Array], as_of: date) -> tuple[dict[int, tuple[int, int]], dict[int, int]]:
    """Those in force, and of the others the last one of each customer; there are few."""
    in_force: dict[int, tuple[int, int]] = {}
    ended: dict[int, int] = {}
    status, today = read["status"], (as_of - EPOCH).days
    if not isinstance(status, Coded):
        raise TypeError("a status is a text")
    said = [status.words[code] for code in status.codes.tolist()]
    columns = (read[name] for name in ("pk", "customer_id", "tier_id", "expires_on"))
    numbers = (column.values.tolist() for column in columns if isinstance(column, Whole))
    for pk, customer_id, tier_id, expires, now in zip(*numbers, said, strict=True):
        if now == Override.Status.APPROVED and expires > today:
            in_force[customer_id] = (pk, tier_id)
        else:
            ended[customer_id] = pk
    return in_force, ended


def _of_customer(whom: Q) -> Q:
    """The same condition for rows that belong to a customer."""
    lookups: dict[str, Any] = dict(child for child in whom.children if isinstance(child, tuple))
    return Q(**{lookup.replace("pk", "customer_id", 1): value for lookup, value in lookups.items()})


def _goals(read: Mapping[str, Array], keys: Integers) -> Coded:
    """The slugs of each customer's open goals, in their order; customers share a handful of such lists.

    Everybody's first goal is put to the empty list, then everybody's second one to what that gave, and so on.
    """
    whose, kinds = read["customer_id"], read["kind__slug"]
    if not isinstance(whose, Whole) or not isinstance(kinds, Coded):
        raise TypeError("goals have no customer or no kind")
    lists: list[tuple[str, ...]] = [()]
    found = np.zeros(len(keys), dtype=np.int64)
    order = np.argsort(whose.values, kind="stable")
    owner, kind = whose.values[order], kinds.codes[order]
    place = np.searchsorted(keys, owner)
    there = keys[np.minimum(place, len(keys) - 1)] == owner if len(keys) else np.zeros(len(owner), np.bool_)
    place, kind = place[there], kind[there]
    begins = np.flatnonzero(np.diff(place, prepend=-1))
    turn = np.arange(len(place)) - np.repeat(begins, np.diff(begins, append=len(place)))
    for now in range(int(turn.max(initial=-1)) + 1):
        these = turn == now
        longer, which = np.unique(found[place[these]] * len(kinds.words) + kind[these], return_inverse=True)
        found[place[these]] = len(lists) + which
        pairs = (divmod(pair, len(kinds.words)) for pair in longer.tolist())
        lists += [(*lists[shorter], kinds.words[added]) for shorter, added in pairs]
    return Coded(found, tuple(lists))
