"""The decisions: tiers, books, attention."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class AllocationConfig(AppConfig):
    name = "allocation"
    verbose_name = "Decisions"

    def ready(self) -> None:
        from accounts.changes import keep_changes
        from allocation import checks  # noqa: F401  (registers the system checks)
        from allocation.models import (
            AllocationPolicy,
            AttentionPolicy,
            Freeze,
            ModelLock,
            NamedTiers,
            Schedule,
            Staffing,
            TieringModel,
        )

        for policy in (TieringModel, ModelLock, AllocationPolicy, AttentionPolicy, Staffing):
            keep_changes(policy)
        keep_changes(Freeze)
        keep_changes(Schedule, but=("since",))
        keep_changes(NamedTiers, many=("tiers",))

        # The signals of migrating: permissions and tables exist only after migrate, and the groups and
        # triggers need them.
        from allocation.groups import ensure_groups_after_migrate
        from allocation.tasks.timetable import ensure_schedules_after_migrate
        from allocation.triggers import drop_triggers_before_migrate, ensure_triggers_after_migrate

        pre_migrate.connect(drop_triggers_before_migrate, sender=self)
        post_migrate.connect(ensure_groups_after_migrate, sender=self)
        post_migrate.connect(ensure_triggers_after_migrate, sender=self)
        post_migrate.connect(ensure_schedules_after_migrate, sender=self)
