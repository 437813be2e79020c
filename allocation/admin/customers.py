"""The customer: facts are edited here; tier and CSM are decided elsewhere and only shown."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import smart_split, unescape_string_literal

from accounts.admin import badges
from accounts.admin.base import Button, CSAdmin, button
from accounts.admin.fields import CurrencyCode, DayInput, KnownOrNot, ListOfTexts
from accounts.admin.filters import FixedFilter, rows_filter
from accounts.models import CSM, CustomAttribute, Customer, Goal, GoalKind, Region, Team, Tier, Vertical
from allocation.admin.goals import GoalInline, ask_after_commit, goals_changed
from allocation.models import Source
from allocation.selectors.explanations import FACTS_CHANGED, customer_explanation
from allocation.selectors.tiers import tiers_in_use
from allocation.services.decisions import DecisionSource, note_departures
from allocation.tasks.touches import plan_soon

FIELD_PREFIX = "attribute_"
SOON_DAYS = (30, 90, 180)
QUOTES = ("'", '"')
WORDS = 8  # of a search: each is a condition and a look at the CSMs


class GapFilter(FixedFilter):
    """What is missing; the landing page of the admin leads here."""

    title = "missing"
    parameter_name = "gap"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [
            ("tier", "No tier"),
            ("retired_tier", "In a tier no longer in use"),
            ("csm", "Served, but no CSM"),
            ("arr", "No ARR"),
            ("health", "No health"),
            ("renewal", "No renewal date"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        conditions = {
            "tier": Q(tier__isnull=True, status=Customer.Status.ACTIVE),
            "retired_tier": Q(tier__retired=True, status=Customer.Status.ACTIVE),
            "csm": Q(csm__isnull=True, tier__isnull=False, status=Customer.Status.ACTIVE)
            & ~Q(tier__touch_level="self_service"),
            "arr": Q(arr__isnull=True, status=Customer.Status.ACTIVE),
            "health": Q(health__isnull=True, status=Customer.Status.ACTIVE),
            "renewal": Q(renewal_date__isnull=True, status=Customer.Status.ACTIVE),
        }
        return queryset.filter(conditions[self.value()]) if self.value() in conditions else queryset


class RenewalFilter(FixedFilter):
    title = "renewal"
    parameter_name = "renewal"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [*((str(days), f"In {days} days") for days in SOON_DAYS), ("past", "Date has passed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        today = timezone.localdate()
        if self.value() == "past":
            return queryset.filter(renewal_date__lt=today)
        if self.value() in {str(days) for days in SOON_DAYS}:
            last = today + timedelta(days=int(str(self.value())))
            return queryset.filter(renewal_date__gte=today, renewal_date__lte=last)
        return queryset


class HealthFilter(FixedFilter):
    title = "health"
    parameter_name = "health"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("poor", "Below 34"), ("fair", "34 to below 67"), ("good", "67 and above")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        bands = {
            "poor": Q(health__lt=34),
            "fair": Q(health__gte=34, health__lt=67),
            "good": Q(health__gte=67),
        }
        return queryset.filter(bands[self.value()]) if self.value() in bands else queryset


class OpenGoalFilter(FixedFilter):
    title = "open goal"
    parameter_name = "goal"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(kind.slug, kind.name) for kind in GoalKind.objects.filter(retired=False).order_by("name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() is None:
            return queryset
        open_goals = Goal.objects.filter(kind__slug=self.value(), ends_before__isnull=True)
        return queryset.filter(pk__in=open_goals.values("customer"))


def attribute_form_field(attribute: CustomAttribute) -> forms.Field:
    """The form field of a custom attribute, by its kind."""
    plain: dict[str, Any] = {"label": attribute.label, "required": False}
    if attribute.kind == CustomAttribute.Kind.NUMBER:
        return forms.DecimalField(max_digits=21, decimal_places=6, **plain)
    if attribute.kind == CustomAttribute.Kind.YES_NO:
        return KnownOrNot(**plain)
    if attribute.kind == CustomAttribute.Kind.DATE:
        return forms.DateField(widget=DayInput, **plain)
    if attribute.choices:
        return forms.ChoiceField(
            choices=[("", "Not known"), *((choice, choice) for choice in attribute.choices)], **plain
        )
    return forms.CharField(max_length=200, **plain)


def attribute_as_stored(value: Any) -> Any:
    """A custom attribute as its JSON column keeps it: numbers as numbers, days as text, a blank as nothing."""
    if value is None or value == "":
        return None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, date) else value


class CustomerForm(forms.ModelForm):
    currency = CurrencyCode(initial=settings.BASE_CURRENCY)
    products = ListOfTexts(help_text="Products in use, divided by semicolons.")
    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Customer
        fields = (
            "external_id", "name", "parent", "status", "vertical", "region", "country", "language", "arr", "currency",
            "potential_arr", "package", "products", "employees", "adoption", "health", "health_on", "sentiment",
            "sentiment_on", "sentiment_by", "champion", "relationship_breadth", "reputation", "complexity",
            "loss_felt", "wished_engagement", "paid_tier", "contract_start", "first_renewal_done", "renewal_date",
            "csm_locked_until",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen_version"] = self.instance.version if self.instance.pk else None
        for name in self.fields:
            if name.startswith(FIELD_PREFIX):
                self.initial[name] = (self.instance.attributes or {}).get(name.removeprefix(FIELD_PREFIX))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.instance.pk is None:
            return cleaned
        # Locked till the page is saved (the admin saves in one transaction): of two pages at once, one is stale.
        row = Customer.objects.select_for_update().filter(pk=self.instance.pk)
        now = row.values_list("version", flat=True).first()
        if cleaned.get("seen_version") != now:
            raise forms.ValidationError(
                "Somebody changed this customer while you were editing. Open the page again and repeat your change."
            )
        return cleaned

    def attributes_given(self) -> dict[str, Any]:
        """Custom attributes of the form over those the instance has; blanks are taken away."""
        given = {
            name.removeprefix(FIELD_PREFIX): attribute_as_stored(self.cleaned_data.get(name))
            for name in self.fields
            if name.startswith(FIELD_PREFIX)
        }
        merged = {**(self.instance.attributes or {}), **given}
        return {slug: value for slug, value in merged.items() if value is not None}


@admin.register(Customer)
class CustomerAdmin(CSAdmin):
    lead = "The companies served. Facts are edited here or imported; tier and CSM come from runs, plans and overrides."
    empty_words = "Import a list of customers from CSV or XLSX, or add the first one."
    form = CustomerForm
    change_form_template = "admin/accounts/customer/change_form.html"
    list_display = (
        "customer",
        "tier_now",
        "csm_now",
        "arr_num",
        "health_bar",
        "vertical_region",
        "renews",
        "state",
    )
    list_filter = (
        GapFilter,
        rows_filter(Tier, "tier", title="tier", offered=tiers_in_use, none_words="No tier"),
        "status",
        rows_filter(Team, "csm__team", title="team", none_words=""),
        rows_filter(Vertical, "vertical", title="vertical", none_words="None"),
        rows_filter(Region, "region", title="region", none_words="None"),
        HealthFilter,
        RenewalFilter,
        OpenGoalFilter,
    )
    list_select_related = ("tier", "csm", "vertical", "region")
    search_fields = ("name", "external_id", "csm__name")
    search_help_text = "Name, external id or CSM"
    ordering = ("name", "pk")
    inlines = (GoalInline,)
    add_lead = "Tier and CSM follow with the next run and plan."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """As Django's, word by word; CSMs are looked up first, so that each condition is one on the customer's own columns and an
        index can answer it.
        """
        for part in list(smart_split(search_term))[:WORDS]:
            word = unescape_string_literal(part) if part.startswith(QUOTES) and part[0] == part[-1] else part
            csms = CSM.objects.filter(name__icontains=word).values_list("pk", flat=True)
            queryset = queryset.filter(
                Q(name__icontains=word) | Q(external_id__icontains=word) | Q(csm__in=list(csms))
            )
        return queryset, False

    def get_form(
        self, request: HttpRequest, obj: Customer | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        declared = {
            f"{FIELD_PREFIX}{row.slug}": attribute_form_field(row) for row in self._attributes(request)
        }
        kwargs["form"] = type("CustomerFormWithAttributes", (CustomerForm,), declared)
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Customer | None = None) -> Any:
        own = [f"{FIELD_PREFIX}{row.slug}" for row in self._attributes(request)]
        custom = [("Custom attributes", {"fields": own})] if own else []
        return [
            (None, {"fields": [("name", "external_id"), ("status", "parent"), "seen_version"]}),
            ("Who it is", {"fields": [("vertical", "region"), ("country", "language"), "employees"]}),
            ("Value", {"fields": [("arr", "currency"), "potential_arr", ("package", "paid_tier"), "products"]}),
            ("Contract", {"fields": [("contract_start", "renewal_date"), ("first_renewal_done", "csm_locked_until")]}),
            (
                "Standing",
                {
                    "fields": [
                        ("health", "health_on"), "adoption", ("sentiment", "sentiment_on"), "sentiment_by",
                        ("champion", "relationship_breadth"), ("reputation", "complexity"),
                        ("loss_felt", "wished_engagement"),
                    ]
                },
            ),
            *custom,
        ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Customer | None = None) -> tuple[str, ...]:
        """Files name the external id, so it stays as it was made."""
        return ("external_id",) if obj is not None else ()

    def _attributes(self, request: HttpRequest) -> list[CustomAttribute]:
        """The custom attributes in use, read once a request."""
        found: list[CustomAttribute] | None = getattr(request, "_custom_attributes", None)
        if found is None:
            found = list(CustomAttribute.objects.filter(retired=False).order_by("label", "pk"))
            request._custom_attributes = found  # type: ignore[attr-defined]
        return found

    def save_model(self, request: HttpRequest, obj: Customer, form: CustomerForm, change: bool) -> None:
        """Only what the form shows is written: tier and CSM may have been decided since the row was read."""
        obj.attributes = form.attributes_given()
        obj.version += 1
        if change:
            shown = [field.name for field in obj._meta.fields if field.name in form.cleaned_data]
            obj.save(update_fields=[*shown, "attributes", "version"])
        else:
            super().save_model(request, obj, form, change)
        if "status" in form.changed_data:
            note_departures(
                customer_ids=[obj.pk],
                on=timezone.localdate(),
                decision=DecisionSource(Source.MANUAL, actor_id=request.user.pk),
            )
            plan_soon([obj.pk])

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        if formset.model is Goal and goals_changed(formset):
            ask_after_commit(request, form.instance.pk)

    def list_buttons(self, request: HttpRequest) -> tuple[Button, ...]:
        return (
            *button(label="Export", name="admin:export_customers", icon="export"),
            *button(label="Import", name="admin:import_customers", icon="import"),
        )

    def form_buttons(self, request: HttpRequest, obj: Customer) -> tuple[Button, ...]:
        return button(label="See the customer page", name="customer", icon="eye", args=(obj.pk,))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj: Customer | None = kwargs.get("obj")
        if obj is not None:
            context["last_decision"] = customer_explanation(customer_id=obj.pk, today=timezone.localdate())
            context["facts_changed_words"] = FACTS_CHANGED
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="Customer", ordering="name")
    def customer(self, row: Customer) -> str:
        return format_html('{}<span class="under">{}</span>', row.name, row.external_id)

    @admin.display(description="Tier", ordering="tier__rank")
    def tier_now(self, row: Customer) -> str:
        return badges.tier_mark(name=row.tier.name, rank=row.tier.shown_rank) if row.tier else badges.NOTHING

    @admin.display(description="CSM", ordering="csm__name")
    def csm_now(self, row: Customer) -> str:
        return str(row.csm) if row.csm else badges.NOTHING

    @admin.display(description="ARR", ordering="arr")
    def arr_num(self, row: Customer) -> str:
        return badges.money(amount=row.arr, currency=row.currency)

    @admin.display(description="Health", ordering="health")
    def health_bar(self, row: Customer) -> str:
        return badges.meter(value=row.health)

    @admin.display(description="Vertical and region", ordering="vertical__name")
    def vertical_region(self, row: Customer) -> str:
        return format_html(
            '{}<span class="under">{}</span>', row.vertical or badges.NOTHING, row.region or ""
        )

    @admin.display(description="Renewal", ordering="renewal_date")
    def renews(self, row: Customer) -> str:
        return f"{row.renewal_date:%d %b %Y}" if row.renewal_date else badges.NOTHING

    @admin.display(description="Status", ordering="status")
    def state(self, row: Customer) -> str:
        return badges.status_badge(status=row.status, words=row.get_status_display())
