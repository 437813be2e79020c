"""How one CSM's hours of the month are shared over the book."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings

from accounts.models import CSM, Customer
from allocation.engine.attention import share_attention
from allocation.engine.facts.attention import AttentionFinding, AttentionRules, CareFacts
from allocation.models import AttentionPolicy
from allocation.selectors.balance import cover_answer
from allocation.selectors.covers import HIDDEN
from allocation.snapshots.books import TouchPlans, csm_minutes, days_away
from allocation.snapshots.covers import covers_on
from allocation.snapshots.money import frozen_rates, in_base

_ROW = (
    "pk", "external_id", "tier_id", "health", "sentiment", "adoption", "reputation", "champion", "arr",
    "potential_arr", "currency", "renewal_date",
)  # fmt: skip


def book_attention(*, csm: CSM, as_of: date) -> AttentionFinding:
    """The month from ``as_of``, all leave counted. Raises UnknownRate. The same number of queries at any size.

    Over the customers that the CSM serves on that day: the own ones and those of covered books; none while covered.
    """
    policy = AttentionPolicy.objects.active().first() or AttentionPolicy()
    covers = covers_on(on=as_of)
    served = [one.csm_id for one in covers.covers_of(csm.pk)]
    served += [] if covers.is_covered(csm.pk) else [csm.pk]
    rows = list(Customer.objects.active().filter(csm__in=served).order_by("external_id").values(*_ROW))
    base = settings.BASE_CURRENCY
    rates = frozen_rates(currencies={row["currency"] for row in rows}, as_of=as_of, base=base)
    plans = TouchPlans(as_of=as_of)

    def money(row: dict[str, Any], field: str) -> Any:
        return None if row[field] is None else in_base(row[field], row["currency"], rates=rates, base=base)

    return share_attention(
        net=csm_minutes(csm=csm, away=days_away(as_of=as_of, at_least=1).get(csm.pk, 0)),
        customers=[
            CareFacts(
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
            for row in rows
        ],
        rules=AttentionRules(basis=policy.basis, floor_pct=policy.floor_pct, cap_pct=policy.cap_pct),
    )


def attention_answer(*, csm: CSM, found: AttentionFinding, as_of: date, user: Any = None) -> dict[str, Any]:
    """Under the JSON keys of the `attention` command; the minutes beside the hours add up exactly.

    user: whose scope the customers and CSMs named are of (None: all). A manager of the cover sees the hours of covered
    customers of another team, as they are hours of the cover, but not whose they are.
    """
    seen, named = None, {share.external_id for share in found.shares}
    if user is not None:
        seen = frozenset(one.key for one in CSM.objects.visible_to(user).only("email", "name"))
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
