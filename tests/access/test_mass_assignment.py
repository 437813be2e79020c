"""Fields that a form does not show cannot be written through it: whatever else is sent changes nothing."""

import datetime

import pytest
from django.apps import apps
from django.utils import timezone

from tests.access import bodies
from tests.access.calling import changed, undone, watched
from tests.access.routes import arguments_of, routes
from tests.access.world import NOW, digest

# On SQLite: a rollback gives numbers of new rows back there, so that what two calls wrote can be compared; and the
# answers are the same by the laws of the other tests.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("only_on_sqlite")]

ROUTES = routes()
# Every field of every model, and what the admin's own buttons are called.
NAMES = sorted(
    {field.name for model in apps.get_models() for field in model._meta.get_fields()}
    | {field.attname for model in apps.get_models() for field in model._meta.concrete_fields}
    | {
        "is_staff",
        "is_superuser",
        "user_permissions",
        "state",
        "decided_by",
        "actor",
        "actor_id",
        "user",
        "as_of",
    }
)
# Who is signed in when: CS ops everywhere, the others where the page is theirs.
PEOPLE = ("ops", "manager_a", "csm_a")


@pytest.fixture(autouse=True)
def _time_stands_still(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW + datetime.timedelta(hours=1))
    # The secret of a calendar's address is another each time; what two calls wrote is compared.
    monkeypatch.setattr("allocation.services.calendars.secrets.token_urlsafe", lambda size: "x" * size)


def outcome(world, person, path, body):
    """The digest of all rows after the body was sent, and what was answered."""
    with undone():
        response = world.clients[person].post(path, body)
        return digest(timeless=True), response.status_code


def with_more(body, offered):
    """The body and a value for every name that the form does not offer; forged rows of its formsets too."""
    prefixes = [name.removesuffix("-TOTAL_FORMS") for name in body if name.endswith("-TOTAL_FORMS")]
    forged = {f"{prefix}-0-{name}": "1" for prefix in prefixes for name in NAMES}
    more = {**dict.fromkeys(NAMES, "1"), **forged}
    return {name: value for name, value in more.items() if name not in offered} | body


@pytest.mark.parametrize("person", PEOPLE)
def test_a_body_with_every_field_of_every_model_does_what_the_body_without_them_does(world, person):
    faults, wrote = [], 0
    before = digest(timeless=True)
    for address, route in ROUTES.items():
        if address.startswith("admin/") and person != "ops":
            continue
        path = route.path(**arguments_of(route, world))
        plain = bodies.full_body(route, path, world)
        if "file" in plain:
            continue  # a file is read by its own rules, whatever stands beside it
        more = with_more(plain, world.forms[path].names)
        found, forged = (outcome(world, person, path, body) for body in (plain, more))
        wrote += found[0] != before
        if found != forged:
            faults.append((address, found[1], forged[1]))
    assert faults == [], faults
    assert wrote >= {"ops": 20, "manager_a": 2, "csm_a": 2}[person], wrote


def test_the_control_a_field_of_the_form_is_written(world):
    """Without it a comparison of two refusals would be green."""
    path = f"/admin/accounts/customer/{world.customers['Quokka'][0].pk}/change/"
    body = bodies.full_body(ROUTES["admin/accounts/customer/{object_id}/change/"], path, world)
    with undone(), watched() as written:
        assert world.clients["ops"].post(path, body | {"package": "Other"}).status_code == 302
        assert changed(written, digest()) is False
        assert world.customers["Quokka"][0].__class__.objects.filter(package="Other").count() == 1
