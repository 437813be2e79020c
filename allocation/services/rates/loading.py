"""Keep exchange rates: what amounts in other currencies are divided by."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction

from accounts.importing.rates import Rate
from accounts.models import ExchangeRate

BATCH = 2000
# SQLite keeps fifteen digits of a number.
SAME = Decimal("1e-14")


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


def new_rates(*, rates: Sequence[Rate], base: str) -> list[Rate]:
    """Those that are not stored yet, or with another number: a history of decades is mostly known."""
    # Of two lines about one day the later one counts, as in `load_rates`.
    last = {(rate.currency, rate.day): rate for rate in rates}
    if not last:
        return []
    days = [day for _, day in last]
    stored = ExchangeRate.objects.filter(base=base, day__gte=min(days), day__lte=max(days))
    rows = stored.order_by().values_list("currency", "day", "rate").iterator(BATCH)
    known = {(currency, day): rate for currency, day, rate in rows}
    return [rate for key, rate in last.items() if not _is_same(known.get(key), rate.rate)]


def _is_same(stored: Decimal | None, given: Decimal) -> bool:
    return stored is not None and abs(stored - given) <= given * SAME
