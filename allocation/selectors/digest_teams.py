"""What a manager's digest tells: what waits for a decision, and how the books of the own teams stand; read for all at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction

from django.conf import settings
from django.db.models import Count, Q
from django.utils.timezone import localtime

from accounts.models import CSM, Customer
from allocation.engine.balance import OUTSIDE
from allocation.engine.facts.books import BookRow
from allocation.models import Move, Override, OverrideEdit, RetierRun, RunStatus
from allocation.selectors.balance import workload
from allocation.selectors.covers import uncovered
from allocation.selectors.digest_books import Absence
from allocation.selectors.digest_people import Reader
from allocation.selectors.home import THIS_MONTH
from allocation.snapshots.money import UnknownRate


@dataclass(slots=True)
class Waiting:
    """Things that wait for this person's decision: how many, how many are overdue, since when the oldest is."""

    count: int = 0
    late: int = 0
    oldest: date | None = None

    def add(self, due_on: date | None, on: date) -> None:
        self.count += 1
        if due_on is not None and due_on < on:
            self.late += 1
            self.oldest = min(self.oldest or due_on, due_on)


@dataclass(frozen=True, slots=True)
class Book:
    """One book beside its peers. share: load ÷ capacity; None: there is a load and no capacity."""

    csm: str
    share: Fraction | None


@dataclass(slots=True)
class TeamNews:
    """requests: of customers. runs, plans: by id. uneven: books outside ±15 % of the mean of those this person sees; over:
    those that ask more than there is, fullest first. unknown: how full the books are cannot be said. leaving: (CSM, day,
    customers). uncovered: leave of which nobody covers some days.
    """

    requests: Waiting = field(default_factory=Waiting)
    runs: dict[int, Waiting] = field(default_factory=dict)
    plans: dict[int, Waiting] = field(default_factory=dict)
    books: int = 0
    uneven: list[Book] = field(default_factory=list)
    over: list[Book] = field(default_factory=list)
    unknown: bool = False
    leaving: list[tuple[str, date, int]] = field(default_factory=list)
    uncovered: list[Absence] = field(default_factory=list)


def team_news(*, readers: Iterable[Reader], on: date) -> Mapping[int, TeamNews]:
    """{person: what waits and how the books stand}, of those readers who are managers; a fixed number of queries."""
    managers = [reader for reader in readers if reader.is_manager]
    news = {reader.pk: TeamNews() for reader in managers}
    if news:
        _requests(managers, news, on)
        _runs(managers, news, on)
        _moves(managers, news, on)
        _books(managers, news, on)
    return news


def _requests(managers: Sequence[Reader], news: Mapping[int, TeamNews], on: date) -> None:
    """As `Override.objects.decidable_by` says."""
    edits: dict[int, set[int]] = defaultdict(set)
    for request, editor in (
        OverrideEdit.objects.filter(override__status=Override.Status.ASKED)
        .order_by("pk")
        .values_list("override_id", "editor_id")
    ):
        edits[request].add(editor)
    for pk, asker, due_on, team in (
        Override.objects.asked()
        .order_by("pk")
        .values_list("pk", "asked_by_id", "due_on", "customer__csm__team_id")
    ):
        for reader in managers:
            if team in reader.teams and reader.pk not in {asker, *edits[pk]}:
                news[reader.pk].requests.add(due_on, on)


def _runs(managers: Sequence[Reader], news: Mapping[int, TeamNews], on: date) -> None:
    rows = RetierRun.objects.filter(status=RunStatus.AWAITING_APPROVAL).order_by("pk")
    for pk, asker, finished_at in rows.values_list("pk", "requested_by_id", "finished_at"):
        for reader in managers:
            if reader.pk != asker:
                news[reader.pk].runs.setdefault(pk, Waiting()).add(_due(finished_at), on)


def _moves(managers: Sequence[Reader], news: Mapping[int, TeamNews], on: date) -> None:
    """As `Move.objects.decided_by` says."""
    rows = Move.objects.waiting_for_approval().filter(plan__status=RunStatus.AWAITING_APPROVAL).order_by("pk")
    for plan, asker, finished_at, repointed_by, held, team, to_team in rows.values_list(
        "plan_id",
        "plan__requested_by_id",
        "plan__finished_at",
        "repointed_by_id",
        "customer__csm_id",
        "customer__csm__team_id",
        "to_csm__team_id",
    ):
        decides = to_team if held is None else team
        for reader in managers:
            if decides in reader.teams and reader.pk not in (asker, repointed_by):
                news[reader.pk].plans.setdefault(plan, Waiting()).add(_due(finished_at), on)


def _due(since: datetime | None) -> date | None:
    """By when somebody should have decided what began to wait then (allocation.selectors.approvals)."""
    return localtime(since).date() + timedelta(days=settings.APPROVAL_DAYS) if since is not None else None


def _books(managers: Sequence[Reader], news: Mapping[int, TeamNews], on: date) -> None:
    """How full the books are, and who will not be there."""
    held = Count("customers", filter=Q(customers__status=Customer.Status.ACTIVE))
    people = list(CSM.objects.people().select_related("user").annotate(held=held).order_by("name", "pk"))
    full = _workload(on)
    lacking = list(uncovered(on=on))
    for reader in managers:
        told = news[reader.pk]
        own = [csm for csm in people if csm.team_id in reader.teams or csm.pk == reader.csm_id]
        told.leaving = [
            (csm.name, csm.leaves_on, csm.held)
            for csm in own
            if csm.leaves_on is not None and csm.leaves_on <= on + THIS_MONTH and csm.held
        ]
        seen = {csm.pk for csm in own}
        told.uncovered = [
            Absence(row.csm.name, "", row.starts_on, row.ends_before) for row in lacking if row.csm_id in seen
        ]
        if full is None:
            told.unknown = bool(own)
        else:
            _compare(told, [full[csm.key] for csm in own if csm.key in full])


def _workload(on: date) -> dict[str, BookRow] | None:
    """Every book by its CSM's key; None where an exchange rate is missing."""
    try:
        return {row.csm: row for row in workload(as_of=on).rows}
    except UnknownRate:
        return None


def _compare(told: TeamNews, rows: Collection[BookRow]) -> None:
    """Beside each other, as `/balance/` does for this person: those with a capacity have a share, and a mean of it."""
    shares = [(row, Fraction(row.minutes, row.capacity_minutes)) for row in rows if row.capacity_minutes > 0]
    total = sum((share for _, share in shares), Fraction(0))
    told.books = len(rows)
    if total > 0:
        mean = total / len(shares)
        told.uneven = [Book(row.name, share) for row, share in shares if abs(share - mean) > OUTSIDE * mean]
    told.over = [Book(row.name, None) for row in rows if row.capacity_minutes <= 0 and row.minutes > 0]
    fullest = sorted(shares, key=lambda pair: (-pair[1], pair[0].name, pair[0].csm))
    told.over += [Book(row.name, share) for row, share in fullest if share > 1]
