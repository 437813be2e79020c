"""Keep exchange rates: what amounts in other currencies are divided by."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from accounts.importing.rates import Rate
from accounts.models import ExchangeRate

BATCH = 2000


class UnableToLoadRates(Exception):
    """Rates are stored for another base currency, or there is nothing to load."""


def load_rates(*, rates: Sequence[Rate], base: str) -> dict[str, int]:
    """Store the rates, a later file over an earlier one; returns how many currencies and days it named."""
    if not rates:
        raise UnableToLoadRates("The file holds no rates.")
    other = ExchangeRate.objects.exclude(base=base).values_list("base", flat=True).first()
    if other is not None:
        raise UnableToLoadRates(
            f"Rates are stored for the base currency {other}; loading for {base} is refused."
        )
    last = {(rate.currency, rate.day): rate.rate for rate in rates}
    with transaction.atomic():
        ExchangeRate.objects.bulk_create(
            [
                ExchangeRate(currency=currency, day=day, rate=rate, base=base)
                for (currency, day), rate in last.items()
            ],
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=["currency", "day"],
            update_fields=["rate"],
        )
    return {"currencies": len({currency for currency, _ in last}), "days": len({day for _, day in last})}
