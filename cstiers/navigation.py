"""The one navigation: the people's pages by role, then the admin in the words of the field.

A page that does not exist in this installation, or that the person may not open, is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch, get_urlconf, is_valid_path, reverse


@dataclass(frozen=True)
class Item:
    label: str
    url: str
    icon: str
    add_url: str = ""
    current: bool = False


@dataclass(frozen=True)
class Group:
    slug: str
    label: str
    items: tuple[Item, ...]


# path, words, icon, roles that see it (the paths are doors: docs and mails name them)
PAGES: tuple[tuple[str, str, str, frozenset[str]], ...] = (
    ("/", "Home", "home", frozenset({"ops", "manager", "csm"})),
    ("/book/", "My book", "book", frozenset({"csm"})),
    ("/touches/", "Touches", "touch", frozenset({"ops", "manager", "csm"})),
    ("/objections/", "Objections", "move", frozenset({"csm"})),
    ("/handovers/", "Handovers", "handover", frozenset({"ops", "manager", "csm"})),
    ("/balance/", "Balance", "balance", frozenset({"ops", "manager"})),
    ("/books/", "Books", "book", frozenset({"ops", "manager"})),
    ("/pyramid/", "Pyramid", "pyramid", frozenset({"ops", "manager"})),
    ("/customers/", "Customers", "customers", frozenset({"ops", "manager", "csm"})),
    ("/approvals/", "Approvals", "approval", frozenset({"ops", "manager"})),
    ("/runs/", "Re-tiering runs", "run", frozenset({"ops", "manager"})),
    ("/plans/", "Book plans", "plan", frozenset({"ops", "manager"})),
    ("/scenarios/", "Scenarios", "scenario", frozenset({"ops", "manager"})),
    ("/headcount/", "Headcount", "headcount", frozenset({"ops", "manager"})),
    ("/admin/", "Admin", "admin", frozenset({"ops"})),
)

# Groups of the admin: model label, icon, words (empty: the model's own plural).
ADMIN_GROUPS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Customers",
        (
            ("accounts.customer", "customers", ""),
            ("accounts.goal", "goal", ""),
            ("accounts.customattribute", "tag", ""),
            ("accounts.vertical", "tag", ""),
            ("accounts.region", "globe", ""),
            ("accounts.language", "language", ""),
        ),
    ),
    (
        "People",
        (
            ("accounts.csm", "people", ""),
            ("accounts.team", "team", ""),
            ("accounts.leave", "leave", "Leave"),
            ("accounts.delegation", "handover", "Delegations"),
            ("accounts.user", "user", "Users"),
            ("accounts.noticepreference", "inbox", "Wishes of mail"),
            ("auth.group", "group", "Groups"),
            ("axes.accessattempt", "lock", "Sign-in locks"),
        ),
    ),
    (
        "Service model",
        (
            ("accounts.tier", "tier", ""),
            ("accounts.touchactivity", "touch", "Touch plan"),
            ("accounts.goalkind", "goal", ""),
            ("allocation.tieringmodel", "model", "Tiering models"),
        ),
    ),
    (
        "Decisions",
        (
            ("allocation.retierrun", "run", "Re-tiering runs"),
            ("allocation.tierdecision", "decision", "Tier decisions"),
            ("allocation.bookplan", "plan", "Book plans"),
            ("allocation.move", "move", "Moves"),
            ("allocation.override", "override", "Overrides"),
            ("allocation.tierholding", "ledger", "Tier ledger"),
            ("allocation.bookholding", "ledger", "Book ledger"),
            ("auditlog.logentry", "history", "Changes"),
            ("allocation.notice", "inbox", "Notices"),
        ),
    ),
    (
        "Planning",
        (
            ("allocation.allocationpolicy", "policy", "Allocation policies"),
            ("allocation.attentionpolicy", "attention", "Attention policies"),
            ("allocation.scenario", "scenario", "Scenarios"),
            ("allocation.staffing", "headcount", "Staffing"),
            ("allocation.sensitivity", "scenario", "Sensitivities"),
            ("allocation.touch", "touch", "Touches"),
            ("allocation.handover", "handover", "Handovers"),
        ),
    ),
    (
        "By the calendar",
        (
            ("allocation.schedule", "clock", "Schedules"),
            ("allocation.slot", "history", "Scheduled work"),
            ("allocation.freeze", "lock", "Freezes"),
        ),
    ),
    (
        "Data",
        (
            ("accounts.importbatch", "import", "Imports"),
            ("allocation.importbatch", "import", "Imports"),
            ("accounts.columnmapping", "mapping", "Column mappings"),
            ("allocation.columnmapping", "mapping", "Column mappings"),
            ("accounts.exchangerate", "rates", "Exchange rates"),
        ),
    ),
)


def roles_of(user: Any) -> frozenset[str]:
    """The roles of a person, without a query beyond the group names that the request reads anyway."""
    if not getattr(user, "is_authenticated", False):
        return frozenset()
    return frozenset(
        role
        for role, held in (("ops", user.is_ops), ("manager", user.is_manager), ("csm", user.is_csm))
        if held
    )


def is_page(path: str) -> bool:
    """Whether this installation has such an address."""
    return _is_page(path, get_urlconf() or settings.ROOT_URLCONF)


@lru_cache(maxsize=128)
def _is_page(path: str, urlconf: str) -> bool:
    return is_valid_path(path, urlconf)


def navigation(*, request: HttpRequest) -> tuple[tuple[Item, ...], tuple[Group, ...]]:
    """The people's pages and the admin's groups for who asks, the current page marked."""
    roles = roles_of(request.user)
    pages = _pages(roles, get_urlconf() or settings.ROOT_URLCONF)
    groups = admin_groups(request=request) if "ops" in roles and request.user.is_staff else ()
    return _mark_current(pages, groups, path=request.path)


@lru_cache(maxsize=16)
def _pages(roles: frozenset[str], urlconf: str) -> tuple[Item, ...]:
    return tuple(
        Item(label, path, icon)
        for path, label, icon, seen_by in PAGES
        if roles & seen_by and _is_page(path, urlconf)
    )


def admin_groups(*, request: HttpRequest) -> tuple[Group, ...]:
    """Every registered model that the person may see, in the field's groups; unlisted ones under "More"."""
    registered = {
        model._meta.label_lower: (model, model_admin) for model, model_admin in admin.site._registry.items()
    }
    groups = []
    for label, entries in ADMIN_GROUPS:
        items = [
            _admin_item(request, registered.pop(key), icon, words)
            for key, icon, words in entries
            if key in registered
        ]
        groups.append(Group(label.lower().replace(" ", "-"), label, tuple(item for item in items if item)))
    rest = [_admin_item(request, entry, "policy", "") for entry in registered.values()]
    groups.append(Group("more", "More", tuple(item for item in rest if item)))
    return tuple(group for group in groups if group.items)


def _admin_item(request: HttpRequest, entry: tuple[Any, Any], icon: str, words: str) -> Item | None:
    model, model_admin = entry
    if not model_admin.has_view_or_change_permission(request):
        return None
    meta = model._meta
    try:
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
        add_url = reverse(f"admin:{meta.app_label}_{meta.model_name}_add")
    except NoReverseMatch:
        return None
    plural = str(meta.verbose_name_plural)
    return Item(
        label=words or plural[:1].upper() + plural[1:],
        url=url,
        icon=icon,
        add_url=add_url if model_admin.has_add_permission(request) else "",
    )


def _mark_current(
    pages: tuple[Item, ...], groups: tuple[Group, ...], *, path: str
) -> tuple[tuple[Item, ...], tuple[Group, ...]]:
    """Mark the item with the longest address that the path begins with ("/" only marks itself)."""
    every = [*pages, *(item for group in groups for item in group.items)]
    fitting = [
        item.url for item in every if path == item.url or (item.url != "/" and path.startswith(item.url))
    ]
    here = max(fitting, key=len, default="")

    def marked(item: Item) -> Item:
        return replace(item, current=True) if item.url == here else item

    return (
        tuple(marked(item) for item in pages),
        tuple(replace(group, items=tuple(marked(item) for item in group.items)) for group in groups),
    )
