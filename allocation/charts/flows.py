"""What changed: customers flowing between tiers, and utilisation before and after a plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from allocation.charts.bars import NARROW, WIDE, axis_end
from allocation.charts.svg import (
    Markup,
    drawing,
    element,
    in_two_lines,
    line,
    number,
    shortened,
    text,
    tier_class,
    title,
)

__all__ = ["NARROW", "WIDE", "Flow", "Level", "Shift", "shifts", "small_flow", "tier_flow"]


LINE = 13  # px from one line of a label to the next


@dataclass(frozen=True, slots=True)
class Level:
    """A tier in the flow: `rank` decides its colour (None: no longer in use); order is as given; key "" is no tier."""

    key: str
    label: str
    rank: int | None


@dataclass(frozen=True, slots=True)
class Flow:
    """So many customers went from one level to another (or stayed). `url`: where a press on it leads.

    `way`: "up", "down" or "none" (out of a tier no longer in use); read where both ends are tiers.
    """

    source: str
    target: str
    customers: int
    url: str = ""
    way: str = "none"


def tier_flow(
    levels: Sequence[Level],
    flows: Sequence[Flow],
    *,
    width: int = WIDE,
    sides: tuple[str, str] = ("Before", "After"),
) -> Markup:
    """Customers by tier before (left) and after (right); green goes up, red goes down, pale stays, grey goes neither way."""
    before = {level.key: sum(f.customers for f in flows if f.source == level.key) for level in levels}
    after = {level.key: sum(f.customers for f in flows if f.target == level.key) for level in levels}
    total = max(sum(before.values()), 1)
    side, node, top = (220, 14, 36) if width > 600 else (126, 10, 36)
    labels = {level.key: _lines(level.label, width, side) for level in levels}
    gap = 14 if all(len(lines) == 1 for lines in labels.values()) else 30
    tall = max(300.0 - gap * (len(levels) - 1), 20.0 * len(levels))
    scale = tall / total
    height = top + tall + gap * (len(levels) - 1) + 12
    left, right = side, width - side - node

    tops_before, tops_after = _tops(levels, before, scale, gap, top), _tops(levels, after, scale, gap, top)
    parts = [_ribbons(levels, flows, dict(tops_before), dict(tops_after), scale, left + node, right)]
    parts.append(text(sides[0], x=left + node, y=14, anchor="end", class_="strong"))
    parts.append(text(sides[1], x=right, y=14, class_="strong"))
    for level in levels:
        at, then = before[level.key], after[level.key]
        change = then - at
        signed = f" ({change:+d})" if change and width > 600 else ""  # a phone has no room for it
        parts.append(
            _node(
                level,
                left,
                tops_before[level.key],
                at * scale,
                node,
                f"{level.label}: {at:,} {sides[0].lower()}",
            )
        )
        parts.append(
            _node(
                level,
                right,
                tops_after[level.key],
                then * scale,
                node,
                f"{level.label}: {then:,} {sides[1].lower()}",
            )
        )
        middle_before, middle_after = (
            tops_before[level.key] + at * scale / 2,
            tops_after[level.key] + then * scale / 2,
        )
        named = labels[level.key]
        parts.append(_label(named, f" {at:,}", x=left - 8, y=middle_before, anchor="end"))
        parts.append(_label(named, f" {then:,}{signed}", x=right + node + 8, y=middle_after, anchor="start"))
    return drawing(
        parts,
        width=width,
        height=height,
        label=f"Customers by tier {sides[0].lower()} and {sides[1].lower()}; the table below says the same.",
    )


SMALL = (200, 150, 5)
"""Width and height of the small picture, and the space between its tiers."""


def small_flow(levels: Sequence[Level], flows: Sequence[Flow], *, of: str) -> Markup:
    """The same without words, to compare shapes at a glance: each mark says in its title what it is. of: the scenario's name."""
    before = {level.key: sum(f.customers for f in flows if f.source == level.key) for level in levels}
    after = {level.key: sum(f.customers for f in flows if f.target == level.key) for level in levels}
    width, height, gap = SMALL
    node = 10
    scale = max(height - gap * max(len(levels) - 1, 0), 20) / max(sum(before.values()), 1)
    tops_before, tops_after = _tops(levels, before, scale, gap, 0), _tops(levels, after, scale, gap, 0)
    parts = [_ribbons(levels, flows, dict(tops_before), dict(tops_after), scale, node, width - node)]
    for level in levels:
        at, then = before[level.key], after[level.key]
        parts.append(
            _node(level, 0, tops_before[level.key], at * scale, node, f"{level.label}: {at:,} today")
        )
        words = f"{level.label}: {then:,} then"
        parts.append(_node(level, width - node, tops_after[level.key], then * scale, node, words))
    label = f"Who goes where in “{of}”; the rows of the table say the same."
    return drawing(parts, width=width, height=height + 2, label=label, class_="chart-small")


def _lines(label: str, width: int, side: int) -> list[str]:
    """The same lines on both sides: behind the last one stands the number, on the right with the change."""
    room = side - 16
    return in_two_lines(label, room, last_px=room - (66 if width > 600 else 34))


def _label(lines: Sequence[str], number_words: str, *, x: float, y: float, anchor: str) -> str:
    """Around the middle `y`."""
    first = y + 4 - LINE * (len(lines) - 1) / 2
    ends = [*lines[:-1], lines[-1] + number_words]
    return "".join(
        text(words, x=x, y=first + LINE * place, anchor=anchor) for place, words in enumerate(ends)
    )


def _tops(
    levels: Sequence[Level], counts: Mapping[str, int], scale: float, gap: float, top: float
) -> dict[str, float]:
    tops, y = {}, float(top)
    for level in levels:
        tops[level.key] = y
        y += counts[level.key] * scale + gap
    return tops


def _node(level: Level, x: float, y: float, tall: float, wide: float, words: str) -> str:
    return element(
        "rect",
        title(words),
        x=x,
        y=y,
        width=wide,
        height=max(tall, 1.5),
        class_=tier_class(level.rank),
    )


def _ribbons(
    levels: Sequence[Level],
    flows: Sequence[Flow],
    from_y: dict[str, float],
    to_y: dict[str, float],
    scale: float,
    x0: float,
    x1: float,
) -> str:
    """One ribbon a flow, stacked in the order of the levels on both sides, so that ribbons cross as little as they can."""
    order = {level.key: position for position, level in enumerate(levels)}
    names = {level.key: level.label for level in levels}
    middle = (x0 + x1) / 2
    spans: dict[tuple[str, str], tuple[float, float]] = {}
    known = [flow for flow in flows if flow.customers and flow.source in order and flow.target in order]
    for flow in sorted(known, key=lambda f: (order[f.source], order[f.target])):
        spans[flow.source, flow.target] = (from_y[flow.source], 0.0)
        from_y[flow.source] += flow.customers * scale
    for flow in sorted(known, key=lambda f: (order[f.target], order[f.source])):
        spans[flow.source, flow.target] = (spans[flow.source, flow.target][0], to_y[flow.target])
        to_y[flow.target] += flow.customers * scale
    drawn = []
    # Those who stay first: the changes lie on top of them.
    for flow in sorted(known, key=lambda f: f.source != f.target):
        a, b = spans[flow.source, flow.target]
        tall = max(flow.customers * scale, 1.2)
        path = (
            f"M{number(x0)} {number(a)}C{number(middle)} {number(a)} {number(middle)} {number(b)} {number(x1)} {number(b)}"
            f"V{number(b + tall)}C{number(middle)} {number(b + tall)} {number(middle)} {number(a + tall)} {number(x0)} {number(a + tall)}Z"
        )
        verb = "stay in" if flow.source == flow.target else "go to"
        words = f"{flow.customers:,} from {names[flow.source]} {verb} {names[flow.target]}"
        ribbon = element("path", title(words), d=path, class_=_way(flow))
        # For the pointer only: by keyboard the same links stand in the table below the picture.
        drawn.append(element("a", ribbon, href=flow.url, tabindex="-1") if flow.url else ribbon)
    return "".join(drawn)


def _way(flow: Flow) -> str:
    if flow.source == flow.target:
        return "flow-stay"
    if not flow.source:
        return "flow-first"
    return f"flow-{flow.way}" if flow.target else "flow-down"


@dataclass(frozen=True, slots=True)
class Shift:
    """One CSM's utilisation before and after, in per cent; None without capacity."""

    name: str
    before: float | None
    after: float | None
    words: str


VALUE_WIDTH = 46  # of "100 %" with the room around it


def shifts(rows: Sequence[Shift], *, width: int = WIDE) -> Markup:
    """Utilisation before (hollow) and after (filled), one line a CSM, with the capacity line at 100 %."""
    left, right, top, bottom, tall = (200, 64, 28, 26, 24) if width > 600 else (116, 64, 28, 26, 24)
    height = top + tall * len(rows) + bottom
    known = [value for row in rows for value in (row.before, row.after) if value is not None]
    end = axis_end(max([*known, 100.0]))
    scale = (width - left - right) / end
    step = 25
    while end / step > (12 if width > 600 else 6):
        step *= 2
    parts = []
    for tick in range(0, int(end) + 1, step):
        x = left + tick * scale
        parts.append(line(x, top, x, height - bottom, "grid"))
        parts.append(text(f"{tick} %", x=x, y=height - 8, anchor="middle", class_="tick"))
    at = left + 100 * scale
    parts.append(line(at, top - 6, at, height - bottom, "line-limit"))
    parts.append(text("capacity", x=at, y=top - 11, anchor="middle", class_="strong"))
    for position, row in enumerate(rows):
        parts.append(_shift(row, y=top + tall * position + tall / 2, left=left, scale=scale))
    return drawing(
        parts,
        width=width,
        height=height,
        label=f"Utilisation of {len(rows)} CSMs before and after the plan; the table below says the same.",
    )


def _shift(row: Shift, *, y: float, left: float, scale: float) -> str:
    marks = [title(row.words), text(shortened(row.name, left - 14), x=left - 10, y=y + 4, anchor="end")]
    if row.before is not None and row.after is not None:
        marks.append(line(left + row.before * scale, y, left + row.after * scale, y, "shift"))
    if row.before is not None:
        marks.append(element("circle", cx=left + row.before * scale, cy=y, r=4.5, class_="dot-before"))
    if row.after is not None:
        marks.append(
            element(
                "circle",
                cx=left + row.after * scale,
                cy=y,
                r=5,
                class_="mark-bad" if row.after > 100 else "mark",
            )
        )
        # On the side away from the line, so that the number stands by its own dot; but never on the name.
        on_the_name = row.after * scale < VALUE_WIDTH
        grew = row.before is None or row.after >= row.before or on_the_name
        x = left + row.after * scale + (10 if grew else -10)
        level = y - 4 if on_the_name and row.before is not None else y + 4  # above the line that runs there
        marks.append(
            text(f"{row.after:.0f} %", x=x, y=level, anchor="start" if grew else "end", class_="strong value")
        )
    return element("g", *marks)
