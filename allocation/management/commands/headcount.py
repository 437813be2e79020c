"""`headcount [--months N] [--growth P] [--churn P] [--attrition P] [--hours H] [--spent P] [--leave-days D] [--ramp-months N] [--ramp-start P] [--cost AMOUNT]`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from accounts.management.base import DoorCommand
from allocation.forms.headcount import HeadcountForm
from allocation.selectors.headcount import Headcount, UncountableHeads, headcount, staffing_inputs
from allocation.selectors.headcount_answers import headcount_answer
from allocation.snapshots.money import UnknownRate

OPTIONS = (
    ("--months", "months", "N", "How far ahead, 1 to 36 months."),
    ("--growth", "growth_pct", "P", "New customers in a year, % of those there are."),
    ("--churn", "churn_pct", "P", "Customers that leave in a year, %."),
    ("--attrition", "attrition_pct", "P", "CSMs that leave in a year, %."),
    ("--hours", "head_hours_a_year", "H", "Paid hours of a head in a year."),
    ("--spent", "spent_pct", "P", "Share of a head's hours spent on customers, %."),
    ("--leave-days", "leave_days", "D", "Leave of a head, working days a year."),
    ("--ramp-months", "ramp_months", "N", "Months until a new CSM is fully productive."),
    ("--ramp-start", "ramp_start_pct", "P", "How much of a head a new CSM gives at first, %."),
    ("--cost", "cost_a_head", "AMOUNT", "Cost of a head in a year, in the base currency."),
)


class Command(DoorCommand):
    help = (
        "How many CSMs are needed, line by line with the arithmetic, today and months ahead. Changes nothing."
    )

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        for flag, name, metavar, words in OPTIONS:
            parser.add_argument(
                flag, dest=name, metavar=metavar, help=f"{words} As in the staffing in force if not given."
            )

    def handle(self, *args: Any, **options: Any) -> None:
        actor = self.actor(options)
        if actor is not None and not (actor.is_ops or actor.is_manager):
            self.refuse("Headcount is for CS ops and managers.")
        kept, _ = staffing_inputs()
        given = {name: options[name] for _, name, _, _ in OPTIONS if options[name] is not None}
        form = HeadcountForm(given, kept=kept)
        if not form.is_valid():
            self.refuse(" ".join(form.sentences))
        try:
            found = headcount(on=timezone.localdate(), inputs=form.inputs, user=actor)
        except (UnknownRate, UncountableHeads) as fault:
            self.refuse(str(fault))
        answer = headcount_answer(found=found)
        self.answer(answer, self.lines(found, answer))

    def lines(self, found: Headcount, answer: dict[str, Any]) -> Iterator[str]:
        yield from (step["words"] for step in answer["head"]["steps"])
        if not found.lines:
            yield "No customer has a tier that asks for a CSM."
            return
        for line in answer["arithmetic"]:
            yield f"{line['pool']}:"
            yield from (f"  {step['words']}" for step in line["steps"])
        yield "All lines:"
        yield from (f"  {words}" for words in answer["whole"])
        yield (
            f"Hours a month: {answer['hours_asked']:,} asked, {answer['hours_there']:,} there. "
            f"Heads: {answer['heads_needed']} needed, {answer['heads_there']} there."
        )
        if answer["cost"] is not None:
            yield f"Cost of the heads needed: {answer['cost']:,} {answer['currency']} a year."
        for month in answer["months"]:
            yield f"Month {month['month']} ({month['on']}): {' '.join(month['arithmetic'])}"
        yield from self.seats(answer)

    def seats(self, answer: dict[str, Any]) -> Iterator[str]:
        """Those that are lacking today."""
        if not answer["seats"]:
            yield "Everybody has a place with the CSMs and open seats there are: no seat is lacking."
        for seat in answer["seats"]:
            yield (
                f"A seat is lacking for {seat['label']} (able for {seat['able_for']}): {seat['customers']} customers, "
                f"{seat['hours']:,} hours."
            )
        for one in answer["no_help"]:
            yield f"No seat helps {one['external_id']}: {one['reason']}"
