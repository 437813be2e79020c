"""Money in the base currency, with the rates of one day frozen (design section 8).

Amount in base currency = amount ÷ rate, rate in units per 1 base, rounded once, half-even, to the cent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from accounts.kept_statements import Kept
from accounts.models import ExchangeRate
from allocation.engine.facts.tiering import Floats
from allocation.engine.standing import half_even
from allocation.snapshots.arrays import Coded, Whole

OLDEST = timedelta(days=7)  # weekends and holidays have no rates of their own
CENT = Decimal("0.01")
LARGEST = 2**62  # a numerator that half-even division takes: twice its remainder must fit as well


class UnknownRate(ValueError):
    """A currency has no usable rate on a day; the message names it and says what to do."""


def frozen_rates(*, currencies: Iterable[str], as_of: date, base: str) -> dict[str, Decimal]:
    """Units per 1 base of each currency on the day: the latest rate on or before it, at most 7 days older than it
    or than the newest loaded day. Raises UnknownRate; one query, none if only the base is named.
    """
    wanted = sorted(set(currencies) - {base})
    found = rates_there_are(currencies=wanted, as_of=as_of, base=base)
    if lacking := [currency for currency in wanted if currency not in found]:
        raise UnknownRate(lacking_words(currencies=lacking, as_of=as_of))
    return found


def rates_there_are(*, currencies: Iterable[str], as_of: date, base: str) -> dict[str, Decimal]:
    """As `frozen_rates`, without those that have none; one query at most."""
    wanted = sorted(set(currencies) - {base})
    if not wanted:
        return {}
    rows = _LATEST.rows(currencies=tuple(wanted), as_of=as_of, base=base, **days_of_rates(as_of))
    found = usable_rates(rows, as_of=as_of)
    return {currency: found[currency] for currency in wanted if currency in found}


def days_of_rates(as_of: date) -> dict[str, date]:
    """``fresh``: from it on a rate is young enough on the day. ``stale``: before it none is, where any rate of all is fresh."""
    # There is no day before the first of the year 1, and as-of may be any day.
    fresh, stale = (date.fromordinal(max(1, as_of.toordinal() - weeks * OLDEST.days)) for weeks in (1, 2))
    return {"fresh": fresh, "stale": stale}


def latest_rates(*, as_of: date, base: str, fresh: date, stale: date) -> QuerySet[Any]:
    """Of each currency the latest rate on or before the day, with `newest`, the newest loaded day of all; those that
    `usable_rates` drops may be left out, so that years of rates need not be looked through one by one. fresh, stale: of the
    day, as `days_of_rates` gives them.
    """
    any_fresh = Exists(ExchangeRate.objects.filter(day__gte=fresh, day__lte=as_of))
    newest = ExchangeRate.objects.order_by("-day").values("day")[:1]
    of_currency = ExchangeRate.objects.filter(currency=OuterRef("currency"), base=base, day__lte=as_of)
    latest = of_currency.order_by("-day").values("day")[:1]
    young = ExchangeRate.objects.filter(Q(day__gte=stale) | ~any_fresh, base=base)
    return young.filter(day=Subquery(latest)).annotate(newest=Subquery(newest))


_LATEST = Kept(
    lambda *, currencies, as_of, base, fresh, stale: (
        latest_rates(as_of=as_of, base=base, fresh=fresh, stale=stale)
        .filter(currency__in=currencies)
        .values_list("currency", "day", "rate", "newest")
    )
)


def usable_rates(rows: Iterable[tuple[str, date, Decimal, date]], *, as_of: date) -> dict[str, Decimal]:
    """Of `latest_rates`, as currency, day, rate and newest day: those that are not too old."""
    # Counted in ordinals for the same reason as in `days_of_rates`.
    return {
        currency: rate
        for currency, day, rate, last in rows
        if day.toordinal() >= min(as_of, last).toordinal() - OLDEST.days
    }


def lacking_words(*, currencies: Iterable[str], as_of: date) -> str:
    """What to do about currencies without a rate; empty where there are none."""
    names = ", ".join(sorted(currencies))
    if not names:
        return ""
    return (
        f"There is no exchange rate of at most {OLDEST.days} days' age for {names} on {as_of:%d %b %Y}; "
        f"load one with import_rates."
    )


def in_base(amount: Decimal, currency: str, *, rates: Mapping[str, Decimal], base: str) -> Decimal:
    """The amount in base currency, to the cent. The currency must be the base or one of ``rates``."""
    if currency == base:
        return amount
    return (amount / rates[currency]).quantize(CENT, ROUND_HALF_EVEN)


def amounts_in_base(*, amounts: Whole, currencies: Coded, rates: Mapping[str, Decimal], base: str) -> Floats:
    """As `in_base`, of a whole column; NaN where there is no amount, or no rate for it."""
    found = np.full(len(amounts), np.nan)
    for code, currency in enumerate(currencies.words):
        here = np.flatnonzero((currencies.codes == code) & amounts.known)
        cents = amounts.values[here]
        if currency == base:
            found[here] = cents / amounts.unit
        elif currency in rates:
            found[here] = _by_rate(Whole(cents, amounts.unit), rates[currency])
    return found


def _by_rate(amounts: Whole, rate: Decimal) -> Floats:
    """Amount ÷ rate in whole numbers, which is exact; as decimals where these would not fit."""
    shift = max(0, -int(rate.normalize().as_tuple().exponent))
    factor, divisor = 10**shift, int(rate.scaleb(shift))
    cents = amounts.values
    if (
        amounts.unit == int(1 / CENT)
        and int(abs(cents).max(initial=0)) * factor < LARGEST
        and divisor < LARGEST
    ):
        return np.asarray(
            half_even(cents * factor, np.full(len(cents), divisor, dtype=np.int64)) / amounts.unit
        )
    each = [(Decimal(one) / amounts.unit / rate).quantize(CENT, ROUND_HALF_EVEN) for one in cents.tolist()]
    return np.array(each, dtype=np.float64)
