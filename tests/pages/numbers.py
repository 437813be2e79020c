"""Reading the computed figures off a page: tiles, columns of tables, tabs; and whether each says how it came."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"input", "img", "br", "hr", "link", "meta", "source", "col", "wbr"})
# What stands alone in a cell and is a figure: 1,200 · 12.5 % · 3:20 · 4 of 7 · 12 → 14 · −5 · EUR 1,200.
NUMBER = r"[+−-]?\d[\d,. ]*(?::\d\d)?(?: ?(?:%|h|hours|[A-Z]{3}))?"
FIGURE = re.compile(rf"^(?:[A-Z]{{3}} )?{NUMBER}(?: (?:of|→|to) {NUMBER}(?: \w+)*)?$")


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    inside: list[Element | str] = field(default_factory=list)

    @property
    def classes(self) -> set[str]:
        return set((self.attributes.get("class") or "").split())

    def elements(self) -> Iterator[Element]:
        """Everything below, in order."""
        for one in self.inside:
            if isinstance(one, Element):
                yield one
                yield from one.elements()

    def of(self, *tags: str, class_: str = "") -> list[Element]:
        return [
            one
            for one in self.elements()
            if (not tags or one.tag in tags) and (not class_ or class_ in one.classes)
        ]

    @property
    def words(self) -> str:
        """What a reader sees: without what is folded away or meant for a screen reader."""
        if "popover" in self.attributes or "visually-hidden" in self.classes or self.tag in {"svg", "script"}:
            return ""
        inside = (one if isinstance(one, str) else one.words for one in self.inside)
        return " ".join(re.sub(r"[\u202f\u00a0\u2009]", " ", " ".join(inside)).split())

    @property
    def is_traced(self) -> bool:
        return "traced" in self.classes or bool(self.of(class_="traced"))


class _Tree(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__()
        self.open = [Element("page", {})]
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.open[-1].inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].inside.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self.open) - 1, 0, -1):
            if self.open[depth].tag == tag:
                del self.open[depth:]
                return

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


@dataclass(frozen=True)
class Figure:
    """A place of a page where a figure stands: the name of its table (or "tile", "tab"), and its label there."""

    where: str
    label: str
    is_traced: bool


def figures(markup: str) -> list[Figure]:
    """All figures of a page, each column of a table once."""
    page = _Tree(markup).open[0]
    return [
        *_tiles(page),
        *_tabs(page),
        *_lines(page),
        *(one for table in page.of("table") for one in _columns(table)),
    ]


def _label(words: str) -> str:
    """Without the marks of sorting, the sign for "how it came" and a count."""
    return re.sub(r"( [↑↓↕?]| [\d,]+)+$", "", words)


def _tiles(page: Element) -> Iterator[Figure]:
    for tile in page.of(class_="kpi"):
        (label,), (value,) = tile.of(class_="kpi-label"), tile.of(class_="kpi-value")
        if re.search(r"\d", value.words):
            yield Figure("tile", _label(label.words), value.is_traced)


def _tabs(page: Element) -> Iterator[Figure]:
    """The count of a tab is told by the title of the link, since a button cannot stand in a link."""
    for tabs in page.of("nav", class_="tabs"):
        for tab in tabs.of("a"):
            if tab.of(class_="count"):
                yield Figure("tab", _label(tab.words), bool(tab.attributes.get("title")))


def _lines(page: Element) -> Iterator[Figure]:
    """Figures with a name beside them, outside of tables."""
    for lines in page.of("dl", class_="figures") + page.of("dl", class_="sum-lines"):
        for name, said in zip(lines.of("dt"), lines.of("dd"), strict=True):
            if re.search(r"\d", said.words):
                yield Figure("line", name.words, name.is_traced or said.is_traced)


def _columns(table: Element) -> Iterator[Figure]:
    captions, heads = table.of("caption"), table.of("thead")
    name = captions[0].inside[0] if captions and captions[0].inside else ""
    where = " ".join(str(name).split()).partition(", page ")[0] or table.attributes.get("id") or "table"
    labels = [cell for row in heads[0].of("tr")[-1:] for cell in row.of("th", "td")] if heads else []
    found: dict[str, list[bool]] = {}
    for row in table.of("tr"):
        if row in (line for head in heads for line in head.of("tr")):
            continue
        cells = [cell for cell in row.inside if isinstance(cell, Element) and cell.tag in {"th", "td"}]
        if any(cell.attributes.get("colspan") for cell in cells):
            continue
        # A heading over several rows stands in the first of them only.
        shift = len(labels) - len(cells)
        for at, cell in enumerate(cells):
            head = labels[at + shift] if 0 <= at + shift < len(labels) else None
            if cell.tag == "th" or not _is_figure(cell):
                continue
            label = (
                _label(head.words if head else "") or cell.attributes.get("data-label") or f"column {at + 1}"
            )
            traced = (
                cell.is_traced
                or (head is not None and head.is_traced)
                or any(one.is_traced for one in cells if one.tag == "th")
            )
            found.setdefault(label, []).append(traced or _explained_in_row(cells, at))
    for label, traced in found.items():
        yield Figure(where, label, all(traced))


def _explained_in_row(cells: list[Element], at: int) -> bool:
    """A measure's name, in a cell before its figures, may say how they came."""
    return any(one.is_traced and not _is_figure(one) for one in cells[:at])


def _is_figure(cell: Element) -> bool:
    words = cell.words
    if not re.search(r"\d", words):
        return False
    return bool(
        {"num", "figure"} & cell.classes
        or cell.of(class_="meter")
        or cell.of(class_="mini-bar")
        or FIGURE.match(words)
    )
