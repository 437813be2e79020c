"""Single sign-on by OpenID Connect: who the provider vouches for becomes one of our users, or is told why not.

Only loaded where it is switched on. mozilla-django-oidc makes the request (state, nonce, PKCE) and fetches token and
keys; which token is believed and whom it lets in is decided here, more strictly than there: it leaves audience, issuer
and age unchecked, takes an e-mail for proven, and ends a session because of an address that anybody can send.
"""

from __future__ import annotations

import hmac
from typing import Any

import jwt
import requests
from django.contrib.auth.models import Group
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from accounts import roles
from accounts.models import User
from cstiers.signing_in.provider import Refused, ask, away, discovery, library_setting, provider

ALGORITHM = "RS256"
LEEWAY_SECONDS = 60  # two clocks
YES = (True, 1, "1", "true", "True")


class ByProvider(OIDCAuthenticationBackend):
    """A person whom the provider vouches for. Every refusal is a `Refused` with a sentence."""

    get_settings = staticmethod(library_setting)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Django makes one for each request of such a person, so nothing is asked of the provider here."""
        self.UserModel = User
        self.OIDC_RP_CLIENT_ID = provider().client_id
        self.OIDC_RP_CLIENT_SECRET = provider().client_secret

    @property
    def OIDC_OP_TOKEN_ENDPOINT(self) -> str:  # noqa: N802  (the library's name)
        return str(library_setting("OIDC_OP_TOKEN_ENDPOINT"))

    @property
    def OIDC_OP_JWKS_ENDPOINT(self) -> str:  # noqa: N802
        return str(library_setting("OIDC_OP_JWKS_ENDPOINT"))

    def get_user(self, user_id: Any) -> User | None:
        """Who was switched off is signed in no longer, from the next request."""
        user: User | None = User.objects.who_asks(user_id)
        return user if user is not None and self.user_can_authenticate(user) else None

    def authenticate(self, request: Any, **credentials: Any) -> User | None:
        """The user, or Refused; None for other kinds of credentials, so that passwords never come here."""
        if "nonce" not in credentials or request is None:
            return None
        found: User | None = super().authenticate(request, **credentials)
        return found

    def get_token(self, payload: dict[str, Any]) -> dict[str, Any]:
        try:
            found = super().get_token(payload)
        except (requests.RequestException, ValueError) as error:
            answered = getattr(error, "response", None)
            if answered is not None and answered.status_code < 500:  # it understood and said no
                raise Refused(
                    f"{provider().name} did not confirm this sign-in. Start again from the sign-in page."
                ) from error
            raise away() from error
        if not isinstance(found, dict) or not isinstance(found.get("id_token"), str):
            raise away()
        return found

    def verify_token(self, token: str, **kwargs: Any) -> dict[str, Any]:
        """The claims of an ID token that is signed by the provider, for us, for this very request, and not too old."""
        try:
            if jwt.get_unverified_header(token).get("alg") != ALGORITHM:
                raise Refused(not_believed("it is not signed in the way we ask for"))
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key_of(token),
                algorithms=[ALGORITHM],
                audience=provider().client_id,
                issuer=str(discovery.document()["issuer"]),
                leeway=LEEWAY_SECONDS,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise Refused(not_believed("it is too old")) from error
        except jwt.InvalidAudienceError as error:
            raise Refused(not_believed("it is meant for another site")) from error
        except jwt.InvalidIssuerError as error:
            raise Refused(not_believed("it comes from somebody else")) from error
        except jwt.PyJWTError as error:
            raise Refused(not_believed("its signature or form is wrong")) from error
        _check_request(claims, nonce=kwargs.get("nonce"))
        return claims

    def _key_of(self, token: str) -> jwt.PyJWK:
        try:
            return self.retrieve_matching_jwk(token)
        except (SuspiciousOperation, KeyError) as error:
            raise Refused(not_believed("no key of the service fits its signature")) from error
        except (requests.RequestException, ValueError, TypeError) as error:
            raise away() from error

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> User:
        claims = self._claims(access_token, payload)
        email = _proven_email(claims)
        user = next(
            (one for one in User.objects.filter(email__iexact=email) if one.email.lower() == email), None
        )
        if user is None and provider().create_users:
            user = User.objects.create_user(email, name=str(claims.get("name") or "")[:200])
        if user is None:
            raise Refused(f"{email} has no sign-in here yet. Ask CS ops to add you.")
        if not user.is_active:
            raise Refused("Your sign-in here is switched off. If that is a mistake, ask CS ops.")
        if user.is_superuser:
            raise Refused(
                "The break-glass account signs in by its password only, so that it works without any other service."
            )
        if provider().groups_claim:
            follow_groups(user=user, theirs=_groups(claims))
        return user

    def _claims(self, access_token: str, payload: dict[str, Any]) -> dict[str, Any]:
        """The ID token's claims; what it leaves out is asked for, and believed for the same subject only."""
        of = provider()
        wanted = [of.email_claim, of.verified_claim, *([of.groups_claim] if of.groups_claim else [])]
        door = library_setting("OIDC_OP_USER_ENDPOINT")
        if all(name in payload for name in wanted) or not door or not access_token:
            return payload
        said = ask(
            lambda: requests.get(
                door, headers={"Authorization": f"Bearer {access_token}"}, timeout=of.seconds
            )
        )
        if said.get("sub") != payload["sub"]:
            raise Refused(not_believed("it speaks of two persons"))
        return {**said, **payload}


def not_believed(why: str) -> str:
    return f"The answer of {provider().name} cannot be believed: {why}. Start again from the sign-in page; if it happens again, tell CS ops."


def _check_request(claims: dict[str, Any], *, nonce: str | None) -> None:
    if not nonce or not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise Refused(not_believed("it belongs to another request"))
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    azp = claims.get("azp")
    if (len(audiences) > 1 or azp is not None) and azp != provider().client_id:
        raise Refused(not_believed("it was made out for another site"))


def _proven_email(claims: dict[str, Any]) -> str:
    of = provider()
    email = claims.get(of.email_claim)
    if not isinstance(email, str) or not email.strip():
        raise Refused(f"{of.name} did not say your e-mail address, by which we know you. Ask CS ops.")
    if claims.get(of.verified_claim) not in YES:
        raise Refused(
            f"{of.name} has not verified the e-mail address {email.strip()}. Have it verified there, then sign in again."
        )
    return email.strip().lower()


def _groups(claims: dict[str, Any]) -> set[str]:
    """Names of the person's groups there. None at all is an answer: the person then has no role here."""
    name = provider().groups_claim
    if name in (claims.get("_claim_names") or {}):  # Entra ID names none where there are too many
        raise Refused(
            f"{provider().name} lists too many groups for you to be told in a sign-in. Ask CS ops to have only the groups of this site sent."
        )
    given = claims.get(name) or []
    return {given} if isinstance(given, str) else {str(one) for one in given}


def follow_groups(*, user: User, theirs: set[str]) -> None:
    """Give the person the roles that the provider's groups stand for and take the others; never more than a role."""
    ours = {role for group, role in provider().roles.items() if group in theirs}
    may_enter_admin = roles.OPS in ours
    held = set(user.groups.filter(name__in=roles.ALL).values_list("name", flat=True))
    if held == ours and user.is_staff == may_enter_admin:
        return
    with transaction.atomic():
        user.groups.remove(*Group.objects.filter(name__in=held - ours))
        user.groups.add(*Group.objects.filter(name__in=ours - held))
        user.is_staff = may_enter_admin
        user.save(update_fields=["is_staff"])
