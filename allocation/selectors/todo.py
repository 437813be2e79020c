"""What needs doing, for the landing page of the admin: one list, worst first, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q

from accounts.models import CSM, Customer, ExchangeRate, ImportBatch, Tier, TouchLevel
from allocation.models import OPEN_STATUSES, BookPlan, Override, RetierRun, RunStatus, TieringModel
from allocation.selectors.pyramid_columns import scope_of
from allocation.selectors.runs import last_full_run
from allocation.snapshots.figures import UNKNOWN, CustomerFigures, Everybody, customer_figures
from allocation.snapshots.figures_summed import Cells, Scope, added_up, answered, cells, currencies_in

RATE_MAY_BE_OLDER_BY = timedelta(days=7)
LEAVING_SOON = timedelta(days=30)
RECENT = 6
BUSY = ("queued", "computing", "applying", "undoing")


@dataclass(frozen=True, slots=True)
class Todo:
    """One thing to do. `kind` says where it leads, `tone` how pressing it is (bad, warn, accent, info)."""

    kind: str
    tone: str
    title: str
    words: str
    pk: int | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything the landing page shows."""

    todos: tuple[Todo, ...]
    customers: int
    served: int
    csms: int
    tiers: int
    published_model: TieringModel | None
    recent_runs: tuple[RetierRun, ...]
    recent_plans: tuple[BookPlan, ...]


def desk(*, user: Any, today: date, more: Iterable[Todo] = (), everybody: Everybody | None = None) -> Desk:
    """The landing page for `user` (CS ops) on `today`: fifteen queries at most, whatever the size of the company.

    more: what else waits, such as what the timetable has to say. everybody: the columns of customers, where they were read already.
    """
    everybody = customer_figures() if everybody is None else everybody
    scope = scope_of(user=user)
    every_tier = list(Tier.objects.order_by("pk"))
    counts = _customer_counts(answered(everybody, _Gaps(scope)), every_tier)
    tiers = sum(not tier.retired for tier in every_tier)
    model = TieringModel.objects.filter(status=TieringModel.Status.PUBLISHED).first()
    runs = tuple(RetierRun.objects.visible_to(user).select_related("tiering_model").order_by("-pk")[:RECENT])
    plans = tuple(BookPlan.objects.visible_to(user).select_related("policy").order_by("-pk")[:RECENT])
    todos = [
        *more,
        *_setting_up(tiers=tiers, model=model, customers=counts["every"]),
        *_rates(currencies_in(everybody, scope=scope, potential=True), today=today),
        *_imports(user=user),
        *_proposals(user, today),
        *_full_run(model=model, counts=counts, today=today),
        *_overrides(user=user, today=today),
        *_gaps(counts=counts, model=model),
        *_leavers(user=user, today=today),
    ]
    order = {"bad": 0, "warn": 1, "accent": 2, "info": 3}
    todos.sort(key=lambda todo: order[todo.tone])
    return Desk(
        todos=tuple(todos),
        customers=counts["every"],
        served=counts["served"],
        csms=CSM.objects.visible_to(user)
        .people()
        .filter(Q(leaves_on__isnull=True) | Q(leaves_on__gt=today))
        .count(),
        tiers=tiers,
        published_model=model,
        recent_runs=runs,
        recent_plans=plans,
    )


@dataclass(frozen=True, slots=True)
class _Gaps:
    """By tier: customers, those without a CSM, those without a known ARR."""

    scope: Scope

    def of(self, figures: CustomerFigures) -> Cells:
        found = self.scope.of(figures)
        return cells(found.tier, found.csm == 0, found.arr == UNKNOWN)

    def together(self, parts: Sequence[Cells]) -> list[list[int]]:
        return added_up(parts, amounts=2)


def _customer_counts(sums: list[list[int]], tiers: Collection[Tier]) -> dict[str, int]:
    every, without_csm, without_arr = sums
    served = [tier.pk for tier in tiers if tier.touch_level != TouchLevel.SELF_SERVICE]
    retired = [tier.pk for tier in tiers if tier.retired]

    def of(amounts: list[int], ids: list[int]) -> int:
        return sum(amounts[pk] for pk in ids if pk < len(amounts))

    return {
        "every": sum(every),
        "served": of(every, served),
        "without_tier": every[0],
        "retired_tier": of(every, retired),
        "without_csm": of(without_csm, served),
        "without_arr": sum(without_arr),
    }


def _many(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"


def _setting_up(*, tiers: int, model: TieringModel | None, customers: int) -> list[Todo]:
    todos = []
    if not customers:
        todos.append(
            Todo(
                "import_customers", "warn", "No customers yet", "Import a list of customers from CSV or XLSX."
            )
        )
    if not tiers or model is None:
        todos.append(
            Todo(
                "tiering_models",
                "warn",
                "No tiering model is published",
                "A run needs tiers and a published model: load a ready-made playbook, or write your own.",
            )
        )
    return todos


def currencies_without_rate(*, used: Collection[str], today: date) -> list[str]:
    """Those of these currencies without a rate near enough to `today` or to the newest loaded day."""
    used = set(used) - {settings.BASE_CURRENCY}
    if not used:
        return []
    latest = dict(
        ExchangeRate.objects.filter(day__lte=today, base=settings.BASE_CURRENCY)
        .order_by()
        .values_list("currency")
        .annotate(Max("day"))
        .values_list("currency", "day__max")
    )
    newest = max(latest.values(), default=today)
    bound = min(today, newest) - RATE_MAY_BE_OLDER_BY
    return sorted(currency for currency in used if currency not in latest or latest[currency] < bound)


def _rates(used: Collection[str], *, today: date) -> list[Todo]:
    missing = currencies_without_rate(used=used, today=today)
    if not missing:
        return []
    return [
        Todo(
            "exchange_rates",
            "bad",
            f"No exchange rate for {', '.join(missing)}",
            f"A run is refused until each currency has a rate to {settings.BASE_CURRENCY} at most 7 days old.",
        )
    ]


def _imports(*, user: Any) -> list[Todo]:
    status = ImportBatch.Status
    counts = (
        ImportBatch.objects.visible_to(user)
        .order_by()
        .aggregate(
            staged=Count("pk", filter=Q(status=status.STAGED)),
            asking=Count("pk", filter=Q(status=status.ASKING)),
        )
    )
    todos = []
    if counts["asking"]:
        title = f"{_many(counts['asking'], 'import needs', 'imports need')} an answer"
        words = "A column can be read in two ways: say which before it is read."
        todos.append(Todo("imports_asking", "warn", title, words))
    if counts["staged"]:
        title = f"{_many(counts['staged'], 'import waits', 'imports wait')} for your confirmation"
        words = "Look at what each row would do, then confirm or discard it."
        todos.append(Todo("imports", "accent", title, words))
    return todos


def _proposals(user: Any, today: date) -> list[Todo]:
    """Every run and plan that waits for people or is under way, however many came after it.

    A goals run that gives nobody another tier asks nobody for anything: applying it would change no tier, and the next one
    takes its place. It stays in the list of runs.
    """
    waiting = (*OPEN_STATUSES, *BUSY)
    runs = RetierRun.objects.visible_to(user).filter(status__in=waiting).defer("population", "rates")
    # Of plans side by side the one as the policy says stands for all: its page leads to the others.
    plans = BookPlan.objects.visible_to(user).filter(status__in=waiting, compared_with__isnull=True)
    return [
        *(
            _proposal("run", f"{run.get_scope_display()} re-tiering run", run, today)
            for run in runs.order_by("-pk")
            if not _asks_for_nothing(run)
        ),
        *(_proposal("plan", "Book plan", plan, today) for plan in plans.order_by("-pk")),
    ]


def _proposal(kind: str, noun: str, row: Any, today: date) -> Todo:
    when = f"As of {row.as_of:%d %b %Y}"
    if row.status == "awaiting_approval":
        return Todo(
            kind,
            "warn",
            f"{noun} {row.pk} awaits a manager's approval",
            f"{when}; it changes more than the limit."
            if kind == "run"
            else f"{when}; moves of the largest customers are approved or declined first.",
            row.pk,
        )
    if kind == "plan" and row.objections_until is not None and row.objections_until > today:
        until = f"CSMs may object before {row.objections_until:%d %b %Y}; it can be applied from then on."
        return Todo(kind, "info", f"{noun} {row.pk} is open to objections", f"{when}; {until}", row.pk)
    if row.status in OPEN_STATUSES and row.apply_when_proposed:
        return Todo(
            kind,
            "info",
            f"{noun} {row.pk} was accepted and is about to be applied",
            f"{when}; it is applied by itself, after a freeze where one holds.",
            row.pk,
        )
    if row.status in OPEN_STATUSES:
        return Todo(
            kind,
            "accent",
            f"{noun} {row.pk} is proposed",
            f"{when}; {_found(row)}look at it, then apply or discard it.",
            row.pk,
        )
    return Todo(
        kind,
        "info",
        f"{noun} {row.pk} is {row.get_status_display().lower()}",
        row.message or when,
        row.pk,
    )


def _asks_for_nothing(run: RetierRun) -> bool:
    """Asked by what the run proposed, not by what is left after refusing: who refused rows decides about the rest, too."""
    if run.scope != RetierRun.Scope.GOALS or run.status not in OPEN_STATUSES or run.apply_when_proposed:
        return False
    return not (run.summary.get("moves") or run.summary.get("first_tiers"))


def _found(row: Any) -> str:
    """What a run proposes, for its line: most goals runs are about one customer."""
    if not isinstance(row, RetierRun):
        return ""
    moves = row.summary.get("moves", 0) - row.summary.get("refused_moves", 0)
    first = row.summary.get("first_tiers", 0)
    said = f"{_many(moves, 'customer changes', 'customers change')} tier"
    return f"{said}, {first:,} get a first one; " if first else f"{said}; "


def _full_run(*, model: TieringModel | None, counts: dict[str, int], today: date) -> list[Todo]:
    """All customers are looked at once a year, and when another model is published.

    Without a model, and before anybody has a tier, other lines say what to do.
    """
    if model is None:
        return []
    if counts["every"] > counts["without_tier"] and not is_looked_at_by(model):
        return [
            Todo(
                "full_run_of_model",
                "warn",
                f"Version {model.number} was published, and no full run was applied since",
                "The tiers are still those of before: start a full run, look at what it proposes and apply it.",
            )
        ]
    last = last_full_run()
    if last is None or last.due_on > today:
        return []
    return [
        Todo(
            "full_run",
            "warn",
            "The next full run is due",
            f"The last one was as of {last.as_of:%d %b %Y}, so the next was due on {last.due_on:%d %b %Y}.",
        )
    ]


def is_looked_at_by(model: TieringModel) -> bool:
    """A full run by the model is applied, or on its way there: that one has its own line."""
    there = (RunStatus.APPLIED, *OPEN_STATUSES, *BUSY)
    full = RetierRun.objects.filter(scope=RetierRun.Scope.FULL, tiering_model=model, status__in=there)
    return full.exists()


def _overrides(*, user: Any, today: date) -> list[Todo]:
    counts = (
        Override.objects.visible_to(user)
        .order_by()
        .aggregate(
            asked=Count("pk", filter=Q(status=Override.Status.ASKED)),
            ending=Count(
                "pk",
                filter=Q(
                    status=Override.Status.APPROVED,
                    expires_on__gt=today,
                    expires_on__lte=today + LEAVING_SOON,
                ),
            ),
        )
    )
    todos = []
    if counts["asked"]:
        words = "A manager decides; nobody decides the own request."
        todos.append(
            Todo(
                "overrides_asked",
                "warn",
                f"{_many(counts['asked'], 'override waits', 'overrides wait')} for a decision",
                words,
            )
        )
    if counts["ending"]:
        words = "Their customers fall back to the tier of the model."
        todos.append(
            Todo(
                "overrides_approved",
                "info",
                f"{_many(counts['ending'], 'override ends', 'overrides end')} within 30 days",
                words,
            )
        )
    return todos


def _gaps(*, counts: dict[str, int], model: TieringModel | None) -> list[Todo]:
    todos = []
    if counts["without_tier"] and model is not None:
        title = f"{_many(counts['without_tier'], 'customer has', 'customers have')} no tier"
        todos.append(
            Todo(
                "without_tier",
                "warn",
                title,
                "Start a re-tiering run; customers it cannot decide are listed with the reason.",
            )
        )
    if counts["retired_tier"]:
        held = _many(counts["retired_tier"], "customer holds", "customers hold")
        todos.append(
            Todo(
                "retired_tier",
                "warn",
                f"{held} a tier no longer in use",
                "A full run by the published model says which tier comes next for each.",
            )
        )
    if counts["without_csm"]:
        title = f"{_many(counts['without_csm'], 'served customer has', 'served customers have')} no CSM"
        todos.append(
            Todo(
                "without_csm",
                "bad",
                title,
                "Plan the books; what cannot be placed is reported as a shortage.",
            )
        )
    if counts["without_arr"]:
        title = f"{_many(counts['without_arr'], 'customer has', 'customers have')} no ARR"
        todos.append(
            Todo(
                "without_arr",
                "info",
                title,
                "A missing amount is never taken as zero: the model says what to do instead.",
            )
        )
    return todos


def _leavers(*, user: Any, today: date) -> list[Todo]:
    leaving = (
        CSM.objects.visible_to(user)
        .filter(leaves_on__lte=today + LEAVING_SOON, customers__status=Customer.Status.ACTIVE)
        .order_by()
        .values("pk")
        .distinct()
        .count()
    )
    if not leaving:
        return []
    title = f"{_many(leaving, 'CSM who leaves still has', 'CSMs who leave still have')} customers"
    return [
        Todo("leavers", "warn", title, "Plan the books: their customers need someone else by the last day.")
    ]
