"""`list_playbooks`."""

from typing import Any

from accounts.management.base import DoorCommand
from allocation.services.playbooks import available_playbooks


class Command(DoorCommand):
    help = "List the ready-made set-ups and whether they are loaded."

    def handle(self, *args: Any, **options: Any) -> None:
        found = [
            {
                "slug": each.slug,
                "name": each.name,
                "idea": each.idea,
                "source": each.source,
                "tiers": list(each.tiers),
                "model_version": each.model_version,
                "status": each.status,
            }
            for each in available_playbooks()
        ]
        lines = [f"{each['slug']}: {each['name']} ({each['status']})\n  {each['idea']}" for each in found]
        self.answer({"playbooks": found}, lines)
