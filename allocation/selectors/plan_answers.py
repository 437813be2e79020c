"""A plan under the JSON keys of the `plan_books` command, and the columns a stored plan keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from accounts.models import CSM, User
from allocation.engine.attention import hours_of
from allocation.engine.facts.books import BookFacts, BookPolicy, BookProposal, BudgetUse
from allocation.models import AllocationPolicy, BookPlan, Move, RowStatus
from allocation.selectors.balance import measured, money_number, workload_answer
from allocation.selectors.objections import ObjectionLine, objections_of

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
        "objection_days": stored.objection_days,  # no input of the search
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
    total_arr = int(facts.customers.arr_cents.sum())
    return {
        "summary": {
            "customers": proposal.customers,
            "assigned": proposal.assigned,
            **budget_values(budget=proposal.budget, customers=proposal.customers, arr_cents=total_arr),
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


def budget_values(*, budget: BudgetUse, customers: int, arr_cents: int) -> dict[str, Any]:
    """Changes of CSM by choice, against the budget and as shares of ``customers`` and their ARR."""
    return {
        "chosen": budget.chosen,
        "chosen_limit": budget.chosen_limit,
        "forced": budget.forced,
        "chosen_pct": round(100 * budget.chosen / max(1, customers), 2),
        "chosen_arr": money_number(cents=budget.chosen_arr_cents),
        "chosen_arr_pct": round(100 * budget.chosen_arr_cents / max(1, arr_cents), 2),
    }


def proof_values(*, proposal: BookProposal) -> list[dict[str, Any]]:
    """The proof, group by group, with the prices by which anybody can recompute it."""
    return [
        {field.name: _plain(getattr(group, field.name)) for field in fields(group)}
        for group in proposal.proof
    ]


def _plain(value: Any) -> Any:
    """As JSON takes it: numbers of the solvers become plain ones."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.tolist() if hasattr(value, "tolist") else value


def proof_answer(*, plan: BookPlan) -> list[dict[str, Any]]:
    """The proof for people and commands: the prices stay in the stored plan."""
    return [{name: value for name, value in group.items() if name != "prices"} for group in plan.proof or ()]


def plan_answer(*, plan: BookPlan, user: User | None = None) -> dict[str, Any]:
    """A plan as the commands print it; with ``user`` only the moves that person may see. Three queries."""
    rows = Move.objects.filter(plan=plan)
    if user is not None:
        rows = rows.visible_to(user)
    moves = list(
        rows.select_related(
            "customer", "from_csm", "to_csm", "runner_up", "planned_csm", "approved_by"
        ).order_by("customer__external_id")
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
        "gap_pct": None if plan.is_changed else plan.gap_pct,
        "changed_by_review": plan.is_changed,
        "proof": proof_answer(plan=plan),
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
        "refused": [move.customer.external_id for move in moves if move.status == RowStatus.REFUSED],
        "repointed": [move.customer.external_id for move in moves if move.repointed_by_id is not None],
        "waiting_for_approval": [move.customer.external_id for move in moves if move.waits_for_approval],
        "objections_until": plan.objections_until,
        "objections": objection_values(moves=moves, user=user),
        "balance": {"before": plan.balance_before, "after": plan.balance_after},
    }


def objection_values(*, moves: Sequence[Move], user: User | None) -> list[dict[str, Any]]:
    """Standing objections to these moves, in their order; a CSM out of the person's sight is not named. Two queries."""
    csms = (
        None
        if user is None or user.is_ops
        else set(CSM.objects.visible_to(user).values_list("pk", flat=True))
    )
    seen = None if csms is None else frozenset(csms)
    found = objections_of([move.pk for move in moves], seen=seen)
    return [_objection(move, line) for move in moves for line in found.get(move.pk, ())]


def own_objections_answer(*, plan: BookPlan, user: User) -> dict[str, Any]:
    """What a CSM is told of a plan: until when one may object, and what the CSM objected to. Two queries."""
    moves = list(
        Move.objects.filter(plan=plan).of(user).select_related("customer").order_by("customer__external_id")
    )
    found = objections_of([move.pk for move in moves])
    own = [(move, line) for move in moves for line in found.get(move.pk, ()) if line.by_id == user.pk]
    return {
        "plan": plan.pk,
        "status": plan.status,
        "objections_until": plan.objections_until,
        "objections": [_objection(move, line) for move, line in own],
    }


def _objection(move: Move, line: ObjectionLine) -> dict[str, Any]:
    return {
        "external_id": move.customer.external_id,
        "csm": line.csm_key,
        "reason": line.reason_kind,
        "words": line.words,
        "answered": line.is_answered,
        "answer": line.answer,
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
        "needs_approval": move.needs_approval,
        "approved_by": str(move.approved_by) if move.approved_by else None,
        "planned": move.planned_csm.key if move.planned_csm else None,
        "words": move.words or move.repoint_words,
    }


def undo_plan_report(*, plan_id: int, viewer: User | None = None) -> dict[str, Any]:
    """The JSON answer of `undo plan`: how many customers have their CSM back, and who was changed since."""
    plan = BookPlan.objects.get(pk=plan_id)
    rows = Move.objects.filter(plan=plan, status=RowStatus.KEPT).order_by("customer__external_id")
    if viewer is not None:
        rows = rows.visible_to(viewer)
    return {
        "plan": plan.pk,
        "status": plan.status,
        "restored": plan.summary.get("restored", 0),
        "skipped": list(rows.values_list("customer__external_id", flat=True)),
    }
