"""Whom a password lets in."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from accounts.models import User


class Password(ModelBackend):
    """Django's, but for the user of a request, who comes with roles and CSM in one statement."""

    def get_user(self, user_id: Any) -> User | None:
        user: User | None = User.objects.who_asks(user_id)
        return user if user is not None and self.user_can_authenticate(user) else None


class BreakGlassPassword(Password):
    """Where everybody signs in through the company's service (OIDC_ONLY), a password opens for superusers only.

    The password is looked at all the same, so the answer and its time tell nobody who is a superuser. Sessions that
    others opened by password before end with their next request.
    """

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(user.is_superuser and super().user_can_authenticate(user))
