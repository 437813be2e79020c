"""Pieces about attention that several pages show: figure tiles, the card on a book's page, the figure of one customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse

from accounts.models import CSM, Customer
from allocation.charts.bars import Share, share_bar
from allocation.charts.svg import Markup
from allocation.engine.facts.attention import AttentionFinding, AttentionRules
from allocation.selectors import attention_words as words_of
from allocation.selectors import wording
from allocation.selectors.attention import BookCare, book_care, customer_care, done_minutes
from allocation.snapshots.away import MONTH_DAYS
from allocation.views.parts import Kpi


def closing_words(found: AttentionFinding) -> str:
    """How the figures of a book add up, to the minute."""
    hm = wording.hours_and_minutes
    if found.over_capacity:
        return (
            f"The base hours are {hm(found.missing_minutes)} above the net hours of {hm(found.net_minutes)}."
        )
    rest = f" + unallocated {hm(found.unallocated_minutes)}" if found.unallocated_minutes else ""
    shared = found.net_minutes - found.base_minutes - found.unallocated_minutes
    return f"Base {hm(found.base_minutes)} + shares {hm(shared)}{rest} = net {hm(found.net_minutes)}."


def net_trace(care: BookCare) -> str:
    lines = words_of.net_lines(care.net, days_away=care.days_away, month=MONTH_DAYS)
    return "\n".join(f"{label}: {figure}" for label, figure, _ in lines)


def attention_kpis(*, care: BookCare, found: AttentionFinding, done: int, rules: AttentionRules) -> list[Kpi]:
    """Net, base, left, done; each says how it came."""
    hm = wording.hours_and_minutes
    share = 100 * found.base_minutes / found.net_minutes if found.net_minutes else None
    left = -found.missing_minutes if found.over_capacity else found.left_minutes
    return [
        Kpi(
            "Net hours",
            hm(found.net_minutes),
            note="of the month from today",
            icon="clock",
            trace=net_trace(care),
        ),
        Kpi(
            "Base hours",
            hm(found.base_minutes),
            note="no net hours" if share is None else f"{wording.percent(share)} of the net hours",
            icon="touch",
            tone="bad" if found.over_capacity else "",
            trace=f"The touch plans of {wording.counted(len(found.shares), 'customer')}, hours of a year ÷ 12 each, added up.",
        ),
        Kpi(
            "Missing" if found.over_capacity else "Left to share",
            hm(abs(left)),
            note="over capacity"
            if found.over_capacity
            else f"by {words_of.basis_label(rules.basis).lower()}",
            icon="attention",
            tone="bad" if found.over_capacity else "good",
            trace=f"Net {hm(found.net_minutes)} − base {hm(found.base_minutes)} = {hm(found.net_minutes - found.base_minutes)}.",
        ),
        Kpi(
            "Done this month",
            hm(done),
            note=f"since {wording.day(care.as_of.replace(day=1))}; attention is of the thirty days from today",
            icon="check",
            trace="The hours of all touches done with these customers since the month began.",
        ),
    ]


@dataclass(frozen=True)
class AttentionCard:
    """What the card on a book's page shows (``pages/_attention_card.html``)."""

    url: str
    basis: str
    chart: Markup
    parts: tuple[tuple[str, str, str, str], ...]  # swatch, label, hours, how they came
    over: str
    empty: str


def attention_card(
    *,
    csm: CSM,
    on: date,
    own: bool,
    care: BookCare | None = None,
    done: Mapping[int, int] | None = None,
) -> AttentionCard:
    """For the page of a book. care, done: of the CSM and day, where they are read already; else the card reads them."""
    care = care or book_care(csm=csm, as_of=on)
    done = done_minutes(customer_ids=[one.pk for one in care.customers], on=on) if done is None else done
    found, hm = care.found, wording.hours_and_minutes
    shared = sum(one.share_minutes for one in found.shares)
    trace = closing_words(found)
    parts = [
        ("base", "Base", hm(found.base_minutes), f"What the touch plans ask. {trace}"),
        ("share", f"Shared by {words_of.basis_label(care.rules.basis).lower()}", hm(shared), trace),
    ]
    if found.unallocated_minutes:
        parts.append(("none", "Unallocated", hm(found.unallocated_minutes), trace))
    spent = sum(done.values())
    parts.append(
        (
            "done",
            f"Done since {wording.day(care.as_of.replace(day=1))}",
            hm(spent),
            "The hours of the touches done since the month began; attention is of the thirty days from today.",
        )
    )
    return AttentionCard(
        url=reverse("my_attention") if own else reverse("book_attention", args=[csm.pk]),
        basis=words_of.basis_label(care.rules.basis),
        chart=share_bar(
            [
                Share("Base hours", found.base_minutes / 60, "hours-base"),
                Share("Shared", shared / 60, "hours-share"),
                Share("Unallocated", found.unallocated_minutes / 60, "flow-stay"),
            ],
            label="Hours of the month: base, shared and unallocated; the list below says the same.",
        ),
        parts=tuple(parts),
        over=f"{hm(found.missing_minutes)} hours more are asked than there are."
        if found.over_capacity
        else "",
        empty="" if found.shares else "No customers are served here now, so no hours are shared.",
    )


def customer_attention_kpis(*, customer: Customer, user: Any, on: date) -> list[Kpi]:
    """A tile: attention this month of one customer, and how it came; none where nobody serves it.

    While a colleague covers whose hours the person does not see, the base hours alone: a share says how full a book is.
    """
    found = customer_care(customer=customer, on=on)
    if found is None:
        return []
    care, one, share = found
    hm = wording.hours_and_minutes
    if care.csm.pk != customer.csm_id and not CSM.objects.visible_to(user).filter(pk=care.csm.pk).exists():
        words = f"The touch plan's hours of a year ÷ 12. {care.csm.name} covers; what else it gets is of those hours."
        return [
            Kpi(
                "Attention",
                hm(share.base_minutes),
                note=f"base hours; {care.csm.name} covers",
                icon="attention",
                trace=words,
            )
        ]
    done = done_minutes(customer_ids=[customer.pk], on=on).get(customer.pk, 0)
    trace = "\n".join(
        (
            f"Base {hm(share.base_minutes)} + share {hm(share.share_minutes)}, of the hours of {care.csm.name}.",
            words_of.share_trace(share=share, facts=one.facts, found=care.found, rules=care.rules),
        )
    )
    note = f"hours of thirty days from today; {hm(done)} done since {wording.day(on.replace(day=1))}"
    return [Kpi("Attention", hm(share.minutes), note=note, icon="attention", trace=trace)]
