"""A book's hours: base and share of each customer as one bar, and the minutes under several bases as dots on a line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from allocation.charts.svg import Markup, drawing, element, line, shortened, text, title

WIDE, NARROW = 1080, 380
ROW, BAR = 26, 14
TOP, BOTTOM = 8, 26


@dataclass(frozen=True, slots=True)
class HoursBar:
    """One customer. Minutes; ``words``: what the mark says; ``value``: what stands at its end."""

    name: str
    base: int
    share: int
    done: int
    words: str
    value: str


def hours_bars(bars: Sequence[HoursBar], *, width: int = WIDE) -> Markup:
    """Base hours, then the share, a bar a customer; a tick where the hours done this month end."""
    left, right = (210, 64) if width > 600 else (122, 50)
    most = max((max(bar.base + bar.share, bar.done) for bar in bars), default=0)
    end = _end(most)
    scale = (width - left - right) / end
    height = TOP + ROW * len(bars) + BOTTOM
    parts = _ticks(end, left=left, scale=scale, height=height, width=width)
    for place, bar in enumerate(bars):
        parts.append(_bar(bar, y=TOP + ROW * place, left=left, scale=scale))
    label = f"Hours of {len(bars)} customers, base and share; the table below says the same."
    return drawing(parts, width=width, height=height, label=label)


def _bar(bar: HoursBar, *, y: float, left: float, scale: float) -> str:
    base, share = bar.base * scale, bar.share * scale
    at = y + (ROW - BAR) / 2
    parts = [
        title(bar.words),
        text(shortened(bar.name, left - 14), x=left - 10, y=y + 17, anchor="end"),
        element("rect", x=left, y=at, width=base, height=BAR, class_="hours-base"),
        element("rect", x=left + base, y=at, width=share, height=BAR, class_="hours-share"),
    ]
    if bar.done:
        x = left + bar.done * scale
        parts.append(line(x, at - 4, x, at + BAR + 4, "hours-done"))
    end = left + max(bar.base + bar.share, bar.done) * scale
    parts.append(text(bar.value, x=end + 7, y=y + 17, class_="strong value"))
    return element("g", *parts)


@dataclass(frozen=True, slots=True)
class DotRow:
    """One customer. ``dots``: the minutes under each basis in the order of ``marks``; ``words`` beside them."""

    name: str
    dots: Sequence[int]
    words: str


def basis_dots(rows: Sequence[DotRow], *, in_force: int, width: int = WIDE) -> Markup:
    """How far apart the bases are for each customer: a mark of its own shape a basis, the one ``in_force`` larger."""
    left, right = (210, 30) if width > 600 else (122, 22)
    end = _end(max((max(row.dots) for row in rows), default=0))
    scale = (width - left - right) / end
    height = TOP + ROW * len(rows) + BOTTOM
    parts = _ticks(end, left=left, scale=scale, height=height, width=width)
    for place, row in enumerate(rows):
        y = TOP + ROW * place
        middle = y + ROW / 2
        name = text(shortened(row.name, left - 14), x=left - 10, y=y + 17, anchor="end")
        low, high = left + min(row.dots) * scale, left + max(row.dots) * scale
        # The one in force comes last, so that it lies above the others.
        order = sorted(range(len(row.dots)), key=lambda at: at == in_force)
        marks = [mark(at, x=left + row.dots[at] * scale, y=middle, large=at == in_force) for at in order]
        parts.append(element("g", title(row.words), name, line(low, middle, high, middle, "leader"), *marks))
    label = f"Hours of {len(rows)} customers under each basis; the table below says the same."
    return drawing(parts, width=width, height=height, label=label)


def mark(place: int, *, x: float, y: float, large: bool = False) -> str:
    """The shape and colour of the basis at ``place``; colour never says it alone."""
    r = 7.0 if large else 5.0
    class_ = f"basis basis-{place + 1}"
    corners = _CORNERS[place % len(_CORNERS)]
    if corners is None:
        return element("circle", cx=x, cy=y, r=r, class_=class_)
    points = " ".join(f"{x + r * dx:.1f},{y + r * dy:.1f}" for dx, dy in corners)
    return element("polygon", points=points, class_=class_)


def legend_mark(place: int, *, large: bool = False) -> Markup:
    """The mark alone, for a legend."""
    return drawing(
        [mark(place, x=9, y=9, large=large)],
        width=18,
        height=18,
        label="",
        class_="legend-mark",
        decoration=True,
    )


# Diamond, circle, triangle, square, triangle on its tip.
_CORNERS: tuple[tuple[tuple[float, float], ...] | None, ...] = (
    ((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
    None,
    ((0, -1.1), (1.1, 0.9), (-1.1, 0.9)),
    ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    ((0, 1.1), (1.1, -0.9), (-1.1, -0.9)),
)


def _end(most: int) -> int:
    """A whole number of steps that has room for the longest bar; minutes."""
    step = _step(most)
    return max(math.ceil(most / step), 1) * step


def _step(most: int) -> int:
    """Minutes between two ticks: at most eight of them."""
    step = 15
    for longer in (30, 60, 120, 300, 600, 1200, 3000, 6000):
        if most <= 8 * step:
            return step
        step = longer
    while most > 8 * step:
        step *= 2
    return step


def _ticks(end: int, *, left: float, scale: float, height: float, width: int) -> list[str]:
    step = _step(end)
    if width <= 600 and end / step > 4:
        step *= 2
    parts = []
    for minutes in range(0, end + 1, step):
        x = left + minutes * scale
        parts.append(line(x, TOP, x, height - BOTTOM, "grid"))
        words = f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes // 60}:{minutes % 60:02} h"
        parts.append(text(words, x=x, y=height - 8, anchor="middle", class_="tick"))
    return parts
