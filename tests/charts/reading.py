"""Reading a drawing back: charts must be well-formed, and their marks are compared with numbers."""

from xml.etree import ElementTree

from allocation.charts.svg import Markup


def read(markup: str) -> ElementTree.Element:
    """The drawing as a tree; anything not well-formed fails here."""
    assert isinstance(markup, Markup)
    return ElementTree.fromstring(f"<root>{markup}</root>")


def marks(tree: ElementTree.Element, class_: str) -> list[ElementTree.Element]:
    return [node for node in tree.iter() if class_ in (node.get("class") or "").split()]


def words(tree: ElementTree.Element) -> list[str]:
    """Every text a person can see."""
    return [node.text or "" for node in tree.iter("text")]


def titles(tree: ElementTree.Element) -> list[str]:
    return [node.text or "" for node in tree.iter("title")]
