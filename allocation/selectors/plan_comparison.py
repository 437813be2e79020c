"""Plans side by side: what each variant of one comparison moves, and how even the books are then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q

from accounts.models import CSM
from allocation.models import BookPlan, Move, RunStatus, Variant
from allocation.selectors.plans import balance_of_some

FROM_FEWEST_MOVES = (Variant.ONLY_FORCED, Variant.STEADIER, Variant.AS_POLICY, Variant.EVENER)
PARTS_OF_MOVING = ("continuity", "background")


@dataclass(frozen=True, slots=True)
class ComparedPlan:
    """One variant. Figures are None until it is computed; those of the objective are for CS ops only.

    ``outside_15_pct``, ``cv`` and ``max_over_mean`` are of utilisation; ``even_points`` is the objective without the points
    that moving costs; ``chosen_pct`` and ``chosen_arr_pct`` are shares of all planned customers and their ARR.
    """

    plan: BookPlan
    weight: Decimal
    chosen: int | None
    chosen_pct: float | None
    chosen_arr_pct: float | None
    forced: int | None
    unassigned: int | None
    outside_15_pct: float | None
    cv: float | None
    max_over_mean: float | None
    objective: float | None
    even_points: float | None
    bound: float | None
    gap_pct: float | None

    @property
    def name(self) -> str:
        return str(Variant(self.plan.variant).label)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The variants from fewest moves to most even books. ``same_books``: all were computed from the same facts."""

    pk: int
    plans: tuple[ComparedPlan, ...]
    same_books: bool

    @property
    def head(self) -> BookPlan:
        return next(one.plan for one in self.plans if one.plan.variant == Variant.AS_POLICY)


class NoComparison(LookupError):
    """The plan is not the head of a comparison, or not to be seen."""


def comparison(*, pk: int, user: Any) -> Comparison:
    """The comparison as far as ``user`` may see it (None: the command line, all of it). Raises NoComparison.

    A manager's moves and evenness are those of the own teams. At most three queries.
    """
    plans = BookPlan.objects.all() if user is None else BookPlan.objects.visible_to(user)
    rows = list(
        plans.side_by_side(pk).select_related("policy", "requested_by").defer("proof", "balance_before")
    )
    if len(rows) < 2 or pk not in {row.pk for row in rows}:
        raise NoComparison(f"There is no comparison {pk}.")
    rows.sort(key=lambda row: FROM_FEWEST_MOVES.index(Variant(row.variant)))
    everything = user is None or user.is_ops
    lines = tuple(_of_everybody(row) for row in rows) if everything else _of_teams(rows, user)
    return Comparison(
        pk=pk, plans=lines, same_books=len({row.facts_digest for row in rows if row.facts_digest}) <= 1
    )


def _of_everybody(plan: BookPlan) -> ComparedPlan:
    summary = plan.summary
    moving = sum(summary.get("objective_parts", {}).get(part, 0) for part in PARTS_OF_MOVING)
    objective = None if plan.objective is None else float(plan.objective)
    return ComparedPlan(
        plan=plan,
        weight=_weight(plan),
        chosen=summary.get("chosen"),
        chosen_pct=summary.get("chosen_pct"),
        chosen_arr_pct=summary.get("chosen_arr_pct"),
        forced=summary.get("forced"),
        unassigned=len(plan.unassigned) if summary else None,
        **_evenness(plan.balance_after),
        objective=objective,
        even_points=None if objective is None else round(max(0.0, objective - moving), 6),
        bound=None if plan.bound is None else float(plan.bound),
        gap_pct=None if plan.gap_pct is None else float(plan.gap_pct),
    )


def _of_teams(rows: Sequence[BookPlan], user: Any) -> tuple[ComparedPlan, ...]:
    """Of the own teams only: moves that the person sees, evenness over the own books, nothing of the whole."""
    keys = set(CSM.objects.visible_to(user).keys_by_id().values())
    counted = {
        line["plan"]: line
        for line in Move.objects.filter(plan__in=rows)
        .visible_to(user)
        .order_by()
        .values("plan")
        .annotate(
            chosen=Count("pk", filter=Q(from_csm__isnull=False, forced=False)),
            of_force=Count("pk", filter=Q(forced=True)),
        )
    }
    return tuple(_of_team(row, counted.get(row.pk, {}), keys) for row in rows)


def _of_team(plan: BookPlan, counted: Mapping[str, int], keys: set[str]) -> ComparedPlan:
    done = bool(plan.summary)
    return ComparedPlan(
        plan=plan,
        weight=_weight(plan),
        chosen=counted.get("chosen", 0) if done else None,
        chosen_pct=None,
        chosen_arr_pct=None,
        forced=counted.get("of_force", 0) if done else None,
        unassigned=None,
        **_evenness(balance_of_some(plan.balance_after, keys) if done else {}),
        objective=None,
        even_points=None,
        bound=None,
        gap_pct=None,
    )


def _weight(plan: BookPlan) -> Decimal:
    """The points that the plan gives continuity: its own, else those of the policy as it was read, else as it is now."""
    if plan.continuity_weight is not None:
        return plan.continuity_weight
    read = plan.policy_values.get("weight_continuity")
    return plan.policy.weight_continuity if read is None else Decimal(str(read))


def _evenness(balance: Mapping[str, Any]) -> dict[str, float | None]:
    return {figure: balance.get(figure) for figure in ("outside_15_pct", "cv", "max_over_mean")}


def comparison_answer(*, found: Comparison) -> dict[str, Any]:
    """Under the key `comparison` of the `plan_books` command."""
    return {
        "comparison": found.pk,
        "plans": [
            {
                "plan": one.plan.pk,
                "variant": Variant(one.plan.variant).name.lower(),
                "continuity_weight": one.weight,
                "max_moves_pct": one.plan.max_moves_pct,
                "status": one.plan.status,
                "chosen": one.chosen,
                "chosen_pct": one.chosen_pct,
                "chosen_arr_pct": one.chosen_arr_pct,
                "forced": one.forced,
                "unassigned": one.unassigned,
                "outside_15_pct": one.outside_15_pct,
                "cv": one.cv,
                "max_over_mean": one.max_over_mean,
                "objective": one.objective,
                "objective_without_moves": one.even_points,
                "bound": one.bound,
                "gap_pct": one.gap_pct,
            }
            for one in found.plans
        ],
    }


def is_waited_for(found: Comparison) -> bool:
    """Whether some of its plans are still to be computed."""
    return any(one.plan.status in (RunStatus.QUEUED, RunStatus.COMPUTING) for one in found.plans)
