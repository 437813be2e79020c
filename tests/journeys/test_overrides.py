"""A CSM asks for an override on the customer's page, the manager approves it in the queue, the tier is another.

The tests stand in the order of the work and share one installation.
"""

import pytest

from tests.journeys.installation import Installation
from tests.journeys.person import Person

pytestmark = [pytest.mark.journey]


@pytest.fixture(scope="module")
def customer(installation: Installation, company: dict) -> tuple[int, str]:
    """Key and name of a Scale customer in the book of the CSM who signs in, whose team the manager who signs in leads."""
    installation.answer_of("retier", "--apply")
    emails = {who["role"]: who["email"] for who in company["sign_ins"]}
    found = installation.python(
        "from accounts.models import CSM, Customer, Team, User\n"
        f"csm = CSM.objects.get(user__email={emails['CSM']!r})\n"
        f"Team.objects.filter(pk=csm.team_id).update(manager=User.objects.get(email={emails['Manager']!r}))\n"
        "row = Customer.objects.filter(csm=csm, tier__slug='scale').order_by('pk').first()\n"
        "print(row.pk); print(row.name)"
    )
    return int(found[0]), found[1]


def tier(installation: Installation, key: int) -> list[str]:
    return installation.python(
        f"from accounts.models import Customer\nprint(Customer.objects.get(pk={key}).tier.slug)"
    )


def test_a_csm_asks_on_the_customers_page(
    people: dict[str, Person], installation: Installation, customer: tuple[int, str]
) -> None:
    csm, (key, _) = people["CSM"], customer
    page = csm.go(f"/customers/{key}/")
    page.get_by_text("Ask for an override").click()
    page.get_by_label("Tier", exact=True).select_option(label="Enterprise")
    page.get_by_label("Reason", exact=True).select_option(label="Risk the model does not see")
    page.get_by_label("Why", exact=True).fill("Their sponsor leaves in March")
    csm.press("Ask for it")
    csm.sees("Waits for a decision")
    csm.picture("override-asked")
    csm.picture("override-asked-phone", phone=True)
    assert tier(installation, key) == ["scale"]
    assert csm.status_of("/approvals/") == 403


def test_the_manager_approves_it_in_the_queue_and_the_tier_is_another(
    people: dict[str, Person], installation: Installation, customer: tuple[int, str]
) -> None:
    manager, (key, name) = people["Manager"], customer
    page = manager.go("/approvals/")
    manager.picture("approvals")
    manager.picture("approvals-phone", phone=True)
    page.get_by_label(f"Tick {name}").check()
    page.get_by_label("Why", exact=True).fill("I spoke with them")
    manager.press("Approve")
    manager.sees("approved")
    assert tier(installation, key) == ["enterprise"]


def test_the_page_says_what_holds_and_what_the_model_would_say(
    people: dict[str, Person], customer: tuple[int, str]
) -> None:
    csm, (key, _) = people["CSM"], customer
    csm.go(f"/customers/{key}/")
    csm.sees("In force")
    csm.sees("The model says Scale")
    csm.sees("I spoke with them")
    csm.picture("override-in-force")
