"""Reading the environment: what cannot be meant is refused with a sentence that names the variable, never its secret.

An empty value means the same as none, as a line without a value in a file of variables does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

ON, OFF = ("1", "true", "yes", "on", "y", "t", "ok"), ("0", "false", "no", "off", "n", "f")
SERVERS = ("postgres", "postgresql")
DATABASES = (*SERVERS, "sqlite")
MAIL = tuple(environ.Env.EMAIL_SCHEMES)


class Environment(environ.Env):
    """django-environ's reader with our refusals. All raise ImproperlyConfigured."""

    def __call__(self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, **options: Any) -> Any:
        value = super().__call__(var, cast=cast, default=default, **options)
        return default if value == "" and default is not self.NOTSET else value

    def int(self, var: str, default: Any = environ.Env.NOTSET) -> Any:
        text = str(self(var, cast=str, default=default)).strip()
        if not (text.isascii() and text.removeprefix("-").isdigit()) or len(text) > 9:
            raise ImproperlyConfigured(f"{var} is “{text}”: give a whole number.")
        return int(text)

    def bool(self, var: str, default: Any = environ.Env.NOTSET) -> Any:
        """The library takes every word it does not know for “off”, a misspelt HTTPS_ONLY as well."""
        text = str(self(var, cast=str, default=default)).strip().lower()
        if text not in (*ON, *OFF):
            raise ImproperlyConfigured(f"{var} is “{text}”: switch it on with 1 or off with 0.")
        return text in ON

    def database(self, url: str) -> dict[str, Any]:
        """Django's settings of the database that DATABASE_URL names."""
        parts = _split("DATABASE_URL", url, DATABASES, "postgres://user:password@host:5432/name")
        name = parts.path.lstrip("/")
        if parts.scheme in SERVERS and (not name or "/" in name.split("?")[0]):
            raise ImproperlyConfigured(
                "DATABASE_URL names no database, or more than one: end it with /name, as in "
                "postgres://user:password@host:5432/name."
            )
        found: dict[str, Any] = self.db_url_config(url)
        return found

    def mail(self, var: str, default: str) -> dict[str, Any]:
        """Django's settings of the mail server that `var` names."""
        url = self(var, default=default)
        example = "smtp+tls://user:password@mail.example.org:587"
        parts = _split(var, url, MAIL, example)
        if parts.scheme.startswith("smtp") and not parts.hostname:
            raise ImproperlyConfigured(f"{var} names no mail server: write it like {example}.")
        found: dict[str, Any] = self.email_url_config(url)
        return found


def broker(url: str) -> str:
    """REDIS_URL as it is; "" means the embedded broker."""
    if url:
        example = "redis://user:password@host:6379/0"
        parts = _split("REDIS_URL", url, ("redis", "rediss"), example)
        number = parts.path.strip("/")
        if not parts.hostname or not (number == "" or (number.isascii() and number.isdigit())):
            raise ImproperlyConfigured(
                f"REDIS_URL needs a host and ends with the number of a database: write it like {example}."
            )
    return url


def patience(**seconds: int) -> dict[str, Any]:
    """PostgreSQL's time limits as it is told them when a connection is made; 0 leaves a limit to the server. Where it is told any, it is
    also told to compile no statement: ours read plain columns, and compiling took as long as reading 100 000 customers. An address with
    options of its own takes the place of all of it.
    """
    asked = " ".join(f"-c {name}={value}s" for name, value in seconds.items() if value > 0)
    return {"options": f"-c jit=off {asked}"} if asked else {}


def folder(path: Path) -> Path:
    """`path` as a folder that is there and that we may write to."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise ImproperlyConfigured(
            f"{path} cannot be made ({fault.strerror}): name a folder that this process may write to with VAR_DIR."
        ) from None
    return path


def _split(var: str, url: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    """The parts of an address; its text is in no refusal, since a password may be in it."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ImproperlyConfigured(
            f"{var} cannot be read: write it like {example}, and characters such as / # @ of a password as %2F %23 %40."
        ) from None
    if parts.scheme not in schemes:
        known = ", ".join(f"{scheme}://" for scheme in schemes)
        raise ImproperlyConfigured(f"{var} must begin with one of {known}: write it like {example}.")
    if parts.fragment:
        raise ImproperlyConfigured(
            f"{var} holds a “#”, where an address ends: write this character of a password as %23."
        )
    return parts
