"""The child of the re-tiering benchmark: the product's run, the bare driver and an analyst's script in turn, on a filled database."""

from __future__ import annotations

import csv
import json
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.filled import installed
from benchmarks.isolation import Emit, clock
from benchmarks.parts import parted

PROPOSE, APPLY, SELECT, UPDATE, SAVE = "propose", "apply", "bare SELECT", "bare UPDATE", "ORM save() loop"
READ, DIGEST, DECIDE = "read", "digests", "decide"
PACK, STORE = "pack the explanation", "store the explanation"
EXPORT, SCRIPT = "export of the CSV", "polars script"
# Parts of proposing, by where the work is done.
PARTS = {
    READ: ["allocation.services.retiering.proposing.customer_snapshot"],
    DIGEST: [
        f"allocation.snapshots.customer_rows.CustomerRows.{name}"
        for name in ("digests", "lifecycles", "goal_digests")
    ],
    DECIDE: ["allocation.services.retiering.proposing.decide_tiers"],
    PACK: ["allocation.services.retiering.proposing._awaited"],
    STORE: ["allocation.services.retiering.proposing.insert_long_rows"],
}
CHANGED = 200  # the ARR of each so many-th customer changes before a round
SOURCE, TARGET = "customers.csv", "changes.csv"
ANALYST = Path(__file__).with_name("retier_script.py")
Times = dict[str, list[tuple[float, float]]]


def work(job: Mapping[str, Any], emit: Emit) -> dict[str, Any]:
    """``times`` by what was done, (seconds, processor seconds) a round; ``moves`` a round; ``kept`` in bytes a customer.

    ``peak_mb``: of this process after a whole run, before anything else was done in it.
    """
    installed(job)
    times: Times = {}
    moves: list[int] = []
    faults: list[str] = []
    run = _run({}, 0)  # once before, so that nobody pays for what is loaded once
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    with clock(emit):
        for turn in range(1, job["rounds"] + 1):
            run = _run(times, turn, before=lambda: _timed(times, EXPORT, lambda: _write_csv(job)))
            changed, columns = _changed(run), _columns(run)
            moves.append(len(changed))
            _timed(times, SELECT, lambda columns=columns: _bare(job, lambda bare: _select(bare, columns)))
            _timed(times, UPDATE, lambda changed=changed: _bare(job, lambda bare: _update(bare, changed)))
            found = _script(times, job, run)
            if found != {key for _, _, key in changed}:
                faults.append(
                    f"Round {turn}: the script moves {len(found)}, the run {len(changed)} or others."
                )
            if job["save"]:
                looped = _loop(times, job, run)
                if looped != {key for _, _, key in changed}:
                    faults.append(
                        f"Round {turn}: the loop moves {len(looped)}, the run {len(changed)} or others."
                    )
    faults += [f"Round {turn} moved nobody." for turn, moved in enumerate(moves, 1) if not moved]
    return {"times": times, "moves": moves, "faults": faults, "kept": _kept(run), "peak_mb": peak}


def _timed(times: Times, what: str, done: Callable[[], Any]) -> None:
    begun, cpu = time.perf_counter(), time.process_time()
    done()
    times.setdefault(what, []).append((time.perf_counter() - begun, time.process_time() - cpu))


def _run(times: Times, turn: int, *, before: Callable[[], None] = lambda: None) -> int:
    """Some amounts change; a run is asked for, computed and applied, as `retier --apply` does."""
    from django.db.models import F
    from django.utils import timezone

    from accounts.models import Customer
    from allocation.services.retiering import apply_run, propose_run, queue_run

    some = Customer.objects.alias(turn=F("pk") % CHANGED).filter(turn=turn, arr__isnull=False)
    some.update(arr=F("arr") * 5)
    before()
    today = timezone.localdate()
    run: int = queue_run(as_of=today, at=timezone.now()).pk
    with parted(PARTS) as parts:
        _timed(times, PROPOSE, lambda: propose_run(run_id=run, owner="bench"))
    for part, (seconds, cpu) in parts.spent.items():
        times.setdefault(part, []).append((seconds, cpu))
    _timed(times, APPLY, lambda: apply_run(run_id=run, owner="bench", at=timezone.now(), on=today))
    return run


def _write_csv(job: Mapping[str, Any]) -> None:
    """The customers as an analyst is given them: the columns that a run reads, tiers by their words."""
    columns = (
        "c.id, c.external_id, c.status, c.currency, t.slug AS tier, c.tier_since, c.paid_tier_id, c.csm_id, "
        "c.first_renewal_done, c.adoption, c.arr, c.health, c.potential_arr, c.reputation"
    )
    query = f"SELECT {columns} FROM accounts_customer c LEFT JOIN accounts_tier t ON t.id = c.tier_id ORDER BY c.id"  # noqa: S608

    def write(bare: Any) -> None:
        with (Path(job["folder"]) / SOURCE).open("wb") as file:
            if isinstance(bare, sqlite3.Connection):
                found = bare.execute(query)
                text = TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
                to = csv.writer(text)
                to.writerow([column[0] for column in found.description])
                to.writerows(found)
                text.detach()
                return
            with bare.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)") as rows:
                for row in rows:
                    file.write(row)

    _bare(job, write)


def _script(times: Times, job: Mapping[str, Any], run: int) -> set[int]:
    """The analyst's script as a process of its own; whom it moves."""
    folder = Path(job["folder"])
    given = json.dumps(_rates(run))
    begun, cpu = time.perf_counter(), _of_children()
    subprocess.run([sys.executable, ANALYST, folder / SOURCE, folder / TARGET, given], check=True)
    times.setdefault(SCRIPT, []).append((time.perf_counter() - begun, _of_children() - cpu))
    with (folder / TARGET).open(encoding="utf-8", newline="") as file:
        return {int(row["id"]) for row in csv.DictReader(file)}


def _rates(run: int) -> dict[str, float]:
    from allocation.models import RetierRun

    rates = RetierRun.objects.values_list("rates", flat=True).get(pk=run)
    return {currency: float(rate) for currency, rate in rates.items()}


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _changed(run: int) -> list[tuple[Any, Any, int]]:
    """Tier, its first day and the key of each customer that the run moved."""
    from accounts.models import Customer
    from allocation.models import RowStatus, TierDecision

    moved = TierDecision.objects.filter(run=run, status=RowStatus.APPLIED).moves()
    rows = Customer.objects.filter(pk__in=moved.values("customer_id")).order_by("pk")
    return [(tier, str(since), pk) for tier, since, pk in rows.values_list("tier_id", "tier_since", "pk")]


def _columns(run: int) -> list[str]:
    """The customer's own columns that the product reads for this model; of words the key."""
    from accounts.models import Customer
    from allocation.engine.kept import sources
    from allocation.models import RetierRun
    from allocation.services.retiering.rules import rules_of
    from allocation.snapshots.customer_rows import ALWAYS, FIELDS, ID
    from allocation.snapshots.vocabulary import model_vocabulary

    asked = RetierRun.objects.select_related("tiering_model").get(pk=run)
    read = {FIELDS.get(name, name) for name in sources(rules_of(run=asked, vocabulary=model_vocabulary()))}
    read |= {*ALWAYS, ID}  # as much as the script is given
    names = {name.partition("__")[0] for name in read}
    fields = [
        field
        for field in Customer._meta.concrete_fields
        if names & {field.name, field.attname, "pk" if field.primary_key else field.name}
    ]
    return [field.column for field in fields]


def _bare(job: Mapping[str, Any], done: Callable[[Any], None]) -> None:
    """With a connection of the driver's own, committed; connecting is part of the time."""
    url = job["database_url"]
    bare: Any = psycopg.connect(url) if url else sqlite3.connect(Path(job["folder"]) / job["file"])
    try:
        done(bare)
        bare.commit()
    finally:
        bare.close()


def _select(bare: Any, columns: Sequence[str]) -> None:
    bare.execute(f"SELECT {', '.join(columns)} FROM accounts_customer ORDER BY id").fetchall()  # noqa: S608


def _update(bare: Any, changed: Sequence[tuple[Any, Any, int]]) -> None:
    mark = "?" if isinstance(bare, sqlite3.Connection) else "%s"
    bare.cursor().executemany(
        f"UPDATE accounts_customer SET tier_id = {mark}, tier_since = {mark} WHERE id = {mark}",  # noqa: S608
        changed,
    )


def _loop(times: Times, job: Mapping[str, Any], run: int) -> set[int]:
    """What people write first, on customers as the run found them: whom the run moved is set back before. Whom it moves."""
    from allocation.models import RetierRun, RowStatus, TierDecision
    from benchmarks.retier_loop import retier_each  # with polars, which the peak memory above is without

    moves = TierDecision.objects.filter(run=run, status=RowStatus.APPLIED).moves().order_by("customer_id")
    before = [
        (tier, str(since), key)
        for tier, since, key in moves.values_list("previous_id", "previous_since", "customer_id")
    ]
    _bare(job, lambda bare: _update(bare, before))
    on, rates = RetierRun.objects.values_list("as_of", flat=True).get(pk=run), _rates(run)
    moved: set[int] = set()
    _timed(times, SAVE, lambda: moved.update(retier_each(rates=rates, on=on)))
    if job[
        "database_url"
    ]:  # this server's own vacuum is off: the next run would go through what this leaves behind
        with psycopg.connect(job["database_url"], autocommit=True) as bare:
            bare.execute("VACUUM accounts_customer")
    return moved


def _kept(run: int) -> dict[str, float]:
    """Bytes a customer: of everything the run keeps, and of one JSON a customer that says the same."""
    from django.db.models import Sum

    from allocation.engine.kept import (
        CHOICES,
        facts_to_json,
        said_of,
        unpack_facts,
        unpack_outcomes,
        words_of,
    )
    from allocation.models import RetierRun, RunChunk
    from allocation.snapshots.vocabulary import model_vocabulary

    chunks = RunChunk.objects.filter(run=run)
    total = chunks.aggregate(n=Sum("customers"))["n"]
    packed = sum(len(facts) + len(outcomes) for facts, outcomes in chunks.values_list("facts", "outcomes"))
    stood = sum(len(one) for one in chunks.values_list("stood_on", flat=True) if one is not None)
    crowd = len(json.dumps(RetierRun.objects.values_list("population", flat=True).get(pk=run)))
    first = chunks.order_by("first_customer_id")[0]
    outcomes = unpack_outcomes(first.outcomes)
    tiers = model_vocabulary().tiers
    _, facts = unpack_facts(data=first.facts, tiers=tiers, as_of=0)
    rows = [
        {
            "customer": key,
            "facts": said,
            **{name: said_of(getattr(outcomes, name), at) for name in CHOICES},
            "rule": int(outcomes.rule[at]),
            "score": None if outcomes.score[at] != outcomes.score[at] else float(outcomes.score[at]),
            "guards": words_of(outcomes.guards, at),
            "held": _held_in_words(facts, at, tiers),
        }
        for at, (key, said) in enumerate(
            zip(outcomes.keys.tolist(), facts_to_json(facts, tuple(facts.columns)), strict=True)
        )
    ]
    return {
        "explain": (packed + crowd) / total,
        "undo": stood / total,
        "json": len(json.dumps(rows, separators=(",", ":")).encode()) / len(rows),
    }


def _held_in_words(facts: Any, at: int, tiers: Sequence[Any]) -> dict[str, Any]:
    """What a customer held, what is nothing left out."""
    held = facts.held
    places = {"paid": int(held.paid[at]), "override": int(held.override[at])}
    since = float(held.since[at])
    said = {name: tiers[place].slug for name, place in places.items() if place >= 0}
    flags = {
        "goals_changed": held.goals_changed[at],
        "override_ended": held.override_ended[at],
        "left": not facts.active[at],
    }
    return {**said, **{name: True for name, there in flags.items() if there}} | (
        {} if since != since else {"since": int(since)}
    )
