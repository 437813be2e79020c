"""Bars: utilisation by CSM against capacity, the contributions of a score, the shares of a whole."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from allocation.charts.svg import Markup, drawing, element, line, shortened, text, title

ROW = 26
BAR = 16
WIDE, NARROW = 1080, 380
COLUMN = 620  # beside another column, so that text keeps its size on a desktop


@dataclass(frozen=True, slots=True)
class UtilisationBar:
    """One CSM. `pct`: load as per cent of capacity, None without capacity. `words`: what the mark says."""

    name: str
    pct: float | None
    words: str
    outside: bool = False
    without: str = "no capacity"  # what stands there where there is no `pct`


def utilisation_bars(
    bars: Sequence[UtilisationBar], *, mean: float | None, tolerance: float = 15, width: int = WIDE
) -> Markup:
    """Load as per cent of capacity, one bar a CSM, with the capacity line at 100 % and the band mean ± `tolerance` %."""
    left = 200 if width > 600 else 116
    right = 64
    top, bottom = 28, 26
    height = top + ROW * len(bars) + bottom
    most = max([bar.pct for bar in bars if bar.pct is not None], default=0.0)
    end = axis_end(max(most, 100.0))
    scale = (width - left - right) / end

    parts = []
    if mean is not None:
        low, high = mean * (1 - tolerance / 100), min(mean * (1 + tolerance / 100), end)
        words = f"Within {tolerance:g} % of the mean: {low:.0f} % to {mean * (1 + tolerance / 100):.0f} %"
        parts.append(
            element(
                "rect",
                title(words),
                x=left + low * scale,
                y=top,
                width=max(high - low, 0) * scale,
                height=ROW * len(bars),
                class_="band",
            )
        )
    step = 25 if end <= 150 or width > 600 else 50
    while end / step > (12 if width > 600 else 5):
        step *= 2
    for tick in range(0, int(end) + 1, step):
        x = left + tick * scale
        parts.append(line(x, top, x, height - bottom, "grid"))
        parts.append(text(f"{tick} %", x=x, y=height - 8, anchor="middle", class_="tick"))
    rows = [top + ROW * row for row in range(len(bars))]
    parts += [_utilisation_row(bar, y=y, left=left, scale=scale) for y, bar in zip(rows, bars, strict=True)]
    at = left + 100 * scale
    parts.append(line(at, top - 6, at, height - bottom, "line-limit"))
    parts.append(text("capacity", x=at, y=top - 11, anchor="middle", class_="strong"))
    # Last, so that the line never crosses a number.
    parts += [_utilisation_value(bar, y=y, left=left, scale=scale) for y, bar in zip(rows, bars, strict=True)]
    return drawing(
        parts,
        width=width,
        height=height,
        label=f"Utilisation of {len(bars)} CSMs against capacity; the table below says the same.",
    )


def _utilisation_row(bar: UtilisationBar, *, y: float, left: float, scale: float) -> str:
    name = text(shortened(bar.name, left - 14), x=left - 10, y=y + 17, anchor="end")
    if bar.pct is None:
        return element("g", title(bar.words), name)
    mark = element(
        "rect",
        x=left,
        y=y + (ROW - BAR) / 2,
        width=max(bar.pct * scale, 1.5),
        height=BAR,
        rx=2,
        class_=_tone(bar),
    )
    return element("g", title(bar.words), name, mark)


def _utilisation_value(bar: UtilisationBar, *, y: float, left: float, scale: float) -> str:
    if bar.pct is None:
        return text(bar.without, x=left + 6, y=y + 17, class_="tick value")
    sign = " !" if bar.pct > 100 else ""
    return text(
        f"{bar.pct:.0f} %{sign}", x=left + max(bar.pct * scale, 1.5) + 6, y=y + 17, class_="strong value"
    )


def _tone(bar: UtilisationBar) -> str:
    if bar.pct is not None and bar.pct > 100:
        return "mark-bad"
    return "mark-warn" if bar.outside else "mark"


def axis_end(most: float) -> float:
    """The next quarter above `most`, with room for a label; coarser for very long axes."""
    step = 25 if most <= 400 else 100
    return float(math.ceil(most * 1.04 / step) * step)


@dataclass(frozen=True, slots=True)
class ContributionBar:
    """One criterion: what it gave, and the most it could have given (both in points of the score).

    `missing`: there is no value, which is not the same as having given nothing.
    """

    criterion: str
    contribution: float
    most: float
    words: str
    missing: bool = False


def contribution_bars(bars: Sequence[ContributionBar], *, score: float | None, width: int = WIDE) -> Markup:
    """What each criterion gave to the score, filled within the most it could give."""
    left = 200 if width > 600 else 122
    right = 96
    height = ROW * len(bars) + 8
    most = max([bar.most for bar in bars], default=0) or 1
    scale = (width - left - right) / most
    parts = [_contribution_row(bar, y=4 + ROW * row, left=left, scale=scale) for row, bar in enumerate(bars)]
    said = "no score" if score is None else f"a score of {score:.2f}"
    return drawing(
        parts,
        width=width,
        height=height,
        label=f"Contributions of {len(bars)} criteria to {said}; the table below says the same.",
    )


def _contribution_row(bar: ContributionBar, *, y: float, left: float, scale: float) -> str:
    name = text(shortened(bar.criterion, left - 14), x=left - 10, y=y + 17, anchor="end")
    if bar.missing:
        return element("g", title(bar.words), name, text("missing", x=left, y=y + 17, class_="tick"))
    return element(
        "g",
        title(bar.words),
        name,
        element("rect", x=left, y=y + 5, width=max(bar.most * scale, 1), height=BAR, rx=3, class_="track"),
        element(
            "rect", x=left, y=y + 5, width=max(bar.contribution * scale, 0), height=BAR, rx=3, class_="mark"
        ),
        text(f"{bar.contribution:.2f}", x=left + bar.most * scale + 8, y=y + 17, class_="strong"),
    )


@dataclass(frozen=True, slots=True)
class Share:
    """One part of a whole. `class_`: a chart class such as "tier-1"."""

    label: str
    amount: float
    class_: str


def share_bar(shares: Sequence[Share], *, label: str) -> Markup:
    """The parts of a whole as one bar; widths are shares, so the picture may be stretched to any width."""
    whole = sum(share.amount for share in shares)
    if whole <= 0:
        return Markup()
    parts, x = [], 0.0
    for share in shares:
        wide = 1000 * share.amount / whole
        if wide:
            words = f"{share.label}: {share.amount:,.0f} ({100 * share.amount / whole:.0f} %)"
            parts.append(
                element(
                    "rect", title(words), x=x, y=0, width=max(wide - 2, 1), height=16, class_=share.class_
                )
            )
        x += wide
    return drawing(parts, width=1000, height=16, label=label, class_="share-bar", stretch=True)


def mini_bar(pct: float, *, tone: str, words: str) -> Markup:
    """A small bar beside its number in a table: `pct` of full, cut at 100. tone: "", "good", "warn", "bad"."""
    filled = min(max(pct, 0.0), 100.0)
    bar = element(
        "svg",
        element("rect", x=0, y=0, width=filled, height=10),
        viewBox="0 0 100 10",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
    return Markup(element("span", bar, escape(words), class_=f"meter meter-{tone}" if tone else "meter"))
