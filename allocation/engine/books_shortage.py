"""What is missing, in heads: ``max(hours short ÷ hours of a head, customers short ÷ cap)``, rounded up, per pool.

Customers do not divide: seven of 25 hours do not fit two heads of 90. So the number is also checked by packing the pool's
customers into new heads, largest first; the larger of the two is reported. Hired and able, those heads suffice.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocation.engine.books_pairs import PairTable
from allocation.engine.facts.books import (
    BookPolicy,
    BoolColumn,
    CsmFacts,
    CustomerColumns,
    Shortage,
    TierFacts,
    UnassignedFinding,
)


def shortages(
    *,
    unassigned: Sequence[UnassignedFinding],
    customers: CustomerColumns,
    csms: Sequence[CsmFacts],
    tiers: Sequence[TierFacts],
    policy: BookPolicy,
    able: PairTable[np.bool_],
) -> tuple[Shortage, ...]:
    """One line per pool, in the order of pool names."""
    place = {external_id: row for row, external_id in enumerate(customers.external_id)}
    by_slug = {tier.slug: tier for tier in tiers}
    pools: dict[str, list[UnassignedFinding]] = {}
    for one in unassigned:
        pools.setdefault(one.pool, []).append(one)
    lines = []
    for pool, missing in sorted(pools.items()):
        rows = np.array([place[one.external_id] for one in missing], dtype=np.int64)
        head = net_minutes_a_head(csms=csms, policy=policy, able=np.asarray(able[rows].any(axis=0)))
        minutes = [one.minutes for one in missing]
        lines.append(
            Shortage(
                pool=pool,
                customers=len(missing),
                minutes=sum(minutes),
                heads=heads_needed(minutes=minutes, head_minutes=head, cap=by_slug[missing[0].tier].cap),
                head_minutes=head,
                reason=missing[0].reason,
                external_ids=tuple(one.external_id for one in missing),
            )
        )
    return tuple(lines)


def net_minutes_a_head(*, csms: Sequence[CsmFacts], policy: BookPolicy, able: BoolColumn) -> int:
    """Net minutes of one more full-time CSM: full time × what the able CSMs (else all) have left of theirs on average."""
    there = [
        (csm, bool(able[row]))
        for row, csm in enumerate(csms)
        if csm.leaving != "gone" and csm.contract_minutes > 0
    ]
    peers = [csm for csm, is_able in there if is_able and csm.capacity_minutes > 0]
    peers = peers or [csm for csm, _ in there if csm.capacity_minutes > 0]
    if not peers:
        return policy.full_time_minutes
    net, contract = sum(csm.capacity_minutes for csm in peers), sum(csm.contract_minutes for csm in peers)
    return max(1, policy.full_time_minutes * net // contract)


def heads_needed(*, minutes: Sequence[int], head_minutes: int, cap: int | None) -> int:
    """Heads for customers of these minutes. A cap of 0 cannot be met by hiring: then hours alone count."""
    by_hours = -(-sum(minutes) // head_minutes)
    by_cap = -(-len(minutes) // cap) if cap else 0
    return max(by_hours, by_cap, _packed(minutes, head_minutes, cap or len(minutes)), 1 if minutes else 0)


def _packed(minutes: Sequence[int], head_minutes: int, cap: int) -> int:
    """Heads that first-fit-decreasing opens; a customer larger than a head has one for itself."""
    heads: list[tuple[int, int]] = []
    for size in sorted(minutes, reverse=True):
        for place, (used, held) in enumerate(heads):
            if used + size <= head_minutes and held < cap:
                heads[place] = (used + size, held + 1)
                break
        else:
            heads.append((size, 1))
    return len(heads)
