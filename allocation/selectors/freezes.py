"""Days on which nothing is applied: which freeze holds, until when, and the sentence for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from allocation.models import Freeze
from allocation.selectors import wording

FAR = 50  # freezes that follow each other without a day between them; enough for anybody


@dataclass(frozen=True, slots=True)
class Frozen:
    """The freeze that holds on a day. free_on: the first day on which things are applied again, whichever freezes follow."""

    name: str
    words: str
    starts_on: date
    last_on: date
    free_on: date

    @property
    def sentence(self) -> str:
        return f"Nothing is applied from {wording.day(self.starts_on)} to {wording.day(self.last_on)} ({self.name})."


def frozen(*, on: date) -> Frozen | None:
    """Of several that hold on the day the one that ends last; None: no freeze. One query on most days."""
    holding = list(Freeze.objects.holding(on).order_by("-ends_before", "pk")[:1])
    if not holding:
        return None
    this = holding[0]
    free_on = this.ends_before
    for _ in range(FAR):
        following = (
            Freeze.objects.holding(free_on).order_by("-ends_before").values_list("ends_before", flat=True)
        )
        later = following.first()
        if later is None:
            break
        free_on = later
    return Frozen(this.name, this.words, this.starts_on, this.ends_before - timedelta(days=1), free_on)


def refusal_while_frozen(*, on: date, wished: bool = False) -> str:
    """Why a proposal is not applied on the day, and what becomes of it; "" where no freeze holds.

    wished: somebody asked for it to be applied, so it is when the freeze is over.
    """
    found = frozen(on=on)
    if found is None:
        return ""
    free = wording.day(found.free_on)
    then = (
        f"it is applied by itself on {free}, as was asked for, unless a newer one is proposed before."
        if wished
        else f"it can be applied from {free} on."
    )
    return f"{found.sentence} The proposal stays; {then}"


def told_when_accepted(*, what: str, on: date) -> str:
    """What somebody reads who accepts a proposal during a freeze; "" where none holds."""
    found = frozen(on=on)
    if found is None:
        return ""
    return f"{found.sentence} {what} is applied by itself on {wording.day(found.free_on)}, unless a newer one is proposed before; CS ops can take that back until then."
