"""The groups CS ops, Manager and CSM and what each may do in the admin.

Which *rows* a person sees is decided by `visible_to` (accounts.querysets.scope); this is about models.
"""

from typing import Any

from django.contrib.auth.models import Group, Permission

from accounts import roles

OPS_APPS = ("accounts", "allocation")
OPS_AUTH_MODELS = ("group",)


def ensure_groups() -> None:
    """Create the groups and give each its permissions; safe to repeat."""
    ops, _ = Group.objects.get_or_create(name=roles.OPS)
    Group.objects.get_or_create(name=roles.MANAGER)
    Group.objects.get_or_create(name=roles.CSM)
    ops.permissions.set(
        Permission.objects.filter(content_type__app_label__in=OPS_APPS)
        | Permission.objects.filter(content_type__app_label="auditlog", codename="view_logentry")
        | Permission.objects.filter(
            content_type__app_label="auth",
            content_type__model__in=OPS_AUTH_MODELS,
            codename__startswith="view_",
        )
    )


def ensure_groups_after_migrate(**kwargs: Any) -> None:
    ensure_groups()
