"""What people overrule: how often each tier rule, segment and criterion of the model is overruled by an override.

An override that was approved says that the model was wrong about a customer. Up: people wish a higher tier than the model
suggested when it was asked for; down: a lower one; neither: the tier that the rules said, against a guard. Kept:
the same, and the customer had it: it is to stay there whatever comes, which overrules nothing. An override up
overrules the criteria whose points lie below the customer's score (they pulled it down), one down those above it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.timezone import localtime

from accounts.models import Tier, User
from allocation.models import Override
from allocation.selectors.overrides import months_later
from allocation.selectors.rules_at_work import RuleName, rules_at_work

UP, DOWN, NEITHER, KEPT = "up", "down", "neither", "kept"
# An override that begins within so many days after an earlier one of the same customer and tier ended renews it.
RENEWAL_DAYS = 31
# How far before the period an override may have been asked for that one of the period renews.
LOOK_BACK_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Said:
    """One override, with what the model said when it was asked for. way: empty where the model had said nothing."""

    pk: int
    customer_id: int
    tier: str
    status: str
    reason_kind: str
    asked_by: int
    asked_on: date
    decided_by: int | None
    days_to_decide: float | None
    starts_on: date
    ended_on: date
    way: str
    segment: str
    rule: RuleName | None
    score: Decimal | None
    contributions: Sequence[Mapping[str, Any]]

    @property
    def was_approved(self) -> bool:
        """By a manager, whatever became of it since."""
        return self.decided_by is not None and self.status != Override.Status.DECLINED


@dataclass(slots=True)
class Line:
    """Overrides about one rule, segment or reason. customers: those it decides today and those it was overruled for."""

    customers: set[int] = field(default_factory=set)
    asked: int = 0
    approved: int = 0
    in_force: int = 0
    overruled: set[int] = field(default_factory=set)
    ways: Counter[str] = field(default_factory=Counter)

    def count(self, said: Said, *, today: date) -> None:
        self.asked += 1
        self.customers.add(said.customer_id)
        if said.was_approved:
            self.approved += 1
            if said.way != KEPT:
                self.overruled.add(said.customer_id)
            self.ways[said.way] += 1
            self.in_force += is_in_force(said, today)

    @property
    def share_pct(self) -> float | None:
        """Customers for whom it was overruled, of all it decides."""
        return 100 * len(self.overruled) / len(self.customers) if self.customers else None


@dataclass(slots=True)
class CriterionLine:
    """with_value: approved overrides of customers for whom it had a value. overruled: those that say it was wrong."""

    with_value: int = 0
    overruled: int = 0
    ways: Counter[str] = field(default_factory=Counter)

    @property
    def share_pct(self) -> float | None:
        return 100 * self.overruled / self.with_value if self.with_value else None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people who approve each other's: how many of the other's each approved."""

    one: str
    other: str
    by_one: int
    by_other: int


@dataclass(frozen=True, slots=True)
class OverrideReport:
    """Everything the page and its CSV say. pairs: None for who may not see them."""

    starts_on: date
    ends_on: date
    total: Line
    statuses: Mapping[str, int]
    renewed: int
    mean_days: float | None
    rules: tuple[tuple[RuleName, Line], ...]
    segments: tuple[tuple[str, Line], ...]
    criteria: tuple[tuple[str, CriterionLine], ...]
    reasons: tuple[tuple[str, Line], ...]
    pairs: tuple[Pair, ...] | None


def what_people_overrule(*, user: Any, starts_on: date, ends_on: date, today: date) -> OverrideReport:
    """Overrides of customers the person may see that were asked for from starts_on to ends_on, both included.

    Six statements, one more where CS ops find people who approve each other's; the same at any size.
    """
    tiers = {tier.slug: tier for tier in Tier.objects.order_by("rank")}
    seen = [_said(row, tiers) for row in _rows(user, months_later(starts_on, -_look_back()), ends_on)]
    asked = [said for said in seen if said.asked_on >= starts_on]
    approved = [said for said in asked if said.was_approved]
    rules, segments = _of_the_model(asked, user=user, today=today)
    total = _line(asked, today)
    days = [said.days_to_decide for said in asked if said.days_to_decide is not None]
    return OverrideReport(
        starts_on=starts_on,
        ends_on=ends_on,
        total=total,
        statuses=Counter(said.status for said in asked),
        renewed=_renewed(approved, seen),
        mean_days=sum(days) / len(days) if days else None,
        rules=tuple(sorted(rules.items(), key=_most_first)),
        segments=tuple(sorted(segments.items(), key=_most_first)),
        criteria=_criteria(approved),
        reasons=tuple(
            (label, _line([said for said in asked if said.reason_kind == kind], today))
            for kind, label in Override.Reason.choices
        ),
        pairs=_pairs(approved) if user.is_ops else None,
    )


def _look_back() -> int:
    """Months before the period in which an override may have begun that one of the period renews."""
    return int(settings.OVERRIDE_MONTHS) + LOOK_BACK_MONTHS


def is_in_force(said: Said, today: date) -> bool:
    return said.status == Override.Status.APPROVED and said.starts_on <= today < said.ended_on


def _rows(user: Any, since: date, until: date) -> Iterable[Override]:
    rows = Override.objects.visible_to(user).filter(asked_at__date__gte=since, asked_at__date__lte=until)
    return rows.select_related("tier", "tier_when_asked").order_by("pk")


def _said(row: Override, tiers: Mapping[str, Tier]) -> Said:
    said = row.model_said or {}
    suggested = tiers.get(said.get("suggested") or "") or row.tier_when_asked
    score = said.get("score")
    decided = row.decided_at
    return Said(
        pk=row.pk,
        customer_id=row.customer_id,
        tier=row.tier.slug,
        status=row.status,
        reason_kind=row.reason_kind,
        asked_by=row.asked_by_id,
        asked_on=localtime(row.asked_at).date(),
        decided_by=row.decided_by_id,
        days_to_decide=(decided - row.asked_at).total_seconds() / 86_400 if decided else None,
        starts_on=row.starts_on,
        ended_on=min(row.expires_on, localtime(row.ended_at).date()) if row.ended_at else row.expires_on,
        way=_way(row.tier, suggested, held=row.tier_when_asked),
        segment=said.get("segment") or "",
        rule=RuleName(said["rule"], said.get("suggested") or "") if said.get("rule") else None,
        score=None if score is None else Decimal(str(score)),
        contributions=said.get("contributions") or (),
    )


def _way(wished: Tier, suggested: Tier | None, *, held: Tier | None) -> str:
    if suggested is None:
        return ""
    if wished.rank == suggested.rank:
        return KEPT if held == wished else NEITHER
    return UP if wished.rank < suggested.rank else DOWN


def _line(asked: Iterable[Said], today: date) -> Line:
    line = Line()
    for said in asked:
        line.count(said, today=today)
    return line


def _of_the_model(
    asked: Sequence[Said], *, user: Any, today: date
) -> tuple[dict[RuleName, Line], dict[str, Line]]:
    """Lines of the rules and segments at work today, and of those that somebody asked to overrule."""
    work = rules_at_work(user=user)
    rules = {rule: Line(customers=set(customers)) for rule, customers in work.by_rule.items()}
    segments = {segment: Line(customers=set(customers)) for segment, customers in work.by_segment.items()}
    for said in asked:
        if said.rule is not None:
            rules.setdefault(said.rule, Line()).count(said, today=today)
        if said.segment:
            segments.setdefault(said.segment, Line()).count(said, today=today)
    return rules, segments


def _most_first(entry: tuple[Any, Line]) -> tuple[Any, ...]:
    """The most overruled first, then those asked about, then by how many they decide."""
    name, line = entry
    return (-len(line.overruled), -line.asked, -len(line.customers), name)


def _criteria(approved: Iterable[Said]) -> tuple[tuple[str, CriterionLine], ...]:
    lines: dict[str, CriterionLine] = {}
    for said in approved:
        for entry in said.contributions:
            line = lines.setdefault(entry["criterion"], CriterionLine())
            points = entry.get("points")
            if points is None or said.score is None:
                continue
            line.with_value += 1
            if overrules(way=said.way, points=Decimal(str(points)), score=said.score):
                line.overruled += 1
                line.ways[said.way] += 1
    order = sorted(lines.items(), key=lambda entry: (-entry[1].overruled, -entry[1].with_value, entry[0]))
    return tuple(order)


def overrules(*, way: str, points: Decimal, score: Decimal) -> bool:
    """Whether an override this way says that a criterion with these points was wrong."""
    return points < score if way == UP else points > score if way == DOWN else False


def _renewed(approved: Iterable[Said], seen: Iterable[Said]) -> int:
    """How many carry on an earlier one of the same customer and tier."""
    of: dict[tuple[int, str], list[Said]] = defaultdict(list)
    for said in seen:
        if said.was_approved:
            of[said.customer_id, said.tier].append(said)
    return sum(any(_renews(said, one) for one in of[said.customer_id, said.tier]) for said in approved)


def _renews(said: Said, earlier: Said) -> bool:
    until = earlier.ended_on + timedelta(days=RENEWAL_DAYS)
    return earlier.pk != said.pk and earlier.starts_on < said.starts_on <= until


def _pairs(approved: Iterable[Said]) -> tuple[Pair, ...]:
    """Who approves whose, where it goes both ways."""
    given = Counter((said.decided_by, said.asked_by) for said in approved if said.decided_by is not None)
    both = sorted({(one, other) for one, other in given if one < other and (other, one) in given})
    people = {
        person.pk: str(person) for person in User.objects.filter(pk__in={pk for pair in both for pk in pair})
    }
    found = [Pair(people[one], people[other], given[one, other], given[other, one]) for one, other in both]
    return tuple(sorted(found, key=lambda pair: (-(pair.by_one + pair.by_other), pair.one, pair.other)))
