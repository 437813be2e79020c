"""Cancelling, a freeze and runners at once: whoever is told "it is cancelled" is right, and a freeze is never passed by.

Race tests count on PostgreSQL only; the control arm shows what the same race does without the protection.
"""

import threading

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.utils import timezone

from accounts import roles
from accounts.querysets.jobs import CancelAsked
from allocation.models import Freeze, RetierRun, RunStatus
from allocation.services.retiering import UnableToCancelRun, cancel_run
from tests.factories import TODAY, UserFactory
from tests.faults.test_claims import ROUNDS, at_once, claim, queued_run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def ops() -> object:
    Group.objects.get_or_create(name=roles.OPS)
    return UserFactory(role=roles.OPS)


def cancels(run: RetierRun, by: object) -> bool:
    try:
        cancel_run(run_id=run.pk, actor=by, at=timezone.now())
    except UnableToCancelRun:
        return False
    return True


def test_of_four_who_cancel_and_four_who_claim_one_cancels_and_no_claim_goes_on() -> None:
    by = ops()
    for _ in range(ROUNDS):
        run = queued_run()
        found = at_once(
            lambda number, run=run: claim(run, number) if number % 2 else cancels(run, by)  # type: ignore[misc]
        )
        assert [said for said in found[0::2] if said] == [True], "the others are told that it was asked for"
        won = [fence for fence in found[1::2] if fence is not None]
        run.refresh_from_db()
        if won:
            assert (len(won), run.status) == (1, RunStatus.COMPUTING)
            with pytest.raises(CancelAsked):
                RetierRun.objects.heartbeat(run.pk, fence=won[0], done=0, total=0)
        else:
            assert run.status == RunStatus.DISCARDED


def proposes(run: RetierRun, fence: int, *, looks: bool) -> bool:
    """The transaction that ends computing, as `proposing` has it; `looks`: with its heartbeat."""
    try:
        with transaction.atomic():
            if looks:
                RetierRun.objects.heartbeat(run.pk, fence=fence, done=1, total=1)
            return RetierRun.objects.finish(run.pk, fence=fence, status=RunStatus.PROPOSED)
    except CancelAsked:
        return False


def both(run: RetierRun, fence: int, by: object, *, looks: bool) -> tuple[bool, bool]:
    """(somebody was told that it is cancelled, it is proposed), let go at the same moment."""
    found = at_once(
        lambda number: proposes(run, fence, looks=looks) if number == 0 else number == 1 and cancels(run, by)
    )
    return bool(found[1]), bool(found[0])


def test_a_run_is_cancelled_or_proposed_and_never_both() -> None:
    by = ops()
    for _ in range(4 * ROUNDS):
        run = queued_run()
        fence = claim(run, 1)
        assert fence is not None
        told, proposed = both(run, fence, by, looks=True)
        assert told != proposed


def test_control_without_the_last_look_it_can_be_both() -> None:
    by, run = ops(), queued_run()
    fence = claim(run, 1)
    assert fence is not None
    assert cancels(run, by)
    assert proposes(run, fence, looks=False), "nobody looked"


def test_a_freeze_counts_from_its_commit_and_stops_every_claim_after_it() -> None:
    saved, go_on = threading.Event(), threading.Event()

    def save() -> None:
        with transaction.atomic():
            Freeze.objects.create(name="Year end", starts_on=TODAY, ends_before=TODAY.replace(day=30))
            saved.set()
            go_on.wait(timeout=20)
        connection.close()

    def applying(run: RetierRun) -> int | None:
        RetierRun.objects.filter(pk=run.pk).update(status=RunStatus.PROPOSED)
        rows = RetierRun.objects.not_frozen(TODAY)
        return rows.claim(run.pk, owner="x", waiting=[RunStatus.PROPOSED], working=RunStatus.APPLYING)

    run, saver = queued_run(), threading.Thread(target=save)
    saver.start()
    assert saved.wait(timeout=20)
    assert applying(run) is not None, "what began before the freeze was there is finished"
    go_on.set()
    saver.join(timeout=20)
    won = at_once(lambda number: number == 0 and applying(run))
    assert won[0] is None
