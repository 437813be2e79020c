"""Which pages are photographed, and a company in which they have something to show. Runs in an installation's console.

Pages without an argument are read off the URL configuration, and whether a role may open them off the matrix of rights;
for a page with an argument a line below names the row that stands for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.db.models import Model

from accounts import roles
from accounts.models import Customer, User
from allocation.models import BookPlan, Override, RetierRun
from allocation.services.demo import demo_sign_ins

COLUMNS = {roles.OPS: "ops", roles.MANAGER: "manager of the team", roles.CSM: "CSM of the book"}
ADMIN = {
    "admin": "/admin/",
    "admin-customers": "/admin/accounts/customer/",
    "admin-csms": "/admin/accounts/csm/",
    "admin-tiers": "/admin/accounts/tier/",
    "admin-users": "/admin/accounts/user/",
    "admin-playbooks": "/admin/allocation/tieringmodel/playbooks/",
    "admin-models": "/admin/allocation/tieringmodel/",
    "admin-runs": "/admin/allocation/retierrun/",
    "admin-overrides": "/admin/allocation/override/",
    "admin-policies": "/admin/allocation/allocationpolicy/",
    "admin-timetable": "/admin/allocation/timetable/",
    "admin-changes": "/admin/auditlog/logentry/",
    "admin-import": "/admin/accounts/importbatch/new/customers/",
}
# Change forms of the admin: the first row of these models.
FORMS = {
    "admin-customer": "accounts.customer",
    "admin-csm": "accounts.csm",
    "admin-tier": "accounts.tier",
    "admin-model": "allocation.tieringmodel",
    "admin-policy": "allocation.allocationpolicy",
}


def own_customer(user: User) -> Model | None:
    """A customer with an override to tell of, where there is one."""
    seen = Customer.objects.visible_to(user)
    return seen.filter(overrides__isnull=False).order_by("pk").first() or seen.order_by("pk").first()


def first_seen(label: str) -> Callable[[User], Model | None]:
    def find(user: User) -> Model | None:
        rows = apps.get_model(label)._default_manager.order_by("pk")
        return (rows.visible_to(user) if hasattr(rows, "visible_to") else rows).first()

    return find


# Address: {name of the picture: which row}.
OBJECTS: dict[str, dict[str, Callable[[User], Model | None]]] = {
    "books/{pk}/": {"": first_seen("accounts.csm")},
    "books/{pk}/attention/": {"": first_seen("accounts.csm")},
    "customers/{pk}/": {"": own_customer},
    "handovers/{pk}/": {"": first_seen("allocation.handover")},
    "approvals/overrides/{pk}/": {
        "": lambda user: Override.objects.visible_to(user).asked().order_by("pk").first()
    },
    "runs/{pk}/": {
        "-applied": lambda user: RetierRun.objects.filter(status="applied").order_by("pk").first(),
        "-proposed": lambda user: RetierRun.objects.filter(status="proposed").order_by("-pk").first(),
    },
    "plans/{pk}/": {
        "-applied": lambda user: BookPlan.objects.filter(status="applied").order_by("pk").first(),
        "-proposed": lambda user: BookPlan.objects.filter(status="proposed").order_by("-pk").first(),
    },
    "plans/compare/{pk}/": {
        "": lambda user: BookPlan.objects.filter(compared_with__isnull=False).order_by("pk").first()
    },
}


def prepare() -> None:
    """The demo with work in hand: a proposed run after some growth, and a proposed plan."""
    call_command("demo", no_site=True, stdout=StringIO())
    grown = (
        Customer.objects.filter(tier__slug="scale", csm__isnull=False)
        .order_by("pk")
        .values_list("pk", flat=True)[:9]
    )
    Customer.objects.filter(pk__in=list(grown)).update(arr=400_000)
    call_command("retier", format="json", stdout=StringIO())
    call_command("plan_books", format="json", stdout=StringIO())


def pages_of(role: str, user: User) -> list[list[str]]:
    """[name of the picture, path] of what this role may open."""
    from tests.access import matrix
    from tests.access.routes import routes

    rights, found = matrix.read(), []
    for address, route in routes().items():
        line = rights.get((address, "read"), {})
        if address.startswith(("admin/", "healthz")) or "ok" not in line.get(COLUMNS[role], ""):
            continue
        name = (route.name or address.strip("/")).replace("_", "-").replace(":", "-")
        if not route.arguments:
            found.append([name, route.path()])
        for suffix, find in OBJECTS.get(address, {}).items():
            row = find(user)
            if row is not None:
                found.append([f"{name}{suffix}", route.path(pk=row.pk)])
    if role == roles.OPS:
        found += [[name, path] for name, path in ADMIN.items()]
        for name, label in FORMS.items():
            row = apps.get_model(label)._default_manager.order_by("pk").first()
            if row is not None:
                found.append([name, f"/admin/{label.replace('.', '/')}/{row.pk}/change/"])
    return found


def main() -> None:
    people: list[dict[str, Any]] = [
        {
            "role": who.role,
            "email": who.email,
            "password": who.password,
            "pages": pages_of(who.role, User.objects.get(email=who.email)),
        }
        for who in demo_sign_ins()
    ]
    print(json.dumps(people))
