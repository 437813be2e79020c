"""The overrides a person asked for and what became of them, also of customers that another CSM has by now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accounts.models import Customer
from allocation.models import Override
from allocation.selectors import wording

LATEST_REQUESTS = 20


@dataclass(frozen=True, slots=True)
class RequestLine:
    """customer_id: None where the customer is outside the person's scope by now. decision: by whom, when and with what words."""

    customer: str
    customer_id: int | None
    tier: str
    asked: str
    until: str
    words: str
    status: str
    status_words: str
    decision: str
    decided_words: str


def own_requests(*, user: Any) -> list[RequestLine]:
    """The latest twenty that this person asked for, the newest first; two queries.

    Of a customer outside the scope it says what the person wrote and what was decided, and nothing that the customer is or
    that others wrote of it since.
    """
    rows = Override.objects.asked_by(user).select_related("customer", "tier", "decided_by")
    found = list(rows.order_by("-asked_at", "-pk")[:LATEST_REQUESTS])
    ids = {row.customer_id for row in found}
    seen = set(Customer.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))
    return [_line(row, row.customer_id in seen) for row in found]


def _line(row: Override, is_seen: bool) -> RequestLine:
    ended = f"{row.get_status_display()} {wording.moment(row.ended_at)}" if row.ended_at else ""
    decided = f"{row.decided_by}, {wording.moment(row.decided_at)}" if row.decided_at else ""
    return RequestLine(
        customer=row.customer.name,
        customer_id=row.customer_id if is_seen else None,
        tier=row.tier.name,
        asked=wording.moment(row.asked_at),
        until=wording.day(row.expires_on),
        words=row.words,
        status=row.status,
        status_words=row.get_status_display(),
        decision=" · ".join(part for part in (decided, ended) if part),
        decided_words=row.decided_words,
    )
