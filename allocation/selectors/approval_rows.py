"""The rows of a page of the queue as people read them: what is asked, by whom, by when, and who can decide it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.utils.timezone import localtime

from accounts.models import CSM, Tier
from allocation.models import Move, Override, RetierRun, RowStatus, RunStatus
from allocation.selectors import wording
from allocation.selectors.approvals import MOVE, OVERRIDE, RUN
from allocation.selectors.approvers import Approvers, Managers, managers_on

SOON_DAYS = 2
# Documents of a plan that a row of the queue does not read.
HEAVY = ("policy_values", "proof", "balance_before", "balance_after", "shortages", "unassigned", "summary")


@dataclass(frozen=True, slots=True)
class Due:
    """By when, and how late that is: in words, with a tone that says the same."""

    day: str
    words: str
    tone: str


@dataclass(frozen=True, slots=True)
class Deciders:
    """mine: this person may decide it. others: who else is asked, by name. why: where nobody can."""

    mine: bool
    others: str
    why: str = ""

    @property
    def nobody(self) -> bool:
        return not (self.mine or self.others)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it: a status (as of a badge), who, when and why."""

    status: str
    words: str
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """One line of the queue. token: kind, id and the version that is shown, for the form that decides.

    before, after: tiers of an override, CSMs of a move. subject: what a run is about. due, deciders: while it waits.
    """

    kind: str
    pk: int
    plan_id: int | None
    token: str
    customer_id: int | None
    name: str
    external_id: str
    subject: str
    tier_before: Tier | None
    tier_after: Tier | None
    csm_before: str
    csm_after: str
    asked_by: str
    asked_at: str
    reason: str
    words: str
    due: Due | None = None
    deciders: Deciders | None = None
    outcome: Outcome | None = None


def approval_rows(keys: Sequence[tuple[str, int, Any]], *, user: Any, on: date) -> list[ApprovalRow]:
    """The rows of these (kind, id, when), in this order. A fixed number of statements."""
    managers = managers_on(on=on)
    found: dict[tuple[str, int], ApprovalRow] = {}
    overrides = _overrides(_of(keys, OVERRIDE))
    own = set(
        Override.objects.decidable_by(user)
        .filter(pk__in=[row.pk for row in overrides])
        .values_list("pk", flat=True)
    )
    for row in overrides:
        found[OVERRIDE, row.pk] = _override_row(row, _override_deciders(row, managers, user, row.pk in own))
    moves = _moves(_of(keys, MOVE))
    waiting = Move.objects.waiting_for_approval().decided_by(user).exclude(plan__requested_by=user)
    own = set(waiting.filter(pk__in=[row.pk for row in moves]).values_list("pk", flat=True))
    for row in moves:
        found[MOVE, row.pk] = _move_row(row, _move_deciders(row, managers, user, row.pk in own))
    for row in _runs(_of(keys, RUN)):
        found[RUN, row.pk] = _run_row(row, _run_deciders(row, managers, user))
    rows = []
    for kind, pk, when in keys:
        row = found.get((kind, pk))
        if row is not None:  # somebody may have taken it away between the two statements
            rows.append(row if row.outcome else _with_due(row, when, on))
    return rows


def _of(keys: Sequence[tuple[str, int, Any]], kind: str) -> list[int]:
    return [pk for of, pk, _ in keys if of == kind]


def _overrides(ids: Collection[int]) -> list[Any]:
    joins = ("customer__csm", "customer__tier", "tier", "tier_when_asked", "asked_by", "decided_by")
    rows = Override.objects.filter(pk__in=ids).select_related(*joins).prefetch_related("edits")
    return list(rows.order_by("pk"))


def _moves(ids: Collection[int]) -> list[Any]:
    joins = ("customer__csm", "from_csm", "to_csm", "tier", "plan__requested_by", "refused_by", "approved_by")
    rows = Move.objects.filter(pk__in=ids).select_related(*joins).defer(*(f"plan__{name}" for name in HEAVY))
    return list(rows.order_by("pk"))


def _runs(ids: Collection[int]) -> list[Any]:
    rows = RetierRun.objects.filter(pk__in=ids).select_related("requested_by", "approved_by", "declined_by")
    return list(rows.defer("population", "vocabulary", "rates").order_by("pk"))


def _override_row(row: Override, deciders: Deciders | None) -> ApprovalRow:
    return ApprovalRow(
        kind=OVERRIDE,
        pk=row.pk,
        plan_id=None,
        token=f"{OVERRIDE}:{row.pk}:{row.version}",
        customer_id=row.customer_id,
        name=row.customer.name,
        external_id=row.customer.external_id,
        subject="",
        tier_before=row.customer.tier if row.status == Override.Status.ASKED else row.tier_when_asked,
        tier_after=row.tier,
        csm_before="",
        csm_after="",
        asked_by=str(row.asked_by),
        asked_at=_day_of(row.asked_at),
        reason=str(row.get_reason_kind_display()),
        words=row.words,
        deciders=deciders,
        outcome=None
        if row.status == Override.Status.ASKED
        else Outcome(
            row.status,
            str(row.get_status_display()),
            _by(row.decided_by, row.decided_at),
            row.decided_words,
        ),
    )


def _move_row(row: Move, deciders: Deciders | None) -> ApprovalRow:
    plan = row.plan
    return ApprovalRow(
        kind=MOVE,
        pk=row.pk,
        plan_id=row.plan_id,
        token=f"{MOVE}:{row.pk}:{plan.review_version}",
        customer_id=row.customer_id,
        name=row.customer.name,
        external_id=row.customer.external_id,
        subject="",
        tier_before=row.tier,
        tier_after=None,
        csm_before=_csm(row.from_csm),
        csm_after=_csm(row.to_csm),
        asked_by=str(plan.requested_by or "a command"),
        asked_at=_day_of(plan.finished_at),
        reason="forced" if row.forced else "chosen",
        words=row.repoint_words if row.repointed_by_id else row.reason,
        deciders=deciders,
        outcome=_move_outcome(row),
    )


def _move_outcome(row: Move) -> Outcome | None:
    if row.approved_by is not None:
        return Outcome("approved", "Approved", _by(row.approved_by, row.approved_at), row.approval_words)
    if row.status == RowStatus.REFUSED:
        return Outcome("declined", "Declined", _by(row.refused_by, row.refused_at), row.words)
    return None


def _run_row(row: RetierRun, deciders: Deciders | None) -> ApprovalRow:
    moves = run_moves_left(row)
    return ApprovalRow(
        kind=RUN,
        pk=row.pk,
        plan_id=None,
        token=f"{RUN}:{row.pk}:{row.review_version}:{moves}",
        customer_id=None,
        name="",
        external_id="",
        subject=f"{wording.counted(moves, 'customer')} of {wording.grouped(row.summary.get('customers', 0))} would change tier",
        tier_before=None,
        tier_after=None,
        csm_before="",
        csm_after="",
        asked_by=str(row.requested_by or ("goals that changed" if row.scope == "goals" else "a command")),
        asked_at=_day_of(row.finished_at),
        reason=f"{row.get_scope_display()} run",
        words=f"As of {wording.day(row.as_of)}; more than the change limit allows.",
        deciders=deciders,
        outcome=_run_outcome(row),
    )


def run_moves_left(run: RetierRun) -> int:
    """Customers that the run would move and nobody refused: what an approval is about."""
    return int(run.summary.get("moves", 0)) - int(run.summary.get("refused_moves", 0))


def _run_outcome(row: RetierRun) -> Outcome | None:
    if row.status == RunStatus.AWAITING_APPROVAL:
        return None
    if row.declined_by is not None:
        return Outcome("declined", "Declined", _by(row.declined_by, row.finished_at), row.declined_words)
    return Outcome("approved", "Approved", _by(row.approved_by, row.approved_at), "")


def _by(who: Any, when: datetime | None) -> str:
    """ "by Mia Manager, 22 Nov 2026, 09:05"."""
    return ", ".join(
        part for part in (f"by {who}" if who else "", wording.moment(when) if when else "") if part
    )


def _day_of(when: datetime | None) -> str:
    return wording.day(localtime(when).date()) if when else ""


def _csm(csm: CSM | None) -> str:
    return csm.name if csm else "nobody"


def _override_deciders(row: Override, managers: Managers, user: Any, mine: bool) -> Deciders | None:
    if row.status != Override.Status.ASKED:
        return None
    barred = {row.asked_by_id, *(edit.editor_id for edit in row.edits.all())}
    team = row.customer.csm.team_id if row.customer.csm else None
    return _deciders(managers.of_team(team, without=barred), managers, user, mine)


def _move_deciders(row: Move, managers: Managers, user: Any, mine: bool) -> Deciders | None:
    if not row.waits_for_approval:
        return None
    # A customer without a CSM belongs to the team it would come to.
    csm = row.customer.csm or row.to_csm
    barred = {pk for pk in (row.plan.requested_by_id, row.repointed_by_id) if pk is not None}
    return _deciders(managers.of_team(csm.team_id if csm else None, without=barred), managers, user, mine)


def _run_deciders(row: RetierRun, managers: Managers, user: Any) -> Deciders | None:
    if row.status != RunStatus.AWAITING_APPROVAL:
        return None
    barred = {row.requested_by_id} - {None}
    mine = user.is_manager and user.pk not in barred
    return _deciders(managers.of_everybody(without=barred), managers, user, mine)


def _deciders(found: Approvers, managers: Managers, user: Any, mine: bool) -> Deciders:
    others = [managers.names[pk] for pk in found.people if pk != user.pk]
    return Deciders(mine=mine, others=" or ".join(others), why=found.lacking)


def _with_due(row: ApprovalRow, when: date | None, on: date) -> ApprovalRow:
    return replace(row, due=due(when, on=on))


def due(when: date | None, *, on: date) -> Due | None:
    """ "3 days overdue" (bad), "due today" (a warning), "due in 5 days"."""
    if when is None:
        return None
    left = (when - on).days
    if left < 0:
        return Due(wording.day(when), f"{wording.counted(-left, 'day')} overdue", "bad")
    words = "due today" if left == 0 else f"due in {wording.counted(left, 'day')}"
    return Due(wording.day(when), words, "warn" if left <= SOON_DAYS else "neutral")
