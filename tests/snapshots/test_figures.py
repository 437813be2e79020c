"""Columns of customers say what the customers say: to the cent and the minute, after any edit, kept or read anew."""

from decimal import Decimal
from random import Random

import numpy as np
import pytest
from django.db import connection

from accounts.models import Customer, ExchangeRate, Goal, TouchActivity
from allocation.models import AllocationPolicy, Source
from allocation.selectors import balance
from allocation.selectors.book_sums import book_sums
from allocation.selectors.customer_totals import customer_totals, narrowed_customers, totals_by_figures
from allocation.selectors.pyramid_columns import columns_of_lines, pyramid_facts, scope_of
from allocation.selectors.pyramid_lines import Chosen, customer_lines
from allocation.selectors.pyramid_sums import PyramidOf, part_of, sums_of
from allocation.services.decisions import CsmChange, DecisionSource, TierChange, set_csms, set_tiers
from allocation.services.figures import write_sheets
from allocation.snapshots import books
from allocation.snapshots.figures import customer_figures
from allocation.snapshots.figures_summed import added_up, answered, cells
from allocation.snapshots.figures_worked import base_cents, distinct, summed
from allocation.snapshots.money import in_base
from tests.factories import TODAY, CustomerFactory, GoalFactory, GoalKindFactory, TouchActivityFactory
from tests.pages import mixed_company

BY_HAND = DecisionSource(kind=Source.MANUAL)


@pytest.fixture
def mixed(cast):
    return mixed_company.build(cast)


def slow_sums(monkeypatch):
    """The books of today customer by customer, as a past day is read, with what customers hold now."""
    plain = books.book_snapshot
    monkeypatch.setattr(balance, "book_snapshot", lambda **given: plain(**{**given, "by_ledger": False}))
    policy = AllocationPolicy.objects.active().first() or AllocationPolicy()
    return balance._past_sums(as_of=TODAY, user=None, rates_on=TODAY, policy=policy)


def check_all(mixed, monkeypatch):
    policy = AllocationPolicy.objects.active().first() or AllocationPolicy()
    quick = book_sums(everybody=customer_figures(), as_of=TODAY, rates_on=TODAY, policy=policy)
    slow = slow_sums(monkeypatch)
    assert quick.rows == slow.rows
    assert quick.largest_cents == {key: cents for key, cents in slow.largest_cents.items() if key}
    assert quick.renewals == {key: found for key, found in slow.renewals.items() if key}
    rows = Customer.objects.active().filter(csm=None)
    nobodys = customer_totals(rows=rows, as_of=TODAY)
    found = quick.nobodys
    assert (found.customers, found.arr_cents, found.minutes) == (
        nobodys.customers,
        nobodys.arr_cents,
        nobodys.minutes,
    )
    one = Customer.objects.get(name="Alpha one")
    for user in (mixed.cast.ops, mixed.cast.manager, mixed.cast.csm_a):
        for chosen in (Chosen(), Chosen(team=mixed.cast.team_a.pk), Chosen(vertical=one.vertical_id), Chosen(region=one.region_id)):  # fmt: skip
            given = {"user": user, "day": TODAY, "today": TODAY, "chosen": chosen}
            same_pyramid(**given)
        for chosen in ({}, {"tier": one.tier_id}, {"csm": one.csm_id, "tier": one.tier_id}, {"team": mixed.cast.team_a.pk}):  # fmt: skip
            rows = Customer.objects.visible_to(user).active()
            names = {"tier": "tier_id", "csm": "csm_id", "team": "csm__team_id"}
            rows = rows.filter(**{names[name]: pk for name, pk in chosen.items()})
            narrowed = narrowed_customers(user=user, as_of=TODAY, chosen=chosen)
            assert totals_by_figures(narrowed=narrowed, as_of=TODAY) == customer_totals(
                rows=rows, as_of=TODAY
            )


def same_pyramid(*, user, day, today, chosen):
    everybody, lines = customer_figures(), customer_lines(user=user, day=day, today=today, chosen=chosen)
    facts, problem = pyramid_facts(
        everybody=everybody, scope=scope_of(user=user, chosen=chosen), day=day, today=today
    )
    assert problem == lines.problem
    slow = columns_of_lines(lines)
    same([facts.columns(sheet) for sheet in everybody.sheets], slow)
    assert answered(everybody, PyramidOf(facts)) == sums_of([part_of(slow)])


def same(sheets, slow):
    other = np.argsort(slow.pk)
    for name in ("pk", "tier", "csm", "cents", "counts", "minutes", "room", "low_health", "low_sentiment", "has_goal", "renews", "speaks"):  # fmt: skip
        quick = [value for sheet in sheets for value in getattr(sheet, name).tolist()]
        assert quick == getattr(slow, name)[other].tolist(), name


def edits(mixed):
    """One kind of write after the other, past save() and through it, as people, files, runs and plans write."""
    one, two = Customer.objects.get(name="Alpha one"), Customer.objects.get(name="Zebra two")
    yield Customer.objects.filter(pk=one.pk).update(arr=Decimal("7.77"), currency="SEK", health=None)
    yield Customer.objects.filter(pk=two.pk).update(renewal_date=TODAY, potential_arr=None, sentiment=2)
    # Nothing of a customer, but what is worked out of them.
    yield ExchangeRate.objects.filter(currency="EUR").update(rate=Decimal("0.5"))
    gold, silver = mixed.tiers["gold"].pk, mixed.tiers["silver"].pk
    yield TouchActivity.objects.filter(tier=gold).update(hours_each=Decimal("1.25"))
    yield set_tiers(
        changes=[TierChange(customer_id=two.pk, from_tier_id=silver, to_tier_id=gold)],
        on=TODAY,
        decision=BY_HAND,
    )
    yield set_csms(changes=[CsmChange(one.pk, one.csm_id, mixed.books["c"].pk)], on=TODAY, decision=BY_HAND)
    kind = TouchActivityFactory(
        tier=mixed.tiers["gold"], goal_kind=GoalKindFactory(), times_a_year=Decimal(7), hours_each=Decimal(2)
    ).goal_kind
    goal = GoalFactory(customer=two, kind=kind)
    yield goal
    yield Goal.objects.filter(pk=goal.pk).update(customer=one)
    yield Goal.objects.filter(pk=goal.pk).update(ends_before=TODAY)
    yield Goal.objects.filter(pk=goal.pk).delete()
    yield CustomerFactory(tier=mixed.tiers["silver"], tier_since=TODAY, arr=Decimal("0.07"), currency="EUR")
    yield Customer.objects.filter(pk=two.pk).update(status="left")
    yield Customer.objects.filter(pk=two.pk).update(status="active")
    yield Customer.objects.bulk_create(
        [Customer(external_id=f"more-{n}", name=f"More {n}", arr=n, currency="EUR") for n in range(40)]
    )
    yield Customer.objects.filter(external_id__startswith="more-1").delete()


@pytest.mark.parametrize("kept", ["never", "once", "after each"])
def test_quick_sums_are_the_slow_ones_after_any_edit(mixed, monkeypatch, kept):
    if kept != "never":
        write_sheets()
    check_all(mixed, monkeypatch)
    for _ in edits(mixed):
        if kept == "after each":
            write_sheets()
        check_all(mixed, monkeypatch)


def test_amounts_are_divided_and_rounded_as_one_by_one():
    """Also on half a cent, where doubles are wrong, and for the largest amounts there are."""
    chance = Random(3)
    rates = {"EUR": Decimal("0.9137"), "SEK": Decimal("8"), "JPY": Decimal("163.2504871")}
    amounts = [0, 1, 4, 12, 20, 28, 10**15 - 1, 10**15 - 4, *(chance.randrange(10**chance.randint(1, 15)) for _ in range(4000))]  # fmt: skip
    for currency in ("EUR", "SEK", "JPY", "USD", "CHF"):
        code = 0
        for letter in currency:
            code = code << 21 | ord(letter)
        found, counts = base_cents(
            cents=np.array([*amounts, -1]),
            currency=np.full(len(amounts) + 1, code),
            rates=rates,
            base="USD",
        )
        if currency == "CHF":  # no rate: counts 0
            assert not found.any() and not counts.any()
            continue
        plain = [int(in_base(Decimal(one) / 100, currency, rates=rates, base="USD") * 100) for one in amounts]
        assert found.tolist() == [*plain, 0]
        assert counts.tolist() == [True] * len(amounts) + [False]


def test_sums_of_the_largest_amounts_are_exact():
    amounts = np.full(20_000, 10**15 - 1)
    assert summed(amounts) == 20_000 * (10**15 - 1)
    parts = [cells(np.arange(10_000) % 2, amounts[:10_000])] * 2
    assert added_up(parts, amounts=1, size=3) == [[10_000, 10_000, 0], [10_000 * (10**15 - 1)] * 2 + [0]]
    assert distinct(np.array([3, 1, 3, 2])) == [1, 2, 3]


def test_nobody_comes_to_nothing(db):
    found = customer_figures()
    assert len(found) == 0
    assert len(found.of([1, 2])) == 0


def test_customers_are_asked_equally_often_at_any_size(mixed, django_assert_num_queries):
    on_postgresql = connection.vendor == "postgresql"
    with django_assert_num_queries(1 + on_postgresql):  # with what is kept and marked
        few = customer_figures()
    Customer.objects.bulk_create(
        [Customer(external_id=f"more-{n}", name=f"More {n}", arr=n, currency="EUR") for n in range(400)]
    )
    with django_assert_num_queries(1 + on_postgresql):
        assert len(customer_figures()) == len(few) + 400
    if on_postgresql:
        with django_assert_num_queries(1):  # nobody wrote since, marked or not
            assert len(customer_figures()) == len(few) + 400
        write_sheets()
        with django_assert_num_queries(2):  # what is marked, and the sheets
            customer_figures()
        with django_assert_num_queries(1):  # these are known already
            assert len(customer_figures()) == len(few) + 400
