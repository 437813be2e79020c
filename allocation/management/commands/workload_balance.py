"""`workload_balance [--as-of DATE]`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.management.base import DoorCommand, day
from allocation.selectors.balance import covered_answer, workload
from allocation.selectors.balance_answers import summed_answer
from allocation.selectors.wording import hours
from allocation.snapshots.money import UnknownRate

FARTHEST = timedelta(days=366)  # who leaves when is planned months ahead, not centuries


class Command(DoorCommand):
    help = "How the books stand beside each other: customers, ARR, hours, and how even they are."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", type=day, metavar="DATE", help="The day; today if not given.")

    def handle(self, *args: Any, **options: Any) -> None:
        today = timezone.localdate()
        as_of = options["as_of"] or today
        if as_of > today + FARTHEST:
            self.refuse(f"The as-of date {as_of} lies more than {FARTHEST.days} days ahead.")
        actor = self.actor(options)
        try:
            books = workload(as_of=as_of, user=actor)
        except UnknownRate as refusal:
            self.refuse(str(refusal))
        found = {**covered_answer(found=books), **summed_answer(found=books, user=actor, on=as_of)}
        self.answer(found, self.lines(found))

    def cover(self, csm: Mapping[str, Any]) -> str:
        """Who is away, and with whom the hours count meanwhile."""
        away = f"; away, {csm['covered_by'] or 'nobody'} covers" if csm["away"] else ""
        return away + (f"; covers {', '.join(csm['covers'])}" if csm["covers"] else "")

    def lines(self, found: Mapping[str, Any]) -> Iterator[str]:
        for csm in found["csms"]:
            used = "–" if csm["utilisation"] is None else f"{csm['utilisation']:.0%}"
            tiers = ", ".join(f"{tier} {count}" for tier, count in csm["by_tier"].items())
            yield (
                f"{csm['name']} ({csm['team'] or 'no team'}): {csm['customers']} customers ({tiers}), ARR {csm['arr']}, "
                f"{hours(csm['hours'])} of {hours(csm['capacity'])} hours, {used}{self.cover(csm)}"
            )
        for measure, figures in (("Hours", found), ("ARR", found["arr"]), ("Customers", found["customers"])):
            if figures["cv"] is not None:
                yield (
                    f"{measure}: {figures['outside_15_pct']} % of books outside ±15 %, CV {figures['cv']}, "
                    f"Gini {figures['gini']}, largest ÷ mean {figures['max_over_mean']}"
                )
