"""What heads are counted with: keep the figures that were tried on the headcount page."""

from __future__ import annotations

from datetime import datetime
from itertools import count

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from allocation.models import Staffing
from allocation.selectors.headcount import INPUT_NAMES, Inputs


class UnableToKeepStaffing(Exception):
    """The figures cannot be kept; the message says why."""


@transaction.atomic
def keep_staffing(*, inputs: Inputs, actor: User, at: datetime) -> Staffing:
    """Put these figures in force under a name of their own; those before rest. Those in force already stay as they are.

    Raises UnableToKeepStaffing for who is not CS ops.
    """
    if not actor.is_ops:
        raise UnableToKeepStaffing("Only CS ops may keep what heads are counted with.")
    values = {name: getattr(inputs, name) for name in INPUT_NAMES}
    found: Staffing | None = Staffing.objects.active().filter(**values).first()
    if found is None:
        found = Staffing.objects.create(name=_free_name(at), **values)
        Staffing.objects.put_in_force(found.pk)
        found.refresh_from_db()
    return found


def _free_name(at: datetime) -> str:
    """ "Kept on 27 Nov 2026", numbered where that is taken."""
    local = at.astimezone(timezone.get_current_timezone())
    name = f"Kept on {local.day} {local:%b %Y}"
    taken = set(Staffing.objects.filter(name__startswith=name).values_list("name", flat=True))
    endings = ("" if number == 1 else f" ({number})" for number in count(1))
    return next(free for ending in endings if (free := f"{name}{ending}") not in taken)
