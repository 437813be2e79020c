"""What is unwise in a real installation, told by `manage.py check --deploy`."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Info, Tags, Warning, register

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@register(Tags.security, deploy=True)
def proxies_are_counted(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if (settings.TRUSTED_PROXIES > 0) == settings.BEHIND_PROXY:
        return []
    if settings.BEHIND_PROXY:
        return [
            Warning(
                "BEHIND_PROXY is on and TRUSTED_PROXIES is 0: all people then come from the proxy's one address, and some "
                "wrong passwords stop the sign-in of everybody for a while.",
                hint="Set TRUSTED_PROXIES to the number of proxies that append to X-Forwarded-For (usually 1).",
                id="cstiers.W001",
            )
        ]
    return [
        Warning(
            "TRUSTED_PROXIES is set without BEHIND_PROXY: if no proxy stands in front, anybody can claim any address.",
            hint="Set BEHIND_PROXY=1 where a proxy stands in front, otherwise TRUSTED_PROXIES=0.",
            id="cstiers.W002",
        )
    ]


@register(Tags.security, deploy=True)
def mail_reaches_somebody(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """No warning: a company may do without mail, since everything stands on the pages too."""
    if not settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        return []
    return [
        Info(
            "Mail is written to the log of the worker and reaches nobody: who decides has to look at Approvals.",
            hint="Set EMAIL_URL to a mail server (docs/running.md).",
            id="cstiers.I003",
        )
    ]


@register(Tags.security, deploy=True)
def the_database_is_a_server(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not (settings.HTTPS_ONLY and settings.EMBEDDED_DATABASE):
        return []
    return [
        Warning(
            "Others reach this installation, and its database is an SQLite file: one person writes at a time, and site and "
            "worker have to be on the machine that has the file.",
            hint="Name a PostgreSQL server with DATABASE_URL (docs/deploying.md).",
            id="cstiers.W004",
        )
    ]


@register(Tags.security, deploy=True)
def the_broker_asks_who_it_is(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    broker = urlsplit(settings.REDIS_URL)
    if not settings.REDIS_URL or broker.password or broker.hostname in LOOPBACK:
        return []
    return [
        Warning(
            "REDIS_URL names another machine and no password: whoever reaches that Redis can have work done or stop it.",
            hint="Give Redis a user with a password, and use rediss:// where the network is not your own.",
            id="cstiers.W005",
        )
    ]
