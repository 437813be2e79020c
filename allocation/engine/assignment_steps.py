"""The search of a group in steps that can be carried out anywhere, and a step and its answer as bytes, exactly.

A step needs nothing but what it says: the same step gives the same answer in any process. A group is much larger than what is
found for it, so that bytes can leave it out where the reader has it already. No code is in the bytes: they are a JSON head
and columns of numbers, and what is no such bytes is refused.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from allocation.engine.assignment import Budget, Group, Prices
from allocation.engine.assignment_programs import Columns
from allocation.engine.assignment_search import Work, begin, deepen
from allocation.engine.assignment_solver import Stop
from allocation.engine.books_objective import Measures
from allocation.engine.facts.books import IntColumn

_LEVEL = 1  # what is sent once and read once is not worth more
_HEAD = 4
_KINDS = ("<f8", "<i8")


class UnreadableStep(ValueError):
    """The bytes are no step or answer of ours."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Find prices for a group, and the bound they prove, from an assignment that keeps all limits."""

    group: Group
    seat: IntColumn


@dataclass(frozen=True, slots=True)
class Deepen:
    """Spend about ``units`` more on a group."""

    work: Work
    units: float
    seed: int

    @property
    def group(self) -> Group:
        """Of which the step is."""
        return self.work.group


Step = Begin | Deepen


def carry_out(step: Step, *, stop: Stop) -> Work:
    """How far the group is afterwards."""
    if isinstance(step, Begin):
        return begin(step.group, step.seat, stop=stop)
    return deepen(step.work, units=step.units, seed=step.seed, stop=stop)


def pack_group(group: Group) -> bytes:
    """The same group gives the same bytes."""
    scale = group.measures
    columns = {
        "costs": group.costs, "needs": group.needs, "capacity": group.capacity, "tier": group.tier, "caps": group.caps,
        **{name: getattr(scale, name) for name in _MEASURES},
    }  # fmt: skip
    for place, budget in enumerate(group.budgets):
        columns |= {f"home{place}": budget.home, f"amounts{place}": budget.amounts}
    return _packed({"limits": [budget.limit for budget in group.budgets]}, columns)


def unpack_group(data: bytes) -> Group:
    """Raises UnreadableStep."""
    head, columns = _unpacked(data)
    try:
        return Group(
            **{name: columns[name] for name in ("costs", "needs", "capacity", "tier", "caps")},
            measures=Measures(**{name: columns[name] for name in _MEASURES}),
            budgets=tuple(
                Budget(columns[f"home{place}"], columns[f"amounts{place}"], limit)
                for place, limit in enumerate(head["limits"])
            ),
        )
    except KeyError as missing:
        raise UnreadableStep(f"The bytes have no {missing}.") from missing


def pack_step(step: Step) -> bytes:
    """Without its group."""
    if isinstance(step, Begin):
        return _packed({"step": "begin"}, {"seat": step.seat})
    head, columns = _of_work(step.work)
    return _packed({**head, "step": "deepen", "asked": step.units, "seed": step.seed}, columns)


def unpack_step(data: bytes, group: Group) -> Step:
    """Raises UnreadableStep."""
    head, columns = _unpacked(data)
    try:
        if head["step"] == "begin":
            return Begin(group, columns["seat"])
        return Deepen(_work(head, columns, group), head["asked"], head["seed"])
    except KeyError as missing:
        raise UnreadableStep(f"The bytes have no {missing}.") from missing


def pack_work(work: Work) -> bytes:
    """Without its group."""
    return _packed(*_of_work(work))


def unpack_work(data: bytes, group: Group) -> Work:
    """Raises UnreadableStep."""
    try:
        return _work(*_unpacked(data), group)
    except KeyError as missing:
        raise UnreadableStep(f"The bytes have no {missing}.") from missing


_MEASURES = ("amounts", "targets", "scale", "weights", "bands")
_PRICES = ("hours", "caps", "balance", "budgets")
_NUMBERS = ("points", "price_bound", "bound", "units", "rounds", "pairs")


def _of_work(work: Work) -> tuple[dict[str, Any], dict[str, Any]]:
    columns: dict[str, Any] = {"seat": work.seat}
    columns |= {f"price_{name}": getattr(work.prices, name) for name in _PRICES}
    if work.support is not None:
        columns |= {"support_customer": work.support.customer, "support_csm": work.support.csm}
    return {name: getattr(work, name) for name in _NUMBERS}, columns


def _work(head: Mapping[str, Any], columns: Mapping[str, Any], group: Group) -> Work:
    support = None
    if "support_csm" in columns:
        support = Columns(columns["support_customer"], columns["support_csm"])
    made = Work(
        group=group,
        seat=columns["seat"],
        prices=Prices(**{name: columns[f"price_{name}"] for name in _PRICES}),
        support=support,
        **{name: head[name] for name in ("points", "price_bound", "bound")},
    )
    return replace(made, **{name: head[name] for name in ("units", "rounds", "pairs")})


def _packed(head: Mapping[str, Any], columns: Mapping[str, Any]) -> bytes:
    """Numbers of the head as JSON writes them, which gives each back bit for bit (infinite ones as well).

    Columns come back as they lie in memory: in which order a sum is made decides its last bit.
    """
    lies, body = [], []
    for name, given in columns.items():
        kind = "<f8" if given.dtype.kind == "f" else "<i8"
        order = "F" if given.flags.f_contiguous and not given.flags.c_contiguous else "C"
        lies.append([name, kind, list(given.shape), order])
        body.append(given.astype(kind, copy=False).tobytes(order))
    told = json.dumps({"head": {name: _plain(one) for name, one in head.items()}, "columns": lies}).encode()
    return zlib.compress(b"".join([len(told).to_bytes(_HEAD, "big"), told, *body]), _LEVEL)


def _unpacked(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        raw = zlib.decompress(data)
        at = _HEAD + int.from_bytes(raw[:_HEAD], "big")
        told = json.loads(raw[_HEAD:at])
        columns = {}
        for name, kind, shape, order in told["columns"]:
            if kind not in _KINDS:
                raise UnreadableStep(f"{kind} is no kind of column.")
            count = int(np.prod(shape, dtype=np.int64))
            columns[name] = np.frombuffer(raw, kind, count, at).reshape(shape, order=order).copy(order)
            at += count * 8
        return dict(told["head"]), columns
    except (zlib.error, ValueError, KeyError, TypeError) as fault:
        raise UnreadableStep("These bytes are no step of a search.") from fault


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
