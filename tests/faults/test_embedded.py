"""Without Redis and PostgreSQL the same work ends the same: killed workers, two of them by mistake, a timetable begun anew.

The scenario (run, apply, import, another run, undo, plan, apply) is gone through twice: undisturbed on the database and
broker of this run, and on the embedded installation while its worker is killed. Every decision, tier, book and ledger row
must be equal by external id; on PostgreSQL this compares the two installations.
"""

import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.faults.crowd import FULL, SMALL, Company, company

TIMES, KILLS = (5, 4) if FULL else (1, 2)
SEED = 20261127

STEPS = [
    """
Customer.objects.filter(pk__in=[pk for pk in Customer.objects.values_list("pk", flat=True) if pk % 3 == 0]).update(arr=900000)
run = retiering.queue_run(as_of=DAY, at=timezone.now(), actor_id=ops.pk)
ring(propose_retier_run, run_id=run.pk)
wait(run, "proposed", "awaiting_approval")
tell(step="proposed", done=run.progress_done, total=run.progress_total)
""",
    """
run = RetierRun.objects.order_by("-pk").first()
accept(run)
wait(run, "applied")
tell(step="applied", done=run.progress_done, total=run.progress_total)
""",
    """
rows = ["external_id,name,arr,currency,health"]
for key, name, currency in Customer.objects.order_by("external_id").values_list("external_id", "name", "currency")[:300]:
    rows.append(f'{key},"{name}",{len(name) * 11000},{currency},{len(name)}')
rows += [f"NEW-{number},New {number},{1000 + number},USD,50" for number in range(50)]
batch = receive("\\n".join(rows))
wait(batch, "staged")
batch = confirm(batch)
wait(batch, "applied")
tell(step="imported", done=batch.created, total=batch.rows)
""",
    """
run = retiering.queue_run(as_of=DAY, at=timezone.now(), actor_id=ops.pk)
ring(propose_retier_run, run_id=run.pk)
wait(run, "proposed", "awaiting_approval")
accept(run)
wait(run, "applied")
retiering.ask_to_undo_run(run_id=run.pk, actor=ops, at=timezone.now())
ring(undo_retier_run, run_id=run.pk)
wait(run, "undone")
tell(step="undone", done=run.progress_done, total=run.progress_total)
""",
    """
from accounts.models import CSM
gone = CSM.objects.order_by("email").first()
CSM.objects.filter(pk=gone.pk).update(leaves_on=DAY)
plan = planning.queue_plan(as_of=DAY, seed=1, actor=ops, max_moves_pct=5)
ring(propose_book_plan, plan_id=plan.pk)
wait(plan, "proposed", "awaiting_approval")
BookPlan.objects.filter(pk=plan.pk).update(status="proposed")
Move.objects.filter(plan=plan).update(needs_approval=False)
accept_plan(plan_id=plan.pk, actor=ops, on=timezone.localdate())
ring(apply_book_plan, plan_id=plan.pk)
wait(plan, "applied")
tell(step="planned", message=plan.message, done=plan.progress_done, total=plan.progress_total)
""",
]

END = """
from hashlib import sha256
from allocation.models import BookHolding, TierHolding, TierStanding
from tests.oracle import faults

def every(rows, *names):
    return sorted([str(value) for value in row] for row in rows.values_list(*names))

who = "customer__external_id"
parts = {
    "runs": every(RetierRun.objects.all(), "status", "message", "scope"),
    "decisions": every(
        TierDecision.objects.all(), who, "run__pk", "segment", "score", "suggested__slug", "effective__slug", "decided_by", "status", "words"
    ),
    "customers": every(Customer.objects.all(), "external_id", "tier__slug", "tier_since", "csm__email", "csm_since", "arr", "health"),
    "tiers held": every(TierHolding.objects.all(), who, "tier__slug", "starts_on", "ends_before", "source"),
    "books held": every(BookHolding.objects.exclude(source="demo"), who, "csm__email", "source"),
    "standings": every(TierStanding.objects.all(), who, "segment", "score", "decided_by", "lifecycle", "goals"),
    "moves": every(Move.objects.all(), who, "from_csm__email", "to_csm__email", "status", "words"),
    "imports": every(ImportBatch.objects.all(), "status", "created", "updated", "rejected"),
}
tell(
    faults=faults(), counts={name: len(rows) for name, rows in parts.items()},
    digests={name: sha256(json.dumps(rows).encode()).hexdigest()[:16] for name, rows in parts.items()},
)
"""


def gone_through(office: Company) -> list[dict[str, Any]]:
    """What each step told, and the end."""
    console = office.console()
    return [*(console.told(step)[0] for step in STEPS), *console.told(END)]


def kill_again_and_again(office: Company, *, work: threading.Thread, kills: list[float]) -> int:
    """kill -9 of the embedded worker at chosen moments, and a new one; from the middle on two of them by mistake.

    Gives how often, for the work may be done before.
    """
    console = office.console()
    for number, moment in enumerate(kills):
        work.join(moment)
        if not work.is_alive():
            return number
        office.kill_worker()
        office.lapse(console)
        office.start_worker()
        if number == len(kills) // 2:
            office.start_worker("worker by mistake")
    return len(kills)


@pytest.mark.proof
def test_the_embedded_installation_ends_where_the_other_does_however_often_its_worker_is_killed(
    tmp_path: Path,
) -> None:
    with company(tmp_path / "calm", customers=SMALL) as office:
        office.start_worker()
        calm = gone_through(office)
    print(f"calm {calm[-1]}")
    for seed in range(SEED, SEED + TIMES):
        chance = random.Random(seed)
        kills = [chance.uniform(2, 6) for _ in range(KILLS)]
        with company(tmp_path / f"killed{seed}", customers=SMALL, embedded=True) as office:
            office.start_worker()
            disturbed: list[Any] = []
            work = threading.Thread(
                target=lambda office=office, told=disturbed: told.extend(gone_through(office))
            )
            began = time.monotonic()
            work.start()
            # Killed from here: a child ends with the thread that started it.
            killed = kill_again_and_again(office, work=work, kills=kills)
            work.join()
            took = time.monotonic() - began
            logs = office.logs()
        moments = [round(one, 1) for one in kills]
        print(
            f"{killed} kills (seed {seed}, {moments} s apart), {took:.0f} s in all: {disturbed[-1]['digests']}"
        )
        assert killed > 0
        assert disturbed[-1]["faults"] == calm[-1]["faults"] == []
        assert disturbed[-1]["digests"] == calm[-1]["digests"]
        assert disturbed[:-1] == calm[:-1]  # the progress shown as well
        assert "database is locked" not in logs
    assert calm[-1]["counts"]["moves"] > 0
