"""What a scenario reads beside the customers and the books: names that may be named, wishes, touch plans, averages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError

from accounts.models import CSM, Customer, GoalKind, Language, Region, Team, Tier, TouchActivity, Vertical
from allocation.engine.facts.attributes import TOUCH_LEVELS
from allocation.engine.facts.scenarios import Question
from allocation.engine.facts.tiering import Integers
from allocation.engine.scenario_facts import NO_WISH, GoalsDiffer, TouchLines
from allocation.engine.scenario_people import Averages
from allocation.engine.scenario_reading import UnusableScenario
from allocation.models import AllocationPolicy, TierStanding
from allocation.snapshots.digests import digest

NO_FIELD = frozenset({"id", "name", "is_active"})
FOURTH_PLACE = Decimal("0.0001")


class ScenarioNames:
    """The names there are of each kind, read when a definition names one of the kind, and once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, ...]] = {}
        self._csms: dict[str, str] = {}

    def __call__(self, kind: str) -> Sequence[str]:
        if kind not in self._known:
            self._known[kind] = tuple(_READERS[kind]())
        return self._known[kind]

    def key_of(self, csm: str) -> str:
        """The key of a CSM named by e-mail or name."""
        if not self._csms:
            for one in CSM.objects.order_by("pk").only("email", "name"):
                self._csms.setdefault(one.name, one.key)
            for one in CSM.objects.exclude(email=None).order_by("pk").only("email", "name"):
                self._csms[one.key] = one.key
        return self._csms.get(csm, csm)


def _csm_names() -> list[str]:
    """Names, and keys where they are other ones. A name that two CSMs have names nobody."""
    names = list(CSM.objects.order_by("name", "pk").values_list("name", flat=True))
    keys = [csm.key for csm in CSM.objects.order_by("pk").only("email", "name")]
    once = [name for name in names if names.count(name) == 1]
    return list(dict.fromkeys([*once, *keys]))


def _words(model: Any) -> list[str]:
    return list(model._default_manager.order_by("name", "pk").values_list("name", flat=True))


def _countries() -> list[str]:
    of_customers = (
        Customer.objects.order_by().exclude(country="").values_list("country", flat=True).distinct()
    )
    return sorted({*of_customers, *_of_csms("countries")})


def _products() -> list[str]:
    lists = Customer.objects.order_by().values_list("products", flat=True)
    return sorted({*(word for words in lists for word in words or ()), *_of_csms("products")})


def _of_csms(field: str) -> set[str]:
    lists = CSM.objects.order_by("pk").values_list(field, flat=True)
    return {word for words in lists for word in words or ()}


_READERS: Mapping[str, Callable[[], Sequence[str]]] = {
    "tier": lambda: list(Tier.objects.order_by("rank", "slug").values_list("slug", flat=True)),
    "goal kind": lambda: list(GoalKind.objects.order_by("slug").values_list("slug", flat=True)),
    "vertical": lambda: _words(Vertical),
    "region": lambda: _words(Region),
    "language": lambda: _words(Language),
    "country": _countries,
    "product": _products,
    "team": lambda: _words(Team),
    "policy": lambda: _words(AllocationPolicy),
    "policy field": lambda: [
        field.name for field in AllocationPolicy._meta.concrete_fields if field.name not in NO_FIELD
    ],
    "CSM": _csm_names,
}


def base_policy(*, name: str) -> AllocationPolicy:
    """The stored policy of that name; "" is the one in force, or the default values where there is none. Writes nothing."""
    if name:
        found: AllocationPolicy = AllocationPolicy.objects.get(name=name)
        return found
    return AllocationPolicy.objects.active().first() or AllocationPolicy()


def altered_policy(*, question: Question) -> AllocationPolicy:
    """A copy of the stored policy with the changed fields, never to be saved. Raises UnusableScenario."""
    policy = copy(base_policy(name=question.policy_name))
    if not question.policy:
        return policy
    faults = []
    for name, value in question.policy.items():
        field = AllocationPolicy._meta.get_field(name)
        try:
            setattr(policy, name, field.clean(value, policy))  # type: ignore[union-attr]
        except ValidationError as refusal:
            faults.append(f"The policy, {name}: {' '.join(refusal.messages)}")
    if not faults:
        faults = _broken_limits(policy)
    if faults:
        raise UnusableScenario(faults)
    return policy


def _broken_limits(policy: AllocationPolicy) -> list[str]:
    """What the table's own limits say of the values; names and who is in force are no matter here."""
    try:
        policy.validate_constraints(exclude={"name", "is_active"})
    except ValidationError as refusal:
        return [f"The policy: {message}" for message in refusal.messages]
    return []


def touch_lines() -> TouchLines:
    """The touch plans by tier slug; one query."""
    found: dict[str, list[tuple[str, Decimal, Decimal]]] = {}
    rows = TouchActivity.objects.order_by("pk").values_list(
        "tier__slug", "goal_kind__slug", "times_a_year", "hours_each"
    )
    for slug, kind, times, each in rows:
        found.setdefault(slug, []).append((kind or "", times, each))
    return found


def goals_differ(*, keys: Integers) -> GoalsDiffer:
    """By the goals of the last decision applied, as a run compares them; who was never decided has none to differ from.

    keys: of the customers, by row. Two queries.
    """
    kinds = list(
        GoalKind.objects.order_by("slug").values_list("slug", flat=True)
    )  # in the order goals are read in
    decided = dict(TierStanding.objects.values_list("customer_id", "goals"))
    then = [decided.get(key) for key in keys.tolist()]
    digests: dict[frozenset[str], int] = {}

    def differ(row: int, now: frozenset[str]) -> bool:
        if now not in digests:
            digests[now] = digest(tuple(kind for kind in kinds if kind in now))
        return then[row] is not None and then[row] != digests[now]

    return differ


def wishes_of(*, rows: Sequence[Mapping[str, Any]]) -> Integers:
    """The touch level each customer wishes, as a position in TOUCH_LEVELS, -1 for none; no query."""
    places = {level: place for place, level in enumerate(TOUCH_LEVELS)}
    return np.array([places.get(row["wished_engagement"], NO_WISH) for row in rows], dtype=np.int64)


def csm_averages(*, on: date) -> Averages:
    """Of the CSMs that serve on the day, open seats left out; the usual values where there are none. One query."""
    rows = list(
        CSM.objects.serving(on)
        .filter(is_seat=False)
        .order_by("pk")
        .values_list("seniority", "hours_per_month", "overhead_pct", "ramp_pct")
    )
    if not rows:
        return Averages()
    seniority, hours, overhead, ramp = (_mean(column) for column in zip(*rows, strict=True))
    return Averages(round(seniority), hours, overhead, ramp)


def _mean(values: Sequence[Any]) -> Decimal:
    mean = sum((Fraction(value) for value in values), Fraction(0)) / len(values)
    return (Decimal(mean.numerator) / mean.denominator).quantize(FOURTH_PLACE)
