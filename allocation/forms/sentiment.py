"""The form of a customer's sentiment."""

from __future__ import annotations

from django import forms

from allocation.selectors.feelings import sentiment_choices


class SentimentForm(forms.Form):
    """One of five, each with its word."""

    sentiment = forms.TypedChoiceField(
        label="Sentiment", coerce=int, choices=sentiment_choices, widget=forms.RadioSelect
    )
