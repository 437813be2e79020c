"""`make shots`: a picture of every page for people to look at, in both widths and both themes.

A demonstration company in a folder of its own is signed in to as each role; the pictures go to var/screenshots (or
SCREENSHOTS) as <page>-<role>-<width>-<theme>.png, with an index.html beside them that shows them all.
"""

import html
import json
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, sync_playwright

from tests.journeys.installation import Installation
from tests.journeys.person import DESKTOP, PHONE, SCREENSHOTS, Person
from tests.rig.browser import ARGUMENTS, chromium

WIDTHS = (DESKTOP, PHONE)
THEMES = ("light", "dark")
TALLEST = 8000
PREPARE = "from tests.rig import shot_pages\nshot_pages.prepare()"
PAGES = "from tests.rig import shot_pages\nshot_pages.main()"
SHEET = """<!DOCTYPE html>
<html lang="en-GB"><head><meta charset="utf-8"><title>Pictures of every page</title><style>
body {{ margin: 2rem; font: 14px/1.5 system-ui, sans-serif; color: #131a29; background: #f6f7f9; }}
section {{ display: grid; grid-template-columns: 3fr 3fr 1fr 1fr; gap: 1rem; align-items: start; margin-bottom: 2.5rem; }}
h2 {{ grid-column: 1 / -1; margin: 0; font-size: 1rem; }} figure {{ margin: 0; }} figcaption {{ color: #646e80; font-size: 12px; }}
img {{ display: block; width: 100%; max-height: 460px; object-fit: cover; object-position: top; border: 1px solid #cfd4dd; border-radius: 6px; }}
</style></head><body><h1>{count} pictures</h1>
{sections}
</body></html>
"""


def shots(folder: Path, arguments: list[str]) -> list[int]:
    """Take them all; with arguments only pages whose name contains one of these."""
    target = SCREENSHOTS
    target.mkdir(parents=True, exist_ok=True)
    ours = Installation(folder=folder / "shots")
    ours.folder.mkdir(parents=True)
    try:
        ours.open_console()
        print("Making a company …", flush=True)
        ours.python(PREPARE)
        people = json.loads(ours.python(PAGES)[-1])
        ours.processes.begin()
        ours.processes.wait()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
            taken = _sign_in_page(browser, ours, target, arguments)
            for who in people:
                taken += _of_person(browser, ours, who, target, arguments)
            browser.close()
    finally:
        ours.close()
    sheet = target / "index.html"
    sheet.write_text(contact_sheet(taken), encoding="utf-8")
    print(f"{sum(len(each) for _, each in taken)} pictures in {target}; open {sheet}", file=sys.stderr)
    return [0]


def contact_sheet(taken: list[tuple[str, list[str]]]) -> str:
    """All pictures on one page, a row a page and role; nothing is loaded from elsewhere."""
    sections = []
    for title, files in taken:
        figures = "".join(
            f'<figure><a href="{html.escape(file)}"><img src="{html.escape(file)}" alt="{html.escape(file)}" loading="lazy"></a>'
            f"<figcaption>{html.escape(file)}</figcaption></figure>"
            for file in files
        )
        sections.append(f"<section><h2>{html.escape(title)}</h2>{figures}</section>")
    return SHEET.format(count=sum(len(files) for _, files in taken), sections="\n".join(sections))


def _sign_in_page(
    browser: Browser, ours: Installation, target: Path, wanted: list[str]
) -> list[tuple[str, list[str]]]:
    stranger = Person(browser, ours.processes.address, "", "")
    found = _of_pages(stranger, "nobody", [["sign-in", "/sign-in/"]], target, wanted)
    stranger.leave()
    return found


def _of_person(
    browser: Browser, ours: Installation, who: dict[str, Any], target: Path, wanted: list[str]
) -> list[tuple[str, list[str]]]:
    person = Person(browser, ours.processes.address, who["email"], who["password"])
    person.sign_in()
    role = who["role"].lower().replace(" ", "-")
    found = _of_pages(person, role, who["pages"], target, wanted)
    person.leave()
    print(f"{who['role']}: {len(found)} pages", flush=True)
    return found


def _of_pages(
    person: Person, role: str, pages: list[list[str]], target: Path, wanted: list[str]
) -> list[tuple[str, list[str]]]:
    found = []
    for name, path in pages:
        if wanted and not any(part in name for part in wanted):
            continue
        if _opened(person, path):
            found.append((f"{name} ({role}): {path}", _pictures(person.page, f"{name}-{role}", target)))
    return found


def _opened(person: Person, path: str) -> bool:
    """Whether there is a page to photograph: a file and a list of numbers for a script have no looks."""
    try:
        answer = person.page.goto(f"{person.address}{path}")
    except Error:  # "Download is starting"
        return False
    return answer is not None and answer.ok and answer.headers.get("content-type", "").startswith("text/html")


def _pictures(page: Page, name: str, target: Path) -> list[str]:
    files = []
    for size in WIDTHS:
        page.set_viewport_size(size)
        # A window as tall as the page: what sticks to an edge would be drawn over the middle of it.
        tall = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
        page.set_viewport_size({"width": size["width"], "height": max(size["height"], tall)})
        for theme in THEMES:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.wait_for_timeout(60)
            file = f"{name}-{size['width']}-{theme}.png"
            page.screenshot(path=target / file)
            files.append(file)
    page.set_viewport_size(DESKTOP)
    return files
