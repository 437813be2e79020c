"""Single sign-on as the environment describes it; bad descriptions are refused when the process starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from accounts import roles  # plain words; settings may not load a model

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
ENDPOINTS = ("authorization", "token", "jwks")


@dataclass(frozen=True)
class Provider:
    """An OpenID provider. `endpoints` is empty where its discovery document names them."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)  # debug pages and tracebacks show settings
    name: str = "your company"
    only: bool = False
    create_users: bool = False
    scopes: str = "openid email profile"
    email_claim: str = "email"
    verified_claim: str = "email_verified"
    groups_claim: str = ""
    roles: Mapping[str, str] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    seconds: int = 5


def provider_of(env: Any) -> Provider | None:
    """The provider that OIDC_… variables describe; None when there is none. Raises ImproperlyConfigured."""
    issuer, client_id = env("OIDC_ISSUER", default=""), env("OIDC_CLIENT_ID", default="")
    secret = env("OIDC_CLIENT_SECRET", default="")
    only = env.bool("OIDC_ONLY", default=False)
    if not (issuer or client_id or secret):
        if only:
            raise ImproperlyConfigured(
                "OIDC_ONLY is set, but no provider is: nobody could sign in. Set OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET."
            )
        return None
    if not (issuer and client_id and secret):
        raise ImproperlyConfigured(
            "Single sign-on needs OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET: set all three, or none to switch it off."
        )
    groups_claim = env("OIDC_GROUPS_CLAIM", default="")
    return Provider(
        issuer=_address("OIDC_ISSUER", issuer),
        client_id=client_id,
        client_secret=secret,
        name=env("OIDC_NAME", default="your company"),
        only=only,
        create_users=env.bool("OIDC_CREATE_USERS", default=False),
        scopes=env("OIDC_SCOPES", default="openid email profile"),
        email_claim=env("OIDC_EMAIL_CLAIM", default="email"),
        verified_claim=env("OIDC_VERIFIED_CLAIM", default="email_verified"),
        groups_claim=groups_claim,
        roles=_roles(env("OIDC_GROUPS", default=""), claim=groups_claim),
        endpoints=_endpoints(env),
        seconds=env.int("OIDC_SECONDS", default=5),
    )


def _address(variable: str, given: str) -> str:
    """https, or plain http to this machine itself (a provider one tries things with)."""
    parts = urlsplit(given)
    if parts.scheme == "https" and parts.hostname:
        return given
    if parts.scheme == "http" and parts.hostname in THIS_MACHINE:
        return given
    raise ImproperlyConfigured(
        f"{variable} is “{given}”: it must begin with https://, since whoever can read along can sign in as anybody."
    )


def _endpoints(env: Any) -> dict[str, str]:
    named = {name: env(f"OIDC_{name.upper()}_ENDPOINT", default="") for name in (*ENDPOINTS, "userinfo")}
    given = {name: address for name, address in named.items() if address}
    missing = [f"OIDC_{name.upper()}_ENDPOINT" for name in ENDPOINTS if name not in given]
    if given and missing:
        raise ImproperlyConfigured(
            f"Some endpoints of the provider are named, but not {' and '.join(missing)}: name them all, or none where the provider has a discovery document."
        )
    return {name: _address(f"OIDC_{name.upper()}_ENDPOINT", address) for name, address in given.items()}


def _roles(given: str, *, claim: str) -> dict[str, str]:
    """`their group=our role;…`"""
    pairs = [part.rpartition("=") for part in given.split(";") if part.strip()]
    found = {theirs.strip(): ours.strip() for theirs, _, ours in pairs}
    if bool(found) != bool(claim):
        raise ImproperlyConfigured(
            "OIDC_GROUPS_CLAIM (the claim that holds a person's groups) and OIDC_GROUPS (which of them is which role) belong together: set both or neither."
        )
    unknown = [ours for theirs, ours in found.items() if ours not in roles.ALL or not theirs]
    if unknown:
        raise ImproperlyConfigured(
            f"OIDC_GROUPS gives the role “{unknown[0]}”: write `their group=our role;…`, where a role is one of {', '.join(roles.ALL)}."
        )
    return found
