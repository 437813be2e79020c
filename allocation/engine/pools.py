"""What a policy makes of today's books before anything is planned: pools, who is able, who has nobody.

Eligibility looks at tier, vertical, region, country, language and products only, so customers alike in these are one class:
a hundred thousand customers are a few thousand classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from allocation.engine.books_eligibility import eligibility, pool_names, why_unable
from allocation.engine.facts.books import (
    BookFacts,
    BookPolicy,
    BoolColumn,
    CsmFacts,
    CustomerColumns,
    IntColumn,
)


@dataclass(frozen=True, slots=True)
class PoolLine:
    """Customers that belong together, by who may serve them.

    ``able``: CSMs who may serve some of them; ``open``: those of them who take new customers. ``minutes_there``: net
    minutes of the able; a CSM able for several pools counts in each. ``nobody``: customers that nobody may serve.
    """

    pool: str
    customers: int
    minutes: int
    able: int
    open: int
    minutes_there: int
    nobody: int


@dataclass(frozen=True, slots=True)
class NobodyAble:
    """Customers of a pool that no CSM who is there may serve, for one reason."""

    pool: str
    customers: int
    external_ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Pools:
    """Pools by name, those without an able CSM, and the sums over everybody who is served."""

    lines: tuple[PoolLine, ...]
    nobody: tuple[NobodyAble, ...]
    customers: int
    minutes: int
    minutes_there: int


def pools(*, facts: BookFacts, policy: BookPolicy) -> Pools:
    """The served customers in pools, with the hours they ask and who may give them. Loads and caps are not looked at."""
    tiers = {tier.slug: tier for tier in facts.tiers}
    customers, csms = facts.customers, tuple(csm for csm in facts.csms if csm.leaving != "gone")
    served = [row for row, slug in enumerate(customers.tier) if slug in tiers and tiers[slug].served]
    members = _classes(customers, served)
    first = _rows(customers, [rows[0] for rows in members])
    able = eligibility(customers=first, csms=csms, policy=policy).able
    names = pool_names(customers=first, csms=csms, tiers=facts.tiers, policy=policy)
    by_pool: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        by_pool.setdefault(name, []).append(place)
    minutes = np.array([int(customers.minutes[rows].sum()) for rows in members], dtype=np.int64)
    return Pools(
        lines=tuple(
            _line(name, places, members, minutes, able[places], csms)
            for name, places in sorted(by_pool.items())
        ),
        nobody=_together(
            (
                names[place],
                _why_nobody(first, place, csms, policy),
                [customers.external_id[row] for row in rows],
            )
            for place, rows in enumerate(members)
            if not able[place].any()
        ),
        customers=len(served),
        minutes=int(minutes.sum()),
        minutes_there=sum(max(0, csm.capacity_minutes) for csm in csms),
    )


def _classes(customers: CustomerColumns, served: Sequence[int]) -> list[list[int]]:
    """Rows of the served customers, those that eligibility cannot tell apart together."""
    alike: dict[tuple[object, ...], list[int]] = {}
    for row in served:
        key = (
            customers.tier[row],
            customers.vertical[row],
            customers.region[row],
            customers.country[row],
            customers.language[row],
            customers.products[row],
        )
        alike.setdefault(key, []).append(row)
    return list(alike.values())


def _rows(customers: CustomerColumns, rows: Sequence[int]) -> CustomerColumns:
    index = np.array(rows, dtype=np.int64)

    def texts(column: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(column[row] for row in rows)

    return CustomerColumns(
        external_id=texts(customers.external_id),
        tier=texts(customers.tier),
        csm=texts(customers.csm),
        minutes=customers.minutes[index],
        arr_cents=customers.arr_cents[index],
        vertical=texts(customers.vertical),
        region=texts(customers.region),
        country=texts(customers.country),
        language=texts(customers.language),
        products=tuple(customers.products[row] for row in rows),
        family=texts(customers.family),
        hold=texts(customers.hold),
    )


def _line(
    name: str,
    places: Sequence[int],
    members: Sequence[Sequence[int]],
    minutes: IntColumn,
    able: BoolColumn,
    csms: Sequence[CsmFacts],
) -> PoolLine:
    some = [csm for csm, can in zip(csms, np.asarray(able.any(axis=0)), strict=True) if can]
    alone = [len(members[place]) for place, row in zip(places, able, strict=True) if not row.any()]
    return PoolLine(
        pool=name,
        customers=sum(len(members[place]) for place in places),
        minutes=int(minutes[list(places)].sum()),
        able=len(some),
        open=sum(csm.accepting and csm.leaving == "no" and csm.capacity_minutes > 0 for csm in some),
        minutes_there=sum(max(0, csm.capacity_minutes) for csm in some),
        nobody=sum(alone),
    )


def _together(found: Iterable[tuple[str, str, list[str]]]) -> tuple[NobodyAble, ...]:
    """One entry a pool and reason, the most customers first."""
    alike: dict[tuple[str, str], list[str]] = {}
    for pool, reason, external_ids in found:
        alike.setdefault((pool, reason), []).extend(external_ids)
    lines = [
        NobodyAble(pool=pool, customers=len(ids), external_ids=tuple(sorted(ids)), reason=reason)
        for (pool, reason), ids in alike.items()
    ]
    return tuple(sorted(lines, key=lambda one: (-one.customers, one.pool, one.reason)))


def _why_nobody(
    customers: CustomerColumns, position: int, csms: Sequence[CsmFacts], policy: BookPolicy
) -> str:
    phrases = Counter(
        why_unable(customers=customers, position=position, csm=csm, policy=policy) for csm in csms
    )
    if not phrases:
        return "There is no CSM."
    return "; ".join(f"{number} × {words}" for words, number in sorted(phrases.items())) + "."
