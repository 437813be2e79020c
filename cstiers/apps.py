"""The wiring's own app (theme, static files) and which admin site the project uses."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class CstiersConfig(AppConfig):
    name = "cstiers"
    default = True

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from cstiers import checks  # noqa: F401  (registers the system checks)
        from cstiers.signing_in.sessions import begin_session
        from cstiers.sqlite_days import parse_days_once

        parse_days_once()
        user_logged_in.connect(begin_session, dispatch_uid="cstiers.begin_session")


class CstiersAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "cstiers.site.CSTiersAdminSite"
