"""`import_rates FILE`: exchange rates from the ECB's file or a plain one."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.importing.errors import FileRefused
from accounts.importing.rates import read_rates
from accounts.management.base import DoorCommand
from allocation.services.rates import UnableToLoadRates, load_rates


class Command(DoorCommand):
    help = (
        "Load exchange rates: the ECB history (CSV or zip, units per 1 EUR) or date,currency,rate per 1 base."
    )

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        actor = self.actor(options)
        if actor is not None and not actor.is_ops:
            self.refuse("Only CS ops may load exchange rates.")
        base = settings.BASE_CURRENCY
        try:
            found = load_rates(rates=read_rates(path=options["file"], base=base), base=base)
        except (FileRefused, UnableToLoadRates) as refused:
            self.refuse(str(refused))
        self.answer(found, [f"{found['currencies']} currencies on {found['days']} days, per 1 {base}."])
