"""The whole story as people live it, by clicking only: a file is imported, customers are tiered, books planned; a CSM does
a touch and asks for an override, the manager approves it, the tier is another, and so is the balance.

The tests stand in the order of the work and share one installation.
"""

from pathlib import Path

import pytest

from tests.journeys.installation import Installation
from tests.journeys.person import Person

pytestmark = [pytest.mark.journey]

NASTY = '<script>alert("x")</script> & Söhne'
FILE = f"""external_id,name,vertical,arr,currency,status
P-1,Paper Boats,Retail,120000,USD,active
P-2,"{NASTY.replace('"', '""')}",Retail,80000.50,EUR,active
P-3,Broken Row,Retail,twelve,USD,active
"""
REASON = "They merge next month"


@pytest.fixture
def ops(people: dict[str, Person]) -> Person:
    return people["CS ops"]


def test_each_role_has_a_start_page_on_a_desk_and_on_a_phone(people: dict[str, Person]) -> None:
    for role, person in people.items():
        person.go("/")
        name = f"home-{role.lower().replace(' ', '-')}"
        person.picture(name)
        person.picture(f"{name}-phone", phone=True)


def test_ops_import_a_file_with_a_bad_row_and_a_nasty_name(ops: Person, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(FILE, encoding="utf-8")
    page = ops.go("/admin/accounts/importbatch/new/customers/")
    page.set_input_files("input[type=file]", str(file))
    ops.picture("import-upload")
    ops.press("Preview")
    ops.sees("Confirm import")
    ops.sees("twelve")
    ops.picture("import-preview")
    ops.picture("import-preview-phone", phone=True)
    ops.press("Confirm import")
    ops.sees("2 created")
    ops.go("/customers/?q=P-2")
    ops.sees(NASTY)


def test_ops_start_a_run_refuse_one_row_and_apply_the_rest(ops: Person) -> None:
    page = ops.go("/runs/")
    ops.picture("runs")
    ops.press("Propose tiers")
    page.get_by_role("button", name="Apply", exact=True).wait_for(timeout=60_000)
    ops.picture("run-proposed")
    page.locator(".card-tabs a", has_text="First tiers").click()
    page.locator("#rows .filter-bar input[name=q]").fill("Paper Boats")
    ops.press("Filter")
    page.get_by_label("Tick Paper Boats").check()
    page.fill("#review-words", REASON)
    ops.press("Refuse")
    ops.sees("1 row refused")
    ops.press("Apply")
    ops.sees("Applied by")
    ops.picture("run-applied")
    ops.go("/customers/?q=P-1")
    assert page.locator("#main tbody tr", has_text="Paper Boats").locator(".tier").count() == 0
    ops.go("/customers/?q=P-2")
    assert page.locator("#main tbody tr", has_text="Söhne").locator(".tier").count() == 1


def test_ops_plan_the_books_and_apply_the_plan(ops: Person) -> None:
    ops.go("/plans/")
    ops.press("Propose books")
    ops.page.get_by_role("button", name="Apply", exact=True).wait_for(timeout=60_000)
    ops.picture("plan-proposed")
    ops.press("Apply")
    ops.sees("Applied by")


def test_everybody_sees_the_result_and_only_what_is_theirs(
    people: dict[str, Person], installation: Installation
) -> None:
    csm, manager, ops = people["CSM"], people["Manager"], people["CS ops"]
    balance = installation.answer_of("workload_balance")
    own = next(line for line in balance["csms"] if line["csm"] == csm.email)
    csm.go("/book/")
    csm.sees(f"{own['customers']} active customers")
    csm.picture("book")
    csm.picture("book-phone", phone=True)
    for person in (manager, ops):
        person.go("/balance/")
    manager.picture("balance-manager")
    ops.picture("balance")
    ops.picture("balance-phone", phone=True)

    # Another's book is not there for a CSM, and the admin is closed.
    others = installation.python(
        "from accounts.models import CSM\n"
        f"print(CSM.objects.exclude(email={csm.email!r}).order_by('pk').values_list('pk', flat=True)[0])"
    )
    assert csm.status_of(f"/books/{others[0]}/") == 404
    assert csm.status_of("/admin/") in {302, 403}
    assert ops.status_of(f"/books/{others[0]}/") == 200


@pytest.fixture(scope="module")
def customer(installation: Installation, company: dict) -> dict[str, str]:
    """A Scale customer in the book of the CSM who signs in, whose team the manager who signs in leads: key, name, csm."""
    installation.answer_of("retier", "--apply")
    emails = {who["role"]: who["email"] for who in company["sign_ins"]}
    key, name, csm = installation.python(
        "from accounts.models import CSM, Customer, Team, User\n"
        f"csm = CSM.objects.get(user__email={emails['CSM']!r})\n"
        f"Team.objects.filter(pk=csm.team_id).update(manager=User.objects.get(email={emails['Manager']!r}))\n"
        "row = Customer.objects.filter(csm=csm, tier__slug='scale').order_by('pk').first()\n"
        "print(row.pk); print(row.name); print(csm.name)"
    )
    return {"key": key, "name": name, "csm": csm}


def hours_of(person: Person, csm: str) -> float:
    """The hours of this CSM's book as the balance page shows them."""
    page = person.go("/balance/")
    cell = page.locator("#main tbody tr", has=page.get_by_role("link", name=csm, exact=True)).locator(
        "td[data-label=Hours]"
    )
    hours, minutes = cell.first.inner_text().split()[0].replace(",", "").split(":")
    return int(hours) + int(minutes) / 60


def test_a_csm_logs_a_touch_on_the_customers_page(
    people: dict[str, Person], customer: dict[str, str]
) -> None:
    csm = people["CSM"]
    page = csm.go("/book/")
    page.get_by_role("link", name=customer["name"], exact=True).first.click()
    csm.sees("Why this tier")
    csm.picture("customer")
    page.get_by_text("Log a touch", exact=True).first.click()
    form = page.locator("form[action$='/touches/']")
    form.get_by_label("Or what it was").fill("Call about the reports")
    form.locator("textarea").fill("They want the new ones")
    csm.press("Log it")
    csm.sees("is logged.")
    csm.sees("They want the new ones")
    csm.picture("touch-logged")


def test_the_csm_asks_for_an_override_there(people: dict[str, Person], customer: dict[str, str]) -> None:
    csm = people["CSM"]
    page = csm.go(f"/customers/{customer['key']}/")
    page.get_by_text("Ask for an override").click()
    page.get_by_label("Tier", exact=True).select_option(label="Enterprise")
    page.get_by_label("Reason", exact=True).select_option(label="Risk the model does not see")
    page.get_by_role("textbox", name="Why", exact=True).fill("Their sponsor leaves in March")
    csm.press("Ask for it")
    csm.sees("Waits for a decision")
    csm.picture("override-asked")
    csm.picture("override-asked-phone", phone=True)
    assert page.locator(".kpi", has_text="Tier").first.inner_text().split()[1] == "Scale"
    assert csm.status_of("/approvals/") == 403


def test_the_manager_approves_it_the_tier_is_another_and_the_balance_too(
    people: dict[str, Person], customer: dict[str, str]
) -> None:
    manager = people["Manager"]
    before = hours_of(manager, customer["csm"])
    page = manager.go("/approvals/")
    manager.picture("approvals")
    manager.picture("approvals-phone", phone=True)
    page.get_by_label(f"Tick {customer['name']}").check()
    page.get_by_role("textbox", name="Why", exact=True).fill("I spoke with them")
    manager.press("Approve")
    manager.sees("approved")
    page = manager.go(f"/customers/{customer['key']}/")
    assert page.locator(".kpi", has_text="Tier").first.inner_text().split()[1] == "Enterprise"
    # An Enterprise customer asks more of its CSM than a Scale one, and nobody else's book changed.
    assert hours_of(manager, customer["csm"]) > before


def test_the_page_says_what_holds_and_what_the_model_would_say(
    people: dict[str, Person], customer: dict[str, str]
) -> None:
    csm = people["CSM"]
    csm.go(f"/customers/{customer['key']}/")
    csm.sees("In force")
    csm.sees("The model says Scale")
    csm.sees("I spoke with them")
    csm.picture("override-in-force")


def test_the_ledger_says_the_same_as_the_customers(installation: Installation, company: dict) -> None:
    assert installation.python("from tests.oracle import faults; print(*faults(), sep='\\n')") == [""]
