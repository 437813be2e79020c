"""`scenario FILE [--keep]`: one scenario, or several side by side, computed of today's customers without touching them."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.management.base import DoorCommand
from accounts.models import User
from allocation.models import AnswerStatus, Scenario
from allocation.querysets.decisions import leads
from allocation.selectors.scenario_answer import published_answer
from allocation.selectors.scenario_movers import named_movers, visible_movers
from allocation.selectors.scenarios import faults_for, told
from allocation.selectors.wording import counted, hours
from allocation.services.scenarios import (
    UnableToAskScenario,
    UnableToComputeScenario,
    answer_now,
    ask_scenario,
    compute_scenario,
)
from allocation.tasks.runner import working

MOST_BYTES = 5_000_000
MOST_SCENARIOS = 20
KEYS = ("name", "words", "definition")


class Command(DoorCommand):
    help = (
        "What if: who would be in which tier, how many hours that asks, how many heads; nothing is changed."
    )

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file",
            metavar="FILE",
            help="JSON: one scenario with a name, or {“scenarios”: […]} (docs/scenarios.md).",
        )
        parser.add_argument(
            "--keep", action="store_true", help="Keep the scenarios, so that they stand under /scenarios/."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        actor = self.actor(options)
        if actor is not None and not leads(actor):
            self.refuse("Scenarios are asked by CS ops and managers.")
        asked = self.scenarios_in(options["file"])
        self.refuse_faults(asked, actor)
        on = timezone.localdate()
        answers = [
            self.kept(one, actor, on) if options["keep"] else self.computed(one, actor, on) for one in asked
        ]
        self.answer({"scenarios": answers}, self.lines(answers))

    def scenarios_in(self, name: str) -> list[dict[str, Any]]:
        """Each with its name, words and definition; a scenario's parts may stand beside its name."""
        found = self.read(name)
        rows = found.get("scenarios") if isinstance(found, Mapping) and "scenarios" in found else [found]
        if isinstance(found, Mapping) and "scenarios" in found and set(found) != {"scenarios"}:
            self.refuse(f"{name} has “scenarios” and something beside it; there may be nothing beside it.")
        if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
            self.refuse(
                f"{name} must hold one scenario, an object, or {{“scenarios”: […]}} with at least one."
            )
        if len(rows) > MOST_SCENARIOS:
            self.refuse(
                f"{name} holds {len(rows)} scenarios; at most {MOST_SCENARIOS} can be computed at once."
            )
        asked = [self.one(row, place) for place, row in enumerate(rows, 1)]
        names = [one["name"] for one in asked]
        if twice := sorted({one for one in names if names.count(one) > 1}):
            self.refuse(f"There are two scenarios called “{twice[0]}”: give each a name of its own.")
        return asked

    def read(self, name: str) -> Any:
        try:
            path = Path(name)
            if path.stat().st_size > MOST_BYTES:
                self.refuse(f"{name} is larger than {MOST_BYTES // 1_000_000} MB: that is no scenario.")
            return json.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as fault:
            self.refuse(f"{name} cannot be read: {fault.strerror or fault}.")
        except UnicodeDecodeError:
            self.refuse(f"{name} is no text in UTF-8.")
        except (ValueError, RecursionError) as fault:
            self.refuse(f"{name} is no JSON: {fault}.")

    def one(self, row: Mapping[str, Any], place: int) -> dict[str, Any]:
        name = row.get("name")
        if not isinstance(name, str) or not name.strip():
            self.refuse(f"Scenario {place} has no name: give it one, as “name”.")
        words = row.get("words", "")
        if not isinstance(words, str):
            self.refuse(f"Scenario “{name}”: the words must be text.")
        beside = {key: value for key, value in row.items() if key not in KEYS}
        if "definition" in row and beside:
            self.refuse(f"Scenario “{name}”: its parts stand in “definition” or beside the name, not both.")
        return {"name": name.strip(), "words": words, "definition": row.get("definition", beside)}

    def refuse_faults(self, asked: Sequence[Mapping[str, Any]], actor: User | None) -> None:
        """All of them at once, before anything is computed or kept; a manager is not told which names there are."""
        found = [(one["name"], faults_for(definition=one["definition"], user=actor)) for one in asked]
        if actor is not None:
            found = [(name, told(faults, user=actor)) for name, faults in found]
        said = [f"Scenario “{name}”: {' '.join(faults)}" for name, faults in found if faults]
        if said:
            self.refuse(" ".join(said))

    def computed(self, one: Mapping[str, Any], actor: User | None, on: date) -> dict[str, Any]:
        try:
            found = answer_now(definition=one["definition"], on=on)
        except UnableToComputeScenario as refusal:
            self.refuse(f"Scenario “{one['name']}”: {refusal}")
        movers = visible_movers(movers=found["movers"], user=actor)
        return published_answer(name=one["name"], result=found, movers=movers)

    def kept(self, one: Mapping[str, Any], actor: User | None, on: date) -> dict[str, Any]:
        try:
            row = ask_scenario(**one, actor=actor, at=timezone.now(), on=on)
            with working(Scenario, row.pk, refusals=(UnableToComputeScenario,), loud=True) as owner:
                compute_scenario(scenario_id=row.pk, owner=owner, on=on)
        except (UnableToAskScenario, UnableToComputeScenario) as refusal:
            self.refuse(f"Scenario “{one['name']}”: {refusal}")
        row.refresh_from_db()
        if row.status != AnswerStatus.DONE:
            self.refuse(f"Scenario “{row.name}” is {row.get_status_display().lower()}. {row.message}".strip())
        movers = named_movers(scenario=row, user=actor)
        return {**published_answer(name=row.name, result=row.result, movers=movers), "scenario": row.pk}

    def lines(self, answers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        today = answers[0]["today"]
        yield f"Today: {self.figures(today)}."
        for one in answers:
            yield f"{one['name']}: {self.figures(one)}; {one['moves']} would change tier."
            if one["books"] is not None:
                books = one["books"]
                yield (
                    f"  Books planned anew: {books['assigned']} served, {books['unassigned']} without a CSM, "
                    f"{books['moves']} moves."
                )
            for flow in one["flows"]:
                if flow["from"] != flow["to"]:
                    way = f"{flow['from'] or 'no tier'} → {flow['to'] or 'no tier'}"
                    yield f"  {way}: {counted(flow['customers'], 'customer')}"

    def figures(self, found: Mapping[str, Any]) -> str:
        tiers = ", ".join(f"{slug} {count}" for slug, count in found["tiers"].items())
        cost = "" if found["cost"] is None else f", cost {found['cost']:,} {settings.BASE_CURRENCY} a year"
        return (
            f"{tiers}; {hours(found['hours_asked'])} hours a month asked of {hours(found['hours_there'])} there; "
            f"{found['heads']} heads needed, {found['heads_there']} there{cost}"
        )
