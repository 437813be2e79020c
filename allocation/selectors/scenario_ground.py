"""What a scenario is built on: the numbers of today that its form shows beside each field, and what can be named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, Sum

from accounts.models import CSM, Customer, GoalKind, Language, Region, Tier, Vertical
from allocation.engine.facts.attributes import Attribute, Kind
from allocation.engine.scenario_documents import conditions_of, rows_of
from allocation.engine.written import as_number
from allocation.models import AllocationPolicy, TieringModel
from allocation.selectors import wording
from allocation.snapshots.vocabulary import model_vocabulary

ONE_NUMBER = {">=": "at least", ">": "more than", "<=": "at most", "<": "less than"}
PARTS = (("segments", "name", "Segment "), ("touch", "touch", "Touch level "), ("tiers", "tier", ""))


@dataclass(frozen=True, slots=True)
class WeightNow:
    criterion: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class BoundNow:
    """The only numeric bound of an attribute in a rule. rule: the segment's name or the tier's slug."""

    rule: str
    rule_words: str
    attribute: str
    words: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class TierNow:
    """hours: what a customer asks in a year by its touch plan, goals left out."""

    slug: str
    name: str
    rank: int
    cap: int | None
    hours: Decimal
    has_csm: bool

    @property
    def shown_hours(self) -> str:
        return wording.hours(self.hours)


@dataclass(frozen=True, slots=True)
class Ground:
    """versions: (number, words), the newest first. csms: (how a definition names one, name). Names are in reading order."""

    versions: tuple[tuple[int, str], ...]
    published: int | None
    version: int | None
    weights: tuple[WeightNow, ...]
    bounds: tuple[BoundNow, ...]
    tiers: tuple[TierNow, ...]
    policies: tuple[AllocationPolicy, ...]
    goal_kinds: tuple[tuple[str, str], ...]
    verticals: tuple[str, ...]
    regions: tuple[str, ...]
    languages: tuple[str, ...]
    countries: tuple[str, ...]
    csms: tuple[tuple[str, str], ...]

    def policy(self, name: str) -> AllocationPolicy:
        """The policy of this name, else the one in force, else one with the usual values."""
        named = {policy.name: policy for policy in self.policies}
        in_force = next((policy for policy in self.policies if policy.is_active), None)
        return named.get(name) or in_force or AllocationPolicy(name="Default")


def ground(*, user: Any, version: int | None, on: date) -> Ground:
    """A fixed number of queries, whatever the size of the company. version: None or one that is not there is the published one.

    A manager chooses among the CSMs and words of the own teams.
    """
    models = list(TieringModel.objects.order_by("-number").only("number", "name", "status", "definition"))
    published = next((one for one in models if one.status == TieringModel.Status.PUBLISHED), None)
    model = next((one for one in models if one.number == version), published)
    vocabulary = model_vocabulary()
    definition = model.definition if model else {}
    names = {tier.slug: tier.name or tier.slug for tier in vocabulary.tiers}
    return Ground(
        versions=tuple((one.number, f"{one} ({one.get_status_display().lower()})") for one in models),
        published=published.number if published else None,
        version=model.number if model else None,
        weights=tuple(_weights(definition)),
        bounds=tuple(_bounds(definition, vocabulary.attributes, names)),
        tiers=_tiers(),
        policies=tuple(AllocationPolicy.objects.order_by("-is_active", "name")),
        goal_kinds=tuple(
            GoalKind.objects.filter(retired=False).order_by("name", "pk").values_list("slug", "name")
        ),
        verticals=_names(Vertical, user),
        regions=_names(Region, user),
        languages=_names(Language, user),
        countries=tuple(
            Customer.objects.visible_to(user)
            .exclude(country="")
            .order_by("country")
            .values_list("country", flat=True)
            .distinct()
        ),
        csms=tuple(
            (email or name, name)
            for email, name in CSM.objects.visible_to(user)
            .serving(on)
            .order_by("name", "pk")
            .values_list("email", "name")
        ),
    )


def _names(model: type[Any], user: Any) -> tuple[str, ...]:
    rows = model.objects.visible_to(user).order_by("name").values_list("name", flat=True)
    return tuple(dict.fromkeys(rows))


def _tiers() -> tuple[TierNow, ...]:
    plan = Sum(
        F("activities__times_a_year") * F("activities__hours_each"),
        filter=Q(activities__goal_kind__isnull=True),
    )
    rows = Tier.objects.filter(retired=False).annotate(plan=plan).order_by("rank")
    return tuple(
        TierNow(row.slug, row.name, row.rank, row.cap, Decimal(row.plan or 0).normalize(), row.has_csm)
        for row in rows
    )


def _weights(document: Mapping[str, Any]) -> Iterator[WeightNow]:
    for row in rows_of(document, "criteria"):
        name = str(row.get("name") or row.get("attribute") or "").strip()
        weight = as_number(row.get("weight", 1))
        if name and weight is not None:
            yield WeightNow(name, weight)


def _bounds(
    document: Mapping[str, Any], attributes: Mapping[str, Attribute], tiers: Mapping[str, str]
) -> Iterator[BoundNow]:
    """Those that a definition can name: the rule and the attribute say which one is meant."""
    found: dict[tuple[str, str], list[BoundNow]] = {}
    for part, key, before in PARTS:
        for row in rows_of(document, part):
            rule = str(row.get(key) or "").strip()
            words = f"{before}{rule}" if before else tiers.get(rule, rule)
            for condition in conditions_of(row.get("when")):
                attribute = attributes.get(str(condition.get("attribute")))
                value = as_number(condition.get("value"))
                if rule and value is not None and attribute is not None and attribute.kind is Kind.NUMBER:
                    op = ONE_NUMBER.get(str(condition.get("op")), "")
                    told = f"{attribute.label} {op}" if op else ""
                    line = BoundNow(rule, words, attribute.name, told, value)
                    found.setdefault((rule, attribute.name), []).append(line)
    for lines in found.values():
        if len(lines) == 1 and lines[0].words:
            yield lines[0]
