"""`load_playbook SLUG [--publish]`."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from accounts.management.base import DoorCommand
from allocation.services.playbooks import UnableToLoadPlaybook, load_playbook


class Command(DoorCommand):
    help = "Load a ready-made set-up as a draft; with --publish put it in force."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="Its name; list_playbooks lists them.")
        parser.add_argument(
            "--publish", action="store_true", help="Publish its model and activate its policies."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        actor = self.actor(options)
        if actor is not None and not actor.is_ops:
            self.refuse("Only CS ops may load a playbook.")
        try:
            loaded = load_playbook(
                slug=options["slug"],
                publish=options["publish"],
                at=timezone.now(),
                actor_id=actor.pk if actor else None,
            )
        except UnableToLoadPlaybook as refusal:
            self.refuse(str(refusal))
        found = {
            "slug": loaded.slug,
            "tiers": list(loaded.tiers),
            "model_version": loaded.model_version,
            "status": loaded.status,
        }
        tiers = ", ".join(loaded.tiers)
        self.answer(
            found,
            [f"{loaded.name}: model version {loaded.model_version} is {loaded.status}.", f"Tiers: {tiers}."],
        )
