"""Writing SVG: numbers and words in, escaped markup out. Geometry is attributes, looks are CSS classes.

Every chart takes the `width` it is drawn for, in px of the viewBox, so that a page can hold one drawing for a desktop
and one for a phone and text is readable on both (the stylesheet shows one of them).
"""

from collections.abc import Iterable
from html import escape

Number = int | float


class Markup(str):
    """Finished markup, which templates show as it is. Made in this package only, from parts escaped by `element`."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


# A rough width of one character of 12 px Inter; only to decide where to cut a label.
CHARACTER_PX = 6.7


def number(value: Number) -> str:
    """1.0 → "1", 1.234 → "1.23": short and the same on every machine."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text


def element(name: str, *children: str, **attributes: Number | str | None) -> str:
    """`element("rect", x=1, class_="mark")`; children are markup already, attribute values are escaped."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value if isinstance(value, str) else number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(children)
    return f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>"


def title(words: str) -> str:
    """What a pointer resting on a mark, or a screen reader, says about it."""
    return f"<title>{escape(words)}</title>"


def text(words: str, *, x: Number, y: Number, anchor: str = "start", class_: str = "") -> str:
    return element(
        "text",
        escape(words),
        x=x,
        y=y,
        text_anchor=None if anchor == "start" else anchor,
        class_=class_ or None,
    )


def shortened(words: str, room_px: Number) -> str:
    """`words` cut with an ellipsis to what fits into `room_px`."""
    fits = max(int(room_px / CHARACTER_PX), 3)
    return words if len(words) <= fits else words[: fits - 1].rstrip() + "…"


def in_two_lines(words: str, room_px: Number, *, last_px: Number) -> list[str]:
    """`words` on one line if it has room for `last_px`, else on two, broken at a space: the last one may be shorter.

    What fits on neither is cut in the middle: names of a set-up often begin alike, and some end alike.
    """
    if len(words) * CHARACTER_PX <= last_px:
        return [words]
    breaks = [
        place for place, character in enumerate(words) if character == " " and place * CHARACTER_PX <= room_px
    ]
    if not breaks:
        return [_without_middle(words, last_px)]
    first, rest = words[: breaks[-1]], words[breaks[-1] + 1 :]
    return [first, _without_middle(rest, last_px)]


def _without_middle(words: str, room_px: Number) -> str:
    fits = max(int(room_px / CHARACTER_PX), 3)
    if len(words) <= fits:
        return words
    head = fits // 2
    return f"{words[:head].rstrip()}…{words[len(words) - (fits - 1 - head) :].lstrip()}"


def tier_class(rank: int | None) -> str:
    """The colour of a tier; rank None: of one no longer in use."""
    return "tier-retired" if rank is None else f"tier-{min(max(rank, 1), 6)}"


def line(x1: Number, y1: Number, x2: Number, y2: Number, class_: str) -> str:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def drawing(
    parts: Iterable[str],
    *,
    width: Number,
    height: Number,
    label: str,
    class_: str = "",
    stretch: bool = False,
    decoration: bool = False,
) -> Markup:
    """The whole picture, named for screen readers by `label`. `stretch`: any width, for pictures without text.
    `decoration`: words beside it say the same, and screen readers pass it over.
    """
    parts = list(parts)
    # A picture with links in it is a group: what a screen reader takes for one image has nothing inside to press.
    has_links = any("<a " in part for part in parts)
    return Markup(
        element(
            "svg",
            *parts,
            viewBox=f"0 0 {number(width)} {number(height)}",
            preserveAspectRatio="none" if stretch else None,
            class_=f"chart {class_}".strip(),
            role=None if decoration else "group" if has_links else "img",
            aria_label=None if decoration else label,
            aria_hidden="true" if decoration else None,
        )
    )


def wide_and_narrow(wide: Markup, narrow: Markup) -> Markup:
    """Both drawings of one chart; the stylesheet shows the one that fits the screen."""
    return Markup(element("div", wide, class_="chart-wide") + element("div", narrow, class_="chart-narrow"))
