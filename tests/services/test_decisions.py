"""The one writer of tier and CSM: what it changes, what it leaves alone, what the ledger says afterwards."""

from datetime import date, timedelta

import pytest

from accounts.models import Customer
from allocation.models import BookHolding, Source, TierHolding
from allocation.services.decisions import CsmChange, DecisionSource, TierChange, set_csms, set_tiers
from tests import factories

pytestmark = pytest.mark.django_db

JAN, FEB, MAR = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
RUN = DecisionSource(Source.RUN, source_id=7, words="yearly")


def ledger(customer: Customer) -> list[tuple[str, date, date | None]]:
    rows = TierHolding.objects.filter(customer=customer).order_by("pk")
    return [(row.tier.slug, row.starts_on, row.ends_before) for row in rows]


def test_a_first_tier_opens_a_ledger_row() -> None:
    customer, gold = factories.CustomerFactory(), factories.TierFactory(slug="gold")
    written = set_tiers(changes=[TierChange(customer.pk, None, gold.pk)], on=JAN, decision=RUN)
    customer.refresh_from_db()
    assert (customer.tier, customer.tier_since, written.changed) == (gold, JAN, (customer.pk,))
    assert ledger(customer) == [("gold", JAN, None)]
    row = TierHolding.objects.get()
    assert (row.source, row.source_id, row.words) == ("run", 7, "yearly")


def test_a_change_closes_the_old_row_on_the_day_the_new_one_opens() -> None:
    customer = factories.CustomerFactory()
    gold, lead = factories.TierFactory(slug="gold"), factories.TierFactory(slug="lead")
    set_tiers(changes=[TierChange(customer.pk, None, gold.pk)], on=JAN, decision=RUN)
    set_tiers(changes=[TierChange(customer.pk, gold.pk, lead.pk)], on=FEB, decision=RUN)
    assert ledger(customer) == [("gold", JAN, FEB), ("lead", FEB, None)]


def test_a_customer_that_stands_elsewhere_is_skipped() -> None:
    customer = factories.CustomerFactory()
    gold, lead = factories.TierFactory(slug="gold"), factories.TierFactory(slug="lead")
    set_tiers(changes=[TierChange(customer.pk, None, gold.pk)], on=JAN, decision=RUN)
    written = set_tiers(changes=[TierChange(customer.pk, None, lead.pk)], on=FEB, decision=RUN)
    assert (written.changed, written.skipped) == ((), (customer.pk,))
    assert ledger(customer) == [("gold", JAN, None)]


def test_the_same_call_twice_changes_nothing_the_second_time() -> None:
    customer, gold = factories.CustomerFactory(), factories.TierFactory(slug="gold")
    change = [TierChange(customer.pk, None, gold.pk)]
    set_tiers(changes=change, on=JAN, decision=RUN)
    again = set_tiers(changes=change, on=FEB, decision=RUN)
    assert (again.changed, again.already) == ((), (customer.pk,))
    assert ledger(customer) == [("gold", JAN, None)]


def test_a_customer_that_is_gone_is_skipped() -> None:
    assert set_tiers(changes=[TierChange(999, None, None)], on=JAN, decision=RUN).skipped == (999,)


def test_taking_the_csm_away_closes_the_row_and_clears_the_since() -> None:
    customer, csm = factories.CustomerFactory(), factories.CSMFactory()
    plan = DecisionSource(Source.PLAN, source_id=1)
    set_csms(changes=[CsmChange(customer.pk, None, csm.pk)], on=JAN, decision=plan)
    set_csms(changes=[CsmChange(customer.pk, csm.pk, None)], on=FEB, decision=plan)
    customer.refresh_from_db()
    assert (customer.csm, customer.csm_since) == (None, None)
    row = BookHolding.objects.get()
    assert (row.starts_on, row.ends_before) == (JAN, FEB)


def test_a_change_for_a_day_before_the_last_counts_from_the_last_so_history_is_never_rewritten() -> None:
    customer = factories.CustomerFactory()
    gold, lead = factories.TierFactory(slug="gold"), factories.TierFactory(slug="lead")
    set_tiers(changes=[TierChange(customer.pk, None, gold.pk)], on=MAR, decision=RUN)
    set_tiers(changes=[TierChange(customer.pk, gold.pk, lead.pk)], on=JAN, decision=RUN)
    assert ledger(customer) == [("gold", MAR, MAR), ("lead", MAR, None)]
    customer.refresh_from_db()
    assert customer.tier_since == MAR


def test_a_customer_named_twice_is_refused() -> None:
    customer, gold = factories.CustomerFactory(), factories.TierFactory()
    change = TierChange(customer.pk, None, gold.pk)
    with pytest.raises(ValueError, match="once"):
        set_tiers(changes=[change, change], on=JAN, decision=RUN)


@pytest.mark.parametrize("count", [2, 80])
def test_the_number_of_statements_does_not_grow_with_the_customers(
    count: int, django_assert_num_queries
) -> None:
    customers = factories.CustomerFactory.create_batch(count)
    gold = factories.TierFactory()
    changes = [TierChange(customer.pk, None, gold.pk) for customer in customers]
    # savepoint, lock, look for later days, one UPDATE a tier, close old rows, insert, release
    with django_assert_num_queries(7):
        set_tiers(changes=changes, on=JAN + timedelta(days=1), decision=RUN)
