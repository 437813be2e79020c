"""The engagement pyramid twice: by customers, and mirrored beside it by ARR, so that "few customers, most ARR" is seen at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allocation.charts.svg import CHARACTER_PX, Markup, drawing, element, in_two_lines, line, text, title

WIDE, NARROW = 920, 380
# Of a layer: height, the slope of each side, the least width that can still be seen, from one line of a label to the next.
LAYER, GAP, SLOPE, LEAST, LINE = 58, 4, 16, 3.0, 15
APART = 26  # between the pyramid and what stands below it
HEAD = 34


@dataclass(frozen=True, slots=True)
class Block:
    """One layer. The widths at half its height are in proportion to `customers` and `arr`; the words stand beside them.

    class_: a chart class such as "tier-1". words: what the mark says. url: where a press leads. apart: below the pyramid.
    """

    name: str
    touch: str
    customers: int
    customers_words: tuple[str, str]
    arr: float
    arr_words: tuple[str, str]
    class_: str
    words: str
    url: str = ""
    apart: bool = False


@dataclass(frozen=True, slots=True)
class _Places:
    """Where things stand across the drawing: the middles of both pyramids, the room each has, whether names stand between them."""

    left: float
    right: float
    room: float
    height: float
    between: bool
    width: int


def pyramid_layers(blocks: Sequence[Block], *, width: int = WIDE) -> Markup:
    """Customers to the left and ARR to the right, a layer each, in the order given; layers that stand apart come last."""
    wide = width > 600
    places = (
        _Places(left=240, right=680, room=240, height=LAYER, between=True, width=width)
        if wide
        else _Places(left=93, right=width - 93, room=164, height=LAYER - 18, between=False, width=width)
    )
    most = max((block.customers for block in blocks), default=0), max((b.arr for b in blocks), default=0.0)
    parts = [
        text("Customers", x=places.left, y=16, anchor="middle", class_="strong"),
        text("ARR", x=places.right, y=16, anchor="middle", class_="strong"),
    ]
    y = float(HEAD)
    step = places.height + (GAP if wide else 66)
    for place, block in enumerate(blocks):
        if block.apart and place and not blocks[place - 1].apart:
            parts.append(line(0, y + APART / 2 - GAP, width, y + APART / 2 - GAP, "line-limit"))
            y += APART
        parts.append(_layer(block, y=y, most=most, places=places))
        y += step
    return drawing(
        parts,
        width=width,
        height=y + 6,
        class_="chart-pyramid",
        label=f"Pyramid of {len(blocks)} layers by customers and by ARR; the table below says the same.",
    )


def _layer(block: Block, *, y: float, most: tuple[float, float], places: _Places) -> str:
    top = y if places.between else y + 34
    shapes = [
        _trapezoid(
            middle=middle,
            wide=places.room * amount / of if of else 0.0,
            y=top,
            high=places.height,
            up=up,
            empty=not amount,
            class_=block.class_,
        )
        for middle, amount, of, up in (
            (places.left, block.customers, most[0], True),
            (places.right, block.arr, most[1], False),
        )
    ]
    words = _beside(block, top, places) if places.between else _around(block, y, places)
    drawn = element("g", title(block.words), *shapes, words)
    # For the pointer only: by keyboard the same links stand in the table below the picture.
    return element("a", drawn, href=block.url, tabindex="-1") if block.url else drawn


def _trapezoid(
    *, middle: float, wide: float, y: float, high: float, up: bool, empty: bool, class_: str
) -> str:
    """Narrower at the top (`up`) or at the bottom; `wide` is its width at half height. Nothing is a line, not a shape."""
    if empty:
        return line(middle, y, middle, y + high, "grid")
    wide = max(wide, LEAST)
    slope = min(SLOPE, wide / 2)
    narrow, broad = wide / 2 - slope / 2, wide / 2 + slope / 2
    above, below = (narrow, broad) if up else (broad, narrow)
    corners = [
        (middle - above, y),
        (middle + above, y),
        (middle + below, y + high),
        (middle - below, y + high),
    ]
    return element(
        "polygon", points=" ".join(f"{x:.2f},{at:.2f}" for x, at in corners), class_=f"layer {class_}"
    )


def _beside(block: Block, y: float, places: _Places) -> str:
    """On a desktop: the name between both pyramids, the numbers at the outer sides."""
    middle = (places.left + places.right) / 2
    room = places.right - places.left - places.room - SLOPE
    lines = in_two_lines(block.name, room, last_px=room)
    first = y + places.height / 2 + 4 - LINE * len(lines) / 2
    names = [
        text(words, x=middle, y=first + LINE * place, anchor="middle", class_="strong")
        for place, words in enumerate(lines)
    ]
    touch = text(block.touch, x=middle, y=first + LINE * len(lines), anchor="middle", class_="tick")
    half = y + places.height / 2
    left, right = (
        places.left - places.room / 2 - SLOPE - 8,
        places.right + places.room / 2 + SLOPE + 8,
    )
    return "".join(
        [
            *names,
            touch,
            text(block.customers_words[0], x=left, y=half - 3, anchor="end", class_="strong"),
            text(block.customers_words[1], x=left, y=half + 13, anchor="end", class_="tick"),
            text(block.arr_words[0], x=right, y=half - 3, class_="strong"),
            text(block.arr_words[1], x=right, y=half + 13, class_="tick"),
        ]
    )


def _around(block: Block, y: float, places: _Places) -> str:
    """On a phone: the name above, the numbers below each shape."""
    room = places.width - len(block.touch) * CHARACTER_PX - 24
    lines = in_two_lines(block.name, room, last_px=room)
    first = y + 26 - LINE * (len(lines) - 1)
    names = [text(words, x=8, y=first + LINE * at, class_="strong") for at, words in enumerate(lines)]
    below = y + 34 + places.height + 16
    return "".join(
        [
            *names,
            text(block.touch, x=places.width - 8, y=y + 26, anchor="end", class_="tick"),
            text(" · ".join(block.customers_words), x=places.left, y=below, anchor="middle"),
            text(" · ".join(block.arr_words), x=places.right, y=below, anchor="middle"),
        ]
    )
