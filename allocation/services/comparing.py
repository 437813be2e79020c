"""Plans side by side along the price of continuity: what fewer changes of CSM cost in evenness.

Four plans of the same books and the same policy, with another weight of continuity each. They are ordinary plans:
computed, read, applied or discarded like any other; they do not make each other stale until one of them is applied.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db import IntegrityError, transaction

from accounts.models import User
from allocation.models import OPEN_STATUSES, AllocationPolicy, BookPlan, RunStatus, Variant
from allocation.selectors.plan_requests import BIGGEST_WEIGHT, UNDER_WAY, refusal_to_plan

STEADIER, EVENER = Decimal("3.3"), Decimal("0.33")
WITHOUT_WEIGHT = {Variant.STEADIER: Decimal(3), Variant.EVENER: Decimal(1)}
"""Where the policy gives continuity no points: the default weight, and a third of it, both steadier than the policy."""
FOURTH_PLACE = Decimal("0.0001")


class UnableToCompare(ValueError):
    """The plans cannot be asked for or put away; the message says why and what to do."""


def queue_comparison(
    *, as_of: date, seed: int, actor: User | None, max_moves_pct: Decimal | None = None
) -> list[BookPlan]:
    """Four rows that ask for a plan each, the head (as the policy says) first. Raises UnableToCompare."""
    _check_rights(actor)
    refusal = refusal_to_plan(as_of=as_of, max_moves_pct=max_moves_pct)
    if refusal:
        raise UnableToCompare(refusal)
    policy = AllocationPolicy.objects.active_or_default()
    asked = {"as_of": as_of, "policy": policy, "seed": seed, "requested_by": actor}
    try:
        with transaction.atomic():
            head = BookPlan.objects.create(**asked, max_moves_pct=max_moves_pct)
            return [
                head,
                BookPlan.objects.create(
                    **asked, max_moves_pct=Decimal(0), compared_with=head, variant=Variant.ONLY_FORCED
                ),
                *(
                    BookPlan.objects.create(
                        **asked,
                        max_moves_pct=max_moves_pct,
                        continuity_weight=weight,
                        compared_with=head,
                        variant=variant,
                    )
                    for variant, weight in _weights(policy.weight_continuity).items()
                ),
            ]
    except IntegrityError as error:
        raise UnableToCompare(UNDER_WAY) from error


def discard_comparison(*, comparison_id: int, actor: User | None) -> int:
    """Put away what is still open or waits of a comparison; says how many. Repeating changes nothing."""
    _check_rights(actor)
    plans = BookPlan.objects.side_by_side(comparison_id)
    if plans.filter(status=RunStatus.APPLYING).exists():
        raise UnableToCompare("One of these plans is being applied: wait for it.")
    waiting = [RunStatus.QUEUED, RunStatus.COMPUTING, *OPEN_STATUSES, RunStatus.STALE]
    return int(
        plans.filter(status__in=waiting).update(status=RunStatus.DISCARDED, claimed_by="", lease_until=None)
    )


def _weights(weight: Decimal) -> dict[Variant, Decimal]:
    """The other weights of a comparison."""
    if weight == 0:
        return WITHOUT_WEIGHT
    factors = {Variant.STEADIER: STEADIER, Variant.EVENER: EVENER}
    return {
        variant: min(Decimal(BIGGEST_WEIGHT), (weight * factor).quantize(FOURTH_PLACE))
        for variant, factor in factors.items()
    }


def _check_rights(actor: User | None) -> None:
    """The command line without ``--as`` acts for the operator of the machine; a named person must be CS ops."""
    if actor is not None and not actor.is_ops:
        raise UnableToCompare("Only CS ops may plan books.")
