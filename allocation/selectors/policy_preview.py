"""What today's customers and CSMs look like under a saved policy, and what is doubtful about it. Nothing is planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from allocation.engine.facts.books import CsmFacts
from allocation.engine.pools import Pools, pools
from allocation.models import AllocationPolicy
from allocation.selectors.wording import counted, hours_and_minutes
from allocation.snapshots.books import book_snapshot
from allocation.snapshots.money import UnknownRate

MUCH_TOLERANCE_PCT = 30
A_YEAR = 365
FEW_STEPS = 100


@dataclass(frozen=True, slots=True)
class PolicyPreview:
    """``found`` is None where ``problem`` says why nothing can be computed. ``remarks``: a sentence each."""

    found: Pools | None
    problem: str
    remarks: tuple[str, ...]


def policy_preview(*, policy: AllocationPolicy, as_of: date) -> PolicyPreview:
    """Pools under the saved policy, by the engine's own eligibility. The same number of queries at any size."""
    doubtful = _values(policy)
    try:
        snapshot = book_snapshot(as_of=as_of, policy=policy, with_digest=False)
    except UnknownRate as missing:
        return PolicyPreview(None, str(missing), tuple(doubtful))
    found = pools(facts=snapshot.facts, policy=snapshot.policy)
    there = [csm for csm in snapshot.facts.csms if csm.leaving != "gone"]
    return PolicyPreview(found, "", (*_served(found), *_skills(policy, there), *doubtful))


def _served(found: Pools) -> list[str]:
    alone = sum(one.customers for one in found.nobody)
    said = []
    if alone:
        said.append(
            f"{counted(alone, 'customer')} could be given to nobody under this policy: see who below."
        )
    if found.minutes > found.minutes_there:
        short = hours_and_minutes(found.minutes - found.minutes_there)
        said.append(
            f"The books ask for {short} hours a month more than all CSMs have: some stay without a CSM."
        )
    return said


def _skills(policy: AllocationPolicy, csms: Sequence[CsmFacts]) -> list[str]:
    """A rule about something that no CSM names decides nothing; country law is the other way round."""
    if not csms:
        return ["There is no CSM yet: enter or import some."]
    asked = (
        ("vertical", policy.vertical_fit in ("specialist_first", "hard"), any(csm.verticals for csm in csms)),
        ("region", policy.region_fit == "hard", any(csm.regions for csm in csms)),
        ("language", policy.language_fit == "hard", any(csm.languages for csm in csms)),
        ("product", policy.product_fit == "hard", any(csm.products for csm in csms)),
    )
    said = [
        f"No CSM names a {noun}: everybody counts as a generalist, and the rule about {noun}s decides nothing yet."
        for noun, required, known in asked
        if required and not known
    ]
    if policy.country_law and not any(csm.countries for csm in csms):
        said.append(
            "Country law is on and no CSM lists a country: customers of a known country stay without a CSM."
        )
    return said


def _values(policy: AllocationPolicy) -> list[str]:
    said = [
        f"With a tolerance of {band.normalize():f} % in {noun} hardly any book counts as uneven."
        for noun, band in (("hours", policy.hours_tolerance_pct), ("ARR", policy.arr_tolerance_pct))
        if band > MUCH_TOLERANCE_PCT
    ]
    if policy.weight_continuity == 0:
        said.append("A change of CSM costs nothing: customers move for the smallest gain, up to the budget.")
    if (policy.max_moves_pct == 0) != (policy.max_moves_arr_pct == 0):
        said.append(
            "One of the two budgets is 0 %, so nobody changes CSM by choice, whatever the other says."
        )
    if policy.hold_before_renewal_days >= A_YEAR:
        said.append(
            "Who renews every year is held all year: with a renewal date nobody changes CSM by choice."
        )
    if policy.search_iterations < FEW_STEPS:
        said.append(
            f"{counted(policy.search_iterations, 'step')} of work leave most of the evening out undone."
        )
    return said
