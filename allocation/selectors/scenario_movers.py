"""Who goes where in a scenario: the customers a person may see, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import CSM, Customer
from allocation.engine.facts.ways import Way, way_between
from allocation.engine.packing import unpack
from allocation.models import Scenario
from allocation.selectors.scenario_figures import TierNames

Mover = tuple[int, int, int, int]
"""Customer, tier before, tier after, CSM after: keys; of no tier and no CSM below 1, of an added CSM below −1."""
ADDED = "an added CSM"


@dataclass(frozen=True, slots=True)
class MoverLine:
    """csm_after: "" where the books are not planned, or the CSM is of another team."""

    customer: Customer
    source: Any
    target: Any
    way: Way
    csm_after: str


def movers_of(
    *, scenario: Scenario, user: Any, names: TierNames, was: str | None, to: str | None
) -> list[Mover]:
    """Those the person may see, the highest tiers first, then by id. was, to: slugs of the only tiers wanted ("" no tier)."""
    if not scenario.movers:
        return []
    columns = unpack(scenario.movers).integers
    rows: list[Mover] = list(
        zip(*(columns[name].tolist() for name in ("customer", "before", "after", "csm")), strict=True)
    )
    places = {tier.pk: place for place, tier in enumerate(names.tiers.values())}
    slugs = {tier.pk: slug for slug, tier in names.tiers.items()}
    if was is not None and to is not None:
        rows = [row for row in rows if (slugs.get(row[1], ""), slugs.get(row[2], "")) == (was, to)]
    if not user.is_ops:
        seen = set(Customer.objects.visible_to(user).values_list("pk", flat=True))
        rows = [row for row in rows if row[0] in seen]
    last = len(places)
    return sorted(rows, key=lambda row: (places.get(row[2], last), places.get(row[1], last), row[0]))


def mover_lines(*, rows: Sequence[Mover], names: TierNames, user: Any) -> list[MoverLine]:
    """The rows of a page with what they show: two queries. A customer that is no longer there is left out."""
    customers = Customer.objects.visible_to(user).select_related("csm").in_bulk([row[0] for row in rows])
    csms = dict(
        CSM.objects.visible_to(user).filter(pk__in={row[3] for row in rows}).values_list("pk", "name")
    )
    tiers = {tier.pk: tier for tier in names.tiers.values()}
    return [
        MoverLine(
            customers[pk],
            tiers.get(before),
            tiers.get(after),
            way_between(tiers.get(before), tiers.get(after)),
            ADDED if csm < -1 else csms.get(csm, ""),
        )
        for pk, before, after, csm in rows
        if pk in customers
    ]
