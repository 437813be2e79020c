"""Which allocation policy and which attention policy is in force: one of each at a time."""

from __future__ import annotations

from itertools import count

from django.db import transaction

from allocation.models import AllocationPolicy, AttentionPolicy, NamedTiers


@transaction.atomic
def activate_policy(*, policy: AllocationPolicy | AttentionPolicy) -> None:
    """Put `policy` in force; the one of its kind that was in force before rests. Repeating changes nothing."""
    type(policy).objects.put_in_force(policy.pk)


@transaction.atomic
def copy_policy(*, policy: AllocationPolicy) -> AllocationPolicy:
    """A resting policy with the same values and named tiers, called "… (copy)"; to try other weights on."""
    values = {
        field.name: getattr(policy, field.name)
        for field in policy._meta.concrete_fields
        if field.name not in ("id", "name", "is_active")
    }
    made: AllocationPolicy = AllocationPolicy.objects.create(name=_free_name(policy.name), **values)
    for line in NamedTiers.objects.filter(policy=policy).prefetch_related("tiers").order_by("pk"):
        NamedTiers.objects.create(policy=made, csm_id=line.csm_id).tiers.set(line.tiers.all())
    return made


def _free_name(name: str) -> str:
    taken = set(AllocationPolicy.objects.values_list("name", flat=True))
    endings = (" (copy)" if number == 1 else f" (copy {number})" for number in count(1))
    return next(free for ending in endings if (free := f"{name[: 200 - len(ending)]}{ending}") not in taken)
