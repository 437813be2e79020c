"""CS ops walk through the admin in a real browser: nothing complains, nothing sticks out, forms work."""

import pytest
from django.contrib import admin

from tests.journeys.person import DESKTOP, PHONE, Person

# What the browser does with a page is the same over any database: once in a `make check` is enough.
pytestmark = [pytest.mark.journey, pytest.mark.postgres]

LISTS = sorted(f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry)
# Pixels by which the page is wider than the window.
STICKS_OUT = "document.documentElement.scrollWidth - window.innerWidth"
WHAT_STICKS_OUT = """() => [...document.body.querySelectorAll("*")]
    .filter(each => each.getBoundingClientRect().right > window.innerWidth + 1).slice(0, 6)
    .map(each => `${each.tagName} ${each.id} ${each.className} to ${Math.round(each.getBoundingClientRect().right)}`)
"""


# A window that was just made wider is laid out with the next frame.
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"


@pytest.fixture
def ops(people: dict[str, Person]) -> Person:
    return people["CS ops"]


def sticks_out(ops: Person) -> list[str]:
    """What makes the page as it is scroll sideways on a phone or a desktop; empty when it fits both."""
    found = []
    for size in (PHONE, DESKTOP):
        ops.page.set_viewport_size(size)
        ops.page.evaluate(DRAWN)
        if ops.page.evaluate(STICKS_OUT) > 0:
            found += [f"{size['width']}: {name}" for name in ops.page.evaluate(WHAT_STICKS_OUT)]
    return found


def test_every_list_and_the_first_row_of_each_fit_the_window(ops):
    broken = {}
    for path in ["/admin/", "/admin/allocation/tieringmodel/playbooks/", *LISTS]:
        ops.go(path)
        broken[path] = sticks_out(ops)
        first = ops.page.query_selector("#result_list tbody th a")
        if first is not None:
            ops.go(first.get_attribute("href"))
            broken[ops.page.url] = sticks_out(ops)
    assert {path: what for path, what in broken.items() if what} == {}


def test_a_customer_is_changed_through_the_form(ops):
    page = ops.go("/admin/accounts/customer/")
    page.click("#result_list tbody th a")
    page.click("#id_language + .select2-container .select2-selection")
    page.keyboard.type("e")
    page.locator(".select2-results__option[aria-selected]").first.wait_for()
    page.keyboard.press("Enter")
    chosen = page.inner_text("#select2-id_language-container")
    page.fill("#id_employees", "321")
    page.click("text=Add another Goal")
    page.click(".inline-deletelink")
    page.click("input[name=_continue]")
    ops.sees("was changed successfully")
    assert page.input_value("#id_employees") == "321"
    assert page.inner_text("#select2-id_language-container") == chosen


def test_filters_are_pressed_shown_and_taken_away(ops):
    page = ops.go("/admin/accounts/customer/")
    page.click(".filters summary")
    page.click(".filters-panel >> text=Left")
    assert "Status" in page.inner_text(".chips")
    page.click(".chips a")
    assert page.query_selector(".chips") is None


def test_theme_sidebar_and_finding_a_page(ops):
    page = ops.go("/admin/")
    page.evaluate("window.localStorage.clear()")
    page.reload()
    for theme in ("light", "dark"):
        page.click("[data-theme-toggle]")
        assert page.evaluate("document.documentElement.dataset.theme") == theme
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"  # remembered
    ops.picture("admin-dark")
    page.fill("#nav-find", "exchange")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/accounts/exchangerate/")
    page.click("[data-nav-toggle]")
    assert not page.is_visible("#sidebar")
    page.click("[data-nav-toggle]")
    assert page.is_visible("#sidebar")
    page.evaluate("window.localStorage.clear()")


def test_on_a_phone_the_navigation_is_a_drawer(ops):
    page = ops.go("/admin/accounts/customer/")
    page.set_viewport_size(PHONE)
    page.reload()
    assert not page.is_visible("#sidebar")
    page.click("[data-nav-toggle]")
    page.locator("#sidebar :focus").wait_for()  # the keyboard is inside
    page.keyboard.press("Escape")
    page.locator("#sidebar").wait_for(state="hidden")
    ops.picture("admin-customers-phone", phone=True)
