"""A made-up company of the planning benchmark (`companies`) in a migrated database, so that its books are planned from there.

The facts that are read back are those of the company, but for the CSMs' net hours: a share of other work is kept to a
hundredth of a per cent, so that somebody may have a minute more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from benchmarks.companies import company
from benchmarks.filled import installed
from benchmarks.isolation import Emit, clock

SEATED = timedelta(days=200)  # since when everybody has the CSM, before the day of the plan
HOURS_EACH = Decimal(2)
BATCH = 2_000


def work(job: Mapping[str, Any], emit: Emit) -> dict[str, Any]:
    """The child that fills a database with the company of ``customers``, ``csms`` and ``seed``."""
    installed(job)
    with clock(emit):
        settle(
            family=job["family"],
            customers=job["customers"],
            csms=job["csms"],
            seed=job["seed"],
            iterations=job["iterations"],
        )
    return {}


def settle(*, family: str, customers: int, csms: int, seed: int, iterations: int | None) -> None:
    """Migrate and write; the policy is in force afterwards. ``iterations`` of its search, None = as shipped."""
    from django.core.management import call_command
    from django.utils import timezone

    call_command("migrate", verbosity=0)
    made, today = company(family=family, customers=customers, csms=csms, seed=seed), timezone.localdate()
    words = _Words.written(made.facts)
    people = _csms(made.facts.csms, words, today)
    _policy(made.policy, people, words, made.facts.csms, iterations)
    _customers(made.facts.customers, words, people, today - SEATED)


@dataclass(frozen=True, slots=True)
class _Words:
    """What customers and CSMs are matched by; keys by name. ``kinds``: of goals, by tier and minutes."""

    tiers: Mapping[str, int]
    verticals: Mapping[str, int]
    regions: Mapping[str, int]
    languages: Mapping[str, int]
    kinds: Mapping[tuple[str, int], int]

    @classmethod
    def written(cls, facts: Any) -> _Words:
        from accounts.models import GoalKind, Language, Region, Tier, TouchActivity, Vertical

        columns = facts.customers
        tiers = {
            tier.slug: Tier.objects.create(
                slug=tier.slug, name=tier.name, rank=rank, touch_level=tier.touch_level, cap=tier.cap
            ).pk
            for rank, tier in enumerate(facts.tiers, 1)
        }
        kinds = {}
        for slug, minutes in sorted(set(zip(columns.tier, columns.minutes.tolist(), strict=True))):
            # A touch plan of its own for each load, so that the hours read back are those of the company.
            kind = GoalKind.objects.create(slug=f"{slug}-{minutes}", name=f"{slug} {minutes}")
            times = Decimal(minutes) / 5 / HOURS_EACH
            TouchActivity.objects.create(
                tier_id=tiers[slug],
                goal_kind=kind,
                name="All of it",
                times_a_year=times,
                hours_each=HOURS_EACH,
            )
            kinds[slug, minutes] = kind.pk
        spoken = {*columns.language, *(one for csm in facts.csms for one in csm.languages)}
        named = {*columns.region, *(one for csm in facts.csms for one in csm.regions)}
        return cls(
            tiers,
            _keys(Vertical, columns.vertical),
            _keys(Region, named),
            _keys(Language, spoken),
            kinds,
        )


def _keys(model: Any, names: Iterable[str]) -> dict[str, int]:
    return {name: model.objects.create(name=name).pk for name in sorted({*names} - {""})}


def _csms(facts: Sequence[Any], words: _Words, today: date) -> dict[str, int]:
    """Keys of the CSMs by e-mail."""
    from accounts.models import CSM, Team

    teams = {name: Team.objects.create(name=name) for name in sorted({csm.team for csm in facts})}
    found = {}
    for csm in facts:
        gone = csm.leaving == "gone"
        spent = Decimal(100) - Decimal(100 * csm.capacity_minutes) / Decimal(csm.contract_minutes)
        row = CSM.objects.create(
            name=csm.name,
            email=csm.key,
            team=teams[csm.team],
            seniority=csm.seniority,
            hours_per_month=Decimal(csm.contract_minutes) / 60,
            overhead_pct=0 if gone else spent.quantize(Decimal("0.01"), ROUND_DOWN),
            accepting=csm.accepting,
            leaves_on=today - timedelta(days=1) if gone else None,
        )
        row.verticals.set(words.verticals[name] for name in csm.verticals)
        row.regions.set(words.regions[name] for name in csm.regions)
        row.languages.set(words.languages[name] for name in csm.languages)
        found[csm.key] = row.pk
    return found


def _policy(
    rules: Any, people: Mapping[str, int], words: _Words, facts: Sequence[Any], iterations: int | None
) -> None:
    from allocation.models import AllocationPolicy, NamedTiers

    given = {
        name: getattr(rules, name)
        for name in (
            *("vertical_fit", "region_fit", "language_fit", "product_fit", "seniority_follows_value"),
            *("weight_hours", "weight_arr", "weight_fit", "weight_continuity", "weight_background"),
            *("hours_tolerance_pct", "arr_tolerance_pct"),
        )
    }
    if iterations is not None:
        given["search_iterations"] = iterations
    # No budget of moves: 100 % is one that never binds.
    policy = AllocationPolicy.objects.create(
        name=rules.name, is_active=True, max_moves_pct=100, max_moves_arr_pct=100, **given
    )
    for csm in facts:
        line = NamedTiers.objects.create(policy=policy, csm_id=people[csm.key])
        line.tiers.set(words.tiers[slug] for slug in csm.tiers)


def _customers(columns: Any, words: _Words, people: Mapping[str, int], since: date) -> None:
    from accounts.models import Customer, Goal
    from allocation.models import Source
    from allocation.services.decisions import CsmChange, DecisionSource, TierChange, set_csms, set_tiers

    rows = Customer.objects.bulk_create(
        [
            Customer(
                external_id=external_id,
                name=f"Firm {external_id}",
                arr=Decimal(cents) / 100,
                vertical_id=words.verticals.get(vertical),
                region_id=words.regions.get(region),
                language_id=words.languages.get(language),
            )
            for external_id, cents, vertical, region, language in zip(
                columns.external_id,
                columns.arr_cents.tolist(),
                columns.vertical,
                columns.region,
                columns.language,
                strict=True,
            )
        ],
        batch_size=BATCH,
    )
    asked = list(zip(rows, columns.tier, columns.minutes.tolist(), columns.csm, strict=True))
    Goal.objects.bulk_create(
        [
            Goal(customer=row, kind_id=words.kinds[slug, minutes], starts_on=since)
            for row, slug, minutes, _ in asked
        ],
        batch_size=BATCH,
    )
    by = DecisionSource(kind=Source.IMPORT)
    for start in range(0, len(asked), BATCH):
        some = asked[start : start + BATCH]
        set_tiers(
            changes=[TierChange(row.pk, None, words.tiers[slug]) for row, slug, _, _ in some],
            on=since,
            decision=by,
        )
        set_csms(
            changes=[CsmChange(row.pk, None, people[key]) for row, _, _, key in some if key],
            on=since,
            decision=by,
        )
