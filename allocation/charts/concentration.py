"""How the revenue adds up from the largest customer down, against a company where all bring the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allocation.charts.svg import CHARACTER_PX, Markup, drawing, element, line, number, text, title

WIDE, NARROW = 520, 360
LEFT, TOP, BOTTOM, RIGHT = 46, 16, 40, 16


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of the curve that has a name: both shares as per cent, what stands beside it, what it says."""

    customers_pct: float
    arr_pct: float
    label: str
    words: str


def concentration_curve(
    points: Sequence[tuple[float, float]], marks: Sequence[Mark], *, width: int = WIDE
) -> Markup:
    """points: (share of customers, share of ARR) in per cent, from (0, 0) to (100, 100), the largest customers first."""
    height = 300 if width > 400 else 260
    across, up = width - LEFT - RIGHT, height - TOP - BOTTOM

    def place(customers_pct: float, arr_pct: float) -> tuple[float, float]:
        return LEFT + across * customers_pct / 100, TOP + up * (1 - arr_pct / 100)

    parts = []
    for tick in (0, 25, 50, 75, 100):
        x, y = place(tick, tick)
        parts.append(line(LEFT, y, width - RIGHT, y, "grid"))
        parts.append(text(f"{tick} %", x=LEFT - 6, y=y + 4, anchor="end", class_="tick"))
        parts.append(text(f"{tick} %", x=min(x, width - 18), y=height - 22, anchor="middle", class_="tick"))
    parts.append(
        text(
            "of customers, the largest first",
            x=LEFT + across / 2,
            y=height - 5,
            anchor="middle",
            class_="tick",
        )
    )
    drawn = [place(*point) for point in points]
    if drawn:
        outline = " ".join(f"{number(x)},{number(y)}" for x, y in drawn)
        floor = f"{number(drawn[-1][0])},{number(TOP + up)} {number(LEFT)},{number(TOP + up)}"
        parts.append(element("polygon", points=f"{outline} {floor}", class_="area"))
        parts.append(
            element(
                "g",
                title("If all customers brought the same"),
                line(*place(0, 0), *place(100, 100), "leader"),
            )
        )
        parts.append(element("polyline", points=outline, class_="curve"))
    parts += [_mark(mark, *place(mark.customers_pct, mark.arr_pct), end=width - RIGHT) for mark in marks]
    return drawing(
        parts,
        width=width,
        height=height,
        class_="chart-concentration",
        label="Share of ARR that the largest customers bring; the table beside says the same.",
    )


def _mark(mark: Mark, x: float, y: float, *, end: float) -> str:
    """The dot with its name to the right below the curve, or to the left where the edge is near."""
    fits = x + 12 + len(mark.label) * CHARACTER_PX <= end
    return element(
        "g",
        title(mark.words),
        element("circle", cx=x, cy=y, r=4.5, class_="mark ringed"),
        text(
            mark.label,
            x=x + 10 if fits else x - 10,
            y=y + 14,
            anchor="start" if fits else "end",
            class_="strong value",
        ),
    )
