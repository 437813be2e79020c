"""Whom a password lets in."""

from typing import Any

from django.contrib.auth.backends import ModelBackend


class BreakGlassPassword(ModelBackend):
    """Where everybody signs in through the company's service (OIDC_ONLY), a password opens for superusers only.

    The password is looked at all the same, so the answer and its time tell nobody who is a superuser. Sessions that
    others opened by password before end with their next request.
    """

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(user.is_superuser and super().user_can_authenticate(user))
