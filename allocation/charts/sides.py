"""Two amounts of the same things, back to back: what is paid to the left, what is bought to the right."""

from collections.abc import Sequence
from dataclasses import dataclass

from allocation.charts.svg import Markup, drawing, element, line, text, title

WIDE, NARROW = 1080, 380
ROW, BAR, HEAD = 46, 16, 26


@dataclass(frozen=True, slots=True)
class TwoSides:
    """One row. The amounts are drawn, the words are written beside them; None: nothing is known yet."""

    name: str
    left: float | None
    left_words: str
    right: float | None
    right_words: str


def two_sides(rows: Sequence[TwoSides], *, heads: tuple[str, str], label: str, width: int = WIDE) -> Markup:
    """A row each, its name above, the left amounts growing to the left and the right ones to the right."""
    middle = width / 2
    room = middle - (130 if width > 600 else 88)  # for the words at the end of a bar
    most = [max([amount for amount in side if amount is not None], default=0) for side in _sides(rows)]
    scales = [room / top if top > 0 else 0.0 for top in most]
    parts = [
        text(heads[0], x=middle - 8, y=14, anchor="end", class_="strong"),
        text(heads[1], x=middle + 8, y=14, class_="strong"),
    ]
    for place, row in enumerate(rows):
        parts.append(_row(row, y=HEAD + ROW * place, middle=middle, scales=(scales[0], scales[1])))
    height = HEAD + ROW * len(rows)
    return drawing(parts, width=width, height=height + 4, label=label)


def _sides(rows: Sequence[TwoSides]) -> tuple[list[float | None], list[float | None]]:
    return [row.left for row in rows], [row.right for row in rows]


def _row(row: TwoSides, *, y: float, middle: float, scales: tuple[float, float]) -> str:
    name = text(row.name, x=middle, y=y + 13, anchor="middle", class_="strong")
    if row.left is None and row.right is None:
        return element("g", name, text("not computed", x=middle, y=y + 34, anchor="middle", class_="tick"))
    wide = [(amount or 0.0) * scale for amount, scale in zip((row.left, row.right), scales, strict=True)]
    at = y + 20
    return element(
        "g",
        title(f"{row.name}: {row.left_words}, {row.right_words}"),
        name,
        element(
            "rect",
            x=middle - 2 - max(wide[0], 1),
            y=at,
            width=max(wide[0], 1),
            height=BAR,
            rx=2,
            class_="side-left",
        ),
        element("rect", x=middle + 2, y=at, width=max(wide[1], 1), height=BAR, rx=2, class_="mark"),
        line(middle, at - 3, middle, at + BAR + 3, "grid"),
        text(row.left_words, x=middle - 10 - wide[0], y=at + 13, anchor="end"),
        text(row.right_words, x=middle + 10 + wide[1], y=at + 13),
    )
