"""A year at a glance: figures over time, one panel below the other on the same days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from allocation.charts.bars import NARROW, WIDE
from allocation.charts.svg import Markup, drawing, element, line, number, text, title

__all__ = ["NARROW", "WIDE", "Panel", "Reading", "trend_panels"]

HEAD, GAP, FOOT = 20, 18, 24
DAY_PX = 62  # a day below the axis needs so much room


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure on one day. None: nothing was measured. low, high: the least and the most of what it is a mean of.

    hollow: not kept on the day itself.
    """

    on: date
    value: float | None
    words: str
    low: float | None = None
    high: float | None = None
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One figure over time. limit: a value worth a line. last: the newest value in words."""

    label: str
    readings: Sequence[Reading]
    last: str
    tall: int = 64
    limit: float | None = None
    limit_words: str = ""


@dataclass(frozen=True, slots=True)
class _Frame:
    first: date
    last: date
    left: float
    right: float

    def x(self, on: date) -> float:
        days = (self.last - self.first).days
        return (
            self.right if not days else self.left + (self.right - self.left) * (on - self.first).days / days
        )


def trend_panels(panels: Sequence[Panel], *, label: str, width: int = WIDE) -> Markup:
    """All panels have the same days, the oldest first, two at least."""
    days = [reading.on for reading in panels[0].readings]
    # Room for the newest value at the right.
    frame = _Frame(days[0], days[-1], 12, width - (96 if width > 600 else 84))
    parts: list[str] = []
    y = 0.0
    for panel in panels:
        parts += _panel(panel, frame, top=y + HEAD)
        y += HEAD + panel.tall + GAP
    parts += _days(frame, days, y + 2)
    return drawing(parts, width=width, height=y + FOOT - 8, label=label)


def _panel(panel: Panel, frame: _Frame, *, top: float) -> list[str]:
    low, high = _ends(panel)

    def y(value: float) -> float:
        return top + panel.tall * (1 - (value - low) / (high - low))

    parts = [
        text(panel.label, x=frame.left, y=top - 7, class_="strong"),
        line(frame.left, top + panel.tall, frame.right, top + panel.tall, "grid"),
    ]
    known = [reading for reading in panel.readings if reading.value is not None]
    band = [
        (reading, reading.low, reading.high)
        for reading in known
        if reading.low is not None and reading.high is not None
    ]
    if len(band) > 1:
        upper = [(frame.x(reading.on), y(most)) for reading, _, most in band]
        lower = [(frame.x(reading.on), y(least)) for reading, least, _ in reversed(band)]
        parts.append(element("path", d=_path([*upper, *lower]) + "Z", class_="band"))
    if panel.limit is not None and low <= panel.limit <= high:
        parts.append(line(frame.left, y(panel.limit), frame.right, y(panel.limit), "line-limit"))
        parts.append(text(panel.limit_words, x=frame.left + 2, y=y(panel.limit) - 5, class_="tick value"))
    points = [(frame.x(reading.on), y(reading.value or 0.0)) for reading in known]
    if len(points) > 1:
        parts.append(element("path", d=_path(points), class_="trend-line"))
    for (x, at), reading in zip(points, known, strict=True):
        parts.append(
            element(
                "circle",
                title(reading.words),
                cx=x,
                cy=at,
                r=4,
                class_="dot-before" if reading.hollow else "mark ringed",
            )
        )
    if points:
        parts.append(text(panel.last, x=points[-1][0] + 10, y=points[-1][1] + 4, class_="strong value"))
    return parts


def _ends(panel: Panel) -> tuple[float, float]:
    """The axis: from 0, so that a small change looks small, to a little above the highest, where a limit has its name."""
    values = [value for one in panel.readings for value in (one.value, one.high) if value is not None]
    return 0.0, max([*(1.06 * value for value in values), 1.2 * (panel.limit or 0.0)], default=0.0) or 1.0


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)


def _days(frame: _Frame, days: Sequence[date], y: float) -> list[str]:
    """The newest surely, others where there is room."""
    drawn: list[str] = []
    free = float("inf")
    for on in reversed(days):
        x = min(max(frame.x(on), frame.left + DAY_PX / 2), frame.right + 10)
        if x + DAY_PX / 2 <= free:
            drawn.append(text(f"{on.day} {on:%b} {on:%y}", x=x, y=y, anchor="middle", class_="tick"))
            free = x - DAY_PX / 2
    return drawn
