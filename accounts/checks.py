"""Checks that Django runs with every command."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError

from accounts.models import ExchangeRate


@register()
def base_currency_is_a_currency(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if (
        len(settings.BASE_CURRENCY) == 3
        and settings.BASE_CURRENCY.isalpha()
        and settings.BASE_CURRENCY.isupper()
    ):
        return []
    return [
        Error(
            f"BASE_CURRENCY is “{settings.BASE_CURRENCY}”, which is no currency code.",
            hint="Set it to three capital letters, such as USD.",
            id="accounts.E001",
        )
    ]


@register(Tags.database)
def base_currency_fits_the_stored_rates(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Rates are kept per 1 unit of the base currency: with another base they would all be wrong."""
    if not kwargs.get("databases"):
        return []
    try:
        other = (
            ExchangeRate.objects.exclude(base=settings.BASE_CURRENCY).values_list("base", flat=True).first()
        )
    except DatabaseError:  # not migrated yet: there are no rates
        return []
    if other is None:
        return []
    return [
        Error(
            f"BASE_CURRENCY is {settings.BASE_CURRENCY}, but exchange rates are stored for {other}.",
            hint=f"Set BASE_CURRENCY={other}; changing it with rates stored is refused.",
            id="accounts.E002",
        )
    ]
