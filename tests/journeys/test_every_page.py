"""Every page of the site, seen by everybody who may open it, on a desk in light and on a phone in dark.

No page may have a violation for axe (WCAG 2.2 AA and good practice), a complaint of the browser, a breach of the
content policy, a request to another site, something that makes a phone scroll sideways, or a place that is empty.
The addresses are read off the URL configuration (tests/journeys/furnished.py): a new one is walked by itself.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.journeys.installation import Installation
from tests.journeys.looking import AT_A_DESK, MODES, PROVING, Look
from tests.journeys.person import DESKTOP, PHONE
from tests.rig.migrated import database_of_its_own

# The pages are the same over any database: once in a `make check` is enough.
pytestmark = [pytest.mark.journey, pytest.mark.postgres]

FURNISH = "from tests.journeys import furnished\nfurnished.main()"
BROKEN = """
from django.template.loader import render_to_string
import json
import os
trouble = {"title": "The database does not answer", "words": "Wait a minute."}
pages = {name: render_to_string(name, {"trouble": trouble, "reads": True, "back": "/"}) for name in ("500.html", "503.html")}
print(json.dumps(pages))
"""
# What a manager walks, CS ops walk again in `make prove` only: the pages are the same but for what is on them.
WALKED_BY_OTHERS = {"ops": "manager_a"}
# Addresses that answer with an error page: who is refused, where, and with which number.
REFUSED = [
    ("csm_a", "/nowhere/at-all/", 404),
    ("csm_a", "/approvals/", 403),
    ("nobody", "/book/", 403),
    ("ops", "/runs/start/", 405),
    ("ops", "/admin/nowhere/", 404),
]


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The address of a site with a row of everything, and {"sessions", "cookie", "pages"} of its people."""
    with ExitStack() as stack:
        name = f"cstiers_pages_{os.getpid()}"
        database = database_of_its_own(stack, os.environ.get("DATABASE_URL", ""), name)
        ours = Installation(folder=tmp_path_factory.mktemp("pages"), database_url=database)
        stack.callback(ours.close)
        ours.open_console()
        ours.migrate()
        found = json.loads(ours.python(FURNISH)[-1])
        ours.begin_site()
        broken = json.loads(ours.python(BROKEN)[-1])
        yield {**found, "address": ours.processes.address, "broken": broken}


@pytest.fixture(scope="module")
def looks(chrome: Browser, furnished: dict[str, Any]) -> Iterator[dict[str, Look]]:
    """{person: a pair of eyes}, signed in by their session."""
    found = {}
    for person in furnished["pages"]:
        key = furnished["sessions"].get(person)
        cookie = {"name": furnished["cookie"], "value": key} if key else None
        found[person] = Look(
            chrome, furnished["address"], cookie, modes=AT_A_DESK if person == "ops" else MODES
        )
    yield found
    for look in found.values():
        look.leave()


def told(found: dict[str, list[str]]) -> str:
    """The pages with something wrong, a line a fault."""
    return "\n".join(f"{path}: {words}" for path, faults in found.items() for words in faults)


@pytest.mark.parametrize("person", ["csm_a", "manager_a", "former_manager", "ops", "nobody", "stranger"])
def test_no_page_has_a_fault(person: str, looks: dict[str, Look], furnished: dict[str, Any]) -> None:
    other = None if PROVING else WALKED_BY_OTHERS.get(person)
    walked = {page for page, _ in furnished["pages"].get(other, ())}
    pages = [path for page, path in furnished["pages"][person] if page not in walked]
    assert pages, f"{person} may read no page at all"
    wrong = told({path: looks[person].at(path) for path in pages})
    assert not wrong, wrong


def test_a_page_that_refuses_has_no_fault_either(looks: dict[str, Look]) -> None:
    wrong = told({path: looks[person].at(path, status=status) for person, path, status in REFUSED})
    assert not wrong, wrong


@pytest.mark.parametrize("page", ["500.html", "503.html"])
def test_the_page_of_an_accident_has_no_fault(
    page: str, looks: dict[str, Look], furnished: dict[str, Any]
) -> None:
    wrong = looks["ops"].at_words(furnished["broken"][page])
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", ["/", "/plans/", "/admin/", "/admin/accounts/csm/"])
def test_a_number_says_how_it_came_by_keyboard_and_within_the_window(
    path: str, looks: dict[str, Look]
) -> None:
    page = looks["ops"].page
    page.goto(looks["ops"].address + path)
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        assert page.locator(".traced:visible").count()
        for number in page.locator(".traced:visible").all():
            words = page.locator(f"#{number.get_attribute('popovertarget')}")
            assert "how it came" in (number.text_content() or "")
            number.scroll_into_view_if_needed()  # taking the focus would move it otherwise
            box = number.bounding_box()
            assert box is not None
            assert box["height"] >= 24
            assert box["width"] >= 24
            number.focus()
            page.keyboard.press("Enter")
            words.wait_for(state="visible")
            over = words.bounding_box()
            assert over is not None
            assert over["x"] >= 0
            assert over["x"] + over["width"] <= size["width"]
            # Beside its number, not somewhere on the page.
            assert abs(over["y"] - box["y"]) < over["height"] + 60
            page.keyboard.press("Escape")
            words.wait_for(state="hidden")
            assert number.evaluate("each => each === document.activeElement")


def test_the_keys_are_listed(looks: dict[str, Look]) -> None:
    page = looks["csm_a"].page
    page.goto(looks["csm_a"].address + "/")
    page.locator("h1").click()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys that work on every page").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"


ON_PAPER = ("balance/", "books/{pk}/", "runs/{pk}/", "plans/{pk}/", "customers/{pk}/", "pyramid/")


def test_pages_that_are_printed_are_read_on_paper(looks: dict[str, Look], furnished: dict[str, Any]) -> None:
    wrong = {}
    for address, path in furnished["pages"]["ops"]:
        if address in ON_PAPER:
            wrong[path], sheets = looks["ops"].on_paper(path)
            assert sheets.startswith(b"%PDF")
    assert len(wrong) >= 5
    assert not told(wrong), told(wrong)


def test_a_fault_is_seen(looks: dict[str, Look]) -> None:
    """The control arm: a page with one fault of each kind."""
    page = """<!DOCTYPE html><html lang="en"><head><title>x</title></head><body><main><h1>x</h1>
    <p style="width: 3000px">wide</p><img src="http://elsewhere.example/x.png"><p>None</p><div class="card"> </div>
    <script>console.error("trouble")</script></main></body></html>"""
    seen = "\n".join(looks["stranger"].at_words(page))
    for fault in (
        "image-alt",
        "scrolls sideways",
        "asks another site",
        "shows “None”",
        "empty:",
        "error: trouble",
    ):
        assert fault in seen, f"{fault} was not seen among: {seen}"


def test_every_page_of_a_person_is_known_by_its_address(furnished: dict[str, Any]) -> None:
    """Of each kind of page at least one is walked: who adds a page finds it here without writing it down."""
    walked = {address for pages in furnished["pages"].values() for address, _ in pages}
    for address in ("", "book/", "balance/", "customers/{pk}/", "plans/{pk}/", "runs/{pk}/", "admin/"):
        assert address in walked
    lists = {address for address in walked if address.startswith("admin/") and address.endswith("/change/")}
    assert len(lists) > 20, lists
