"""A tornado: how many customers move when a number is turned down (left) or up (right), the most at the top."""

from collections.abc import Sequence
from dataclasses import dataclass

from allocation.charts.svg import Markup, drawing, element, line, shortened, text, title

WIDE, NARROW = 1080, 380
ROW, BAR, HEAD = 46, 18, 26
# Widest first, so that the smaller changes lie on top.
CLASSES = ("turn-large", "turn-middle", "turn-small")


@dataclass(frozen=True, slots=True)
class Side:
    """Customers at the small, the middle and the large change; words: what the mark says. None: it cannot be turned so."""

    customers: tuple[int, int, int]
    words: str


@dataclass(frozen=True, slots=True)
class Turned:
    name: str
    down: Side | None
    up: Side | None


def tornado(rows: Sequence[Turned], *, label: str, width: int = WIDE) -> Markup:
    """A row a number, its name above the bars, both sides by one scale; the number at a bar's end is of the large change."""
    middle = width / 2
    room = middle - (70 if width > 600 else 52)  # for the number at the end of a bar
    most = max([max(side.customers) for row in rows for side in (row.down, row.up) if side], default=0)
    scale = room / most if most else 0.0
    parts = [
        text("turned down", x=middle - 8, y=14, anchor="end", class_="strong"),
        text("turned up", x=middle + 8, y=14, class_="strong"),
    ]
    for place, row in enumerate(rows):
        parts.append(_row(row, y=HEAD + ROW * place, middle=middle, scale=scale, width=width))
    return drawing(parts, width=width, height=HEAD + ROW * len(rows) + 4, label=label)


def _row(row: Turned, *, y: float, middle: float, scale: float, width: float) -> str:
    at = y + 18
    return element(
        "g",
        text(shortened(row.name, width - 20), x=middle, y=y + 12, anchor="middle", class_="strong"),
        *(_bars(row.down, at=at, middle=middle, scale=scale, sign=-1)),
        *(_bars(row.up, at=at, middle=middle, scale=scale, sign=1)),
        line(middle, at - 3, middle, at + BAR + 3, "axis-line"),
    )


def _bars(side: Side | None, *, at: float, middle: float, scale: float, sign: int) -> list[str]:
    anchor = "end" if sign < 0 else "start"
    if side is None:
        return [text("at its end", x=middle + sign * 8, y=at + 13, anchor=anchor, class_="tick")]
    marks = []
    # More of a change may move fewer: the longest bar is drawn first whatever its size.
    drawn = sorted(zip(CLASSES, reversed(side.customers), strict=True), key=lambda bar: -bar[1])
    for class_, customers in drawn:
        wide = customers * scale
        if wide:
            x = middle - wide if sign < 0 else middle
            marks.append(element("rect", x=x, y=at, width=max(wide, 1), height=BAR, class_=class_))
    longest = max(side.customers) * scale
    said = text(f"{side.customers[2]:,}", x=middle + sign * (longest + 8), y=at + 13, anchor=anchor)
    return [element("g", title(side.words), *marks, said)]
