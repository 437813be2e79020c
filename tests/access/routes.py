"""Every address the project answers, read off the URL configuration, and what stands for its arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.urls import URLResolver, get_resolver

from accounts.models import Customer
from tests.access.world import object_of

# <int:pk> of a path, (?P<url>...) of a regular expression.
ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")
GROUP = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")
ADMIN_MODEL = re.compile(r"admin/(\w+)/(\w+)/")
MISSING = 987654321


@dataclass(frozen=True, slots=True)
class Route:
    """An address with the names of its arguments in braces: `customers/{pk}/`."""

    address: str
    name: str
    arguments: tuple[str, ...]

    def path(self, **values: Any) -> str:
        return "/" + self.address.format(**values)


def routes() -> dict[str, Route]:
    """All of them by address; two patterns of one address would hide each other and are refused."""
    found: dict[str, Route] = {}
    for address, name in _walk(get_resolver(), "", ""):
        plain = GROUP.sub(r"{\1}", address).replace("^", "").replace("$", "")
        plain = ARGUMENT.sub(r"{\1}", plain)
        assert plain not in found, f"{plain} is answered twice"
        found[plain] = Route(plain, name, tuple(re.findall(r"\{(\w+)\}", plain)))
    return found


def _walk(resolver: URLResolver, before: str, namespace: str) -> Iterator[tuple[str, str]]:
    for entry in resolver.url_patterns:
        address = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inside = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, address, inside)
        else:
            yield address, f"{namespace}{entry.name}" if entry.name else ""


# Pages of people, by the beginning of the address (the longest that fits counts): which object of the world stands for
# which argument. A new page with arguments needs a line here.
OBJECTS: dict[str, dict[str, str]] = {
    "books/": {"pk": "accounts.csm"},
    "book/customers/": {"pk": "accounts.customer"},
    "book/views/": {"pk": "saved view"},
    "customers/": {"pk": "accounts.customer"},
    "customers/{pk}/override/": {"pk": "customer without a request"},
    "goals/": {"pk": "accounts.goal"},
    "overrides/": {"pk": "allocation.override"},
    "approvals/overrides/": {"pk": "allocation.override"},
    "approvals/delegations/": {"pk": "accounts.delegation"},
    "objections/": {"pk": "move"},
    "handovers/": {"pk": "allocation.handover"},
    "touches/": {"pk": "allocation.touch"},
    "calendar/": {"pk": "allocation.calendarfeed", "token": "a-token-that-nobody-ever-made-0123456789abcd"},
    "runs/": {"pk": "run"},
    "runs/{pk}/undo/": {"pk": "run applied"},
    "plans/": {"pk": "plan", "move": "move"},
    "plans/{pk}/undo/": {"pk": "plan applied"},
    "plans/compare/": {"pk": "comparison"},
    "scenarios/sensitivity/": {"pk": "allocation.sensitivity"},
    "scenarios/": {"pk": "scenario"},
}


# Arguments that stand for no row: what OBJECTS has for them is the value.
WORDS = {"token"}


def arguments_of(route: Route, world: SimpleNamespace) -> dict[str, Any]:
    """Values for the arguments: rows of book A where the thing belongs to a book."""
    if not route.arguments:
        return {}
    if route.address == "admin/r/{content_type_id}/{object_id}/":
        row = world.customers["Quokka"][0]
        return {"content_type_id": ContentType.objects.get_for_model(Customer).pk, "object_id": row.pk}
    if route.address == "admin/{app_label}/":
        return {"app_label": "accounts"}
    if route.address == "admin/{url}":
        return {"url": "nowhere"}
    model = ADMIN_MODEL.match(route.address)
    if model:
        row = object_of(world, apps.get_model(*model.groups()))
        assert row is not None, f"The company of tests/access/world.py has no row for {route.address}."
        return dict.fromkeys(route.arguments, row.pk)
    fitting = [beginning for beginning in OBJECTS if route.address.startswith(beginning)]
    assert fitting, (
        f"Say in tests/access/routes.py (OBJECTS) what stands for the arguments of {route.address}."
    )
    labels = OBJECTS[max(fitting, key=len)]
    return {name: labels[name] if name in WORDS else _row(world, labels[name]).pk for name in route.arguments}


def _row(world: SimpleNamespace, label: str) -> Any:
    if label in world.objects:
        return world.objects[label]
    return object_of(world, apps.get_model(label))


def missing_arguments(route: Route, world: SimpleNamespace) -> dict[str, Any]:
    """The same address for things that were never there."""
    given = arguments_of(route, world)
    return {name: MISSING if isinstance(value, int) else value for name, value in given.items()}
