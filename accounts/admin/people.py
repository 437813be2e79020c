"""People: users, groups, teams, CSMs. Their leave is in its own module."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone

from accounts import roles
from accounts.admin import badges
from accounts.admin.base import Button, CSAdmin, CSTabularInline, ViewOnlyAdmin, button
from accounts.admin.fields import ListOfTexts
from accounts.admin.filters import FixedFilter, rows_filter
from accounts.admin.leave import LeaveInline
from accounts.models import CSM, Customer, Team, User, Vertical

ROLE_WORDS = {
    roles.OPS: "Loads data, keeps the model, runs re-tiering and plans books.",
    roles.MANAGER: "Sees the own teams and those below; approves overrides and moves.",
    roles.CSM: "Sees the own book.",
}


class RoleFilter(FixedFilter):
    title = "role"
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(role, role) for role in roles.ALL]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(groups__name=self.value()) if self.value() in roles.ALL else queryset


class NewUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name")


class UserForm(UserChangeForm):
    acting_user: User | None = None  # set by the screen

    class Meta:
        model = User
        fields = ("email", "name", "is_active", "groups", "password")

    def clean(self) -> dict[str, Any]:
        """Nobody gives a role to himself or locks himself out: a colleague in CS ops does both."""
        cleaned = super().clean() or self.cleaned_data
        if self.acting_user is None or self.acting_user.is_superuser:
            return cleaned
        if self.instance == self.acting_user:
            self._check_own(cleaned)
        elif not self._acts_for_ops():
            raise forms.ValidationError("You are no longer in CS ops: nothing was changed.")
        return cleaned

    def _check_own(self, cleaned: dict[str, Any]) -> None:
        names = {group.name for group in cleaned.get("groups") or ()}
        if roles.OPS not in names or not cleaned.get("is_active"):
            raise forms.ValidationError(
                "You cannot take CS ops from yourself or switch yourself off: ask a colleague in CS ops."
            )
        if names != set(self.instance.groups.values_list("name", flat=True)):
            raise forms.ValidationError("Nobody changes the own roles: ask a colleague in CS ops.")

    def _acts_for_ops(self) -> bool:
        """Of two who take CS ops from each other at once, the second is refused: somebody always stays.

        The rows are locked till the page is saved (the admin saves in one transaction); the roles are read after that.
        """
        ops = User.objects.filter(groups__name=roles.OPS, is_active=True)
        list(
            User.objects.select_for_update(no_key=True)
            .filter(pk__in=ops.values("pk"))
            .order_by("pk")
            .values_list("pk")
        )
        return self.acting_user is not None and ops.filter(pk=self.acting_user.pk).exists()


@admin.register(User)
class UserAdmin(CSAdmin, StockUserAdmin):
    lead = "Who signs in. The role comes from the group; a person who left is switched off, not deleted."
    form = UserForm
    add_form = NewUserForm
    list_display = ("email", "name", "role", "is_active", "last_login")
    list_filter = (RoleFilter, "is_active")
    search_fields = ("email", "name")
    search_help_text = "E-mail or name"
    ordering = ("email",)
    filter_horizontal = ()
    plain_choice_fields = ("groups", "user_permissions")
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Role", {"fields": ("groups", "is_active")}),
        ("Seen", {"fields": ("last_login", "date_joined"), "classes": ("collapse",)}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)
    add_lead = "First the sign-in; the role comes on the next page."

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("groups")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["widget"] = forms.CheckboxSelectMultiple
            kwargs["queryset"] = Group.objects.order_by("name")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        form: type[forms.ModelForm] = super().get_form(request, obj, change=change, **kwargs)
        form.acting_user = request.user  # type: ignore[attr-defined]
        return form

    def save_related(self, request: HttpRequest, form: forms.ModelForm, formsets: Any, change: bool) -> None:
        """Whoever is in CS ops may enter the admin, and nobody else: the role says it, not a second switch."""
        super().save_related(request, form, formsets, change)
        user: User = form.instance
        user.is_staff = user.is_superuser or user.groups.filter(name=roles.OPS).exists()
        user.save(update_fields=["is_staff"])

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """A superuser is changed by a superuser only: nobody lends himself the break-glass account."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    @admin.display(description="Role")
    def role(self, row: User) -> str:
        held = [group.name for group in row.groups.all()]
        if row.is_superuser:
            held.insert(0, "Superuser")
        return badges.words_list(held)


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(ViewOnlyAdmin):
    lead = "The three roles. What each may do is fixed; put people into them on the page of the user."
    number_hints = {
        "members_num": "People with the role whose account is active.",
    }
    list_display = ("name", "may_words", "members_num")
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name", "may_words")
    readonly_fields = ("may_words",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).annotate(members=Count("user", filter=Q(user__is_active=True)))

    @admin.display(description="What it may do")
    def may_words(self, row: Group) -> str:
        return ROLE_WORDS.get(row.name, "As its permissions say.")

    @admin.display(description="Active members")
    def members_num(self, row: Group) -> int:
        return row.members


class TeamCSMInline(CSTabularInline):
    model = CSM
    fields = ("name", "email", "seniority", "hours_per_month", "accepting")
    readonly_fields = ("name", "email")
    show_change_link = True
    verbose_name_plural = "CSMs of this team"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Team)
class TeamAdmin(CSAdmin):
    lead = "Who leads whom. A manager sees the own teams and every team below."
    number_hints = {
        "csms_num": "CSMs of this very team, those who left among them.",
    }
    list_display = ("name", "manager", "parent", "csms_num")
    list_select_related = ("manager", "parent")
    search_fields = ("name",)
    search_help_text = "Name of the team"
    ordering = ("name", "pk")
    inlines = (TeamCSMInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        members = CSM.objects.people().filter(team=OuterRef("pk")).order_by().values("team")
        return (
            super()
            .get_queryset(request)
            .annotate(members=Subquery(members.annotate(number=Count("pk")).values("number")))
        )

    @admin.display(description="CSMs", ordering="members")
    def csms_num(self, row: Team) -> int:
        return row.members or 0


class Standing(FixedFilter):
    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [
            ("accepting", "Accepts customers"),
            ("closed", "Accepts none"),
            ("leaving", "Leaves or left"),
            ("no_user", "Cannot sign in"),
            ("seat", "Open seat"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        conditions = {
            "accepting": Q(accepting=True),
            "closed": Q(accepting=False),
            "leaving": Q(leaves_on__isnull=False),
            "no_user": Q(user__isnull=True, is_seat=False),
            "seat": Q(is_seat=True),
        }
        return queryset.filter(conditions[self.value()]) if self.value() in conditions else queryset


class CSMForm(forms.ModelForm):
    countries = ListOfTexts(
        help_text="Countries this CSM covers, divided by semicolons; counts where country law is on."
    )
    products = ListOfTexts(help_text="Products this CSM knows, divided by semicolons. Empty: any.")

    class Meta:
        model = CSM
        fields = (
            "name", "email", "user", "team", "seniority", "hours_per_month", "overhead_pct", "ramp_pct", "verticals",
            "regions", "languages", "countries", "products", "accepting", "starts_on", "leaves_on", "is_seat",
        )  # fmt: skip

    def clean_is_seat(self) -> bool:
        """Whose book has customers is somebody: they would be with nobody, and in no figure of today."""
        is_seat = bool(self.cleaned_data["is_seat"])
        if is_seat and self.instance.pk and Customer.objects.filter(csm=self.instance).exists():
            raise forms.ValidationError(
                "Customers are in this book, and an open seat has none: let a plan hand them on first."
            )
        return is_seat


FILLING = (
    "Open seat",
    {
        "fields": ("is_seat",),
        "description": (
            "Nobody is hired for this seat yet: plans count with it and move nobody to it. When it is filled, rename it, give it "
            "the e-mail and the sign-in of who has it, and untick “open seat”; the next plan that is applied moves the customers."
        ),
    },
)
PLACING = (
    "Open seat",
    {
        "fields": ("is_seat",),
        "description": "For somebody to be hired; the headcount page places as many as are lacking, able for what their customers need.",
        "classes": ("collapse",),
    },
)


@admin.register(CSM)
class CSMAdmin(CSAdmin):
    lead = "Customer Success Managers: hours, skills, team. The book itself is planned, not typed in."
    form_lead = "Hours × ramp × what is left after meetings, less leave, is what the book may ask for."
    number_hints = {
        "customers_num": "Active customers that have this CSM.",
    }
    form = CSMForm
    list_display = (
        "name",
        "team",
        "seniority_num",
        "hours_num",
        "skills",
        "customers_num",
        "accepts",
        "standing",
    )
    list_filter = (
        Standing,
        rows_filter(Team, "team", title="team"),
        rows_filter(Vertical, "verticals", title="vertical", none_words="Generalist"),
    )
    list_select_related = ("team",)
    search_fields = ("name", "email")
    search_help_text = "Name or e-mail"
    ordering = ("name", "pk")
    fieldsets = (
        (None, {"fields": ("name", ("email", "user"), ("team", "seniority"))}),
        (
            "Hours",
            {
                "fields": (
                    ("hours_per_month", "overhead_pct", "ramp_pct"),
                    ("starts_on", "leaves_on"),
                    "accepting",
                )
            },
        ),
        (
            "Skills",
            {
                "fields": ("verticals", "regions", "languages", "countries", "products"),
                "description": "Empty means: no restriction.",
            },
        ),
    )
    inlines = (LeaveInline,)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """An open seat is filled on its page: the box for it stands first there, and is not in the way elsewhere."""
        found = super().get_fieldsets(request, obj)
        return (FILLING, *found) if obj is not None and obj.is_seat else (*found, PLACING)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        held = Customer.objects.active().filter(csm=OuterRef("pk")).order_by().values("csm")
        return (
            super()
            .get_queryset(request)
            .prefetch_related("verticals")
            .annotate(held=Subquery(held.annotate(number=Count("pk")).values("number")))
        )

    def list_buttons(self, request: HttpRequest) -> tuple[Button, ...]:
        return button(label="Import", name="admin:import_csms", icon="import")

    @admin.display(description="Seniority", ordering="seniority")
    def seniority_num(self, row: CSM) -> int:
        return row.seniority

    @admin.display(description="Hours a month", ordering="hours_per_month")
    def hours_num(self, row: CSM) -> str:
        return f"{row.hours_per_month.normalize():f}"

    @admin.display(description="Accepts", ordering="accepting", boolean=True)
    def accepts(self, row: CSM) -> bool:
        return row.accepting

    @admin.display(description="Verticals")
    def skills(self, row: CSM) -> str:
        names = sorted(vertical.name for vertical in row.verticals.all())
        return badges.words_list(names, at_most=2) if names else "Generalist"

    @admin.display(description="Customers", ordering="held")
    def customers_num(self, row: CSM) -> int:
        return row.held or 0

    @admin.display(description="Standing", ordering="leaves_on")
    def standing(self, row: CSM) -> str:
        if row.is_seat and (row.leaves_on is None or row.leaves_on > timezone.localdate()):
            return badges.badge(words="Open seat", tone="info", icon_name="headcount")
        if row.leaves_on is None:
            return badges.badge(words="Here", tone="good", icon_name="check")
        if row.leaves_on <= timezone.localdate():
            return badges.badge(words=f"Left {row.leaves_on:%d %b %Y}", tone="neutral", icon_name="exit")
        return badges.badge(words=f"Leaves {row.leaves_on:%d %b %Y}", tone="warn", icon_name="exit")
