"""What the pages of book plans show: the list, one plan's figures, its moves. All scoped to who asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.models import CSM, Customer, Tier, TouchLevel
from allocation.engine.facts.books import BookRow
from allocation.models import BookPlan, Move, RowStatus
from allocation.selectors import wording
from allocation.selectors.balance import measured, workload_answer

INTRODUCED = (TouchLevel.HIGH, TouchLevel.MID)
NOT_FILLED = "not filled yet"
"""Part of what is said of each move that waits for an open seat."""
"""Touch levels whose customers know their CSM: the new one is introduced."""


def plans(*, user: Any) -> QuerySet[BookPlan]:
    """Plans the person may see, the newest first; the long results stay in the database."""
    return (
        BookPlan.objects.visible_to(user)
        .select_related("policy", "requested_by")
        .defer("policy_values", "proof", "balance_before", "balance_after", "shortages", "unassigned")
        .annotate(is_compared=is_compared())
        .order_by("-pk")
    )


def is_compared() -> Any:
    """Whether a plan is one of several side by side; for an annotation."""
    return Q(compared_with__isnull=False) | Exists(BookPlan.objects.filter(compared_with=OuterRef("pk")))


def moves(*, plan: BookPlan, user: Any) -> QuerySet[Move]:
    return Move.objects.filter(plan=plan).visible_to(user)


def with_joins(rows: QuerySet[Move]) -> QuerySet[Move]:
    joins = (
        "customer__csm", "from_csm", "to_csm", "runner_up", "tier", "planned_csm", "refused_by", "repointed_by",
        "approved_by",
    )  # fmt: skip
    return rows.select_related(*joins).order_by("tier__rank", "customer__name", "customer_id")


def move_counts(*, plan: BookPlan, user: Any) -> dict[str, int]:
    """Moves by kind as the plan stands, so without the refused, of those the person may see; one statement."""
    stands = ~Q(status=RowStatus.REFUSED)
    waits = Q(status=RowStatus.PROPOSED, needs_approval=True, approved_by__isnull=True)
    hands_over = Q(
        to_csm__is_seat=False,
        status=RowStatus.PROPOSED,
        from_csm__isnull=False,
        to_csm__isnull=False,
        customer__status=Customer.Status.ACTIVE,
    )
    introduced = Q(customer__tier__isnull=False, customer__tier__touch_level__in=INTRODUCED)
    return (
        moves(plan=plan, user=user)
        .order_by()
        .aggregate(
            every=Count("pk", filter=stands),
            first=Count("pk", filter=stands & Q(from_csm__isnull=True)),
            chosen=Count("pk", filter=stands & Q(from_csm__isnull=False, forced=False)),
            forced_changes=Count("pk", filter=stands & Q(from_csm__isnull=False, forced=True)),
            skipped=Count("pk", filter=Q(status=RowStatus.SKIPPED)),
            for_seats=Count("pk", filter=Q(status=RowStatus.PROPOSED, to_csm__is_seat=True)),
            not_filled=Count("pk", filter=Q(status=RowStatus.SKIPPED, words__contains=NOT_FILLED)),
            refused=Count("pk", filter=~stands),
            repointed=Count("pk", filter=Q(repointed_by__isnull=False)),
            waiting=Count("pk", filter=waits),
            kept=Count("pk", filter=Q(status=RowStatus.KEPT)),
            introduced=Count("pk", filter=hands_over & introduced),
            short=Count("pk", filter=hands_over & ~introduced),
            handovers=Count("handover"),
        )
    )


def handovers_ahead(counts: Mapping[str, int]) -> str:
    """What applying the plan opens, in one sentence, of the changes from one CSM to another; "" where there is none."""
    both = counts["introduced"] + counts["short"]
    if not both:
        return ""
    opens = "change opens a handover" if both == 1 else "changes open a handover each"
    return (
        f"Applied, {wording.grouped(both)} {opens}: {wording.grouped(counts['introduced'])} with introduction, "
        f"{wording.grouped(counts['short'])} short. A first CSM takes over from nobody."
    )


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of the balance before and after."""

    label: str
    how: str
    before: str
    after: str
    better: bool | None


# How each figure of evenness comes; every value is one book's.
HOW = {
    "outside_15_pct": "The share of books below 85 % or above 115 % of the mean of all books.",
    "cv": "The standard deviation of the books ÷ their mean; 0 when all are equal.",
    "gini": "The mean difference of any two books ÷ twice the mean; 0 when all are equal.",
    "max_over_mean": "The largest book ÷ the mean of all books; 1 when all are equal.",
}
FIGURES = (
    ("outside_15_pct", "Books outside ±15 % of the mean", True),
    ("cv", "Coefficient of variation", False),
    ("gini", "Gini", False),
    ("max_over_mean", "Largest ÷ mean", False),
)
MEASURES = (("", "Utilisation"), ("arr", "ARR"), ("customers", "Customers"))


def compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, list[Compared]]]:
    """The four figures of each measure, before and after; smaller is better for all of them."""
    found = []
    for key, label in MEASURES:
        old, new = (side.get(key, {}) if key else side for side in (before, after))
        found.append((label, [_compared(name, figure, pct, old, new) for figure, name, pct in FIGURES]))
    return found


def _compared(name: str, figure: str, pct: bool, old: Mapping[str, Any], new: Mapping[str, Any]) -> Compared:
    a, b = old.get(figure), new.get(figure)
    better = None if a is None or b is None or round(a, 4) == round(b, 4) else b < a

    def said(value: Any) -> str:
        return wording.percent(value, places=1) if pct else figure_words(value)

    return Compared(label=name, how=HOW[figure], before=said(a), after=said(b), better=better)


def figure_words(value: Any) -> str:
    return wording.DASH if value is None else f"{value:.4f}"


@dataclass(frozen=True, slots=True)
class BookChange:
    """One CSM's book before and after, as the stored answers have it; None where the CSM was not there."""

    name: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class PlanBalance:
    """The books of a plan that the person may see, and the figures over just these."""

    books: tuple[BookChange, ...]
    figures: list[tuple[str, list[Compared]]]


def plan_balance(*, plan: BookPlan, user: Any) -> PlanBalance:
    """Ops see the stored figures; a manager's are worked out again over the own teams."""
    before, after = plan.balance_before, plan.balance_after
    if not user.is_ops:
        keys = set(CSM.objects.visible_to(user).keys_by_id().values())
        before, after = (balance_of_some(side, keys) for side in (before, after))
    sides = [{line["csm"]: line for line in side.get("csms", [])} for side in (before, after)]
    names = {key: line["name"] for side in sides for key, line in side.items()}
    books = tuple(
        BookChange(names[key], sides[0].get(key), sides[1].get(key))
        for key in sorted(names, key=lambda key: (names[key], key))
    )
    return PlanBalance(books=books, figures=compared(before, after) if books else [])


def balance_of_some(side: Mapping[str, Any], keys: set[str]) -> dict[str, Any]:
    """A stored balance worked out again over the books of some CSMs."""
    rows = [_book_row(line) for line in side.get("csms", []) if line["csm"] in keys]
    return workload_answer(found=measured(rows=rows))


def _book_row(line: Mapping[str, Any]) -> BookRow:
    """A stored line as the engine's row; hours have two decimals, so the minutes come back exactly."""
    return BookRow(
        csm=line["csm"],
        name=line["name"],
        team=line["team"],
        customers=line["customers"],
        by_tier=line["by_tier"],
        cap_room=line.get("cap_room", {}),
        arr_cents=round(line["arr"] * 100),
        minutes=round(line["hours"] * 60),
        capacity_minutes=round(line["capacity"] * 60),
    )


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A customer nobody could be given to, and why."""

    pk: int
    name: str
    external_id: str
    tier: Tier | None
    reason: str


def unplaced(*, plan: BookPlan, user: Any, at_most: int) -> list[Unplaced]:
    """The first customers without a CSM, of those the person may see; one statement."""
    reasons = {line["external_id"]: line["reason"] for line in plan.unassigned}
    # Ops see all of them; for others the first are counted among those they see.
    wanted = sorted(reasons)[:at_most] if user.is_ops else list(reasons)
    rows = (
        Customer.objects.visible_to(user)
        .filter(external_id__in=wanted)
        .select_related("tier")
        .order_by("external_id")[:at_most]
    )
    return [Unplaced(row.pk, row.name, row.external_id, row.tier, reasons[row.external_id]) for row in rows]
