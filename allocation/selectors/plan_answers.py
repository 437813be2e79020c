"""A plan under the JSON keys of the `plan_books` command, and the columns a stored plan keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from accounts.models import User
from allocation.engine.attention import hours_of
from allocation.engine.facts.books import BookFacts, BookPolicy, BookProposal
from allocation.models import AllocationPolicy, BookPlan, Move, RowStatus
from allocation.selectors.balance import measured, money_number, workload_answer

Named = Sequence[tuple[str, Sequence[str]]]


def policy_values(*, policy: BookPolicy, stored: AllocationPolicy, named: Named) -> dict[str, Any]:
    """The policy as it was read, for the stored plan; ``named`` are the names of the tiers named for a CSM."""
    return {
        **asdict(policy),
        "holds": {
            "before_renewal": stored.hold_before_renewal_days,
            "first": stored.hold_first_days,
            "after_move": stored.hold_after_move_days,
        },
        "named_tiers": [{"csm": csm, "tiers": list(tiers)} for csm, tiers in named],
    }


def named_in(*, facts: BookFacts) -> Named:
    """Names of CSMs with those of the tiers named for them, as a plan read them."""
    return [
        (csm.name, [tier.name for tier in facts.tiers if tier.slug in csm.tiers])
        for csm in sorted(facts.csms, key=lambda csm: (csm.name, csm.key))
        if csm.tiers
    ]


def plan_results(*, proposal: BookProposal, facts: BookFacts) -> dict[str, Any]:
    """What a stored plan keeps beside its moves: summary, balance before and after, shortages, unassigned."""
    total_arr = int(facts.customers.arr_cents.sum()) or 1
    budget = proposal.budget
    return {
        "summary": {
            "customers": proposal.customers,
            "assigned": proposal.assigned,
            "chosen": budget.chosen,
            "chosen_limit": budget.chosen_limit,
            "forced": budget.forced,
            "chosen_pct": round(100 * budget.chosen / max(1, proposal.customers), 2),
            "chosen_arr": money_number(cents=budget.chosen_arr_cents),
            "chosen_arr_pct": round(100 * budget.chosen_arr_cents / total_arr, 2),
            "objective_parts": dict(proposal.objective_parts),
            "breaches": [asdict(breach) for breach in proposal.breaches],
            "fallbacks": list(proposal.fallbacks),
            "notes": list(proposal.notes),
            "iterations": proposal.iterations,
        },
        "balance_before": workload_answer(found=measured(rows=proposal.before)),
        "balance_after": workload_answer(found=measured(rows=proposal.after)),
        "shortages": [
            {
                "pool": line.pool,
                "customers": line.customers,
                "hours": float(hours_of(line.minutes)),
                "heads": line.heads,
                "net_hours_a_head": float(hours_of(line.head_minutes)),
                "reason": line.reason,
                "external_ids": list(line.external_ids),
            }
            for line in proposal.shortages
        ],
        "unassigned": [
            {
                "external_id": one.external_id,
                "tier": one.tier,
                "pool": one.pool,
                "hours": float(hours_of(one.minutes)),
                "reason": one.reason,
            }
            for one in proposal.unassigned
        ],
    }


def plan_answer(*, plan: BookPlan, user: User | None = None) -> dict[str, Any]:
    """A plan as the commands print it; with ``user`` only the moves that person may see. Two queries."""
    rows = Move.objects.filter(plan=plan)
    if user is not None:
        rows = rows.visible_to(user)
    moves = list(
        rows.select_related("customer", "from_csm", "to_csm", "runner_up").order_by("customer__external_id")
    )
    summary = plan.summary
    return {
        "plan": plan.pk,
        "as_of": plan.as_of,
        "status": plan.status,
        "message": plan.message,
        "continuity_weight": plan.continuity_weight,
        "customers": summary.get("customers", 0),
        "assigned": summary.get("assigned", 0),
        "unassigned": plan.unassigned,
        "moves": [_move(move) for move in moves],
        "chosen": summary.get("chosen", 0),
        "forced": summary.get("forced", 0),
        "objective": plan.objective,
        "objective_parts": summary.get("objective_parts", {}),
        "bound": plan.bound,
        "gap_pct": plan.gap_pct,
        "repeatable": plan.repeatable,
        "shortages": plan.shortages,
        "breaches": summary.get("breaches", []),
        "fallbacks": summary.get("fallbacks", []),
        "notes": summary.get("notes", []),
        "skipped": [
            {"external_id": move.customer.external_id, "reason": move.words}
            for move in moves
            if move.status == RowStatus.SKIPPED
        ],
        "balance": {"before": plan.balance_before, "after": plan.balance_after},
    }


def _move(move: Move) -> dict[str, Any]:
    return {
        "external_id": move.customer.external_id,
        "from": move.from_csm.key if move.from_csm else None,
        "to": move.to_csm.key if move.to_csm else None,
        "reason": move.reason,
        "runner_up": move.runner_up.key if move.runner_up else None,
        "forced": move.forced,
        "pool": move.pool,
        "status": move.status,
    }
