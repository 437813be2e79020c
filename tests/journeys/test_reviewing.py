"""A run is reviewed in a browser: one row refused, the rest applied, then undone; and a goal that a CSM opens.

The tests stand in the order of the work and share one installation.
"""

import pytest

from tests.journeys.installation import Installation
from tests.journeys.person import Person

pytestmark = [pytest.mark.journey]


@pytest.fixture(scope="module")
def grown(installation: Installation, company: dict) -> list[str]:
    """Names of three Scale customers that have grown into Enterprise since the last applied run."""
    installation.answer_of("retier", "--apply")
    return installation.python(
        "from accounts.models import Customer\n"
        "found = Customer.objects.filter(tier__slug='scale', csm__isnull=False).order_by('pk')[:3]\n"
        "for customer in found:\n"
        "    Customer.objects.filter(pk=customer.pk).update(arr=400_000, currency='USD')\n"
        "    print(customer.name)"
    )


@pytest.fixture
def ops(people: dict[str, Person]) -> Person:
    return people["CS ops"]


def tiers(installation: Installation, names: list[str]) -> list[str]:
    return installation.python(
        "from accounts.models import Customer\n"
        f"for name in {names!r}: print(Customer.objects.get(name=name).tier.slug)"
    )


def test_ops_refuse_one_row_and_apply_the_rest(
    ops: Person, installation: Installation, grown: list[str]
) -> None:
    page = ops.go("/runs/")
    ops.press("Propose tiers")
    page.get_by_role("button", name="Apply", exact=True).wait_for(timeout=60_000)
    assert page.locator("[data-rows-count]").inner_text() == "0 rows ticked"

    # The box of the page ticks them all, "all that fit" stands for more than can be seen.
    page.get_by_label("All on this page").check()
    assert page.locator("[data-rows-count]").inner_text() == "3 rows ticked"
    page.get_by_label("All 3 rows of this tab").check()
    assert page.get_by_label("All on this page").is_disabled()
    page.get_by_label("All 3 rows of this tab").uncheck()
    page.get_by_label("All on this page").uncheck()

    page.get_by_label(f"Tick {grown[0]}").check()
    ops.press("Refuse")  # without a reason the browser does not send it
    assert page.locator("#review-words").evaluate("field => field.validity.valueMissing")
    page.fill("#review-words", "They merge next month")
    ops.press("Refuse")
    ops.sees("1 row refused")
    ops.sees("They merge next month")
    ops.picture("run-reviewed")
    ops.picture("run-reviewed-phone", phone=True)

    ops.press("Apply")
    ops.sees("Applied by")
    assert tiers(installation, grown) == ["scale", "enterprise", "enterprise"]


def test_a_press_on_a_flow_leads_to_its_rows(ops: Person, grown: list[str]) -> None:
    page = ops.page
    page.locator(".flow-list a").first.click()
    page.locator("#rows tbody tr").first.wait_for()
    assert "was=" in page.url
    assert page.locator("#rows tbody tr").count() == 3  # the refused one is among them, and marked
    assert page.locator("#rows tr.is-refused").count() == 1


def test_ops_undo_the_run(ops: Person, installation: Installation, grown: list[str]) -> None:
    ops.press("Undo")
    ops.sees("Undone by")
    ops.sees("2 customers have their tiers back")
    ops.picture("run-undone")
    assert tiers(installation, grown) == ["scale"] * 3


def test_a_csm_opens_a_goal_and_ops_find_the_run_that_follows(
    people: dict[str, Person], ops: Person, installation: Installation, company: dict
) -> None:
    csm = people["CSM"]
    page = csm.go("/book/")
    page.locator("table a[href^='/customers/']").first.click()
    csm.sees("Why this tier")
    page.get_by_text("Open a goal", exact=True).click()
    page.get_by_label("Goal", exact=True).select_option(label="Risk mitigation")
    page.get_by_label("What would count as done").fill("They renew")
    csm.press("Open the goal")
    csm.sees("The goal “Risk mitigation” is open.")
    csm.sees("They renew")
    csm.picture("customer-goal")
    csm.picture("customer-goal-phone", phone=True)

    ends = installation.python(
        "import time\n"
        "from allocation.models import RetierRun\n"
        "run = RetierRun.objects.filter(scope='goals').latest('pk')\n"
        "ends = time.monotonic() + 60\n"
        "while run.status in ('queued', 'computing') and time.monotonic() < ends:\n"
        "    time.sleep(0.2); run.refresh_from_db()\n"
        "print(run.pk, run.status)"
    )
    pk, status = ends[0].split()
    assert status == "proposed"
    ops.go("/runs/").get_by_role("link", name=f"Run {pk}", exact=True).first.click()
    ops.press("Discard")
    ops.sees("no customer was changed")
