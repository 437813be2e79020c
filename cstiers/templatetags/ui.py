"""Template tags of the shell and its components: {% load ui %}."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.core.paginator import Page
from django.http import HttpRequest
from django.template.base import render_value_in_context
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.safestring import SafeString

from accounts.admin import badges
from cstiers.navigation import Group, Item, is_page, navigation, roles_of

register = template.Library()
COLUMN = re.compile(r"\bcolumn-([\w-]+)")


@register.tag
def fixed(parser: Any, token: Any) -> FixedNode:
    """{% fixed %}…{% endfixed %}: what is the same on every page that has it; it sees nothing of the page, and is made once."""
    nodes = parser.parse(("endfixed",))
    parser.delete_first_token()
    return FixedNode(nodes)


class FixedNode(template.Node):
    """Kept as long as the compiled template is."""

    def __init__(self, nodelist: template.NodeList) -> None:
        self.nodelist = nodelist
        self.made: dict[str, SafeString] = {}

    def render(self, context: Any) -> SafeString:
        prefix = get_script_prefix()  # of the site: addresses begin with it
        if prefix not in self.made:
            nothing = context.new()
            nothing.template = context.template
            self.made[prefix] = self.nodelist.render(nothing)
        return self.made[prefix]


@register.simple_tag
def icon(name: str) -> SafeString:
    """{% icon "run" %}: an outline icon; decoration, so say it in words as well."""
    return badges.icon(name)


@register.simple_tag
def status(thing: Any, words: str = "") -> SafeString:
    """{% status run %} or {% status "applied" %}: a badge with icon and words."""
    if isinstance(thing, str):
        return badges.status_badge(status=thing, words=words)
    if getattr(thing, "was_stopped", False) and thing.status == "failed":
        return badges.badge(words="Stopped", tone="warn", icon_name="close")
    display = getattr(thing, "get_status_display", None)
    return badges.status_badge(status=thing.status, words=words or (str(display()) if display else ""))


@register.simple_tag
def badge(words: str, tone: str = "neutral", icon_name: str = "") -> SafeString:
    """{% badge "Over the limit" "warn" "alert" %}."""
    return badges.badge(words=words, tone=tone, icon_name=icon_name)


@register.simple_tag
def tier(thing: Any, rank: int | None = None) -> SafeString:
    """{% tier customer.tier %} or {% tier "Strategic" 1 %}; a dash when there is none."""
    if thing is None or isinstance(thing, str):
        return badges.tier_mark(name=thing or "", rank=rank)
    return badges.tier_mark(name=thing.name, rank=thing.shown_rank)


@register.simple_tag
def money(amount: Decimal | None, currency: str = "", cents: bool = False) -> SafeString:
    """{% money customer.arr customer.currency %}; the base currency when none is named."""
    return badges.money(amount=amount, currency=currency or settings.BASE_CURRENCY, cents=cents)


@register.simple_tag
def meter(value: Decimal | float | None, good_from: float = 67, warn_from: float = 40) -> SafeString:
    """{% meter customer.health %}: the number with a small bar."""
    return badges.meter(value=value, good_from=good_from, warn_from=warn_from)


@register.simple_tag(takes_context=True)
def traced(context: Any, value: Any, words: str, label: str = "", mark: bool = False) -> str:
    """{% traced row.hours row.hours_trace %}: a number that says on a click (and in its title) how it came.

    words: how, as a sentence or as lines of a sum; without words the number stands alone. label: what the number is,
    where no heading says so. mark: the value is a mark beside a heading and not read aloud.
    """
    number = trace_number(context)
    shown = value if isinstance(value, str) else render_value_in_context(value, context)
    return badges.traced(value=shown, words=words, label=label, number=number, mark=mark) if words else shown


def trace_number(context: Any) -> int:
    """The next number of a page that says how it came."""
    # A list of the admin hands its table a context without the request, which still knows it.
    return next_number(context.get("request") or getattr(context, "request", None))


def next_number(request: Any) -> int:
    """The same, of a request; the first where there is none."""
    number: int = getattr(request, "numbers_traced", 0) + 1
    if request is not None:
        request.numbers_traced = number
    return number


@register.filter
def number_hint(shown: Any, model_admin: Any = None) -> str:
    """{{ header|number_hint:cl.model_admin }}, {{ field|number_hint }}: how a number of the admin came, as its screen says."""
    hints = getattr(model_admin or getattr(shown, "model_admin", None), "number_hints", {})
    if isinstance(shown, dict):  # a heading of a list: Django tells its column only in its class
        named = COLUMN.search(str(shown.get("class_attrib", "")))
        return str(hints.get(named.group(1), "")) if named else ""
    return str(hints.get(shown.field["name"], "")) if getattr(shown, "is_readonly", False) else ""


@register.inclusion_tag("components/sidebar.html", takes_context=True)
def sidebar(context: dict[str, Any]) -> dict[str, Any]:
    """The navigation by role, with the current page marked."""
    request: HttpRequest | None = context.get("request")
    if request is None or not roles_of(getattr(request, "user", None)):
        return {
            "nav": _nav((), (), False),
            "own_pages": _own_pages(has_role=False, here=""),
            "user": getattr(request, "user", None),
            "request": request,
        }
    pages, groups = navigation(request=request)
    return {
        "nav": _nav(pages, groups, request.path.startswith("/admin/")),
        "own_pages": _own_pages(has_role=True, here=_own_page(request)),
        "user": request.user,
        "role": _role_words(request.user),
        "request": request,
    }


@lru_cache(maxsize=256)
def _nav(pages: tuple[Item, ...], groups: tuple[Group, ...], in_admin: bool) -> str:
    """Made once for who may open the same pages and stands on the same one."""
    return render_to_string("components/nav.html", {"pages": pages, "groups": groups, "in_admin": in_admin})


OWN_PAGES = ("notices", "calendar")


def _own_page(request: HttpRequest) -> str:
    """Which of the pages below the own name this is."""
    name = request.resolver_match.url_name if request.resolver_match else ""
    return name if name in OWN_PAGES else ""


@lru_cache(maxsize=16)
def _own_pages(*, has_role: bool, here: str) -> str:
    return render_to_string("components/own_pages.html", {"role": has_role, "here": here})


def _role_words(user: Any) -> str:
    words = {"ops": "CS ops", "manager": "Manager", "csm": "CSM"}
    held = [words[role] for role in ("ops", "manager", "csm") if role in roles_of(user)]
    return " · ".join(held)


@register.simple_tag(takes_context=True)
def customer_search_url(context: dict[str, Any]) -> str:
    """Where the search box of the topbar leads: the customers page, or the admin's list for ops; empty if neither."""
    request: HttpRequest | None = context.get("request")
    roles = roles_of(getattr(request, "user", None))
    if not roles:
        return ""
    if is_page("/customers/"):
        return "/customers/"
    return "/admin/accounts/customer/" if "ops" in roles and is_page("/admin/accounts/customer/") else ""


@register.filter
def counted(number: int | None, words: str) -> str:
    """{{ n|counted:"row is,rows are" }} → "1 row is", "1,200 rows are"."""
    one, several = words.split(",")
    return f"{number or 0:,} {one if number == 1 else several}"


@register.filter
def initials(person: Any) -> str:
    """Two letters for the avatar."""
    parts = [part for part in str(person).replace("@", " ").split() if part[:1].isalnum()]
    letters = [part[0] for part in (parts[:1] + parts[-1:] if len(parts) > 1 else parts)]
    return "".join(letters).upper() or "?"


@register.simple_tag(takes_context=True)
def with_query(context: dict[str, Any], **changes: Any) -> str:
    """{% with_query page=3 %}: the current address' filters with these changed; None or "" takes one away."""
    query = context["request"].GET.copy()
    for key, value in changes.items():
        if value in (None, ""):
            query.pop(key, None)
        else:
            query[key] = str(value)
    return "?" + query.urlencode()


@register.filter
def page_numbers(page: Page) -> Iterator[int | str]:
    """The numbers to offer below a list: first, last, two around the current one, and gaps."""
    return page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1)
