"""Words that customers and CSMs are matched by, custom attributes, exchange rates, saved mappings."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from accounts.admin.base import CSAdmin
from accounts.admin.fields import ListOfTexts
from accounts.models import CustomAttribute, ExchangeRate, Language, Region, Vertical
from accounts.models.importing import ColumnMapping


class WordAdmin(CSAdmin):
    """A name used for matching; it may be deleted while nobody stands on it (the database protects the rest)."""

    list_display = ("name",)
    search_fields = ("name",)
    search_help_text = "Part of the name"
    ordering = ("name", "pk")
    deletable = True


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


@admin.register(ExchangeRate)
class ExchangeRateAdmin(CSAdmin):
    lead = "Units of a currency for one unit of the base currency on a day. A run freezes the rates it used."
    list_display = ("currency", "day", "rate_num", "base")
    search_fields = ("currency",)
    search_help_text = "Currency code"
    date_hierarchy = "day"
    ordering = ("-day", "currency")
    deletable = True

    @admin.display(description="Rate", ordering="rate")
    def rate_num(self, row: ExchangeRate) -> str:
        return f"{row.rate.normalize():f}"


@admin.register(ColumnMapping)
class ColumnMappingAdmin(CSAdmin):
    lead = "Which header of a file goes to which of our columns; one for each system that sends files."
    list_display = ("name", "kind", "headers_num", "saved_by")
    list_filter = ("kind",)
    list_select_related = ("saved_by",)
    search_fields = ("name",)
    search_help_text = "Part of the name"
    ordering = ("name", "pk")
    deletable = True

    @admin.display(description="Headers")
    def headers_num(self, row: ColumnMapping) -> int:
        return len(row.mapping or {})

    def save_model(
        self, request: HttpRequest, obj: ColumnMapping, form: forms.ModelForm, change: bool
    ) -> None:
        obj.saved_by = request.user
        super().save_model(request, obj, form, change)
