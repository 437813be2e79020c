"""The child of the planning benchmark: a plan from the database to the stored proposal and the engine alone, in turn."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.filled import installed
from benchmarks.isolation import Emit, clock, threads

PLAN, ENGINE, READ, APPLY, UNDO = "plan", "engine alone", "reading for it", "apply", "undo"
Times = dict[str, list[tuple[float, float]]]


def work(job: Mapping[str, Any], emit: Emit) -> dict[str, Any]:
    """``times`` by what was done, (seconds, processor seconds) a round; ``moves`` of the plan; ``faults`` where the two differ."""
    installed(job)
    times: Times = {}
    _round({}, apply=False)  # once before, so that nobody pays for what is loaded once
    found: dict[str, Any] = {}
    with clock(emit):
        faults = []
        for turn in range(1, job["rounds"] + 1):
            found = _round(times, apply=True)
            if found["stored"] != found["alone"]:
                faults.append(f"Round {turn}: the stored plan is not the engine's.")
            if not found["moves"]:
                faults.append(f"Round {turn} moved nobody.")
    return {"times": times, "faults": faults, "moves": found["moves"], "digest": found["stored"]}


def _timed(times: Times, what: str, done: Callable[[], Any]) -> Any:
    begun, cpu = time.perf_counter(), time.process_time()
    result = done()
    times.setdefault(what, []).append((time.perf_counter() - begun, time.process_time() - cpu))
    return result


def _round(times: Times, *, apply: bool) -> dict[str, Any]:
    """A plan is asked for, computed and stored; its facts are planned by the engine alone; it is applied and undone."""
    from django.utils import timezone

    from allocation.engine.books import propose_books
    from allocation.models import BookPlan
    from allocation.services import planning
    from allocation.snapshots.books import book_snapshot

    today = timezone.localdate()
    asked = planning.queue_plan(as_of=today, seed=1, actor=None)
    clocks = {"on": today, "at": timezone.now()}
    _timed(times, PLAN, lambda: planning.propose_plan(plan_id=asked.pk, owner="bench", **clocks))
    plan = BookPlan.objects.select_related("policy").get(pk=asked.pk)
    read = _timed(times, READ, lambda: book_snapshot(as_of=today, policy=plan.policy))
    with threads() as spread:
        alone = _timed(
            times,
            ENGINE,
            lambda: propose_books(facts=read.facts, policy=read.policy, seed=plan.seed, spread=spread),
        )
    found = {"stored": digest_of_stored(plan.pk), "alone": digest_of(alone), "moves": len(alone.moves)}
    if apply:
        _timed(
            times, APPLY, lambda: planning.apply_plan(plan_id=plan.pk, actor=None, owner="bench", on=today)
        )
        at = timezone.now()
        _timed(times, UNDO, lambda: planning.undo_plan(plan_id=plan.pk, owner="bench", at=at, on=today))
    else:
        planning.discard_plan(plan_id=plan.pk, actor=None)
    return found


def digest_of_stored(plan_id: int) -> str:
    """Of all that a stored plan decides: its moves with their reasons, and what is proven of it."""
    from allocation.models import BookPlan, Move

    plan = BookPlan.objects.get(pk=plan_id)
    names = ("from_csm__email", "to_csm__email", "runner_up__email", "tier__slug", "pool", "reason", "forced")
    rows = Move.objects.filter(plan=plan).order_by("customer__external_id")
    moves = [
        [one or "" if at < 5 else one for at, one in enumerate(row)]
        for row in rows.values_list("customer__external_id", *names)
    ]
    return _digest(moves, float(plan.objective), plan.proof, plan.summary["iterations"])


def digest_of(proposal: Any) -> str:
    """The same of the engine's answer."""
    from allocation.selectors.plan_answers import proof_values

    moves = [
        [
            one.external_id,
            one.from_csm,
            one.to_csm,
            one.runner_up,
            one.tier,
            one.pool,
            one.reason,
            one.kind == "forced",
        ]
        for one in proposal.moves
    ]
    return _digest(moves, proposal.objective, proof_values(proposal=proposal), proposal.iterations)


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
