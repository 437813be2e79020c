"""Money in the base currency, with the rates of one day frozen (design section 8).

Amount in base currency = amount ÷ rate, rate in units per 1 base, rounded once, half-even, to the cent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from django.db.models import Max

from accounts.models import ExchangeRate

OLDEST = timedelta(days=7)  # weekends and holidays have no rates of their own
CENT = Decimal("0.01")


class UnknownRate(ValueError):
    """A currency has no usable rate on a day; the message names it and says what to do."""


def frozen_rates(*, currencies: Iterable[str], as_of: date, base: str) -> dict[str, Decimal]:
    """Units per 1 base of each currency on the day: the latest rate on or before it, at most 7 days older than it
    or than the newest loaded day. Raises UnknownRate; two queries at most, none if only the base is named.
    """
    wanted = sorted(set(currencies) - {base})
    if not wanted:
        return {}
    newest = ExchangeRate.objects.aggregate(newest=Max("day"))["newest"]
    # Counted in ordinals: there is no day before the first of the year 1, and as-of may be any day.
    limit = date.fromordinal(max(1, min(as_of, newest or as_of).toordinal() - OLDEST.days))
    rows = ExchangeRate.objects.filter(currency__in=wanted, base=base, day__lte=as_of, day__gte=limit)
    found = dict(rows.order_by("day").values_list("currency", "rate"))  # the latest day comes last and stays
    lacking = [currency for currency in wanted if currency not in found]
    if lacking:
        names = ", ".join(lacking)
        raise UnknownRate(
            f"There is no exchange rate of at most {OLDEST.days} days' age for {names} on {as_of:%d %b %Y}; "
            f"load one with import_rates."
        )
    return {currency: found[currency] for currency in wanted}


def in_base(amount: Decimal, currency: str, *, rates: Mapping[str, Decimal], base: str) -> Decimal:
    """The amount in base currency, to the cent. The currency must be the base or one of ``rates``."""
    if currency == base:
        return amount
    return (amount / rates[currency]).quantize(CENT, ROUND_HALF_EVEN)
