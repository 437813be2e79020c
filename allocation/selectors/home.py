"""What waits for a manager or a CSM on the home page; CS ops have `todo.desk`."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Q

from accounts.models import CSM, Customer
from allocation.models import Move, Override, RetierRun, RunStatus
from allocation.selectors import handovers, wording
from allocation.selectors.thresholds import LOW_HEALTH
from allocation.selectors.todo import Todo
from allocation.selectors.touch_lists import pressing

THIS_MONTH = timedelta(days=30)


def manager_todos(*, user: Any, today: date) -> list[Todo]:
    """Approvals, decisions, touches and people of the manager's teams; seven statements."""
    return [
        *_runs_to_approve(user),
        *_moves_to_approve(user),
        *_overrides_to_decide(user, today),
        *_touches(user, today, where=" in your teams", words="Each CSM does, moves or skips them."),
        *handovers.lead_todos(user=user, on=today),
        *_people(user, today),
        *_customers(user, today),
    ]


def csm_todos(*, user: Any, today: date) -> list[Todo]:
    """What the own book and those covered today ask for; three statements."""
    return [*_touches(user, today), *_customers(user, today), *handovers.csm_todos(user=user, on=today)]


def _touches(user: Any, today: date, *, where: str = "", words: str = "Do, move or skip them.") -> list[Todo]:
    """where: behind the title; words: what is done about them."""
    late, due = pressing(user=user, on=today)
    if late:
        more = f"{wording.counted(due, 'more is', 'more are')} due this week." if due else words
        title = f"{wording.counted(late, 'touch', 'touches')} late{where}"
        return [Todo("touches_late", "bad", title, more)]
    if due:
        title = f"{wording.counted(due, 'touch', 'touches')} due this week{where}"
        return [Todo("touches_due", "accent", title, words)]
    return []


def _runs_to_approve(user: Any) -> list[Todo]:
    waiting = RetierRun.objects.visible_to(user).filter(status=RunStatus.AWAITING_APPROVAL).order_by("-pk")
    return [
        Todo(
            "run",
            "warn",
            f"Run {run.pk} waits for a manager's approval",
            f"It moves more customers than the change limit; as of {wording.day(run.as_of)}."
            if run.requested_by_id != user.pk
            else "You asked for it yourself, so another manager has to approve it.",
            run.pk,
        )
        for run in waiting.only("pk", "as_of", "requested_by_id")[:5]
    ]


def _moves_to_approve(user: Any) -> list[Todo]:
    """Plans that wait, with how many of their moves this person may decide."""
    waiting = Move.objects.waiting_for_approval().decided_by(user).filter(
        plan__status=RunStatus.AWAITING_APPROVAL
    ).exclude(plan__requested_by=user)  # fmt: skip
    found = waiting.order_by("-plan_id").values_list("plan_id").annotate(n=Count("pk"))[:5]
    return [
        Todo(
            "moves_mine",
            "warn",
            f"Book plan {plan_id}: {wording.counted(n, 'move')} of your largest customers to approve or decline",
            "The plan is applied when each of them is decided.",
            plan_id,
        )
        for plan_id, n in found
    ]


def _overrides_to_decide(user: Any, today: date) -> list[Todo]:
    """Those that this manager may decide: what he asked for or changed waits for another."""
    counts = (
        Override.objects.decidable_by(user)
        .order_by()
        .aggregate(
            asked=Count("pk", distinct=True), late=Count("pk", filter=Q(due_on__lt=today), distinct=True)
        )
    )
    if not counts["asked"]:
        return []
    title = f"{wording.counted(counts['asked'], 'override')} asked for in your teams"
    words = "Each needs a decision by a manager who did not ask for it."
    if counts["late"]:
        return [Todo("overrides_mine", "bad", title, f"{wording.grouped(counts['late'])} overdue. {words}")]
    return [Todo("overrides_mine", "warn", title, words)]


def _people(user: Any, today: date) -> list[Todo]:
    leaving = (
        CSM.objects.visible_to(user)
        .filter(leaves_on__lte=today + THIS_MONTH, customers__status=Customer.Status.ACTIVE)
        .order_by("name", "pk")
        .values_list("pk", "name")
        .distinct()
    )
    return [
        Todo("book", "warn", f"{name} leaves soon and still has customers", "A book plan hands them on.", pk)
        for pk, name in leaving
    ]


def _customers(user: Any, today: date) -> list[Todo]:
    counts = (
        Customer.objects.visible_to(user)
        .active()
        .order_by()
        .aggregate(
            late=Count("pk", filter=Q(renewal_date__lt=today)),
            soon=Count("pk", filter=Q(renewal_date__gte=today, renewal_date__lte=today + THIS_MONTH)),
            low=Count("pk", filter=Q(health__lt=LOW_HEALTH)),
            unknown=Count("pk", filter=Q(health__isnull=True)),
        )
    )
    lines = (
        (
            "renewal_past",
            "bad",
            "late",
            "a renewal date that has passed",
            "Renewed or left? The date needs correcting.",
        ),
        ("renewal_30", "warn", "soon", "a renewal within 30 days", "The nearest are listed below."),
        (
            "low_health",
            "warn",
            "low",
            f"health below {LOW_HEALTH}",
            "Those at risk come first in a list by health.",
        ),
        ("no_health", "info", "unknown", "no health score", "A missing value is never taken for zero."),
    )
    return [
        Todo(kind, tone, f"{wording.counted(counts[key], 'customer')} with {what}", words)
        for kind, tone, key, what, words in lines
        if counts[key]
    ]
