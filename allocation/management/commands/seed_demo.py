"""`seed_demo`: a believable company in an empty installation."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.management.base import DoorCommand
from allocation.services.demo import UnableToSeedDemo, demo_sign_ins, seed_demo


class Command(DoorCommand):
    help = (
        "Fill an empty installation with a generated company: customers, CSMs, teams, goals, rates, sign-ins."
    )

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--customers", type=int, default=600)
        parser.add_argument("--csms", type=int, default=24)
        parser.add_argument("--seed", type=int, default=1, help="The same seed gives the same company.")

    def handle(self, *args: Any, **options: Any) -> None:
        actor = self.actor(options)
        if actor is not None and not actor.is_ops:
            self.refuse("Only CS ops may fill the installation with demo data.")
        try:
            found: dict[str, Any] = seed_demo(
                customers=options["customers"],
                csms=options["csms"],
                seed=options["seed"],
                today=timezone.localdate(),
                base_currency=settings.BASE_CURRENCY,
            )
        except UnableToSeedDemo as refused:
            self.refuse(str(refused))
        sign_ins = demo_sign_ins()
        found["sign_ins"] = [
            {"role": who.role, "name": who.name, "email": who.email, "password": who.password}
            for who in sign_ins
        ]
        lines = [f"{found['customers']} customers and {found['csms']} CSMs written. Sign in as:"]
        lines += [f"  {who.role:<8} {who.email:<28} {who.password}" for who in sign_ins]
        self.answer(found, lines)
