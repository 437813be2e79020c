"""Small pieces of HTML that lists and pages share: status, tier, amounts, meters.

Never colour alone: a badge has an icon and words, a tier its rank, a meter its number.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.shapes import Shape, lines

# status -> (tone, icon); one table for customers, runs, plans, imports, overrides and touches.
TONES: dict[str, tuple[str, str]] = {
    "active": ("good", "check"),
    "left": ("neutral", "exit"),
    "queued": ("info", "clock"),
    "staging": ("info", "clock"),
    "asking": ("warn", "alert"),
    "staged": ("accent", "eye"),
    "computing": ("info", "run"),
    "proposed": ("accent", "eye"),
    "awaiting_approval": ("warn", "approval"),
    "asked": ("warn", "approval"),
    "applying": ("info", "run"),
    "applied": ("good", "check"),
    "approved": ("good", "check"),
    "confirmed": ("good", "check"),
    "done": ("good", "check"),
    "published": ("good", "check"),
    "draft": ("neutral", "edit"),
    "retired": ("neutral", "lock"),
    "undoing": ("info", "history"),
    "undone": ("neutral", "history"),
    "discarded": ("neutral", "close"),
    "declined": ("bad", "close"),
    "refused": ("bad", "close"),
    "withdrawn": ("neutral", "close"),
    "expired": ("neutral", "clock"),
    "ended": ("neutral", "clock"),
    "stale": ("warn", "alert"),
    "failed": ("bad", "alert"),
    "overdue": ("bad", "alert"),
    "open": ("info", "clock"),
    "cancelled": ("neutral", "close"),
    "planned": ("info", "clock"),
    "due": ("warn", "clock"),
    "late": ("bad", "alert"),
    "missed": ("bad", "alert"),
    "skipped": ("neutral", "close"),
}
NOTHING = format_html('<span class="quiet" title="{}">–</span>', "not known")
TIER_STEPS = 6
HIGHEST_SHOWN = 99  # a mark has room for two figures
CENT = Decimal("0.01")
ICON = Shape('<svg class="icon" aria-hidden="true" focusable="false"><use href="#i-{}"></use></svg>')
BADGE = Shape('<span class="badge badge-{}">{}{}</span>')
TIER = Shape('<span class="tier tier-{}"><span class="tier-mark" aria-hidden="true">{}</span>{}</span>')
METER = Shape(
    '<span class="meter meter-{}"><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
    '<rect width="{}" height="10"></rect></svg>{}</span>'
)
TRACED = Shape(
    '<button type="button" class="{}" popovertarget="trace-{}" title="{}">{}<span class="visually-hidden">{}{}: how it '
    'came</span></button><span popover id="trace-{}" class="trace-words">{}</span>'
)
HIDDEN = Shape('<span aria-hidden="true">{}</span>')


def icon(name: str) -> SafeString:
    """An icon of templates/components/icons.html; decoration only, the words stand beside it."""
    return ICON(name)


def badge(*, words: str, tone: str = "neutral", icon_name: str = "") -> SafeString:
    """A pill; `tone` is one of good, warn, bad, info, accent, neutral."""
    mark = icon(icon_name) if icon_name else ""
    return BADGE(tone, mark, words)


def status_badge(*, status: str, words: str = "") -> SafeString:
    """A pill for a status word; `words` is what people read (the status in plain words if empty)."""
    if not status:
        return NOTHING
    tone, icon_name = TONES.get(status, ("neutral", "info"))
    return badge(words=words or status.replace("_", " ").capitalize(), tone=tone, icon_name=icon_name)


def tier_mark(*, name: str, rank: int | None) -> SafeString:
    """A tier by its rank and name; rank 1 is the highest. rank None: of a tier no longer in use, which has no place."""
    if not name:
        return NOTHING
    return TIER(
        "retired" if rank is None else min(max(rank, 1), TIER_STEPS),
        rank if rank is not None and rank <= HIGHEST_SHOWN else "",
        name,
    )


def money(*, amount: Decimal | None, currency: str, cents: bool = False) -> SafeString:
    """An amount and its currency: 1,234,567 EUR. Rounded half-even for reading only."""
    if amount is None:
        return NOTHING
    rounded = amount.quantize(CENT if cents else Decimal(1), rounding=ROUND_HALF_EVEN)
    return format_html(
        '<span class="num nowrap">{}\u00a0<span class="quiet">{}</span></span>',
        f"{rounded:,}",
        currency,
    )


def meter(*, value: Decimal | float | None, good_from: float = 67, warn_from: float = 40) -> SafeString:
    """A 0–100 number with a small bar; `good_from` and `warn_from` are the lower bounds of the tones."""
    if value is None:
        return NOTHING
    share = min(max(float(value), 0.0), 100.0)
    tone = "good" if share >= good_from else "warn" if share >= warn_from else "bad"
    return METER(
        tone,
        round(share),
        f"{float(value):g}",
    )


def traced(*, value: Any, words: str, label: str, number: int, mark: bool = False) -> SafeString:
    """A number that says on a click (and in its title) how it came; number: its own on the page."""
    shown = HIDDEN(value) if mark else value
    return TRACED(
        "traced traced-mark" if mark else "traced",
        number,
        words,
        shown,
        " " if label else "",
        label,
        number,
        lines(words),
    )


def words_list(names: Iterable[str], *, at_most: int = 3) -> SafeString | str:
    """Names in a row; what does not fit is counted."""
    known = [name for name in names if name]
    if not known:
        return NOTHING
    shown = ", ".join(known[:at_most])
    return shown if len(known) <= at_most else f"{shown} and {len(known) - at_most} more"


def change_of_tier(*, before: Any, after: Any) -> SafeString:
    """Two tiers with an arrow; the word after it says up or down, since the arrow alone does not."""
    old = tier_mark(name=before.name, rank=before.shown_rank) if before else NOTHING
    new = tier_mark(name=after.name, rank=after.shown_rank) if after else NOTHING
    if before is None or after is None or before.rank == after.rank:
        return new if before is not None and after is not None else format_html("{} → {}", old, new)
    if before.retired:  # a rank of another set-up says nothing about this one
        return format_html("{} → {}", old, new)
    words = ("up", "good") if after.rank < before.rank else ("down", "warn")
    return format_html('{} → {} <span class="{}">{}</span>', old, new, words[1], words[0])
