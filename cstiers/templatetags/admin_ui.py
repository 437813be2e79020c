"""Template tags of the admin's lists and forms: {% load admin_ui %}."""

from __future__ import annotations

from typing import Any

from django import template
from django.contrib.admin.views.main import ChangeList

from cstiers.navigation import ADMIN_GROUPS

register = template.Library()


@register.simple_tag
def nav_group_of(opts: Any) -> str:
    """The group of the navigation in which a model stands; empty if it is unlisted."""
    for label, entries in ADMIN_GROUPS:
        if any(key == opts.label_lower for key, _, _ in entries):
            return label
    return ""


@register.simple_tag
def active_filters(cl: ChangeList) -> list[dict[str, str]]:
    """The filters in force as {title, display, clear}, `clear` being the address without that filter."""
    chosen = []
    for spec in cl.filter_specs:
        choices = list(spec.choices(cl))
        if not choices or not spec.has_output():
            continue
        selected = [choice for choice in choices[1:] if choice.get("selected")]
        if selected and not choices[0].get("selected"):
            chosen.append(
                {
                    "title": str(spec.title),
                    "display": ", ".join(str(choice["display"]) for choice in selected),
                    "clear": choices[0]["query_string"],
                }
            )
    return chosen
