"""A company with a row of everything, and where its pages are: for whoever walks through all of them.

Runs in the console of an installation (tests/journeys/console.py), so its rows are really there. The rows and what
stands for the arguments of an address are those of the tests of rights (tests/access): a new address needs its line
there, and is then walked too.
"""

from __future__ import annotations

import json
from io import StringIO
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

# The same page in another state: further objects for an address, by their name in tests/access/world.py.
OTHER_OBJECTS = {
    "runs/{pk}/": ("run applied",),
    "plans/{pk}/": ("plan applied", "comparison"),
}
# Part of the page as a reader asks for it: filtered, a list in which nothing is found, a day in the past.
QUERIES = {
    "customers/": ("?q=nobody-is-called-so",),
    "overrides/report/": ("?starts_on=2020-01-01&ends_before=2020-02-01",),
    "scenarios/": ("?show=away",),
    "scenarios/new/": ("?preset=highest",),
    "admin/accounts/customer/": ("?q=nobody-is-called-so", "?status__exact=active"),
    "admin/allocation/override/": ("?q=nobody-is-called-so",),
}
# Whose eyes the pages are seen with; what each may read is in tests/access/matrix.csv.
PEOPLE = {
    "ops": "ops",
    "manager_a": "manager of the team",
    "csm_a": "CSM of the book",
    "former_manager": "manager of the team",
    "nobody": "without a role",
    "stranger": "not signed in",
}


# Who leads no team any more: every list is empty, and another's rows are not there.
WITH_NOTHING = "former_manager"


def furnish() -> dict[str, Any]:
    """Fill an empty installation; {"sessions": {person: session key}, "cookie", "pages": {person: [[address, path]]}}."""
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    from tests import factories

    # The site shows today, so the rows are of today.
    factories.TODAY = timezone.localdate()
    factories.NOW = timezone.now()
    factories.CLOCK.update(on=factories.TODAY, at=factories.NOW)
    call_command("seed_demo", customers=60, csms=5, format="json", stdout=StringIO())
    from accounts.models import ExchangeRate
    from tests.access import world as worlds

    ExchangeRate.objects.filter(currency="EUR", day=factories.TODAY).delete()  # the world brings its own
    world = worlds.build()
    return {
        "sessions": world.clients.sessions,
        "cookie": settings.SESSION_COOKIE_NAME,
        "pages": {person: pages_of(person, world) for person in PEOPLE},
    }


def pages_of(person: str, world: SimpleNamespace) -> list[list[str]]:
    """[address, path] of what this person may read."""
    from tests.access import matrix
    from tests.access.routes import arguments_of, routes

    rights, found = matrix.read(), []
    for address, route in routes().items():
        # An address without a line fails in tests/access; here it is opened as ops, so that it is seen all the same.
        line = rights.get((address, "read"), {"ops": "ok"})
        if "ok" not in line.get(PEOPLE[person], "") or (person == WITH_NOTHING and route.arguments):
            continue
        values = arguments_of(route, world)
        path = route.path(**values)
        found += [[address, path], *([address, path + query] for query in QUERIES.get(address, ()))]
        found += [
            [address, route.path(**values | {"pk": world.objects[name].pk})]
            for name in OTHER_OBJECTS.get(address, ())
        ]
    return found


def main() -> None:
    print(json.dumps(furnish()))
