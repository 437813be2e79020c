"""The main job as people do it: a file is imported, customers tiered, books planned, and everybody looks at the result.

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


def test_ops_start_a_run_see_it_end_and_apply_it(ops: Person) -> None:
    ops.go("/runs/")
    ops.picture("runs")
    ops.press("Propose tiers")
    ops.page.get_by_role("button", name="Apply", exact=True).wait_for(timeout=60_000)
    ops.picture("run-proposed")
    ops.press("Apply")
    ops.sees("Applied by")
    ops.picture("run-applied")


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
    csm.sees(f"{own['customers']} customers")
    csm.picture("book")
    csm.picture("book-phone", phone=True)
    first = csm.page.locator("table a[href^='/customers/']").first
    first.click()
    csm.sees("Why this tier")
    csm.picture("customer")

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


def test_the_ledger_says_the_same_as_the_customers(installation: Installation, company: dict) -> None:
    assert installation.python("from tests.oracle import faults; print(*faults(), sep='\\n')") == [""]
