"""The admin site of CS ops: who may enter, the landing page, signing in at the common door."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, is_valid_path, reverse
from django.utils import timezone

# Where a to-do leads: an admin list with its filter, by kind.
TODO_LISTS: dict[str, tuple[str, str]] = {
    "tiering_models": ("allocation_tieringmodel", ""),
    "exchange_rates": ("accounts_exchangerate", ""),
    "overrides_approved": ("allocation_override", "?status__exact=approved"),
    "without_tier": ("accounts_customer", "?gap=tier"),
    "retired_tier": ("accounts_customer", "?gap=retired_tier"),
    "without_csm": ("accounts_customer", "?gap=csm"),
    "without_arr": ("accounts_customer", "?gap=arr"),
    "leavers": ("accounts_csm", "?standing=leaving"),
    "slots": ("allocation_slot", ""),
    "silent": ("allocation_slot", ""),
    "freeze": ("allocation_freeze", ""),
    "imports": ("accounts_importbatch", "?status__exact=staged"),
    "imports_asking": ("accounts_importbatch", "?status__exact=asking"),
}
TODO_ICONS = {
    "run": "run",
    "full_run": "run",
    "full_run_of_model": "run",
    "plan": "plan",
    "exchange_rates": "rates",
    "tiering_models": "model",
    "import_customers": "import",
    "imports": "import",
    "imports_asking": "import",
    "overrides_asked": "approval",
    "overrides_approved": "override",
    "without_tier": "tier",
    "retired_tier": "tier",
    "without_csm": "people",
    "without_arr": "rates",
    "leavers": "exit",
    "slots": "clock",
    "silent": "alert",
    "freeze": "lock",
}


def url_or_nothing(name: str, *args: Any) -> str:
    """An address by name; empty where this installation does not have the page."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def desk_buttons() -> tuple[Any, ...]:
    """The three things ops start from the landing page."""
    from accounts.admin.base import button  # models are not loaded yet when the site is made

    return (
        *button(label="Import customers", name="admin:import_customers", icon="import"),
        *button(label="Plan the books", name="plan_start", icon="plan", method="post"),
        *button(label="Start a re-tiering run", name="retier_start", icon="run", method="post", primary=True),
    )


class CSTiersAdminSite(admin.AdminSite):
    site_header = "cstiers"
    site_title = "cstiers"
    index_title = "What needs doing"
    enable_nav_sidebar = False  # the shell has its own navigation

    def has_permission(self, request: HttpRequest) -> bool:
        """CS ops only: managers and CSMs have their own pages."""
        user = request.user
        return bool(user.is_authenticated and user.is_active and user.is_staff and user.is_ops)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """One door for everybody; who is signed in but is not CS ops is refused, not asked again."""
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index", current_app=self.name))
        if request.user.is_authenticated:
            raise PermissionDenied("The admin is for CS ops. Your own pages are under Home.")
        return redirect_to_login(request.GET.get("next") or reverse("admin:index", current_app=self.name))

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The common page: it looks at the old password, and guesses are counted there."""
        return HttpResponseRedirect(reverse("password_change"))

    def password_change_done(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("password_change_done"))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        from allocation.selectors.timetable import (
            timetable_todos,  # models are not loaded when the site is made
        )
        from allocation.selectors.todo import desk
        from cstiers.navigation import admin_groups

        today = timezone.localdate()
        desk_now = desk(user=request.user, today=today, more=timetable_todos(at=timezone.now(), on=today))
        todos = [
            {
                "todo": todo,
                "url": self._todo_url(todo.kind, todo.pk),
                "icon": TODO_ICONS.get(todo.kind, "inbox"),
            }
            for todo in desk_now.todos
        ]
        context = {
            "desk": desk_now,
            "todos": todos,
            "groups": admin_groups(request=request),
            "desk_buttons": desk_buttons(),
            "runs": [(run, self._job_url("run", run.pk)) for run in desk_now.recent_runs],
            "plans": [(plan, self._job_url("plan", plan.pk)) for plan in desk_now.recent_plans],
        }
        return super().index(request, context | (extra_context or {}))

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Apps are our business, not the person's: the landing page groups by the field's words."""
        return HttpResponseRedirect(reverse("admin:index", current_app=self.name))

    def _todo_url(self, kind: str, pk: int | None) -> str:
        if kind in ("run", "plan"):
            return self._job_url(kind, pk)
        if kind in ("full_run", "full_run_of_model"):
            return url_or_nothing("runs")
        if kind == "import_customers":
            return url_or_nothing("admin:import_customers")
        if kind == "overrides_asked":
            return f"{url_or_nothing('approvals')}?kind=override"
        name, query = TODO_LISTS[kind]
        address = url_or_nothing(f"admin:{name}_changelist")
        return f"{address}{query}" if address else ""

    def _job_url(self, kind: str, pk: int | None) -> str:
        """The people's page of a run or plan, else its row in the admin."""
        page = f"/{kind}s/{pk}/"
        if is_valid_path(page):
            return page
        model = {"run": "retierrun", "plan": "bookplan"}[kind]
        return url_or_nothing(f"admin:allocation_{model}_change", pk)
