"""Forms of an override on the customer's page: ask for one, take one back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django import forms
from django.conf import settings

from allocation.models import Override
from allocation.models.overrides import LONGEST_WORDS
from allocation.selectors.overrides import latest_end, proposed_end, tiers_to_wish
from allocation.services import overrides

Choices = Sequence[tuple[int, str]]


def _day(**options: Any) -> forms.DateField:
    return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **options)


def check_days(*, form: forms.BaseForm, starts_on: date | None, expires_on: date | None) -> None:
    """Say beside the last day what is wrong with it; the service says the same to those who come another way."""
    if starts_on is None or expires_on is None:
        return
    if expires_on <= starts_on:
        form.add_error("expires_on", "It must end after it starts.")
    elif expires_on > latest_end(starts_on):
        form.add_error(
            "expires_on",
            f"At most {settings.OVERRIDE_MONTHS} months after its start: {latest_end(starts_on):%d %b %Y} at the latest. "
            "It can be asked for again then.",
        )


def last_day_help() -> str:
    return (
        f"The first day it no longer holds, at most {settings.OVERRIDE_MONTHS} months after the start. Then the model is "
        "asked again; you are told before."
    )


class Words(forms.CharField):
    """Words as people wrote them. A browser sends each line's end as two characters and counts it as one: so do we."""

    def __init__(self, *, rows: int, **options: Any) -> None:
        super().__init__(max_length=LONGEST_WORDS, widget=forms.Textarea(attrs={"rows": rows}), **options)

    def to_python(self, value: Any) -> str:
        return super().to_python(value.replace("\r\n", "\n") if isinstance(value, str) else value)


class OverrideForm(forms.Form):
    """The wished tier, why, and for how long. `tiers` are those to choose from; `back` is where the person came from."""

    tier = forms.TypedChoiceField(label="Tier", coerce=int)
    reason_kind = forms.ChoiceField(
        label="Reason", choices=[("", "Choose a reason"), *Override.Reason.choices]
    )
    words = Words(rows=4, label="Why", help_text="The approver judges by this: what does the model not see?")
    evidence = Words(
        rows=2,
        label="Evidence",
        required=False,
        help_text="What it rests on: a mail, a contract, a call with its date.",
    )
    starts_on = _day(label="Starts")
    expires_on = _day(label="Ends")
    back = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)

    def __init__(self, *args: Any, tiers: Choices, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tier"].choices = [("", "Choose a tier"), *tiers]  # type: ignore[attr-defined]
        self.initial.setdefault("starts_on", today)
        self.initial.setdefault("expires_on", proposed_end(today))
        self.fields["expires_on"].help_text = last_day_help()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        check_days(form=self, starts_on=given.get("starts_on"), expires_on=given.get("expires_on"))
        return given


class AskForm(forms.ModelForm):
    """The admin's form to ask: what the service refuses is a fault of the form, with the service's sentence.

    The service writes the row within the page's transaction, as the last thing that is checked: a refusal that came later
    could only follow "added successfully". The admin sets actor (who asks), on (today) and at (now).
    """

    actor: Any
    on: date
    at: datetime

    words = Words(rows=5, label="Why", help_text="The approver judges by this: what does the model not see?")
    evidence = Words(
        rows=3, required=False, help_text="What it rests on: a mail, a contract, a call with its date."
    )

    class Meta:
        model = Override
        fields = ("customer", "tier", "reason_kind", "words", "evidence", "starts_on", "expires_on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "tier" in self.fields:  # a page that only shows has no fields
            self.fields["tier"].queryset = tiers_to_wish()  # type: ignore[attr-defined]
            self.initial.setdefault("starts_on", self.on)
            self.initial.setdefault("expires_on", proposed_end(self.on))
            self.fields["expires_on"].help_text = last_day_help()
            for name in ("customer", "tier"):  # chosen here, not made or changed on the way
                self.fields[name].widget.can_add_related = False
                self.fields[name].widget.can_change_related = False

    def validate_constraints(self) -> None:
        """The service says it with more words."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        given = self.cleaned_data
        try:
            self.instance = overrides.request_override(
                customer_id=given["customer"].pk,
                tier_id=given["tier"].pk,
                reason_kind=given["reason_kind"],
                words=given["words"],
                evidence=given["evidence"],
                starts_on=given["starts_on"],
                expires_on=given["expires_on"],
                actor=self.actor,
                on=self.on,
                at=self.at,
            )
        except overrides.UnableToRequestOverride as refusal:
            self.add_error(None, str(refusal))


class WithdrawForm(forms.Form):
    """Why it is taken back."""

    words = Words(rows=2, label="Why")


class PeriodForm(forms.Form):
    """From when to when a report looks. `from` is a word of Python, so the field is put in by name."""

    to = _day(label="To", required=False)

    field_order = ("from", "to")

    def __init__(self, *args: Any, initial: dict[str, date], **kwargs: Any) -> None:
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["from"] = _day(label="From", required=False)
        self.order_fields(self.field_order)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        starts_on, ends_on = (given.get(name) or self.initial[name] for name in ("from", "to"))
        if starts_on > ends_on:
            self.add_error("to", "Choose a day after the first one.")
        return given

    @property
    def period(self) -> tuple[date, date]:
        """The days asked for; for one that is missing or makes no sense, the usual one."""
        usual: tuple[date, date] = (self.initial["from"], self.initial["to"])
        if not self.is_valid():
            return usual
        return self.cleaned_data["from"] or usual[0], self.cleaned_data["to"] or usual[1]
