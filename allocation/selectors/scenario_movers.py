"""Who goes where in a scenario, for who may see them: page by page, and under the keys of the command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import CSM, Customer, User
from allocation.engine.facts.ways import Way, way_between
from allocation.engine.packing import unpack
from allocation.models import Scenario
from allocation.selectors.scenario_figures import TierNames, tier_names

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
    *, scenario: Scenario, user: User | None, names: TierNames, was: str | None = None, to: str | None = None
) -> list[Mover]:
    """Those the person may see (None: all), the highest tiers first, then by id. was, to: slugs of the only tiers wanted
    ("" no tier).
    """
    if not scenario.movers:
        return []
    columns = unpack(scenario.movers).integers
    rows: list[Mover] = list(
        zip(*(columns[name].tolist() for name in ("customer", "before", "after", "csm")), strict=True)
    )
    places = {tier.pk: place for place, tier in enumerate(names.tiers.values())}
    slugs = {tier.pk: slug for slug, tier in names.tiers.items()}
    if was is not None:
        rows = [row for row in rows if slugs.get(row[1], "") == was]
    if to is not None:
        rows = [row for row in rows if slugs.get(row[2], "") == to]
    if (seen := _in_sight(user)) is not None:
        rows = [row for row in rows if row[0] in seen]
    last = len(places)
    return sorted(rows, key=lambda row: (places.get(row[2], last), places.get(row[1], last), row[0]))


def _in_sight(user: User | None) -> set[int] | None:
    """The customers this person may see; None where that is everybody. One query at most."""
    if user is None or user.is_ops:
        return None
    return set(Customer.objects.visible_to(user).values_list("pk", flat=True))


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


def named_movers(*, scenario: Scenario, user: User | None) -> list[dict[str, Any]]:
    """Under the keys of the `scenario` command, in the order of their external ids. Three queries at most."""
    names = tier_names()
    slugs = {tier.pk: slug for slug, tier in names.tiers.items()}
    rows = {row[0]: row for row in movers_of(scenario=scenario, user=user, names=names)}
    if not rows:
        return []
    # By a range of keys: a database takes only so many parameters.
    within = Customer.objects.filter(pk__gte=min(rows), pk__lte=max(rows)).order_by("external_id")
    return [
        {"external_id": external_id, "from": slugs.get(rows[pk][1], ""), "to": slugs.get(rows[pk][2], "")}
        for pk, external_id in within.values_list("pk", "external_id")
        if pk in rows
    ]


def visible_movers(*, movers: Sequence[Mapping[str, Any]], user: User | None) -> Sequence[Mapping[str, Any]]:
    """Of an answer without a row: those of customers that the person may see (None: all)."""
    seen = _in_sight(user)
    return movers if seen is None else [mover for mover in movers if mover["customer"] in seen]
