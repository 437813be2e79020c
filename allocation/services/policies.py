"""Which allocation policy and which attention policy is in force: one of each at a time."""

from __future__ import annotations

from django.db import transaction

from allocation.models import AllocationPolicy, AttentionPolicy


@transaction.atomic
def activate_policy(*, policy: AllocationPolicy | AttentionPolicy) -> None:
    """Put `policy` in force; the one of its kind that was in force before rests. Repeating changes nothing."""
    type(policy).objects.put_in_force(policy.pk)


@transaction.atomic
def copy_policy(*, policy: AllocationPolicy) -> AllocationPolicy:
    """A resting policy with the same values and named tiers, called "… (copy)"; to try other weights on."""
    made: AllocationPolicy = AllocationPolicy.objects.copied(policy, called=policy.name, kind="copy")
    return made
