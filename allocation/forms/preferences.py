"""The form of what mail a person gets."""

from __future__ import annotations

from django import forms

from accounts.models import NoticePreference

Digest = NoticePreference.Digest
RHYTHMS = ((Digest.DAILY, "Daily"), (Digest.WEEKLY, "On Mondays"), (Digest.NEVER, "Never"))
AT_ONCE = (("yes", "Yes"), ("no", "No, in the next digest"))


class PreferenceForm(forms.Form):
    """Rhythm of the digest, and whether mail comes at once."""

    digest = forms.ChoiceField(label="Digest", choices=RHYTHMS)
    at_once = forms.TypedChoiceField(
        label="Mail at once",
        choices=AT_ONCE,
        coerce=lambda value: value == "yes",
    )

    @classmethod
    def of(cls, preference: NoticePreference) -> PreferenceForm:
        """As it is now."""
        at_once = "yes" if preference.at_once else "no"
        return cls(initial={"digest": preference.digest, "at_once": at_once}, auto_id="mail_%s")
