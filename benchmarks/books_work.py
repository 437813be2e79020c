"""In the child: one company planned by one method, then judged by the independent evaluator."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from allocation.engine.books import propose_books
from allocation.engine.facts.books import BookProposal, IntColumn, PoolProof
from benchmarks.companies import Company, company
from benchmarks.evaluator import Bound, bound_of, broken_limits, chosen_moves, objective
from benchmarks.isolation import Emit, clock, deadline, threads
from benchmarks.references import REFERENCES
from benchmarks.sheet import Sheet

PLAN = "plan"
_SLACK = 1e-6  # points per point: what rounding and a solver's tolerance may make


def work(job: Mapping[str, Any], emit: Emit) -> dict[str, Any]:
    """Plan and judge. ``job``: family, customers, csms, seed, method ("plan" or a reference), limit in seconds."""
    made = company(
        family=job["family"], customers=job["customers"], csms=job["csms"], seed=job["company_seed"]
    )
    if job["method"] != PLAN:
        sheet = Sheet(made.facts, made.policy)
        with clock(emit):
            seats = REFERENCES[job["method"]](sheet)
        return judged(sheet, seats)
    with clock(emit):
        proposal = planned(made, seed=1, limit=job["limit"])
    sheet = Sheet(made.facts, made.policy)
    found = judged(sheet, sheet.seats(proposal.assignment))
    return {**found, **proven(sheet, proposal, found["objective"])}


def planned(made: Company, *, seed: int, limit: float) -> BookProposal:
    """The planner's answer within ``limit`` seconds."""
    with threads() as spread:
        return propose_books(
            facts=made.facts,
            policy=made.policy,
            seed=seed,
            should_stop=deadline(limit),
            spread=spread,
            patience=limit / 4,
        )


def judged(sheet: Sheet, seats: IntColumn) -> dict[str, Any]:
    """Objective, customers served, moves by choice (also in % of the owned who could stay), broken limits."""
    chosen, owned = len(chosen_moves(sheet, seats)), int(sheet.home.sum())
    broken = broken_limits(sheet, seats)
    return {
        "objective": objective(sheet, seats),
        "customers": len(seats),
        "served": int((seats >= 0).sum()),
        "chosen": chosen,
        "chosen_pct": 100.0 * chosen / max(1, owned),
        "owned": owned,
        "broken": [f"{one.limit}: {one.who} {one.held} > {one.allowed}" for one in broken[:20]],
        "busiest": _busiest(sheet, seats),
    }


def proven(sheet: Sheet, proposal: BookProposal, z: float) -> dict[str, Any]:
    """What the plan says is proven, what its prices prove when recomputed, and where the two disagree."""
    begun = time.monotonic()
    groups = [_group(sheet, proof) for proof in proposal.proof]
    checked = time.monotonic() - begun
    told = [group["recomputed"] for group in groups]
    price_bound = sum(told) if told and None not in told else None
    faults = [fault for group in groups for fault in group["faults"]]
    if abs(z - proposal.objective) > _SLACK * max(1.0, z):
        faults.append(f"the plan says {proposal.objective:.6f} points, it has {z:.6f}")
    if proposal.bound is not None:
        if proposal.bound > z + _SLACK * max(1.0, z):
            faults.append(f"the bound {proposal.bound:.6f} lies above the plan's own {z:.6f}")
        by_groups = sum(proof.bound for proof in proposal.proof)
        if proposal.bound > by_groups + _SLACK * max(1.0, z):
            faults.append(f"the bound {proposal.bound:.6f} is more than its groups' {by_groups:.6f}")
    return {
        "said_objective": proposal.objective,
        "bound": proposal.bound,
        "gap_pct": _gap(z, proposal.bound),
        "price_bound": price_bound,
        "price_gap_pct": _gap(z, price_bound),
        "check_seconds": checked if groups else None,
        "groups": groups,
        "faults": faults,
        "repeatable": proposal.repeatable,
        "iterations": proposal.iterations,
        "forced": proposal.budget.forced,
    }


def _group(sheet: Sheet, proof: PoolProof) -> dict[str, Any]:
    name = ", ".join(proof.pools[:2]) + (" …" if len(proof.pools) > 2 else "")
    found = bound_of(sheet, proof.prices) if proof.prices.get("csms") else None
    return {
        "customers": proof.customers,
        "csms": proof.csms,
        "objective": proof.objective,
        "bound": proof.bound,
        "how": proof.how,
        "price_bound": proof.price_bound,
        "recomputed": proof.bound if found is None else found.points,
        "faults": [f"{name}: {fault}" for fault in _overstated(proof, found)],
    }


def _overstated(proof: PoolProof, found: Bound | None) -> list[str]:
    """Where a group's proof says more than its prices prove. What a search tree adds to them cannot be checked here."""
    if found is None:
        return ["no prices are stored"] if proof.customers else []
    faults = list(found.flaws)
    slack = _SLACK * max(1.0, abs(proof.price_bound))
    if proof.price_bound > found.points + slack:
        faults.append(f"prices prove {found.points:.6f}, not {proof.price_bound:.6f}")
    if proof.how == "relaxation" and proof.bound > found.points + slack:
        faults.append(f"{proof.bound:.6f} is said to follow from prices that prove {found.points:.6f}")
    return faults


def _gap(z: float, bound: float | None) -> float | None:
    """Per cent of the objective that is not proven necessary; 0 where both are 0."""
    if bound is None:
        return None
    return max(0.0, 100.0 * (z - bound) / z) if z else 0.0


def _busiest(sheet: Sheet, seats: IntColumn) -> float:
    """Largest share of its target hours that a CSM is given."""
    load = np.bincount(seats[seats >= 0], weights=sheet.minutes[seats >= 0], minlength=len(sheet.capacity))
    targets = sheet.targets[0][0]
    return float((load[targets > 0] / targets[targets > 0]).max(initial=0.0))
