"""The decisions: tiers, books, attention."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AllocationConfig(AppConfig):
    name = "allocation"
    verbose_name = "Decisions"

    def ready(self) -> None:
        # The one signal of the project: permissions exist only after migrate, and the groups need them.
        from allocation.groups import ensure_groups_after_migrate

        post_migrate.connect(ensure_groups_after_migrate, sender=self)
