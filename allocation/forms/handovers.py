"""Forms of a handover: the notes of the former CSM, and why it is cancelled."""

from __future__ import annotations

from django import forms

from allocation.services.handovers import LONGEST_NOTES, LONGEST_WORDS


class NotesForm(forms.Form):
    """What the former CSM wants the new one to know; may be emptied. seen: the digest of the notes the page showed."""

    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    words = forms.CharField(
        label="Notes for the new CSM",
        required=False,
        max_length=LONGEST_NOTES,
        widget=forms.Textarea(
            attrs={
                "rows": 6,
                "placeholder": "What was promised, who decides, what annoys them, what comes next",
            }
        ),
    )


class CancelForm(forms.Form):
    """Why the handover ends without its signatures."""

    words = forms.CharField(
        label="Why it is cancelled", max_length=LONGEST_WORDS, widget=forms.Textarea(attrs={"rows": 2})
    )
