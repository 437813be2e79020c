"""Words that customers and CSMs are matched by, custom attributes, exchange rates, saved mappings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin.base import CSAdmin
from accounts.admin.fields import CurrencyCode, ListOfTexts
from accounts.importing.csms import CSM_COLUMNS
from accounts.importing.customers import CUSTOMER_COLUMNS
from accounts.importing.errors import FileRefused
from accounts.importing.mapping import map_columns
from accounts.models import CustomAttribute, ExchangeRate, Language, Region, Vertical
from accounts.models.importing import ColumnMapping, ImportKind


class WordAdmin(CSAdmin):
    """A name used for matching; it may be deleted while nobody stands on it (the database protects customers)."""

    list_display = ("name",)
    search_fields = ("name",)
    search_help_text = "Part of the name"
    ordering = ("name", "pk")
    deletable = True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not while a CSM has it: one who loses the only vertical would silently become a generalist."""
        if obj is not None and obj.csms.exists():
            return False
        return super().has_delete_permission(request, obj)


@admin.register(Vertical)
class VerticalAdmin(WordAdmin):
    lead = "Industries. A CSM may specialise in some; customers are pooled by theirs."


@admin.register(Region)
class RegionAdmin(WordAdmin):
    lead = "Parts of the world or of the market."


@admin.register(Language)
class LanguageAdmin(WordAdmin):
    lead = "Languages that customers are served in."


class CustomAttributeForm(forms.ModelForm):
    choices = ListOfTexts(help_text="For a choice: the values, divided by semicolons. Empty: any text.")

    class Meta:
        model = CustomAttribute
        fields = ("slug", "label", "kind", "choices", "retired")


@admin.register(CustomAttribute)
class CustomAttributeAdmin(CSAdmin):
    lead = "Facts of the customer that you define; the tiering model can use each like any other."
    form = CustomAttributeForm
    list_display = ("label", "column", "kind", "retired")
    list_filter = ("kind", "retired")
    search_fields = ("label", "slug")
    search_help_text = "Label or slug"
    ordering = ("label", "pk")

    @admin.display(description="Column in files", ordering="slug")
    def column(self, row: CustomAttribute) -> str:
        return f"attr:{row.slug}"

    def get_readonly_fields(
        self, request: HttpRequest, obj: CustomAttribute | None = None
    ) -> tuple[str, ...]:
        """Stored values hang on slug and kind, so both stay as they were made."""
        return ("slug", "kind") if obj is not None else ()


class ExchangeRateForm(forms.ModelForm):
    currency = CurrencyCode()
    base = CurrencyCode(help_text="The base currency the rate is for.")

    class Meta:
        model = ExchangeRate
        fields = ("currency", "day", "rate", "base")

    def clean_base(self) -> str:
        base: str = self.cleaned_data["base"]
        if base != settings.BASE_CURRENCY:
            raise forms.ValidationError(
                f"The base currency of this installation is {settings.BASE_CURRENCY}."
            )
        return base


@admin.register(ExchangeRate)
class ExchangeRateAdmin(CSAdmin):
    form = ExchangeRateForm
    lead = "Units of a currency for one unit of the base currency on a day. A run freezes the rates it used."
    list_display = ("currency", "day", "rate_num", "base")
    search_fields = ("currency",)
    search_help_text = "Currency code"
    date_hierarchy = "day"
    ordering = ("-day", "currency")
    deletable = True

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"base": settings.BASE_CURRENCY, "day": timezone.localdate()}

    @admin.display(description="Rate", ordering="rate")
    def rate_num(self, row: ExchangeRate) -> str:
        return f"{row.rate.normalize():f}"


class ColumnMappingForm(forms.ModelForm):
    class Meta:
        model = ColumnMapping
        fields = ("name", "kind", "mapping", "number_style", "date_order")

    def clean(self) -> dict[str, Any]:
        """What the reader would refuse later is refused now, in its words."""
        cleaned = super().clean() or self.cleaned_data
        mapping, kind = cleaned.get("mapping"), cleaned.get("kind")
        if mapping is None or kind is None:
            return cleaned
        if not isinstance(mapping, dict) or not all(isinstance(column, str) for column in mapping.values()):
            raise forms.ValidationError({"mapping": 'Give an object such as {"Account Name": "name"}.'})
        customers = kind == ImportKind.CUSTOMERS
        columns = CUSTOMER_COLUMNS if customers else CSM_COLUMNS
        try:
            map_columns(headers=list(mapping), mapping=mapping, columns=columns, attributes=customers)
        except FileRefused as refusal:
            raise forms.ValidationError({"mapping": str(refusal)}) from None
        return cleaned


@admin.register(ColumnMapping)
class ColumnMappingAdmin(CSAdmin):
    form = ColumnMappingForm
    lead = "Which header of a file goes to which of our columns; one for each system that sends files."
    number_hints = {
        "headers_num": "Headers of a file that the mapping names.",
    }
    list_display = ("name", "kind", "headers_num", "saved_by")
    list_filter = ("kind",)
    list_select_related = ("saved_by",)
    search_fields = ("name",)
    search_help_text = "Part of the name"
    ordering = ("name", "pk")
    deletable = True

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """An empty object to fill in, not the word null."""
        return {"mapping": {}, **super().get_changeform_initial_data(request)}

    @admin.display(description="Headers")
    def headers_num(self, row: ColumnMapping) -> int:
        return len(row.mapping or {})

    def save_model(
        self, request: HttpRequest, obj: ColumnMapping, form: forms.ModelForm, change: bool
    ) -> None:
        obj.saved_by = request.user
        super().save_model(request, obj, form, change)
