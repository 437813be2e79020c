"""What people do with a run: ask for one, approve one over the change limit, discard one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from allocation.models import OPEN_STATUSES, RetierRun, RowStatus, RunStatus, TierDecision, TieringModel

APPROVED = "It is over the change limit, and a manager approved it."
ATTEMPTS = 3  # a run may end between our asking and our looking


class UnableToQueueRun(ValueError):
    """No published model, or an as-of date before the last applied run."""


class RunInProgress(UnableToQueueRun):
    """A run of the scope is queued or being computed already; ``run_id`` names it."""

    def __init__(self, run_id: int) -> None:
        super().__init__(f"Run {run_id} of this scope is being computed already; wait for it, or discard it.")
        self.run_id = run_id


class UnableToApproveRun(ValueError):
    """The run does not wait for approval or is another by now, or the person may not; the message says which."""


class UnableToDiscardRun(ValueError):
    """The run is past the point where it can be discarded."""


def queue_run(
    *,
    as_of: date,
    at: datetime,
    scope: str = "full",
    actor_id: int | None = None,
    apply_when_proposed: bool = False,
) -> RetierRun:
    """Write down that a run is to be computed under the published model. Raises UnableToQueueRun, RunInProgress."""
    model = TieringModel.objects.filter(status=TieringModel.Status.PUBLISHED).first()
    if model is None:
        raise UnableToQueueRun("No tiering model is published; load a playbook or publish a draft first.")
    refuse_before_last_applied(as_of=as_of)
    try:
        with transaction.atomic():
            return RetierRun.objects.create(
                scope=scope,
                as_of=as_of,
                tiering_model=model,
                requested_by_id=actor_id,
                apply_when_proposed=apply_when_proposed,
                queued_at=at,
            )
    except IntegrityError:
        busy = RetierRun.objects.filter(
            scope=scope, status__in=[RunStatus.QUEUED, RunStatus.COMPUTING]
        ).first()
        if busy is None:  # it ended between the two statements: the next try finds the way free
            raise UnableToQueueRun("Another run of this scope was just finished; try again.") from None
        raise RunInProgress(busy.pk) from None


def request_goals_run(*, as_of: date, at: datetime, actor_id: int | None = None) -> RetierRun | None:
    """A goal changed: see to it that a goals run looks at it. The run that will; None while no model is published.

    One that waits will see the change. One that is being computed may have read the goals already: another follows it.
    """
    for _ in range(ATTEMPTS):
        try:
            return queue_run(as_of=as_of, at=at, scope=RetierRun.Scope.GOALS, actor_id=actor_id)
        except RunInProgress as busy:
            this = RetierRun.objects.filter(pk=busy.run_id)
            computing = this.filter(status=RunStatus.COMPUTING)
            if computing.update(follow_as_of=as_of) == 1 or this.filter(status=RunStatus.QUEUED).exists():
                found: RetierRun = this.get()
                return found
        except UnableToQueueRun:
            if not TieringModel.objects.filter(status=TieringModel.Status.PUBLISHED).exists():
                return None
    return None


def refuse_before_last_applied(*, as_of: date) -> None:
    """The ledger only grows forward: no run as of a day before the last applied one. Raises UnableToQueueRun."""
    last = RetierRun.objects.filter(status=RunStatus.APPLIED).aggregate(last=Max("as_of"))["last"]
    if last is not None and as_of < last:
        raise UnableToQueueRun(
            f"A run as of {last:%d %b %Y} was applied already; choose that day or a later one, not {as_of:%d %b %Y}."
        )


def approve_run(
    *,
    run_id: int,
    actor: Any,
    at: datetime,
    seen_moves: int | None = None,
    seen_version: int | None = None,
) -> int:
    """A manager lets a run over the change limit be applied: how many customers would change tier.

    seen_moves, seen_version: the number and the review the manager was shown; another one by now is refused, also when
    as many other rows were refused and accepted since. Raises UnableToApproveRun.
    """
    if actor is None or not actor.is_manager:
        raise UnableToApproveRun("A run over the change limit needs the approval of a manager.")
    waiting = RetierRun.objects.filter(pk=run_id, status=RunStatus.AWAITING_APPROVAL)
    if waiting.filter(requested_by=actor).exists():
        raise UnableToApproveRun(f"You asked for run {run_id} yourself; another manager has to approve it.")
    # The version first, then the rows: whoever reviews in between makes it another version.
    version = waiting.values_list("review_version", flat=True).first()
    moves = _moves_left(run_id)
    is_as_seen = seen_moves in {None, moves} and seen_version in {None, version}
    as_seen = waiting.filter(review_version=version) if is_as_seen else waiting.none()
    if as_seen.update(status=RunStatus.PROPOSED, approved_by=actor, approved_at=at, message=APPROVED) == 1:
        return moves
    if not waiting.exists():
        raise UnableToApproveRun(f"Run {run_id} does not wait for approval.")
    raise UnableToApproveRun(
        f"The run was changed since you looked at it: {_moves_left(run_id)} customers would change tier now. Look again."
    )


def _moves_left(run_id: int) -> int:
    """Moves of the whole run that nobody refused."""
    rows = TierDecision.objects.filter(run_id=run_id, status=RowStatus.PROPOSED)
    return int(rows.moves().count())


def discard_run(*, run_id: int, at: datetime) -> None:
    """Put a run aside that nobody has begun to apply. Raises UnableToDiscardRun.

    Whoever computes it just now finds the claim lost and stops; so a run that always fails stands in nobody's way.
    """
    before_applying = [RunStatus.QUEUED, RunStatus.COMPUTING, *OPEN_STATUSES]
    changed = RetierRun.objects.filter(pk=run_id, status__in=before_applying).update(
        status=RunStatus.DISCARDED, finished_at=at, claimed_by="", lease_until=None
    )
    if changed != 1:
        raise UnableToDiscardRun(
            f"Run {run_id} cannot be discarded; only a run that waits, is computed or is proposed can."
        )
