"""The nouns: people, teams, customers, tiers."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Customers and people"

    def ready(self) -> None:
        from accounts import checks  # noqa: F401  (registers the system checks)
        from accounts.changes import keep_changes, keep_who
        from accounts.models import (
            CSM,
            CustomAttribute,
            Delegation,
            GoalKind,
            Language,
            Leave,
            Region,
            Team,
            Tier,
            TouchActivity,
            User,
            Vertical,
        )

        keep_who()
        for word in (Vertical, Region, Language, CustomAttribute, GoalKind, Tier, TouchActivity):
            keep_changes(word)
        for about_people in (Team, Leave, Delegation):
            keep_changes(about_people)
        keep_changes(CSM, many=("verticals", "regions", "languages"))
        # Never what a password is stored as; that somebody signed in is no change.
        keep_changes(User, but=("password", "last_login"), many=("groups", "user_permissions"))
