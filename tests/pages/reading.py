"""Reading a page as a browser would: its elements, its words, and what a strict policy would refuse."""

from html.parser import HTMLParser

FORBIDDEN_ATTRIBUTES = ("style",)


class Page(HTMLParser):
    """`elements`: (tag, attributes) in order. `words`: all text a person can see or hear; `shown`: without how numbers came."""

    def __init__(self, markup):
        super().__init__()
        self.elements = []
        self.texts = []
        self.shown_texts = []
        self.folded = (
            ""  # within what shows on a click only, or what the button of a number says to a screen reader
        )
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if not self.folded and ("popover" in attributes or self._names_a_traced_number(tag, attributes)):
            self.folded = tag
        self.elements.append((tag, attributes))

    def _names_a_traced_number(self, tag, attributes):
        _, held = self.elements[-1] if self.elements else ("", {})
        return attributes.get("class") == "visually-hidden" and held.get("class") == "traced"

    def handle_endtag(self, tag):
        if tag == self.folded:
            self.folded = ""

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)

    def handle_data(self, data):
        self.texts.append(data)
        if not self.folded:
            self.shown_texts.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.texts).split())

    @property
    def shown(self):
        return " ".join(" ".join(self.shown_texts).split())

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def links(self):
        return [attributes.get("href", "") for attributes in self.of("a")]

    def refused_by_policy(self):
        """What the Content-Security-Policy forbids: inline styles, handlers and scripts."""
        found = [
            (tag, key)
            for tag, attributes in self.elements
            for key in attributes
            if key in FORBIDDEN_ATTRIBUTES or key.startswith("on")
        ]
        found += [("script", "inline") for attributes in self.of("script") if not attributes.get("src")]
        found += [("style", "inline") for _ in self.of("style")]
        return found


def read(response):
    return Page(response.content.decode())


def plain(text):
    """Words with ordinary spaces, so that tests need no thin ones."""
    return text.replace("\u202f", " ").replace("\u00a0", " ").replace(" ,", ",")
