"""How CSMs' hours of the month are shared over their books: the facts read once, for one book or for all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast

from django.conf import settings

from accounts.models import CSM, Customer
from allocation.engine.attention import compare_bases, net_hours, share_attention
from allocation.engine.facts.attention import (
    AttentionFinding,
    AttentionRules,
    Basis,
    BasisComparison,
    CareFacts,
    CareShare,
    NetHours,
)
from allocation.models import AttentionPolicy
from allocation.selectors.amounts import known_rates
from allocation.selectors.balance import cover_answer
from allocation.selectors.book_facts import BookFacts, book_facts
from allocation.selectors.covers import HIDDEN
from allocation.selectors.touches import hours_done
from allocation.snapshots.away import MONTH_DAYS, days_away, days_away_among
from allocation.snapshots.books import TouchPlans
from allocation.snapshots.covers import Covers, covers_on
from allocation.snapshots.money import UnknownRate, in_base, lacking_words

_ROW = (
    "pk", "external_id", "name", "csm_id", "tier_id", "health", "sentiment", "adoption", "reputation", "champion", "arr",
    "potential_arr", "currency", "renewal_date",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cared:
    """One customer of a book: who it is, and what its share is worked out from. goals: kinds of the open ones, by slug."""

    pk: int
    name: str
    csm_id: int
    tier_id: int | None
    facts: CareFacts
    goals: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class BookCare:
    """One CSM's month from a day: the customers served (own and covered) by external id, the hours, and how they are shared.

    policy: in force; unsaved where none is. problem: why amounts of some currency are not known; empty when all are.
    """

    csm: CSM
    as_of: date
    policy: AttentionPolicy
    net: NetHours
    days_away: int
    covers: Covers
    customers: tuple[Cared, ...]
    found: AttentionFinding
    problem: str = ""

    @property
    def is_covered(self) -> bool:
        return self.covers.is_covered(self.csm.pk)

    @property
    def rules(self) -> AttentionRules:
        return rules_of(self.policy)

    @property
    def facts(self) -> list[CareFacts]:
        return [one.facts for one in self.customers]


def policy_in_force() -> AttentionPolicy:
    return AttentionPolicy.objects.active().first() or AttentionPolicy()


def rules_of(policy: AttentionPolicy) -> AttentionRules:
    return AttentionRules(cast(Basis, policy.basis), Decimal(policy.floor_pct), Decimal(policy.cap_pct))


def book_care(*, csm: CSM, as_of: date, facts: BookFacts | None = None) -> BookCare:
    """The facts of one book, read once; the same number of statements at any size.

    Over the customers that the CSM serves on that day: the own ones and those of covered books; none while covered.
    facts: of the book and the day, where they are read already.
    """
    facts = facts or book_facts(csm=csm, on=as_of)
    served = _served(csm.pk, facts.covers)
    customers, problem = _cared(
        facts.active(csm_ids=served), plans=facts.plans, rates=facts.rates, as_of=as_of
    )
    leaves = [(row.csm_id, row.starts_on, row.ends_before) for row in facts.leaves]
    away = days_away_among(leaves, as_of=as_of, at_least=1).get(csm.pk, 0)
    return _shared(csm, customers, facts.policy, away, covers=facts.covers, problem=problem, as_of=as_of)


def all_care(*, as_of: date) -> list[BookCare]:
    """Every CSM who serves somebody on the day, by name; the same number of statements at any size."""
    csms = list(CSM.objects.select_related("team").order_by("name", "pk"))
    return [one for one in _read(csms=csms, as_of=as_of) if one.customers]


def tried_care(*, care: BookCare, rules: AttentionRules) -> tuple[AttentionFinding, BasisComparison]:
    """The book under these rules, in force or only tried, and every basis side by side under the same floor and cap."""
    sides = compare_bases(
        net=care.net.net,
        customers=care.facts,
        in_force=care.rules,
        floor_pct=rules.floor_pct,
        cap_pct=rules.cap_pct,
    )
    if rules == care.rules:
        return care.found, sides
    return share_attention(net=care.net.net, customers=care.facts, rules=rules), sides


def customer_care(*, customer: Customer, on: date) -> tuple[BookCare, Cared, CareShare] | None:
    """The book in which a customer is served on the day, and its place and share there; None where nobody serves it."""
    csm_id = covers_on(on=on).served_by(customer.csm_id)
    csm = CSM.objects.select_related("team").filter(pk=csm_id).first() if csm_id is not None else None
    if csm is None:
        return None
    care = book_care(csm=csm, as_of=on)
    shares = {share.external_id: share for share in care.found.shares}
    one = next((one for one in care.customers if one.pk == customer.pk), None)
    return None if one is None else (care, one, shares[one.facts.external_id])


def _read(*, csms: Sequence[CSM], as_of: date) -> list[BookCare]:
    policy = policy_in_force()
    covers = covers_on(on=as_of)
    served = {csm.pk: _served(csm.pk, covers) for csm in csms}
    rows = Customer.objects.active().filter(csm__in={pk for pks in served.values() for pk in pks})
    plans = TouchPlans(as_of=as_of, among=rows.order_by().values("pk"))
    read = list(rows.order_by("external_id").values(*_ROW))
    rates, _ = known_rates(currencies={row["currency"] for row in read}, as_of=as_of)
    customers, problem = _cared(read, plans=plans, rates=rates, as_of=as_of)
    away = days_away(as_of=as_of, at_least=1)
    return [
        _shared(csm, customers, policy, away.get(csm.pk, 0), covers=covers, problem=problem, as_of=as_of)
        for csm in csms
    ]


def _shared(
    csm: CSM,
    customers: Mapping[int, list[Cared]],
    policy: AttentionPolicy,
    away: int,
    *,
    covers: Covers,
    problem: str,
    as_of: date,
) -> BookCare:
    """customers: by the CSM who owns them. away: days of the month that the CSM is."""
    mine = [one for pk in _served(csm.pk, covers) for one in customers.get(pk, ())]
    mine.sort(key=lambda one: one.facts.external_id)
    net = net_hours(
        hours_per_month=csm.hours_per_month,
        ramp_pct=csm.ramp_pct,
        overhead_pct=csm.overhead_pct,
        days_away=away,
        days=MONTH_DAYS,
    )
    found = share_attention(net=net.net, customers=[one.facts for one in mine], rules=rules_of(policy))
    return BookCare(csm, as_of, policy, net, away, covers, tuple(mine), found, problem)


def _served(csm_id: int, covers: Covers) -> list[int]:
    """Whose customers the CSM serves on the day."""
    own = [] if covers.is_covered(csm_id) else [csm_id]
    return own + [one.csm_id for one in covers.covers_of(csm_id)]


def _cared(
    read: Sequence[Mapping[str, Any]], *, plans: TouchPlans, rates: Mapping[str, Decimal], as_of: date
) -> tuple[Mapping[int, list[Cared]], str]:
    """By the CSM who owns them, and what is wrong with the rates."""
    base = settings.BASE_CURRENCY
    lacking = {row["currency"] for row in read} - {base} - set(rates)

    def money(row: Mapping[str, Any], field: str) -> Decimal | None:
        amount, currency = row[field], row["currency"]
        known = amount is not None and (currency == base or currency in rates)
        return in_base(amount, currency, rates=rates, base=base) if known else None

    found: dict[int, list[Cared]] = defaultdict(list)
    for row in read:
        facts = CareFacts(
            external_id=row["external_id"],
            base_minutes=plans.minutes(customer_id=row["pk"], tier_id=row["tier_id"]),
            health=row["health"],
            sentiment=row["sentiment"],
            adoption=row["adoption"],
            reputation=row["reputation"],
            champion=row["champion"],
            arr=money(row, "arr"),
            potential_arr=money(row, "potential_arr"),
            days_to_renewal=None if row["renewal_date"] is None else (row["renewal_date"] - as_of).days,
        )
        goals = plans.goal_kinds(customer_id=row["pk"])
        found[row["csm_id"]].append(
            Cared(row["pk"], row["name"], row["csm_id"], row["tier_id"], facts, goals)
        )
    return found, lacking_words(currencies=lacking, as_of=as_of)


def book_attention(*, csm: CSM, as_of: date) -> AttentionFinding:
    """The month from ``as_of``, all leave counted. Raises UnknownRate. The same number of queries at any size."""
    care = book_care(csm=csm, as_of=as_of)
    if care.problem:
        raise UnknownRate(care.problem)
    return care.found


def done_minutes(*, customer_ids: Iterable[int], on: date) -> Mapping[int, int]:
    """What was done with each customer since the month of the day began, in whole minutes; one statement."""
    tomorrow = on + timedelta(days=1)
    return hours_done(customer_ids=list(customer_ids), first=on.replace(day=1), before=tomorrow)


def attention_answer(*, csm: CSM, found: AttentionFinding, as_of: date, user: Any = None) -> dict[str, Any]:
    """Under the JSON keys of the `attention` command; the minutes beside the hours add up exactly.

    user: whose scope the customers and CSMs named are of (None: all). A manager of the cover sees the hours of covered
    customers of another team, as they are hours of the cover, but not whose they are.
    """
    seen, named = None, {share.external_id for share in found.shares}
    if user is not None:
        seen = frozenset(CSM.objects.visible_to(user).keys_by_id().values())
        visible = Customer.objects.visible_to(user).filter(external_id__in=named)
        named = set(visible.values_list("external_id", flat=True))
    return {
        "csm": csm.key,
        "net_hours": _hours(found.net_minutes),
        "net_minutes": found.net_minutes,
        "unallocated_minutes": found.unallocated_minutes,
        "over_capacity": found.over_capacity,
        **cover_answer(csm=csm.key, covers=covers_on(on=as_of), seen=seen),
        "customers": [
            {
                "external_id": share.external_id if share.external_id in named else HIDDEN,
                "base_hours": _hours(share.base_minutes),
                "share_hours": _hours(share.share_minutes),
                "hours": _hours(share.minutes),
                "minutes": share.minutes,
            }
            for share in found.shares
        ],
    }


def _hours(minutes: int) -> float:
    """Fine enough that the hours of a large book still add up."""
    return round(minutes / 60, 6)
