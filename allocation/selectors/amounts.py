"""Amounts in several currencies side by side, as far as rates are known: pages show what they can and say what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db.models import Case, DecimalField, F, QuerySet, Value, When

from accounts.models import Customer
from allocation.snapshots.money import in_base, lacking_words, rates_there_are


def in_base_cents(
    *,
    amounts: Sequence[tuple[Decimal | None, str]],
    as_of: date,
    rates: Mapping[str, Decimal] | None = None,
) -> tuple[list[int], str]:
    """Amounts in base cents; where a currency has no rate its amounts count 0 and the sentence says so.

    rates: of that day, where they are read already, of all these currencies that have one.
    """
    base = settings.BASE_CURRENCY
    wanted = {currency for value, currency in amounts if value is not None}
    if rates is None:
        rates, problem = known_rates(currencies=wanted, as_of=as_of)
    else:
        problem = lacking_words(currencies=wanted - {base} - set(rates), as_of=as_of)
    return [
        0
        if value is None or (currency != base and currency not in rates)
        else int(in_base(value, currency, rates=rates, base=base) * 100)
        for value, currency in amounts
    ], problem


def known_rates(*, currencies: Iterable[str], as_of: date) -> tuple[dict[str, Decimal], str]:
    """Rates of the currencies that have one, and a sentence about those that have none: pages show what they can.

    One query at most.
    """
    wanted, base = set(currencies), settings.BASE_CURRENCY
    rates = rates_there_are(currencies=wanted, as_of=as_of, base=base)
    return rates, lacking_words(currencies=wanted - {base} - set(rates), as_of=as_of)


def by_base_amount(rows: QuerySet[Customer], *, as_of: date) -> QuerySet[Customer]:
    """The rows with `arr_base`, so that amounts in several currencies can be put in order; for order only."""
    currencies = set(rows.order_by().values_list("currency", flat=True).distinct())
    rates, _ = known_rates(currencies=currencies, as_of=as_of)
    cases = [
        When(
            currency=currency,
            then=F("arr") / Value(rate, output_field=DecimalField(max_digits=30, decimal_places=10)),
        )
        for currency, rate in sorted(rates.items())
    ]
    amount = Case(*cases, default=F("arr"), output_field=DecimalField(max_digits=30, decimal_places=10))
    return rows.annotate(arr_base=amount)
