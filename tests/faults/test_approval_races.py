"""Two managers at the same rows through the pages: each is decided once, and the other is told what happened.

On PostgreSQL only; the control arm shows that looking before deciding lets both win.
"""

import datetime
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from accounts.models import Customer, Tier
from allocation.models import Notice, Override, RetierRun, Source, TierHolding
from allocation.services.decisions import DecisionSource, TierChange, set_tiers
from allocation.services.notices import send_notices
from allocation.services.playbooks import load_playbook
from tests import factories
from tests.faults.test_claims import ROUNDS
from tests.oracle import faults
from tests.pages import approval_cast
from tests.pages.approval_cast import DAY, waiting_run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

PAIRS = max(100, ROUNDS)


@pytest.fixture
def world() -> Any:
    cast = approval_cast.build(factories.cast())
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    cast.wished = Tier.objects.get(slug="global")
    held = Tier.objects.get(slug="scale")
    cast.customers = [approval_cast.of(cast.csm_a.csm, f"Firm {number:03d}") for number in range(PAIRS)]
    set_tiers(
        changes=[TierChange(customer.pk, None, held.pk) for customer in cast.customers],
        on=timezone.localdate() - 100 * DAY,
        decision=DecisionSource(kind=Source.IMPORT),
    )
    return cast


def asked(world: Any) -> list[Override]:
    """A request about each customer, of today."""
    today = timezone.localdate()
    return [
        approval_cast.asked(
            world,
            customer,
            tier_id=world.wished.pk,
            starts_on=today,
            expires_on=today + datetime.timedelta(days=90),
            on=today,
            at=timezone.now(),
        )
        for customer in world.customers
    ]


def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def both(*work: Callable[[], Any]) -> list[Any]:
    """What each got, let go together; an error is the answer of who had it."""
    barrier = threading.Barrier(len(work))
    found: list[Any] = [None] * len(work)

    def one(number: int) -> None:
        try:
            barrier.wait(timeout=20)
            found[number] = work[number]()
        except Exception as error:
            found[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    return found


def decided_once(override: Override) -> str:
    """The decision; raises where there is not exactly one, with the ledger row that belongs to it."""
    now = Override.objects.get(pk=override.pk)
    assert now.status in {"approved", "declined"}
    assert now.decided_by is not None
    rows = TierHolding.objects.filter(customer_id=now.customer_id, source=Source.OVERRIDE)
    assert rows.count() == (1 if now.status == "approved" else 0)
    customer = Customer.objects.get(pk=now.customer_id)
    assert (customer.tier_id == now.tier_id) is (now.status == "approved")
    return str(now.status)


def test_of_two_who_decide_one_request_one_does_and_the_other_reads_what_happened(world: Any) -> None:
    mia, dora = signed_in(world.manager), signed_in(world.director)
    became = []
    for number, override in enumerate(asked(world)):
        address = f"/approvals/overrides/{override.pk}/"
        given = {"version": override.version, "words": "Decided"}

        def approve(address: str = address, given: Any = given) -> Any:
            return mia.post(address, given | {"action": "approve"})

        def decline(address: str = address, given: Any = given) -> Any:
            return dora.post(address, given | {"action": "decline"})

        # Who is started first has an advantage: they take turns.
        answers = both(*((approve, decline) if number % 2 else (decline, approve)))
        assert sorted(answer.status_code for answer in answers) == [302, 409]
        status = decided_once(override)
        second = next(answer for answer in answers if answer.status_code == 409)
        winner = "Mia Manager" if status == "approved" else "Dora Director"
        assert f"It was {status} by {winner} already" in second.content.decode()
        became.append(status)
    assert len(became) == PAIRS
    assert Override.objects.filter(decided_at__isnull=False).count() == PAIRS
    assert faults() == []


def test_of_two_who_decide_the_same_hundred_rows_each_row_is_decided_once(world: Any) -> None:
    rows = asked(world)
    tokens = [f"override:{row.pk}:{row.version}" for row in rows]

    def post(person: Any, decision: str, row: list[str]) -> Any:
        client = signed_in(person)
        given = {"decision": decision, "words": "Decided", "row": row}
        return client.post("/approvals/decide/", given), client.get("/approvals/").content.decode()

    # From both ends, so that they meet in the middle.
    answers = both(
        lambda: post(world.manager, "approve", tokens),
        lambda: post(world.director, "decline", tokens[::-1]),
    )
    assert [answer[0].status_code for answer in answers] == [302, 302]
    became = [decided_once(row) for row in rows]
    assert f"{became.count('approved')} row" in answers[0][1]
    assert f"{became.count('declined')} row" in answers[1][1]
    if became.count("declined"):
        assert "by Dora Director already" in answers[0][1]
    if became.count("approved"):
        assert "by Mia Manager already" in answers[1][1]
    # One goals run looks at what was approved, however many approvals there were.
    assert RetierRun.objects.filter(scope="goals").count() <= 1
    assert faults() == []


def test_of_two_who_decide_one_run_one_does(world: Any) -> None:
    mia, dora = signed_in(world.manager), signed_in(world.director)
    for _ in range(ROUNDS):
        run = waiting_run(world.ops, moves=0)
        row = f"run:{run.pk}:0:0"

        def post(client: Client, decision: str, row: str = row) -> Any:
            return client.post(
                "/approvals/decide/", {"decision": decision, "words": "Decided", "row": row}, follow=True
            ).content.decode()

        said = both(lambda: post(mia, "approve"), lambda: post(dora, "decline"))
        run.refresh_from_db()
        assert run.status in {"proposed", "discarded"}
        done = ["1 row approved" in said[0], "1 row declined" in said[1]]
        assert done == [run.status == "proposed", run.status == "discarded"]
        assert any("does not wait for approval" in text for text in said)


def test_of_many_senders_one_sends_each_mail(world: Any, mailoutbox: list[Any]) -> None:
    for number in range(20):
        Notice.objects.leave(
            to=[world.ops.pk],
            kind="decided",
            about=f"thing-{number}",
            subject=f"Thing {number}",
            body="x",
            at=timezone.now(),
        )
    at = timezone.now()
    both(*(lambda: send_notices(at=at, limit=100) for _ in range(4)))
    assert sorted(message.subject for message in mailoutbox) == sorted(f"Thing {n}" for n in range(20))


def test_control_looking_before_deciding_lets_neither_be_told(world: Any) -> None:
    """Without the conditional UPDATE both believe they decided, or one runs into the database's own guard: an error page."""

    def look_then_save(override: Override, person: Any, status: str, gate: threading.Barrier) -> str:
        seen = Override.objects.get(pk=override.pk)
        gate.wait(timeout=20)  # both have looked before either writes
        if seen.status != Override.Status.ASKED:
            return "told"
        seen.status, seen.decided_by, seen.decided_at = status, person, timezone.now()
        seen.decided_words = "Decided"
        seen.save()
        return "decided"

    override = asked(world)[0]
    gate = threading.Barrier(2)
    became = both(
        lambda: look_then_save(override, world.manager, "approved", gate),
        lambda: look_then_save(override, world.director, "declined", gate),
    )
    assert "told" not in became
    assert became == ["decided", "decided"] or any(isinstance(one, DatabaseError) for one in became)
