"""What is asked of the OpenID provider: where its doors are, and what mozilla-django-oidc reads as settings."""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

import requests
from django.conf import settings

from cstiers.signing_in.options import ENDPOINTS, Provider

REMEMBERED_SECONDS = 3600


class Refused(Exception):
    """Nobody was signed in; the sentence is for the person, `status` for the answer."""

    status = 403


class ProviderAway(Refused):
    """The provider could not be asked, or answered nothing that can be used."""

    status = 503


def provider() -> Provider:
    """The provider of this installation; these modules are only reached where there is one."""
    found: Provider = settings.OIDC
    return found


class Discovery:
    """The provider's discovery document, asked for when it is first needed and again after an hour."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._read: dict[str, tuple[float, dict[str, Any]]] = {}

    def document(self) -> dict[str, Any]:
        """Raises ProviderAway; a failure is not remembered."""
        of = provider()
        if of.endpoints:
            return {"issuer": of.issuer, **{f"{name}_endpoint": at for name, at in of.endpoints.items()}}
        with self._lock:
            read_at, found = self._read.get(of.issuer, (0.0, {}))
            if not found or time.monotonic() - read_at > REMEMBERED_SECONDS:
                found = _ask_for_document(of)
                self._read[of.issuer] = (time.monotonic(), found)
            return found

    def forget(self) -> None:
        self._read.clear()


discovery = Discovery()


def _ask_for_document(of: Provider) -> dict[str, Any]:
    address = of.issuer.rstrip("/") + "/.well-known/openid-configuration"
    found = ask(lambda: requests.get(address, timeout=of.seconds))
    if str(found.get("issuer", "")).rstrip("/") != of.issuer.rstrip("/"):
        raise ProviderAway(
            f"The sign-in service calls itself “{found.get('issuer')}”, but OIDC_ISSUER names another: tell CS ops."
        )
    found["jwks_endpoint"] = found.pop("jwks_uri", None)
    missing = [name for name in ENDPOINTS if not found.get(f"{name}_endpoint")]
    if missing:
        raise ProviderAway(
            f"The sign-in service does not say where its {missing[0]} endpoint is: tell CS ops."
        )
    return found


def ask(question: Any) -> dict[str, Any]:
    """The JSON object that `question()` is answered with; raises ProviderAway."""
    try:
        answer = question()
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise away() from error
    if not isinstance(found, dict):
        raise away()
    return found


def away() -> ProviderAway:
    return ProviderAway(
        f"The sign-in service of {provider().name} could not be reached. Try again in a minute; if it lasts, tell CS ops."
    )


def _of_document(name: str) -> Any:
    return discovery.document().get(name)


def library_setting(name: str, *default: Any) -> Any:
    """A setting of mozilla-django-oidc by its own name; what is not ours to say has the library's default."""
    of = provider()
    fixed: Mapping[str, Any] = {
        "OIDC_RP_CLIENT_ID": of.client_id,
        "OIDC_RP_CLIENT_SECRET": of.client_secret,
        "OIDC_RP_SIGN_ALGO": "RS256",
        "OIDC_RP_SCOPES": of.scopes,
        "OIDC_USE_NONCE": True,
        "OIDC_USE_PKCE": True,
        "OIDC_TIMEOUT": of.seconds,
        "OIDC_AUTHENTICATION_CALLBACK_URL": "oidc_callback",
    }
    if name in fixed:
        return fixed[name]
    if (
        name == "OIDC_TOKEN_USE_BASIC_AUTH"
    ):  # the secret in the form, unless the provider takes only the header
        return "client_secret_post" not in (
            _of_document("token_endpoint_auth_methods_supported") or ["client_secret_post"]
        )
    asked = {
        "OIDC_OP_AUTHORIZATION_ENDPOINT": "authorization_endpoint",
        "OIDC_OP_TOKEN_ENDPOINT": "token_endpoint",
        "OIDC_OP_JWKS_ENDPOINT": "jwks_endpoint",
        "OIDC_OP_USER_ENDPOINT": "userinfo_endpoint",
    }
    return _of_document(asked[name]) if name in asked else default[0]
