"""The nouns: people, teams, customers, tiers."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Customers and people"

    def ready(self) -> None:
        from accounts import checks  # noqa: F401  (registers the system checks)
