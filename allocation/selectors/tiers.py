"""Which tiers mean something to people now: a playbook loaded as a draft brings others that nobody need see yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from accounts.models import Customer, Tier
from allocation.models import AllocationPolicy, Override, RetierRun, TierDecision, TierHolding, TieringModel
from allocation.selectors.model_checks import tiers_led_to


def tiers_in_use(*, definitions: Iterable[Any] = (), also: Q | None = None) -> QuerySet[Tier]:
    """Tiers that the published model leads to and are not retired, or that some customer holds or pays for.

    definitions: of other models whose rules are at hand; also: what else makes a tier one to show. One query now, for
    the published model; the tiers themselves are read later. From the highest down.
    """
    published = TieringModel.objects.published().values_list("definition", flat=True)
    named = {slug for each in (*published, *definitions) for slug in tiers_led_to(definition=each)}
    held = Exists(Customer.objects.filter(tier=OuterRef("pk")))
    paid = Exists(Customer.objects.filter(paid_tier=OuterRef("pk")))
    in_use = Q(slug__in=named, retired=False) | Q(held) | Q(paid)
    return Tier.objects.filter(in_use if also is None else in_use | also).order_by("rank")


def tiers_with_settings() -> QuerySet[Tier]:
    """Every tier, from the highest down, with all that says whether it is in use, and with `full_time_hours` of the policy of
    books in force: what a page about one book asks for in one statement. See `in_use_among`.
    """
    published = TieringModel.objects.published().values("definition")[:1]
    policy = AllocationPolicy.objects.active().values("full_time_hours")[:1]
    return Tier.objects.annotate(
        held=Exists(Customer.objects.filter(tier=OuterRef("pk"))),
        paid=Exists(Customer.objects.filter(paid_tier=OuterRef("pk"))),
        published=Subquery(published),
        full_time_hours=Subquery(policy),
    ).order_by("rank")


def in_use_among(tiers: Iterable[Any]) -> tuple[Tier, ...]:
    """Those of `tiers_with_settings` that `tiers_in_use` gives."""
    found = tuple(tiers)
    named = tiers_led_to(definition=found[0].published) if found else frozenset()
    return tuple(
        tier for tier in found if (tier.slug in named and not tier.retired) or tier.held or tier.paid
    )


def tiers_of_run(*, run: RetierRun) -> QuerySet[Tier]:
    """Tiers in use, those the run's own model leads to, and those its rows come from or go to."""
    rows = TierDecision.objects.filter(run=run).order_by()
    of_rows = Q(pk__in=rows.values("previous")) | Q(pk__in=rows.values("effective"))
    return tiers_in_use(definitions=[run.tiering_model.definition], also=of_rows)


def tiers_in_decisions() -> QuerySet[Tier]:
    """Tiers in use, and those that a decision of any run led to."""
    return tiers_in_use(also=Q(Exists(TierDecision.objects.filter(effective=OuterRef("pk")))))


def tiers_in_ledger() -> QuerySet[Tier]:
    """Tiers in use, and those that were held at any time."""
    return tiers_in_use(also=Q(Exists(TierHolding.objects.filter(tier=OuterRef("pk")))))


def tiers_in_overrides() -> QuerySet[Tier]:
    """Tiers in use, and those that somebody asked for by name."""
    return tiers_in_use(also=Q(Exists(Override.objects.filter(tier=OuterRef("pk")))))
