"""As of any day of a simulated year, customers, books and balance equal what the live tables held on that evening.

`make prove` lives through more years (CSTIERS_ROUNDS).
"""

import datetime
import os

import pytest

from accounts.models import CSM, Customer
from allocation.models import Departure
from allocation.querysets.decisions import HoldingQuerySet
from allocation.selectors.balance import workload
from allocation.selectors.past_books import past_book
from allocation.selectors.past_customer import past_customer
from allocation.snapshots.held import active_on, csms_on, tiers_on
from tests import oracle
from tests.scenarios.simulated_year import DAYS, FIRST, Company

ROUNDS = int(os.environ.get("CSTIERS_ROUNDS", "5"))
MANY = ROUNDS >= 50
LAST = FIRST + datetime.timedelta(days=DAYS)
# What a year must hold, or it would prove nothing.
MUST_HAPPEN = {
    "imports", "left", "full runs", "goals runs", "undone runs", "plans", "undone plans", "asked", "approve_override",
    "decline_override", "begun", "expired", "withdrawn", "leavers",
}  # fmt: skip

pytestmark = pytest.mark.django_db


def differences(cast, evenings):
    """(day, which selector) where the past is told otherwise than it was."""
    found = []
    csms = list(CSM.objects.order_by("pk"))
    customers = list(Customer.objects.order_by("pk"))
    for number, evening in enumerate(evenings):
        day = evening.day
        told = {
            "tiers": tiers_on(day=day) == evening.tiers,
            "CSMs": csms_on(day=day) == evening.csms,
            "active": set(active_on(day=day).filter(pk__lte=evening.newest).values_list("pk", flat=True))
            == evening.active,
            "balance": counted(day) == evening.counts,
            "book": book_is_as_it_was(cast, csms if MANY else csms[number % len(csms) :][:1], evening),
            "customer": customer_is_as_it_was(cast, customers[number % len(customers)], evening),
        }
        found += [(day, what) for what, same in told.items() if not same]
    return found


def counted(day):
    """By CSM and tier; customers without a tier count under ""."""
    found = {}
    for row in workload(as_of=day).rows:
        by_tier = {slug: number for slug, number in row.by_tier.items() if number}
        without = row.customers - sum(by_tier.values())
        found[row.csm] = by_tier | ({"": without} if without else {})
    return {csm: tiers for csm, tiers in found.items() if tiers}


def book_is_as_it_was(cast, csms, evening):
    for csm in csms:
        book = past_book(csm=csm, day=evening.day, today=LAST, user=cast.ops)
        was = {pk for pk, held in evening.csms.items() if held == csm.pk and pk in evening.active}
        tiers = {row.pk: row.tier.pk if row.tier else None for row in book.rows}
        if set(tiers) != was or book.left_out:
            return False
        if any(tier != evening.tiers.get(pk) for pk, tier in tiers.items()):
            return False
    return True


def customer_is_as_it_was(cast, customer, evening):
    past = past_customer(customer=customer, day=evening.day, user=cast.ops)
    tier = past.tier.tier_id if past.tier else None
    csm = past.book.csm_id if past.book else None
    left = customer.pk not in evening.active and customer.pk <= evening.newest
    return (tier, csm, past.left) == (evening.tiers.get(customer.pk), evening.csms.get(customer.pk), left)


@pytest.mark.parametrize("seed", range(1, 4 if MANY else 2))
def test_any_day_of_the_year_is_told_as_it_was(cast, seed, monkeypatch):
    company = Company(cast, seed=seed)
    evenings = company.live()
    assert {what for what in MUST_HAPPEN if not company.happened[what]} == set()
    assert len(evenings) == DAYS
    # The year was not a quiet one.
    assert len({frozenset(evening.tiers.items()) for evening in evenings}) > 20
    assert differences(cast, evenings) == []
    assert oracle.faults() == []
    left = set(Customer.objects.filter(status="left").values_list("pk", flat=True))
    assert set(Departure.objects.current().values_list("customer_id", flat=True)) == left
    for off in (-1, 1):
        assert_noticed(cast, evenings[60:120], off, monkeypatch)


def assert_noticed(cast, evenings, off, monkeypatch):
    """The control: with the ledgers read a day late or early the past is told wrongly."""
    right, shift = HoldingQuerySet.held_on, datetime.timedelta(days=off)
    with monkeypatch.context() as patched:
        patched.setattr(HoldingQuerySet, "held_on", lambda rows, day: right(rows, day + shift))
        wrong = {what for _, what in differences(cast, evenings)}
    assert {"tiers", "CSMs", "balance", "book"} <= wrong
