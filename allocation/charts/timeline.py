"""Tiers and scores of one customer over time: a step line of the tier, and the scores below it on the same days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from allocation.charts.bars import NARROW, WIDE
from allocation.charts.svg import (
    Markup,
    drawing,
    element,
    in_two_lines,
    line,
    number,
    text,
    tier_class,
    title,
)

__all__ = ["NARROW", "WIDE", "Moment", "tier_steps"]

LANE, STEP = 30, 9
SCORES = 84
DATE_PX = 92  # a day below the axis needs so much room


@dataclass(frozen=True, slots=True)
class Moment:
    """One decision: the tier that holds from this day on. rank 1 is the highest, None no tier; score 0 to 100 or None."""

    on: date
    tier: str
    rank: int | None
    score: float | None
    words: str


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where things stand: days to the right, tiers from the highest down."""

    first: date
    end: date
    left: float
    right: float
    lanes: Mapping[str, float]
    top: float

    def x(self, on: date) -> float:
        return self.left + (self.right - self.left) * (on - self.first).days / (self.end - self.first).days


def tier_steps(moments: Sequence[Moment], *, until: date, width: int = WIDE) -> Markup:
    """`moments` in the order of time; the last tier holds until `until`. Scores are left out where none is known."""
    frame = _frame(moments, until, width)
    below = frame.top + LANE * len(frame.lanes)
    scored = [moment for moment in moments if moment.score is not None]
    parts = [_lanes(frame)]
    parts += _steps(frame, moments, frame.end)
    if scored:
        parts.append(_scores(frame, scored, below + 22))
        below += 22 + SCORES
    parts += _days(frame, moments, below + 20)
    tiers = ", then ".join(dict.fromkeys(moment.tier for moment in moments))
    return drawing(
        parts,
        width=width,
        height=below + 28,
        label=f"Tier over time: {tiers}; the table below says the same, with scores and reasons.",
    )


def _frame(moments: Sequence[Moment], until: date, width: int) -> _Frame:
    ranks = {moment.tier: moment.rank for moment in moments}
    order = sorted(ranks, key=lambda tier: (ranks[tier] is None, ranks[tier] or 0, tier))
    top = 8.0
    first = moments[0].on
    return _Frame(
        first=first,
        end=max(until, moments[-1].on) + timedelta(days=1),  # the tier holds that whole day
        left=150 if width > 600 else 96,
        right=width - 34,
        lanes={tier: top + LANE * place + LANE / 2 for place, tier in enumerate(order)},
        top=top,
    )


def _lanes(frame: _Frame) -> str:
    drawn = []
    for tier, y in frame.lanes.items():
        drawn.append(line(frame.left, y, frame.right, y, "grid"))
        lines = in_two_lines(tier, frame.left - 14, last_px=frame.left - 14)
        for place, words in enumerate(lines):
            at = y + 4 + 13 * (place - (len(lines) - 1) / 2)
            drawn.append(text(words, x=frame.left - 12, y=at, anchor="end"))
    return "".join(drawn)


def _steps(frame: _Frame, moments: Sequence[Moment], end: date) -> list[str]:
    """A bar for as long as a tier held, a thin line where it changed, a mark for each decision."""
    drawn, marks = [], []
    ends = [moment.on for moment in moments[1:]] + [end]
    for place, (moment, last) in enumerate(zip(moments, ends, strict=True)):
        x, y = frame.x(moment.on), frame.lanes[moment.tier]
        if place and moments[place - 1].tier != moment.tier:
            drawn.append(line(x, frame.lanes[moments[place - 1].tier], x, y, "leader"))
        long = max(frame.x(last) - x, 3.0)
        drawn.append(
            element(
                "rect",
                title(moment.words),
                x=x,
                y=y - STEP / 2,
                width=long,
                height=STEP,
                rx=2,
                class_=_colour(moment),
            )
        )
        marks.append(
            element("circle", title(moment.words), cx=x, cy=y, r=5.5, class_=f"{_colour(moment)} ringed")
        )
    return drawn + marks


def _colour(moment: Moment) -> str:
    return "flow-stay" if moment.rank is None else tier_class(moment.rank)


def _scores(frame: _Frame, scored: Sequence[Moment], top: float) -> str:
    """The scores, 0 at the bottom and 100 at the top of their band."""
    tall = SCORES - 14

    def y(score: float) -> float:
        return top + tall * (1 - score / 100)

    drawn = [text("Score", x=frame.left - 12, y=top + tall / 2 + 4, anchor="end", class_="strong")]
    for tick in (0, 50, 100):
        drawn.append(line(frame.left, y(tick), frame.right, y(tick), "grid"))
        drawn.append(text(str(tick), x=frame.right + 8, y=y(tick) + 4, class_="tick"))
    points = [(frame.x(moment.on), y(moment.score or 0.0)) for moment in scored]
    path = "M" + "L".join(f"{number(x)} {number(at)}" for x, at in points)
    drawn.append(element("path", d=path, class_="score-line"))
    for (x, at), moment in zip(points, scored, strict=True):
        words = f"{moment.score:.2f} of 100 on {_day(moment.on)}"
        drawn.append(element("circle", title(words), cx=x, cy=at, r=4.5, class_="mark ringed"))
    return "".join(drawn)


def _days(frame: _Frame, moments: Sequence[Moment], y: float) -> list[str]:
    """The days of the decisions, the newest surely, others where there is room."""
    drawn: list[str] = []
    free = float("inf")
    for on in sorted({moment.on for moment in moments}, reverse=True):
        x = min(max(frame.x(on), frame.left + DATE_PX / 2 - 12), frame.right - DATE_PX / 2 + 24)
        if x + DATE_PX / 2 <= free:
            drawn.append(text(_day(on), x=x, y=y, anchor="middle", class_="tick"))
            free = x - DATE_PX / 2
    return drawn


def _day(on: date) -> str:
    return f"{on.day} {on:%b} {on.year}"
