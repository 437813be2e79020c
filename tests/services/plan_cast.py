"""Plans for the tests of reviewing, approving and undoing: two teams' CSMs and customers, small enough to count."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django.utils import timezone

from accounts.models import CSM, Customer, Tier
from allocation.models import AllocationPolicy, BookHolding, BookPlan, Move, Source
from allocation.services.decisions import CsmChange, DecisionSource, TierChange, set_csms, set_tiers
from allocation.services.planning import apply_plan, propose_plan, proposing, queue_plan, undo_plan
from tests.factories import CLOCK, TODAY, CSMFactory, CustomerFactory, TierFactory, TouchActivityFactory

OF_ADA = ("A0", "A1", "A2", "A3", "A4", "A5")
LONG_AGO = TODAY - timedelta(days=200)


def books(cast: SimpleNamespace, *, cap: int | None = 40) -> SimpleNamespace:
    """Ada (team A) has A0–A5, the leaver Lea (team A) L0, Ben (team B) nobody; N0 has no CSM. Two hours each.

    A policy that lets half of the customers move and does not value staying: 8 customers, so Ada and Ben hold 4 each.
    L0 and N0 go to Ben (forced), and two of Ada's as well (chosen).
    """
    scale = TierFactory(slug="scale", name="Scale", rank=1, touch_level="low", cap=cap)
    TouchActivityFactory(tier=scale, times_a_year=Decimal(24), hours_each=Decimal(1))
    ada, ben = cast.csm_a.csm, cast.csm_b.csm
    lea = CSMFactory(
        name="Lea Leaver", email="lea@example.com", team=cast.team_a, leaves_on=TODAY + timedelta(days=9)
    )
    policy = AllocationPolicy.objects.create(
        name="even", is_active=True, weight_continuity=0, weight_background=0, max_moves_pct=50, max_moves_arr_pct=100
    )  # fmt: skip
    made = {name: CustomerFactory(external_id=name, name=f"Firm {name}") for name in (*OF_ADA, "L0", "N0")}
    tiered(made.values(), scale)
    given = [*((name, ada) for name in OF_ADA), ("L0", lea)]
    set_csms(
        changes=[CsmChange(made[name].pk, None, csm.pk) for name, csm in given],
        on=LONG_AGO,
        decision=DecisionSource(kind=Source.IMPORT),
    )
    return SimpleNamespace(scale=scale, ada=ada, ben=ben, lea=lea, policy=policy, **made)


def proposed(*, actor: Any = None, **given: Any) -> BookPlan:
    queued = queue_plan(**{"as_of": TODAY, "seed": 1, "actor": actor, **given})
    plan = propose_plan(plan_id=queued.pk, owner="test", **CLOCK)
    assert plan is not None
    return plan


def applied(plan: BookPlan, *, actor: Any = None) -> BookPlan:
    return apply_plan(plan_id=plan.pk, actor=actor, owner="test", on=TODAY)


def undone(plan: BookPlan, *, on: Any = TODAY, actor: Any = None) -> bool:
    return undo_plan(plan_id=plan.pk, owner="test", at=timezone.now(), on=on, actor=actor)


def the_largest_are(names: Collection[str]) -> Callable[..., Any]:
    """`propose_books` with the moves of these customers marked for approval, whatever the policy says."""
    real = proposing.propose_books

    def marked(**given: Any) -> Any:
        proposal = real(**given)
        moves = tuple(replace(move, needs_approval=move.external_id in names) for move in proposal.moves)
        return replace(proposal, moves=moves)

    return marked


def move_of(plan: BookPlan, name: str) -> Move:
    return Move.objects.get(plan=plan, customer__external_id=name)


def chosen(plan: BookPlan) -> list[str]:
    """The two of Ada's that go to Ben by choice; which two is the planner's business."""
    rows = Move.objects.filter(plan=plan, forced=False).order_by("customer__external_id")
    found = list(rows.values_list("customer__external_id", flat=True))
    assert len(found) == 2
    return found


def ids(plan: BookPlan, *names: str) -> list[int]:
    rows = Move.objects.filter(plan=plan, customer__external_id__in=names)
    return list(rows.values_list("pk", flat=True))


def seats() -> dict[str, str | None]:
    return dict(Customer.objects.order_by("external_id").values_list("external_id", "csm__name"))


def state() -> list[Any]:
    """What undoing gives back, to the byte."""
    return list(Customer.objects.order_by("pk").values_list("pk", "csm_id", "csm_since"))


def tiered(customers: Iterable[Customer], tier: Tier) -> None:
    set_tiers(
        changes=[TierChange(customer.pk, None, tier.pk) for customer in customers],
        on=LONG_AGO,
        decision=DecisionSource(kind=Source.IMPORT),
    )


def by_hand(customer: Customer, csm: CSM | None, *, on: date = TODAY) -> None:
    now = Customer.objects.get(pk=customer.pk)
    set_csms(
        changes=[CsmChange(now.pk, now.csm_id, csm.pk if csm else None)],
        on=on,
        decision=DecisionSource(kind=Source.MANUAL),
    )


def held_by() -> dict[str, tuple[str, str]]:
    """{customer: (kind of decision, what it gives back)} of the open ledger rows."""
    rows = BookHolding.objects.current().values_list("customer__external_id", "source", "gives_back")
    return {name: (source, gives_back) for name, source, gives_back in rows}
