"""Compute a scenario: read once, alter the columns, decide, count. Nothing is written but the scenario's own row."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import transaction

from accounts.leases import lease_kept
from accounts.querysets.jobs import CancelAsked
from allocation.engine.scenario_reading import UnusableScenario
from allocation.models import AnswerStatus, Scenario
from allocation.selectors.scenario_definition import understood
from allocation.selectors.scenario_worked import Worked, worked_out
from allocation.services.scenarios.cancelling import end_cancelled
from allocation.snapshots.money import UnknownRate

BEAT_SECONDS = 2.0
STEPS = 4  # read, decide, plan, write

Stop = Callable[[], bool]


class UnableToComputeScenario(ValueError):
    """The scenario failed; the message says what to do, and its row keeps it."""


class _ClaimLost(Exception):
    """Somebody else has taken the scenario over, or it asks something else now."""


def compute_scenario(*, scenario_id: int, owner: str, on: date, should_stop: Stop | None = None) -> bool:
    """Compute a queued scenario (or one whose runner died) of the customers as they are on the day. False: somebody else
    has it, it needs no computing, or it was cancelled or asked anew meanwhile.

    should_stop: asked while books are planned; a plan stopped so is the best so far. Raises UnableToComputeScenario after
    marking the scenario as failed.
    """
    fence = Scenario.objects.claim(
        scenario_id, owner=owner, waiting=[AnswerStatus.QUEUED], working=AnswerStatus.COMPUTING
    )
    if fence is None:
        return False
    definition = Scenario.objects.values_list("definition", flat=True).get(pk=scenario_id)
    pulse = _Pulse(scenario_id, fence, should_stop)
    try:
        with lease_kept(Scenario, scenario_id, fence=fence):
            pulse.step(0, "Reading customers and books")
            found = worked_out(
                read=understood(definition=definition), on=on, step=pulse.step, stop=pulse.stop
            )
            return _store(pulse, found, on)
    except _ClaimLost:
        return False
    except CancelAsked:
        end_cancelled(scenario_id=scenario_id, fence=fence)
        return False
    except (UnknownRate, UnusableScenario) as refusal:
        Scenario.objects.finish(scenario_id, fence=fence, status=AnswerStatus.FAILED, message=str(refusal))
        raise UnableToComputeScenario(str(refusal)) from refusal


def answer_now(*, definition: Any, on: date) -> dict[str, Any]:
    """The stored answer of a definition, without a row; ``movers`` beside it: ``{"customer", "external_id", "from", "to"}``.

    Raises UnableToComputeScenario with a sentence for each fault.
    """
    try:
        found = worked_out(read=understood(definition=definition), on=on)
    except (UnknownRate, UnusableScenario) as refusal:
        raise UnableToComputeScenario(str(refusal)) from refusal
    return {**found.result, "movers": found.named_movers()}


def _store(pulse: _Pulse, found: Worked, on: date) -> bool:
    with transaction.atomic():
        # Who cancelled until now finds it discarded; who comes later finds an answer, and is told so.
        pulse.step(STEPS, "")
        kept = Scenario.objects.finish(
            pulse.scenario_id,
            fence=pulse.fence,
            status=AnswerStatus.DONE,
            as_of=on,
            result=found.result,
            movers=found.packed_movers(),
        )
    return bool(kept)


@dataclass(slots=True)
class _Pulse:
    """Progress and heartbeat between the steps and while books are planned."""

    scenario_id: int
    fence: int
    should_stop: Stop | None
    done: int = 0
    message: str = ""
    cancelled: bool = False
    lost: bool = False
    beaten: float = field(default_factory=time.monotonic)

    def step(self, done: int, message: str) -> None:
        """Raises CancelAsked, or _ClaimLost."""
        self.done, self.message = done, message
        if self.cancelled:
            raise CancelAsked
        if self.lost or not self._beat():
            raise _ClaimLost

    def stop(self) -> bool:
        """Whether to end the search: the solver swallows what is raised in it, so the next step raises."""
        if time.monotonic() - self.beaten >= BEAT_SECONDS:
            try:
                self.lost = not self._beat()
            except CancelAsked:
                self.cancelled = True
        return self.lost or self.cancelled or bool(self.should_stop and self.should_stop())

    def _beat(self) -> bool:
        self.beaten = time.monotonic()
        kept = Scenario.objects.heartbeat(
            self.scenario_id, fence=self.fence, done=self.done, total=STEPS, message=self.message
        )
        return bool(kept)
