"""Ops ask what if in a browser: a preset is computed by the worker, two stand side by side, one becomes a draft model.

The tests stand in the order of the work; no customer changes by any of it.
"""

import pytest
from playwright.sync_api import Browser

from tests.journeys.installation import Installation
from tests.journeys.looking import Look
from tests.journeys.person import Person

pytestmark = [pytest.mark.journey]

WISHES = "Everyone gets the engagement they wish"
WEIGHED = "The first criterion counts double"


@pytest.fixture(scope="module")
def before(installation: Installation, company: dict) -> list[str]:
    """Everybody's tier and CSM, before anything is asked."""
    installation.answer_of("retier", "--apply")
    return held(installation)


@pytest.fixture
def ops(people: dict[str, Person]) -> Person:
    return people["CS ops"]


def held(installation: Installation) -> list[str]:
    return installation.python(
        "from accounts.models import Customer\n"
        "for row in Customer.objects.order_by('pk').values_list('pk', 'tier_id', 'tier_since', 'csm_id'): print(row)"
    )


def compute(ops: Person) -> None:
    """Send the form; the page follows the worker and shows the answer by itself."""
    ops.press("Compute")
    ops.page.get_by_role("heading", name="Who goes where").wait_for(timeout=60_000)


def test_a_preset_is_asked_and_computed_by_the_worker(ops: Person, before: list[str]) -> None:
    page = ops.go("/scenarios/")
    page.get_by_role("link", name="New scenario").click()
    page.get_by_role("link", name=WISHES).click()
    assert page.get_by_label("Name", exact=True).input_value() == WISHES
    compute(ops)
    ops.sees("No customer was changed.")
    ops.sees("Every customer gets the engagement it wishes")
    ops.picture("scenario")
    ops.picture("scenario-phone", phone=True)


def test_another_one_is_built_with_the_form_and_both_stand_side_by_side(
    ops: Person, before: list[str]
) -> None:
    page = ops.go("/scenarios/new/")
    page.get_by_label("Name", exact=True).fill(WEIGHED)
    weight = page.locator("input[name=weight_0]")
    weight.fill(str(2 * int(weight.get_attribute("placeholder") or 0)))
    compute(ops)

    page = ops.go("/scenarios/")
    for name in (WISHES, WEIGHED):
        page.get_by_label(f"Put {name} side by side").check()
    ops.press("Put side by side")
    page.get_by_role("heading", name="Scenarios side by side").wait_for()
    # In the order of the list, the latest first.
    assert page.locator("thead th").all_inner_texts() == ["Today", WEIGHED, WISHES]
    ops.sees("Heads needed")
    assert page.locator("svg.chart-small").count() == 2
    ops.picture("scenarios-side-by-side")
    ops.picture("scenarios-side-by-side-phone", phone=True)


def test_side_by_side_has_no_fault_in_any_theme_and_width(
    ops: Person, chrome: Browser, installation: Installation, before: list[str]
) -> None:
    """The walk through all pages knows no two scenarios to put side by side."""
    path = ops.page.url.removeprefix(ops.address)
    assert path.startswith("/scenarios/compare/?s=")
    (session,) = (one for one in ops.context.cookies() if "session" in one["name"])
    look = Look(chrome, installation.processes.address, {"name": session["name"], "value": session["value"]})
    wrong = look.at(path)
    look.leave()
    assert not wrong, "\n".join(wrong)


def test_one_becomes_a_draft_model_and_no_customer_changed(
    ops: Person, installation: Installation, before: list[str]
) -> None:
    page = ops.go("/scenarios/")
    page.get_by_role("link", name=WEIGHED).click()
    ops.press("Make a draft model of it")
    page.wait_for_url("**/admin/allocation/tieringmodel/*/change/")
    ops.sees("is a draft made of the scenario")
    assert held(installation) == before
