"""A run and a plan while people edit and a file is imported: what is applied was decided on the snapshot, the rest is listed.

Real worker, real processes beside it; on SQLite with the embedded worker and on PostgreSQL with Redis. What the rows
looked like when a chunk was applied is written down by a trigger of the database, in the transaction of the chunk and
by nothing of ours.
"""

import os
import threading
from pathlib import Path
from typing import Any

from tests.faults.crowd import FULL, SIZE, SMALL, Company, company

CUSTOMERS, EDITS, IMPORTED = (SIZE, 2_000, 1_500) if FULL else (SIZE, 240, 150)
SEED = 20261127

# Every third customer grew or shrank since the first run, so that there is something to decide; and the witness.
PREPARE = """
from django.db import connection
from django.db.models import F
with connection.cursor() as cursor:
    copied = (
        "INSERT INTO crowd_seen SELECT NEW.run_id, c.id, c.arr, c.currency, c.health, c.tier_id, (SELECT count(*) FROM accounts_goal g "
        "WHERE g.customer_id = c.id AND g.ends_before IS NULL) FROM accounts_customer c "
        "WHERE c.id BETWEEN NEW.first_customer_id AND NEW.last_customer_id;"
    )
    cursor.execute(
        "CREATE TABLE crowd_seen (run_id bigint, customer_id bigint, arr decimal, currency text, health decimal, tier_id bigint, goals int)"
    )
    if connection.vendor == "sqlite":
        cursor.execute(
            "CREATE TRIGGER crowd_look AFTER UPDATE OF status ON allocation_runchunk WHEN NEW.status = 'applied' BEGIN "
            + copied + " END"
        )
    else:
        cursor.execute(
            "CREATE FUNCTION crowd_look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " + copied + " RETURN NEW; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER crowd_look AFTER UPDATE OF status ON allocation_runchunk FOR EACH ROW WHEN (NEW.status = 'applied') "
            "EXECUTE FUNCTION crowd_look()"
        )
third = [pk for pk in Customer.objects.order_by("pk").values_list("pk", flat=True) if pk % 3 == 0]
Customer.objects.filter(pk__in=third[::2]).update(arr=F("arr") * 6)
Customer.objects.filter(pk__in=third[1::2]).update(arr=F("arr") / 6)
"""

# As the admin and the pages save: the row locked, the version raised; goals through their service.
EDIT = """
import random
from decimal import Decimal
from django.db import transaction
chance = random.Random({seed})
keys = list(Customer.objects.order_by("pk").values_list("pk", flat=True))
keys = chance.sample(keys[: len(keys) * 3 // 4], {edits})
kinds = list(GoalKind.objects.order_by("pk").values_list("pk", flat=True))
refused = 0
for number, pk in enumerate(keys):
    if number == len(keys) // 4:  # the others are edited once the run has taken its snapshot
        ends = time.monotonic() + 120
        while {waits} and not RetierRun.objects.filter(pk__gt=1, finished_at__isnull=False).exists() and time.monotonic() < ends:
            time.sleep(0.02)
    if number % 4 == 0:
        try:
            goals.open_goal(customer_id=pk, kind_id=chance.choice(kinds), actor=ops, on=timezone.localdate())
        except goals.UnableToOpenGoal:
            refused += 1  # it was open before
        continue
    with transaction.atomic():
        one = Customer.objects.select_for_update().get(pk=pk)
        one.arr = (one.arr or Decimal(1000)) * chance.choice([Decimal("0.2"), Decimal(7)])
        one.arr = min(one.arr.quantize(Decimal("0.01")), Decimal(90_000_000))
        one.health = Decimal(chance.randrange(100))
        one.version += 1
        one.save(update_fields=["arr", "health", "version"])
    time.sleep({pause})
tell(edited=len(keys) - refused)
"""

FILE = """
rows, keys = ["external_id,name,arr,currency,health"], []
for key, name, arr, currency in list(
    Customer.objects.order_by("pk").values_list("external_id", "name", "arr", "currency")
)[-{imported}:]:
    rows.append(f'{{key}},"{{name}}",{{round((arr or 1000) * 3, 2)}},{{currency}},7')
rows += [f"CROWD-{{number}},Crowd {{number}},{{1000 + number}},USD,50" for number in range(50)]
batch = receive("\\n".join(rows))
again = 0
wait(batch, "staged")
while batch.status == "staged" and again < 40:
    # Whoever confirms is told that rows changed since the preview, looks at the new one and confirms again.
    again += 1
    batch = confirm(batch)
    wait(batch, "applied", "staged")
new = Customer.objects.filter(external_id__startswith="CROWD-").count()
tell(
    status=batch.status, confirmed=again, new=new, rows=batch.rows, rejected=batch.rejected,
    counted=batch.created + batch.updated + batch.unchanged + batch.rejected,
)
"""

WITNESS = """
from django.db import connection
from allocation.engine.kept import unpack_facts
from allocation.services.retiering.applying import CHANGED_FACTS
from allocation.services.retiering.repeating import repeat_run
from allocation.snapshots.customers import days
from allocation.snapshots.kept_vocabulary import vocabulary_from_json
from tests.oracle import faults

def near(one, other):
    missing = [value is None or value != value for value in (one, other)]
    return all(missing) if any(missing) else abs(one - other) < 0.006  # amounts in the base currency are whole cents

def compare(run):
    run.refresh_from_db()
    words = vocabulary_from_json(run.vocabulary)
    kept = {}
    for chunk in run.chunks.order_by("first_customer_id"):
        keys, facts = unpack_facts(data=chunk.facts, tiers=words.tiers, as_of=days(run.as_of))
        arr, health, opened = (facts.columns[name] for name in ("arr", "health", "open_goals"))
        for at, pk in enumerate(keys.tolist()):
            kept[pk] = (float(arr.values[at]), float(health.values[at]), int(opened.members[at].sum()))
    rates = {currency: float(rate) for currency, rate in run.rates.items()} | {run.base_currency: 1.0}
    with connection.cursor() as cursor:
        cursor.execute("SELECT customer_id, arr, currency, health, goals, tier_id FROM crowd_seen WHERE run_id = %s", [run.pk])
        seen = {row[0]: row[1:] for row in cursor.fetchall()}
    rows = {row.customer_id: row for row in TierDecision.objects.filter(run=run)}
    moves = {pk for pk, row in rows.items() if row.previous_id != row.effective_id}
    changed = set()
    for pk, (arr, currency, health, opened, _) in seen.items():
        if pk in kept:
            now = (None if arr is None else float(arr) / rates.get(currency, 1.0), None if health is None else float(health), opened)
            if not all(near(before, after) for before, after in zip(kept[pk], now)):
                changed.add(pk)
    applied = {pk for pk, row in rows.items() if row.status == "applied"}
    listed = {pk for pk, row in rows.items() if row.status == "skipped" and row.words == CHANGED_FACTS}
    held = {pk: row[4] for pk, row in seen.items()}
    again = repeat_run(run_id=run.pk)
    tell(
        customers=len(kept), changed=len(changed), listed=len(listed & changed), listed_for_nothing=len(listed - changed),
        moves=len(moves), moves_applied=len(moves & applied), changed_and_applied=len(changed & applied & moves),
        changed_and_not_listed=len(changed - listed), not_as_decided=sum(held[pk] != rows[pk].effective_id for pk in applied & moves),
        repeated=again.customers, decided_otherwise=len(again.different), faults=faults(), message=run.message,
    )
"""


def at_the_same_time(office: Company, *works: str) -> list[Any]:
    """Each of `works` in a process of its own; what each told."""
    consoles = [office.console() for _ in works]
    found: list[Any] = [None] * len(works)

    def one(number: int) -> None:
        try:
            found[number] = consoles[number].told(works[number])
        except BaseException as error:
            found[number] = error

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in found:
        if isinstance(result, BaseException):
            raise result
    return found


RUN = """
run = queue_run()
wait(run, "proposed", "awaiting_approval")
changed = Customer.objects.filter(version__gt=0).count()
ends = time.monotonic() + 60
while Customer.objects.filter(version__gt=0).count() < {before} and time.monotonic() < ends:
    time.sleep(0.05)
accept(run)
wait(run, "applied")
tell(run=run.pk, edited_before_the_snapshot_was_kept=changed)
"""


def test_what_is_applied_was_decided_on_the_snapshot_and_who_changed_since_is_listed(tmp_path: Path) -> None:
    with company(tmp_path / "edited", customers=CUSTOMERS) as office:
        main = office.console()
        main.told(PREPARE)
        office.start_worker()
        ran, edited, imported = at_the_same_time(
            office,
            RUN.format(before=EDITS // 2),
            EDIT.format(seed=SEED, edits=EDITS, pause=0.002, waits=True),
            FILE.format(imported=IMPORTED),
        )
        (found,) = main.told(f"{WITNESS}\ncompare(RetierRun.objects.get(pk={ran[0]['run']}))")
    where = "PostgreSQL" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "SQLite"
    print(
        f"{where}, {CUSTOMERS} customers, {edited[0]['edited']} edited, {IMPORTED} imported, seed {SEED}: {found}"
    )
    print(f"run {ran[0]}; import {imported[0]}")
    assert found["changed_and_applied"] == 0
    assert found["not_as_decided"] == 0
    assert found["listed_for_nothing"] == 0
    assert found["changed"] > 0
    assert found["moves_applied"] > 0
    assert found["listed"] > 0
    assert found["changed_and_not_listed"] == 0
    assert (found["repeated"], found["decided_otherwise"]) == (found["customers"], 0)
    assert found["faults"] == []
    assert (imported[0]["status"], imported[0]["new"]) == ("applied", 50)
    assert imported[0]["counted"] == imported[0]["rows"] == IMPORTED + 50


def test_control_without_the_comparison_changed_customers_are_decided_on_old_facts(tmp_path: Path) -> None:
    with company(tmp_path / "control", customers=SMALL) as office:
        main = office.console()
        main.told(PREPARE)
        (found,) = main.told(
            f"""
import numpy as np
from allocation.services.retiering import applying, apply_run, propose_run
real = applying._compared
def trusting(*given):
    seen = real(*given)
    return applying._Compared(seen.there, np.ones_like(seen.same_facts), seen.same_tier)
applying._compared = trusting
run = retiering.queue_run(as_of=timezone.localdate(), at=timezone.now())
propose_run(run_id=run.pk, owner="control")
RetierRun.objects.filter(pk=run.pk).update(status="proposed")
from django.db.models import F
Customer.objects.update(health=F("health") / 2 + 1)
apply_run(run_id=run.pk, owner="control", at=timezone.now())
{WITNESS}
compare(run)
"""
        )
    print(
        f"Control: {found['changed_and_applied']} of {found['changed']} changed customers decided on old facts"
    )
    assert found["changed_and_applied"] > 0


def test_a_plan_computed_while_customers_are_edited_is_applied_to_whom_it_fits_or_is_stale(
    tmp_path: Path,
) -> None:
    with company(tmp_path / "planned", customers=SMALL) as office:
        main = office.console()
        main.told(PREPARE)
        office.start_worker()
        planned, _ = at_the_same_time(
            office,
            """
plan = planning.queue_plan(as_of=timezone.localdate(), seed=1, actor=ops)
ring(propose_book_plan, plan_id=plan.pk)
wait(plan, "computing", "proposed", "awaiting_approval")
time.sleep(1.5)
if BookPlan.objects.get(pk=plan.pk).status == "computing":
    planning.stop_plan(plan_id=plan.pk, actor=ops, at=timezone.now())
wait(plan, "proposed", "awaiting_approval")
BookPlan.objects.filter(pk=plan.pk).update(status="proposed")
Move.objects.filter(plan=plan).update(needs_approval=False)
accept_plan(plan_id=plan.pk, actor=ops, on=timezone.localdate())
ring(apply_book_plan, plan_id=plan.pk)
wait(plan, "applied", "stale")
from tests.oracle import faults
wrong = [
    move.pk for move in Move.objects.filter(plan=plan, status="applied").select_related("customer")
    if move.customer.csm_id != move.to_csm_id or move.customer.tier_id != move.tier_id
]
tell(status=plan.status, message=plan.message, moves=Move.objects.filter(plan=plan).count(), wrong=wrong, faults=faults())
""",
            EDIT.format(seed=SEED, edits=120, pause=0.02, waits=False),
        )
    print(f"Plan: {planned[0]}")
    assert planned[0]["status"] in ("applied", "stale")
    assert planned[0]["message"]
    assert planned[0]["wrong"] == []
    assert planned[0]["faults"] == []
