"""The control of the kills: an applier as one writes it first, row by row, without claim, transaction or fence.

`python -m tests.faults.naive RUN`, in a fleet's environment. Started again after a kill it leaves alone whoever has the
tier already, as if that proved that everything about the customer was written.
"""

import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "cstiers.settings"
django.setup()

from accounts.models import Customer
from allocation.models import TierDecision, TierHolding


def main(run_id: int) -> None:
    rows = TierDecision.objects.filter(run=run_id).select_related("run", "customer").order_by("customer")
    for row in rows.exclude(effective=None).iterator(chunk_size=500):
        customer: Customer = row.customer
        if customer.tier_id == row.effective_id:
            continue
        customer.tier_id, customer.tier_since = row.effective_id, row.run.as_of
        customer.save(update_fields=["tier", "tier_since"])
        TierHolding.objects.filter(customer=customer, ends_before=None).update(ends_before=row.run.as_of)
        TierHolding.objects.create(
            customer=customer,
            tier_id=row.effective_id,
            starts_on=row.run.as_of,
            source="run",
            source_id=run_id,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]))
