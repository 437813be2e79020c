"""The wiring's own app (theme, static files) and which admin site the project uses."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class CstiersConfig(AppConfig):
    name = "cstiers"
    default = True


class CstiersAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "cstiers.site.CSTiersAdminSite"
