"""Hours asked against net hours there, month by month, with the hires below."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from allocation.charts.svg import Markup, drawing, element, line, number, text, title

WIDE, NARROW = 1080, 380
TOP, TALL, HIRES, FOOT = 34, 210, 54, 26
LEFT = 58
LABEL_PX = 46  # a month below the axis needs so much room
ROOM_PX = 22  # and a number of hires


@dataclass(frozen=True, slots=True)
class MonthMark:
    """One month: hours asked, net hours of today's CSMs, and with those hired. `words`: what the column says."""

    on: date
    asked: float
    there: float
    with_hires: float
    hires: int
    words: str


def headcount_months(marks: Sequence[MonthMark], *, width: int = WIDE) -> Markup:
    """Columns: net hours there, hires on top. A line: hours asked. Below: heads to begin in the month."""
    right = width - 10
    step = (right - LEFT) / len(marks)
    end = _end(max([1.0, *(max(mark.asked, mark.with_hires) for mark in marks)]))
    bottom = TOP + TALL

    def y(hours: float) -> float:
        return bottom - TALL * hours / end

    parts = [*_axis(end, y, right)]
    middles = [LEFT + step * (place + 0.5) for place in range(len(marks))]
    wide = min(step * 0.72, 46.0)
    for x, mark in zip(middles, marks, strict=True):
        parts.append(_column(mark, x=x, wide=wide, y=y, bottom=bottom))
    points = "L".join(f"{number(x)} {number(y(mark.asked))}" for x, mark in zip(middles, marks, strict=True))
    parts.append(element("path", d=f"M{points}", class_="asked-line"))
    parts += [
        element("circle", title(mark.words), cx=x, cy=y(mark.asked), r=3.5, class_="asked-dot")
        for x, mark in zip(middles, marks, strict=True)
    ]
    parts += _hires(marks, middles, top=bottom + FOOT, left=LEFT)
    parts += _months(marks, middles, y=bottom + 17, right=width)
    return drawing(
        parts,
        width=width,
        height=bottom + FOOT + HIRES,
        label=f"Hours asked against net hours there in {len(marks)} months; the table below says the same.",
        class_="chart-headcount",
    )


def _axis(end: float, y: Callable[[float], float], right: float) -> list[str]:
    parts = []
    for part in range(5):
        mark = end * part / 4  # whole hours of the scale, as on the axes of the other charts
        at = y(mark)
        parts.append(line(LEFT, at, right, at, "grid"))
        parts.append(text(f"{mark:,.0f}", x=LEFT - 8, y=at + 4, anchor="end", class_="tick"))
    parts.append(text("hours a month", x=2, y=14, class_="strong"))
    return parts


def _column(mark: MonthMark, *, x: float, wide: float, y: Callable[[float], float], bottom: float) -> str:
    there, full = y(mark.there), y(mark.with_hires)
    parts = [
        title(mark.words),
        element(
            "rect", x=x - wide / 2, y=there, width=wide, height=max(bottom - there, 0), class_="hours-there"
        ),
    ]
    if mark.with_hires > mark.there:
        parts.append(
            element(
                "rect",
                x=x - wide / 2,
                y=full,
                width=wide,
                height=max(there - full - 1.5, 0),
                class_="hours-hired",
            )
        )
    return element("g", *parts)


def _hires(marks: Sequence[MonthMark], middles: Sequence[float], *, top: float, left: float) -> list[str]:
    """How many in a circle; a dot where months stand too close for a number (its words say it, and the table)."""
    step = middles[1] - middles[0] if len(middles) > 1 else ROOM_PX
    roomy, y = step >= ROOM_PX, top + 20
    parts = [text("hire", x=left - 8, y=y + 4, anchor="end", class_="strong")]
    for x, mark in zip(middles, marks, strict=True):
        if mark.hires:
            circle = element(
                "circle", cx=x, cy=y, r=12 if roomy else max(3.0, step * 0.42), class_="hires-dot"
            )
            said = (
                text(str(mark.hires), x=x, y=y + 4, anchor="middle", class_="hires-number") if roomy else ""
            )
            parts.append(element("g", title(f"{mark.hires} to begin in {mark.on:%B %Y}"), circle, said))
        elif roomy:
            parts.append(text("·", x=x, y=y + 4, anchor="middle", class_="tick"))
    return parts


def _months(marks: Sequence[MonthMark], middles: Sequence[float], *, y: float, right: float) -> list[str]:
    """The first surely, others where there is room."""
    drawn, free = [], -math.inf
    for place, (x, mark) in enumerate(zip(middles, marks, strict=True)):
        if x - LABEL_PX / 2 < free:
            continue
        words = "today" if not place else f"{mark.on:%b %y}"
        drawn.append(text(words, x=min(x, right - LABEL_PX / 2), y=y, anchor="middle", class_="tick"))
        free = x + LABEL_PX / 2
    return drawn


def _end(most: float) -> float:
    """A round number above the highest, with four even steps below it."""
    size = 10 ** math.floor(math.log10(most))
    return next(
        size * step for step in (1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10, 12) if most * 1.04 <= size * step
    )
