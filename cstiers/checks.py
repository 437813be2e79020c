"""What is unwise in a real installation, told by `manage.py check --deploy`."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Info, Tags, Warning, register


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
