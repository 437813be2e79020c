"""A form of a page is sent once: a second press of its button does nothing (shell.js, data-once)."""

import re

from tests.house.source import ROOT

FORM = re.compile(r"<form\b(?:\{%.*?%\}|\{\{.*?\}\}|[^>])*>", re.DOTALL)


def test_every_form_that_is_posted_is_sent_once():
    again = [
        f"{path.name}: {form[:80]}"
        for path in sorted((ROOT / "templates/pages").glob("*.html"))
        for form in FORM.findall(path.read_text())
        if 'method="post"' in form and "data-once" not in form
    ]
    assert again == []
