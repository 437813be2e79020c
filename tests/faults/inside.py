"""What a fleet's console does inside the installation: seed, edit, ask for work, tell how it stands.

Imported by the console (tests.faults.fleet), never by pytest: it needs Django set up for that installation.
"""

import csv
import hashlib
import io
import json
import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from redis import Redis

from accounts.models import CSM, Customer, ImportBatch, User
from allocation.models import (
    BookHolding,
    BookPlan,
    Move,
    RetierRun,
    RunChunk,
    RunTally,
    Schedule,
    Source,
    TierDecision,
    TierHolding,
    TieringModel,
    TierStanding,
)
from allocation.services import importing, planning, retiering
from allocation.services.accepting import accept_plan, accept_run
from allocation.services.decisions import CsmChange, DecisionSource, set_csms
from allocation.services.demo import seed_demo
from allocation.services.models import publish_model
from allocation.services.playbooks import load_playbook
from allocation.tasks.bell import ring
from allocation.tasks.importing import apply_import, stage_import
from allocation.tasks.planning import apply_book_plan, propose_book_plan, undo_book_plan
from allocation.tasks.retiering import (
    apply_retier_run,
    ask_for_goals_run,
    propose_retier_run,
    undo_retier_run,
)
from allocation.tasks.timetable import propose_goals_run
from tests.oracle import faults

State = dict[str, Any]


def seed(customers: int) -> None:
    """A company whose tiers move freely (no guard holds them, no limit stops a run), after its first run."""
    csms = max(8, customers // 25)
    seed_demo(customers=customers, csms=csms, seed=1, today=timezone.localdate(), base_currency="USD")
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    free = {
        "paid_floor": False,
        "dead_band": None,
        "change_limit": {"percent": 100, "customers": 1_000_000},
    }
    definition = TieringModel.objects.get(status="published").definition | {"guards": free}
    Schedule.objects.update(enabled=False)  # nothing but what a test asks for
    draft = TieringModel.objects.draft(name="Moves freely", definition=definition, created_by_id=None)
    publish_model(model_id=draft.pk, at=timezone.now())
    run = retiering.queue_run(as_of=timezone.localdate(), at=timezone.now(), actor_id=_ops().pk)
    retiering.propose_run(run_id=run.pk, owner="seed")
    retiering.apply_run(run_id=run.pk, owner="seed", at=timezone.now())


def _ops() -> User:
    found = User.objects.filter(groups__name="CS ops").order_by("pk").first()
    assert found is not None
    return found


def edit(round_: int) -> None:
    """Almost everybody's ARR changes, some customers come and some leave: the same for the same round."""
    numbers = random.Random(round_)
    factor, shift = numbers.randrange(10_007, 99_991), numbers.randrange(900_000)
    Customer.objects.update(arr=(F("pk") * factor + shift) % 900_000, currency="USD")
    Customer.objects.filter(external_id__endswith=f"{round_ % 100:02d}").update(status="left")
    last = Customer.objects.count()
    Customer.objects.bulk_create(
        Customer(external_id=f"NEW-{last + n:06d}", name=f"New {last + n}", arr=n * 10_000, currency="USD")
        for n in range(30)
    )


def leave_without_csm(round_: int) -> None:
    """Every tenth customer loses its CSM, so that the next book plan has something to do."""
    served = Customer.objects.filter(status="active", csm__isnull=False).order_by("pk")
    changes = [CsmChange(pk, csm, None) for pk, csm in served.values_list("pk", "csm")][round_ % 10 :: 10]
    set_csms(changes=changes, on=_today(), decision=DecisionSource(Source.MANUAL))


def edit_after_snapshot(round_: int) -> None:
    """Some facts change after the proposal: their rows are to be skipped and listed."""
    for place, customer in enumerate(Customer.objects.order_by("pk")):
        if place % 53 == round_ % 53:
            Customer.objects.filter(pk=customer.pk).update(arr=5 if customer.arr != 5 else 6)


# Each of these writes down that work is wished and rings the bell; it gives the row's id.


def queue_run(rings: int = 1) -> int:
    run = retiering.queue_run(as_of=timezone.localdate(), at=timezone.now(), actor_id=_ops().pk)
    for _ in range(rings):
        ring(propose_retier_run, run_id=run.pk)
    return int(run.pk)


def apply_run(run_id: int, rings: int = 1) -> int:
    accept_run(run_id=run_id, actor=_ops())
    for _ in range(rings):
        ring(apply_retier_run, run_id=run_id)
    return run_id


def undo_run(run_id: int, rings: int = 1) -> int:
    retiering.ask_to_undo_run(run_id=run_id, actor=_ops(), at=timezone.now())
    for _ in range(rings):
        ring(undo_retier_run, run_id=run_id)
    return run_id


def queue_plan(rings: int = 1) -> int:
    plan = planning.queue_plan(as_of=timezone.localdate(), seed=1, actor=_ops())
    for _ in range(rings):
        ring(propose_book_plan, plan_id=plan.pk)
    return int(plan.pk)


def apply_plan(plan_id: int, rings: int = 1) -> int:
    accept_plan(plan_id=plan_id, actor=_ops(), on=timezone.localdate())
    for _ in range(rings):
        ring(apply_book_plan, plan_id=plan_id)
    return plan_id


def undo_plan(plan_id: int, rings: int = 1) -> int:
    planning.ask_to_undo_plan(plan_id=plan_id, actor=_ops(), at=timezone.now())
    for _ in range(rings):
        ring(undo_book_plan, plan_id=plan_id)
    return plan_id


def send_file(round_: int, rings: int = 1) -> int:
    batch = _received(round_)
    for _ in range(rings):
        ring(stage_import, batch_id=batch.pk)
    return int(batch.pk)


def confirm_file(batch_id: int, rings: int = 1) -> int:
    importing.confirm_import(batch_id=batch_id, user=_ops())
    for _ in range(rings):
        ring(apply_import, batch_id=batch_id)
    return batch_id


def _received(round_: int) -> ImportBatch:
    """A file that changes every second customer, moves some to another CSM, opens goals and brings new customers."""
    numbers = random.Random(round_)
    emails = list(CSM.objects.exclude(email="").order_by("pk").values_list("email", flat=True))
    rows = [
        [one.external_id, one.name, numbers.randrange(900_000), "USD", numbers.choice(emails), "expansion"]
        for one in Customer.objects.filter(status="active").order_by("pk")[::2]
    ]
    rows += [
        [f"FILE-{round_}-{n}", f"From the file {n}", n * 1000, "USD", emails[0], "adoption"]
        for n in range(200)
    ]
    text = io.StringIO()
    csv.writer(text).writerows([["external_id", "name", "arr", "currency", "csm", "goals"], *rows])
    return importing.receive_import(
        kind="customers",
        file_name="fleet.csv",
        data=text.getvalue().encode(),
        wishes=importing.Wishes(mapping=None),
        all_or_nothing=False,
        user=_ops(),
    )


def press_start() -> dict[str, Any]:
    """CS ops press the button of the page of runs: {"status", "seconds", "run"}."""
    person = Client(HTTP_HOST="localhost")
    person.force_login(_ops(), backend="cstiers.signing_in.backends.Password")
    started = time.monotonic()
    answer = person.post(reverse("retier_start"), {"as_of": f"{_today():%Y-%m-%d}", "scope": "full"})
    took = time.monotonic() - started
    run = RetierRun.objects.latest("pk")
    return {"status": answer.status_code, "seconds": took, "run": run.pk}


def queue_five() -> list[list[Any]]:
    """Work of five kinds, rung for: [model, id, status it ends in]."""
    goals = ask_for_goals_run(as_of=_today(), at=timezone.now(), actor_id=_ops().pk)
    assert goals is not None
    return [
        ["allocation.RetierRun", queue_run(), "proposed"],
        ["allocation.RetierRun", goals.pk, "proposed"],
        ["allocation.BookPlan", queue_plan(), "proposed"],
        ["accounts.ImportBatch", send_file(1), "staged"],
        ["accounts.ImportBatch", send_file(2), "staged"],
    ]


def waiting_messages() -> int:
    """How many messages lie in the broker."""
    return len(_messages())


# The same without worker and broker: what an undisturbed run ends with, and the seconds of each piece.


def calm_run(round_: int) -> dict[str, float]:
    run = retiering.queue_run(as_of=timezone.localdate(), at=timezone.now(), actor_id=_ops().pk)
    took = {"propose": _seconds(lambda: retiering.propose_run(run_id=run.pk, owner="calm"))}
    edit_after_snapshot(round_)
    accept_run(run_id=run.pk, actor=_ops())
    work: dict[str, Any] = {"run_id": run.pk, "owner": "calm", "at": timezone.now(), "actor_id": _ops().pk}
    return took | {"apply": _seconds(lambda: retiering.apply_run(**work))}


def calm_proposal() -> int:
    """A run that is proposed and waits."""
    run = retiering.queue_run(as_of=timezone.localdate(), at=timezone.now(), actor_id=_ops().pk)
    retiering.propose_run(run_id=run.pk, owner="calm")
    return int(run.pk)


def calm_undo(run_id: int) -> dict[str, float]:
    retiering.ask_to_undo_run(run_id=run_id, actor=_ops(), at=timezone.now() - timedelta(seconds=1))
    work: dict[str, Any] = {"run_id": run_id, "owner": "calm", "at": timezone.now(), "on": _today()}
    return {"undo": _seconds(lambda: retiering.undo_run(**work))}


def calm_plan() -> dict[str, float]:
    plan = planning.queue_plan(as_of=_today(), seed=1, actor=_ops())
    work: dict[str, Any] = {"plan_id": plan.pk, "owner": "calm", "on": _today()}
    took = {"propose": _seconds(lambda: planning.propose_plan(**work, at=timezone.now()))}
    accept_plan(plan_id=plan.pk, actor=_ops(), on=_today())
    return took | {"apply": _seconds(lambda: planning.apply_plan(**work, actor=_ops()))}


def calm_plan_undo(plan_id: int) -> dict[str, float]:
    planning.ask_to_undo_plan(plan_id=plan_id, actor=_ops(), at=timezone.now() - timedelta(seconds=1))
    work: dict[str, Any] = {"plan_id": plan_id, "owner": "calm", "at": timezone.now(), "on": _today()}
    return {"undo": _seconds(lambda: planning.undo_plan(**work, actor=_ops()))}


def calm_file(round_: int) -> dict[str, float]:
    batch = _received(round_)
    took = {"stage": _seconds(lambda: importing.stage_import(batch_id=batch.pk, on=_today()))}
    importing.confirm_import(batch_id=batch.pk, user=_ops())
    took |= {"apply": _seconds(lambda: importing.apply_import(batch_id=batch.pk, on=_today()))}
    run = retiering.request_goals_run(as_of=_today(), at=timezone.now(), actor_id=_ops().pk)
    assert run is not None
    retiering.propose_run(run_id=run.pk, owner="calm")
    return took


def goals_run_after_file() -> int:
    """The goals run that follows an import; one that was lost with its worker is asked for by the timetable."""
    runs, ends = RetierRun.objects.filter(scope="goals"), time.monotonic() + 8
    since = ImportBatch.objects.latest("pk").applied_at
    while not runs.filter(queued_at__gte=since).exists() and time.monotonic() < ends:
        time.sleep(0.1)  # the worker asks by itself, unless it was killed
    propose_goals_run(_today(), timezone.now())
    return int(runs.latest("pk").pk)


def _today() -> date:
    return timezone.localdate()


def _seconds(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


# How it stands.


def state(model: str, pk: int) -> State:
    """Status and claim of a row."""
    row = apps.get_model(model).objects.get(pk=pk)
    return {
        "status": row.status,
        "working": row.status in row.WORKING,
        "done": row.progress_done,
        "claimed_by": row.claimed_by,
        "attempts": row.attempts,
        "fence": row.fence,
        "message": row.message,
    }


def end_rests() -> int:
    """Whoever rests after a fault that can pass has rested enough (twenty seconds and more, otherwise)."""
    return sum(
        model.objects.filter(rest_until__isnull=False).update(rest_until=None)
        for model in (RetierRun, BookPlan, ImportBatch)
    )


KEPT: dict[str, tuple[Any, tuple[str, ...]]] = {
    # Of each table what a person could see, in an order that does not hang on the ids given by the database.
    "customers": (
        Customer.objects.order_by("external_id"),
        ("external_id", "arr", "status", "tier__slug", "tier_since", "csm__name", "csm_since"),
    ),
    "tier ledger": (
        TierHolding.objects.order_by("customer__external_id", "pk"),
        ("customer__external_id", "tier__slug", "starts_on", "ends_before", "source", "source_id", "gives_back"),
    ),
    "book ledger": (
        BookHolding.objects.order_by("customer__external_id", "pk"),
        ("customer__external_id", "csm__name", "starts_on", "ends_before", "source", "source_id", "gives_back"),
    ),
    "decisions": (
        TierDecision.objects.order_by("run", "customer__external_id"),
        ("run", "customer__external_id", "previous__slug", "effective__slug", "score", "status", "words", "reason"),
    ),
    "chunks": (
        RunChunk.objects.order_by("run", "first_customer_id"),
        ("run", "first_customer_id", "customers", "status", "facts", "outcomes", "stood_on"),
    ),
    "tallies": (
        RunTally.objects.order_by("run", "csm__name", "tier__slug", "decided_by"),
        ("run", "csm__name", "tier__slug", "decided_by", "customers"),
    ),
    "standings": (
        TierStanding.objects.order_by("customer__external_id"),
        ("customer__external_id", "run", "segment", "score", "decided_by", "lifecycle", "goals"),
    ),
    "runs": (RetierRun.objects.order_by("pk"), ("scope", "status", "message", "summary", "over_limit")),
    "plans": (BookPlan.objects.order_by("pk"), ("status", "objective", "bound", "facts_digest")),
    "moves": (
        Move.objects.order_by("plan", "customer__external_id"),
        ("plan", "customer__external_id", "from_csm__name", "to_csm__name", "status", "words", "previous_since"),
    ),
    "imports": (
        ImportBatch.objects.order_by("pk"),
        ("status", "created", "updated", "unchanged", "rejected", "state_digest"),
    ),
}  # fmt: skip


def outcome() -> dict[str, list[Any]]:
    """{table: [rows, digest]}: two installations with the same outcome cannot be told apart by a person."""
    return {name: _digest(rows.all(), columns) for name, (rows, columns) in KEPT.items()}


def _digest(rows: Any, columns: tuple[str, ...]) -> list[Any]:
    digest, count = hashlib.sha256(), 0
    for row in rows.values_list(*columns).iterator(chunk_size=2000):
        plain = [hashlib.sha256(v).hexdigest() if isinstance(v, (bytes, memoryview)) else str(v) for v in row]
        digest.update(json.dumps(plain).encode())
        count += 1
    return [count, digest.hexdigest()[:16]]


def messages_are_gone() -> bool:
    """Wait until no message about a row lies in the broker or with a worker."""
    names = [task.name for task in (propose_retier_run, apply_retier_run, undo_retier_run, stage_import)]
    names += [task.name for task in (apply_import, propose_book_plan, apply_book_plan, undo_book_plan)]
    ends = time.monotonic() + 60
    while any(name in message for message in _messages() for name in names):
        assert time.monotonic() < ends, "There are still messages."
        time.sleep(0.05)
    return True


def _messages() -> list[str]:
    if settings.REDIS_URL:
        broker = Redis.from_url(settings.REDIS_URL, decode_responses=True)
        return [*broker.lrange("celery", 0, -1), *broker.hvals("unacked")]
    folder = Path(settings.VAR_DIR) / "broker" / "queue"
    found = []
    for path in folder.glob("*.celery.msg*"):
        with suppress(FileNotFoundError):
            found.append(path.read_text())
    return found


def wrong() -> list[str]:
    """What the oracle finds wrong."""
    return faults()


def ledger_rows_of(run_id: int) -> int:
    """How many tiers were written into the ledger by a run."""
    return TierHolding.objects.filter(source="run", source_id=run_id).count()


def doubled_holdings(run_id: int) -> int:
    """Ledger rows that a run wrote more than once for a customer."""
    rows = TierHolding.objects.filter(source="run", source_id=run_id).values_list("customer", flat=True)
    found = list(rows)
    return len(found) - len(set(found))
