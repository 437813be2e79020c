"""What the pages of one scenario and of several share: tiles, the picture of who goes where, the lines by tier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings

from allocation.charts.flows import NARROW, WIDE, Flow, Level, small_flow, tier_flow
from allocation.charts.svg import Markup, wide_and_narrow
from allocation.selectors import wording
from allocation.selectors.plans import HOW
from allocation.selectors.scenario_figures import Figures, FlowNow, TierNames
from allocation.views.parts import Kpi

MOVES = "Customers whose tier under these changes is another than today's. A first tier is no move."
ASKED = "Base hours a month of all customers that a CSM serves: the hours of their tier's touch plan ÷ 12, or those that the scenario gives the tier."
THERE = "Net hours a month of all CSMs, added ones included: hours × ramp × share spent on customers, less long leave. The page of headcount takes the leave of the staffing off besides."
HEADS = "The larger of all hours asked ÷ net hours of a head, as on the page of headcount, and of customers ÷ cap in the most demanding tier; rounded up once."
HEADS_THERE = "CSMs that are there, added ones included, in full-time heads."
COST = "Heads needed × the cost of a head a year in the staffing in force."
NO_COST = "No staffing in force says what a head costs."


def number(value: float | int | None) -> str:
    """Heads and points: at most two decimals, and none that say nothing."""
    return wording.trimmed(value)


def money(cents: int | None) -> str:
    return wording.DASH if cents is None else wording.money(wording.from_cents(cents), settings.BASE_CURRENCY)


def signed(value: float | int, written: Callable[[Any], str]) -> str:
    """+1,200, −3 or ±0."""
    if not value:
        return "±0"
    return f"{'+' if value > 0 else '−'}{written(abs(value))}"


hours = wording.hours_and_minutes
"""As everywhere, from minutes."""


def _note(now: float | int | None, then: float | int | None, written: Callable[[Any], str]) -> str:
    if now is None or then is None:
        return ""
    change = signed(then - now, written)
    return f"today {written(now)}" + ("" if change == "±0" else f" ({change})")


def _more_is_bad(now: float | int | None, then: float | int | None) -> str:
    if now is None or then is None or now == then:
        return ""
    return "warn" if then > now else "good"


def tiles(then: Figures, now: Figures) -> list[Kpi]:
    """The figures of a scenario against today's; each says how it came."""
    lacking = then.minutes_left < 0
    share = Decimal(100 * then.moves) / then.everybody if then.everybody else Decimal(0)
    outside, outside_now = then.balance.get("outside_15_pct"), now.balance.get("outside_15_pct")
    there = f"{hours(abs(then.minutes_left))} {'too few' if lacking else 'to spare'}"
    return [
        Kpi(
            "Customers that move",
            wording.grouped(then.moves),
            note=f"{wording.percent(share, places=1)} of {wording.grouped(then.everybody)}",
            icon="move",
            trace=MOVES,
        ),
        Kpi(
            "Hours asked a month",
            hours(then.minutes_asked),
            note=_note(now.minutes_asked, then.minutes_asked, hours),
            tone=_more_is_bad(now.minutes_asked, then.minutes_asked),
            icon="clock",
            trace=ASKED,
        ),
        Kpi(
            "Hours there a month",
            hours(then.minutes_there),
            note=f"{there}; {_note(now.minutes_there, then.minutes_there, hours)}",
            tone="bad" if lacking else "",
            icon="balance",
            trace=THERE,
        ),
        Kpi(
            "Heads needed",
            number(then.heads),
            note=f"{number(then.heads_there)} there; {_note(now.heads, then.heads, number)}",
            tone="bad" if then.heads is not None and then.heads > (then.heads_there or 0) else "",
            icon="headcount",
            trace=f"{HEADS} There: {HEADS_THERE}",
        ),
        Kpi(
            "Cost a year",
            _short(then.cost_cents),
            note=_note(now.cost_cents, then.cost_cents, _short) or "no cost of a head is known",
            tone=_more_is_bad(now.cost_cents, then.cost_cents),
            icon="rates",
            trace=COST if then.cost_cents is not None else NO_COST,
        ),
        Kpi(
            "Books outside ±15 %",
            wording.percent(outside, places=1),
            note=_note(outside_now, outside, lambda value: wording.percent(value, places=1)).replace(
                f"{wording.SPACE}%)", " points)"
            ),
            tone=_more_is_bad(outside_now, outside),
            icon="people",
            trace=f"Of utilisation. {HOW['outside_15_pct']}",
        ),
    ]


def _short(cents: int | None) -> str:
    return (
        wording.DASH if cents is None else wording.compact(wording.from_cents(cents), settings.BASE_CURRENCY)
    )


@dataclass(frozen=True, slots=True)
class TierLine:
    """A tier today and then: customers, ARR, hours, each with the difference."""

    slug: str
    name: str
    tier: Any
    cells: tuple[tuple[str, str, str], ...]
    """(today, then, difference) of customers, ARR and hours."""


def tier_lines(then: Figures, now: Figures, names: TierNames) -> tuple[list[TierLine], TierLine]:
    """The lines from the highest tier, and the whole."""
    lines = [_line(slug, then, now, names) for slug in names.used([then, now])]
    return lines, _total(then, now)


def _line(slug: str, then: Figures, now: Figures, names: TierNames) -> TierLine:
    cells = (
        _cells(now.customers.get(slug, 0), then.customers.get(slug, 0), wording.grouped),
        _cells(now.arr_cents.get(slug, 0), then.arr_cents.get(slug, 0), _whole_money),
        _cells(now.minutes.get(slug, 0), then.minutes.get(slug, 0), hours),
    )
    return TierLine(slug, names.name(slug), names.tiers.get(slug), cells)


def _total(then: Figures, now: Figures) -> TierLine:
    cells = (
        _cells(now.everybody, then.everybody, wording.grouped),
        _cells(now.arr_in_all, then.arr_in_all, _whole_money),
        _cells(sum(now.minutes.values()), sum(then.minutes.values()), hours),
    )
    return TierLine("", "All", None, cells)


def _cells(now: int, then: int, written: Callable[[Any], str]) -> tuple[str, str, str]:
    return written(now), written(then), signed(then - now, written)


def _whole_money(cents: int) -> str:
    return wording.grouped(wording.from_cents(cents))


def levels_of(figures: Figures, names: TierNames) -> list[Level]:
    """The tiers of the picture; without those that hold nobody on either side."""
    held = {slug for flow in figures.flows if flow.customers for slug in (flow.source, flow.target)}
    return [
        Level(slug, names.name(slug), names.rank(slug) if slug else 6)
        for slug in names.used([figures])
        if slug in held
    ]


def flow_chart(figures: Figures, names: TierNames, *, url: str) -> Markup:
    """Who goes where, for both screens; a press on a flow leads to its customers."""
    levels, flows = levels_of(figures, names), _flows(figures, names, url)
    sides = ("Today", "Then")
    return wide_and_narrow(
        tier_flow(levels, flows, width=WIDE, sides=sides), tier_flow(levels, flows, width=NARROW, sides=sides)
    )


def flow_miniature(figures: Figures, names: TierNames, *, of: str) -> Markup:
    """The same without words, for a column of a table."""
    return small_flow(levels_of(figures, names), _flows(figures, names, ""), of=of)


def _flows(figures: Figures, names: TierNames, url: str) -> list[Flow]:
    return [
        Flow(
            flow.source,
            flow.target,
            flow.customers,
            f"{url}?was={flow.source}&to={flow.target}#movers" if url and is_move(flow) else "",
            names.way(flow).value,
        )
        for flow in figures.flows
    ]


def is_move(flow: FlowNow) -> bool:
    return flow.source != flow.target and bool(flow.source)


@dataclass(frozen=True, slots=True)
class FlowLine:
    flow: FlowNow
    source: Any
    target: Any
    names: tuple[str, str]
    way: Any
    arr: str
    hours: str


def flow_lines(figures: Figures, names: TierNames) -> list[FlowLine]:
    """Every pair of tiers between which somebody goes, the highest first; staying is in the table by tier."""
    going = [flow for flow in figures.flows if flow.customers and flow.source != flow.target]
    return [
        FlowLine(
            flow,
            names.tiers.get(flow.source),
            names.tiers.get(flow.target),
            (names.name(flow.source), names.name(flow.target)),
            names.way(flow),
            _whole_money(flow.arr_cents),
            hours(flow.minutes),
        )
        for flow in sorted(going, key=lambda flow: (names.place(flow.source), names.place(flow.target)))
    ]


def book_tiles(books: Any) -> list[Kpi]:
    """Of planned books: who has a CSM, who moves, how good the plan is."""
    unassigned, moves = books.get("unassigned"), books.get("moves")
    left = len(unassigned) if isinstance(unassigned, list) else int(unassigned or 0)
    gap = books.get("gap_pct")
    return [
        Kpi(
            "Assigned",
            wording.grouped(int(books.get("assigned") or 0)),
            icon="customers",
            trace="Customers of tiers with a CSM that the plan gives one.",
        ),
        Kpi(
            "Nobody has room",
            wording.grouped(left),
            note="left without a CSM" if left else "everybody has a CSM",
            tone="bad" if left else "good",
            icon="alert",
            trace="Customers that no CSM who may serve them has hours or room under the cap for.",
        ),
        Kpi(
            "Changes of CSM",
            wording.grouped(len(moves) if isinstance(moves, list) else int(moves or 0)),
            icon="move",
            trace="Customers whose CSM in the plan is another than today.",
        ),
        Kpi(
            "Gap to the best possible",
            wording.DASH if gap is None else wording.percent(gap, places=2),
            note=f"objective {number(books.get('objective'))}, bound {number(books.get('bound'))}",
            icon="plan",
            trace="100 × (objective − proven bound) ÷ objective: no plan under these changes can be better by more.",
        ),
    ]


def shortage_lines(shortages: Sequence[Any]) -> list[dict[str, str]]:
    """A line a pool: customers without room, hours and heads they would take."""
    return [
        {
            "pool": str(line.get("pool", "")),
            "customers": wording.grouped(int(line.get("customers", 0))),
            "hours": wording.hours_and_minutes(int(line.get("minutes", 0))),
            "heads": number(line.get("heads")),
        }
        for line in shortages
        if isinstance(line, dict)
    ]
