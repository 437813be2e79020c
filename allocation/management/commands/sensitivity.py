"""`sensitivity [--model N]`: which numbers of a version, changed by how little, move how many customers."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.management.base import DoorCommand
from allocation.models import Sensitivity, TieringModel
from allocation.models.scenarios import AnswerStatus
from allocation.selectors.knob_words import EFFECTIVE, SUGGESTED, deciding, far_words, knob_lines
from allocation.selectors.sensitivity import guards_hold_all, sensitivity_answer
from allocation.services.sensitivity import UnableToAskSensitivity, ask_sensitivity, compute_sensitivity
from allocation.tasks.runner import working

PATIENCE_SECONDS = settings.LEASE_SECONDS + 15  # by then a dead claim has lapsed


def sensitivity_lines(found: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[str]:
    """The answer for people: what decides most, then a line a number."""
    held = guards_hold_all(result=result)
    counted = SUGGESTED if held else EFFECTIVE
    lines = knob_lines(result=result, counted=counted)
    yield (
        f"Version {found['model_version']} as of {found['as_of']}: {found['customers']} active customers, "
        f"{len(lines)} numbers."
    )
    if held:
        yield "Guards hold every customer for now; counted is who would move once they have run out."
    yield from map(str, deciding(lines=lines, currency=result["currency"]))
    yield far_words(lines=lines)
    for line in lines:
        turns = [change for change in (*reversed(line.downs), *line.ups) if change is not None]
        yield f"  {line.name}: {', '.join(f'{change.words} {change.customers}' for change in turns)}"


class Command(DoorCommand):
    help = "Turn every number of a model by a little and count the customers that would move. Nothing is changed."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--model", type=int, metavar="N", help="The version's number; the published one if not given."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        actor = self.actor(options)
        try:
            this = ask_sensitivity(
                model_id=self.model_id(options["model"]),
                actor=actor,
                on=timezone.localdate(),
                at=timezone.now(),
            )
            self.compute(this.pk)
        except UnableToAskSensitivity as refusal:
            self.refuse(str(refusal))
        this.refresh_from_db()
        if this.status != AnswerStatus.DONE:
            self.refuse(f"Sensitivity {this.pk} is {this.get_status_display().lower()}: {this.message}")
        found = sensitivity_answer(this=this)
        self.answer(found, sensitivity_lines(found, this.result))

    def model_id(self, number: int | None) -> int:
        versions = TieringModel.objects.order_by("-number")
        found = versions.published() if number is None else versions.filter(number=number)
        model = found.first()
        if model is None and number is None:
            self.refuse("No tiering model is published; name a version with --model, or publish one.")
        if model is None:
            there = ", ".join(str(each) for each in versions.values_list("number", flat=True)[:20])
            self.refuse(f"There is no version {number}; the versions are: {there or 'none yet'}.")
        return int(model.pk)

    def compute(self, sensitivity_id: int) -> None:
        """Compute; where a worker heard the bell first, wait until it is done."""
        with working(Sensitivity, sensitivity_id, refusals=(UnableToAskSensitivity,), loud=True) as owner:
            if compute_sensitivity(sensitivity_id=sensitivity_id, owner=owner, on=timezone.localdate()):
                return
        busy = [AnswerStatus.QUEUED, AnswerStatus.COMPUTING]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while Sensitivity.objects.filter(pk=sensitivity_id, status__in=busy).exists():
            if time.monotonic() > deadline:
                return
            time.sleep(0.5)
