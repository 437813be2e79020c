"""Which allocation policy and which attention policy is in force: one of each at a time."""

from __future__ import annotations

from django.db import transaction

from allocation.models import AllocationPolicy, AttentionPolicy


@transaction.atomic
def activate_policy(*, policy: AllocationPolicy | AttentionPolicy) -> None:
    """Put `policy` in force; the one of its kind that was in force before rests. Repeating changes nothing."""
    rows = type(policy)._default_manager
    # All of them, in one order: who comes second waits, and then finds the first one's choice to put to rest.
    list(rows.select_for_update().order_by("pk").values_list("pk"))
    rows.filter(is_active=True).exclude(pk=policy.pk).update(is_active=False)
    rows.filter(pk=policy.pk).update(is_active=True)
