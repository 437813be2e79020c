"""Runs over the change limit: a manager who did not ask for the run approves or declines it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from allocation.models import Notice, RetierRun, RowStatus, RunStatus, TierDecision
from allocation.selectors import notice_words, wording

APPROVED = "It is over the change limit, and a manager approved it."
LONGEST_WORDS = 200
LONGEST_NAME = 200


class UnableToApproveRun(ValueError):
    """The run does not wait for approval or is another by now, or the person may not; the message says which."""


class UnableToDeclineRun(ValueError):
    """The run does not wait for approval or is another by now, or the person may not; the message says which."""


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
    with transaction.atomic():
        if (
            as_seen.update(status=RunStatus.PROPOSED, approved_by=actor, approved_at=at, message=APPROVED)
            == 1
        ):
            _tell_asker(run_id, actor, at)
            return moves
    if not waiting.exists():
        raise UnableToApproveRun(_decided(run_id))
    raise UnableToApproveRun(_changed(run_id))


def decline_run(
    *, run_id: int, actor: Any, words: str, at: datetime, seen_version: int | None = None
) -> RetierRun:
    """A manager says no to a run over the change limit: it is discarded, no customer changes tier, and it says by whom and why.

    seen_version: the review the manager was shown; another one by now is refused. Raises UnableToDeclineRun.
    """
    if actor is None or not actor.is_manager:
        raise UnableToDeclineRun("A run over the change limit is declined by a manager.")
    said = _checked(words)
    waiting = RetierRun.objects.filter(pk=run_id, status=RunStatus.AWAITING_APPROVAL)
    if waiting.filter(requested_by=actor).exists():
        raise UnableToDeclineRun(f"You asked for run {run_id} yourself; another manager has to decide it.")
    as_seen = waiting if seen_version is None else waiting.filter(review_version=seen_version)
    with transaction.atomic():
        declined = {
            "status": RunStatus.DISCARDED,
            "finished_at": at,
            "declined_by": actor,
            "declined_words": said,
        }
        if as_seen.update(**declined, message=_declined(actor, said)) == 1:
            _tell_asker(run_id, actor, at)
            return RetierRun.objects.get(pk=run_id)
    raise UnableToDeclineRun(_changed(run_id) if waiting.exists() else _decided(run_id))


def _checked(words: str) -> str:
    if_none = "Say why the run is declined, so that the next reader understands."
    fault = wording.fault_of(words, if_none=if_none, most=LONGEST_WORDS)
    if fault:
        raise UnableToDeclineRun(fault)
    return words.strip()


def _moves_left(run_id: int) -> int:
    """Moves of the whole run that nobody refused."""
    rows = TierDecision.objects.filter(run_id=run_id, status=RowStatus.PROPOSED)
    return int(rows.moves().count())


def _changed(run_id: int) -> str:
    moves = _moves_left(run_id)
    return f"The run was changed since you looked at it: {moves} customers would change tier now. Look again."


def _declined(who: Any, said: str) -> str:
    """The sentence on the run's page."""
    return f"Declined by {str(who)[:LONGEST_NAME]}: {said}"


def _decided(run_id: int) -> str:
    """Whoever comes second is told what the first one did."""
    waits_not = f"Run {run_id} does not wait for approval"
    run = RetierRun.objects.select_related("approved_by", "declined_by").filter(pk=run_id).first()
    if run is None:
        return f"{waits_not}."
    if run.approved_by is not None and run.approved_at is not None:
        return f"{waits_not}: {run.approved_by} approved it on {wording.moment(run.approved_at)}."
    if run.declined_by is not None and run.finished_at is not None:
        said = _declined(run.declined_by, run.declined_words)
        return f"{waits_not}. {said} ({wording.moment(run.finished_at)})"
    return f"{waits_not}: it is {run.get_status_display().lower()}."


def _tell_asker(run_id: int, actor: Any, at: datetime) -> None:
    """In the transaction of the decision; nobody is told of what a command asked for."""
    asker = RetierRun.objects.values_list("requested_by_id", flat=True).get(pk=run_id)
    if asker is None:
        return
    subject, body = notice_words.job_was_decided(
        what=f"run {run_id}", by=str(actor), link=notice_words.run_link(run_id)
    )
    about = f"run-{run_id}-decided-{at:%Y%m%d%H%M%S%f}"  # a run may wait, and be decided, again
    Notice.objects.leave(to=[asker], kind=Notice.Kind.DECIDED, about=about, subject=subject, body=body, at=at)
