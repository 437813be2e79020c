"""What mail a person wants; each decides for oneself."""

from __future__ import annotations

from accounts.models import NoticePreference, User

Digest = NoticePreference.Digest


class UnableToSavePreference(Exception):
    """The rhythm is none that there is."""


def save_preference(*, user: User, digest: str, at_once: bool) -> NoticePreference:
    """Keep how often `user` wants a digest, and whether mail comes at once. It holds for what is not sent yet.

    Without a digest there is nothing for mail to wait for, so it comes at once whatever is chosen (the form says so).
    Raises UnableToSavePreference for another rhythm. Of two who save at once the later one stays.
    """
    if digest not in Digest.values:
        raise UnableToSavePreference("Choose how often a digest comes: daily, weekly or never.")
    saved, _ = NoticePreference.objects.update_or_create(
        user=user, defaults={"digest": digest, "at_once": at_once}
    )
    return saved
