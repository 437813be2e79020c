"""Settings with which a process of a real installation must not start at all, each with a sentence.

"Real" means HTTPS_ONLY: others reach it. What is merely unwise is a system check (`manage.py check --deploy`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured

from accounts.importing.rates_address import fault_of_rates_address
from cstiers.logs import FORMATS, LEVELS

POSITIVE = (
    "SWEEP_SECONDS",
    "PULSE_SECONDS",
    "FULL_RUN_EVERY_DAYS",
    "OVERRIDE_MONTHS",
    "OVERRIDE_WARNING_DAYS",
    "APPROVAL_DAYS",
    "DELEGATION_DAYS",
    "LEAVE_WARNING_DAYS",
    "TOUCH_HORIZON_DAYS",
    "PLAN_THREADS",
)
KEY_CHARACTERS, KEY_DIFFERENT_CHARACTERS = 50, 5  # as Django's own check counts (security.W009)


def refuse_bad_settings(given: dict[str, Any]) -> None:
    """Raises ImproperlyConfigured with the first thing that is wrong; `given` are the settings by name."""
    for refuse in (_numbers, _words, _addresses, _rates_url, _debug, _hosts, _secret_key, _origins):
        sentence = refuse(given)
        if sentence:
            raise ImproperlyConfigured(sentence)


def _numbers(given: dict[str, Any]) -> str:
    if given["TRUSTED_PROXIES"] < 0:
        return "TRUSTED_PROXIES is negative: give the number of proxies between the internet and this process, or 0."
    positive = ("SIGN_IN_GUESSES", "SIGN_IN_GUESSES_OF_ADDRESS", "SIGN_IN_MINUTES")
    zero = next((name for name in positive if given[name] < 1), None)
    if zero:
        return f"{zero} must be 1 or more, or nobody could sign in."
    low = next((name for name in POSITIVE if given[name] < 1), None)
    if low:
        return f"{low} is {given[low]}: give a number from 1."
    if given["SESSION_COOKIE_AGE"] < 60 or given["SESSION_IDLE_SECONDS"] < 120:
        return "SESSION_HOURS must be 1 or more and SESSION_IDLE_MINUTES 2 or more."
    if given["LEASE_SECONDS"] < 3:
        return (
            f"LEASE_SECONDS is {given['LEASE_SECONDS']}: give a number from 3, or work would be taken from workers "
            "that live."
        )
    return ""


def _words(given: dict[str, Any]) -> str:
    if not _is_zone(given["TIME_ZONE"]):
        return f"TIME_ZONE is “{given['TIME_ZONE']}”, which is no time zone: give one such as Europe/Berlin or UTC."
    if not re.fullmatch(r"[A-Z]{3}", given["BASE_CURRENCY"]):
        return f"BASE_CURRENCY is “{given['BASE_CURRENCY']}”: give the three capital letters of a currency, such as EUR."
    for name, known in (("LOG_LEVEL", LEVELS), ("LOG_FORMAT", FORMATS)):
        if given[name] not in known:
            return f"{name} is “{given[name]}”: choose one of {', '.join(known)}."
    return ""


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # unknown, no such path, a folder of zones
        return False
    return True


def _addresses(given: dict[str, Any]) -> str:
    for name, values in (
        ("SITE_URL", [given["SITE_URL"]]),
        ("CSRF_TRUSTED_ORIGINS", given["CSRF_TRUSTED_ORIGINS"]),
    ):
        odd = next((each for each in values if not re.match(r"https?://[^/\s]", each)), None)
        if odd is not None:
            return f"{name} names “{odd}”: begin it with https:// (or http:// on your own machine), then the host."
    odd_host = next((host for host in given["ALLOWED_HOSTS"] if "/" in host), None)
    if odd_host:
        return f"ALLOWED_HOSTS names “{odd_host}”: give host names only, such as cstiers.example.com."
    if "@" not in given["DEFAULT_FROM_EMAIL"]:
        return "EMAIL_FROM is no e-mail address: write it like cstiers@example.com."
    return ""


def _debug(given: dict[str, Any]) -> str:
    if given["DEBUG"] and given["HTTPS_ONLY"]:
        return "DEBUG and HTTPS_ONLY are both on: debug pages show code, settings and customers to whoever meets an error. Switch DEBUG off."
    return ""


def _hosts(given: dict[str, Any]) -> str:
    hosts: Sequence[str] = [host.strip() for host in given["ALLOWED_HOSTS"]]
    if given["HTTPS_ONLY"] and not any(hosts):
        return "ALLOWED_HOSTS is empty: name the hosts people type, such as cstiers.example.com."
    if given["HTTPS_ONLY"] and "*" in hosts:
        return (
            "ALLOWED_HOSTS is “*”, so links and redirects could be made to lead anywhere: name the hosts people "
            "type, such as cstiers.example.com."
        )
    return ""


def _secret_key(given: dict[str, Any]) -> str:
    key: str = given["SECRET_KEY"]
    weak = (
        len(key) < KEY_CHARACTERS
        or len(set(key)) < KEY_DIFFERENT_CHARACTERS
        or key.startswith("django-insecure-")
    )
    if given["HTTPS_ONLY"] and weak:
        return (
            f"SECRET_KEY can be guessed, and who has it can sign in as anybody: give a random text of at least "
            f"{KEY_CHARACTERS} characters. `python -c 'import secrets; print(secrets.token_urlsafe(50))'` makes one."
        )
    return ""


def _origins(given: dict[str, Any]) -> str:
    named = (*given["CSRF_TRUSTED_ORIGINS"], given["SITE_URL"])
    plain = next((origin for origin in named if origin.startswith("http://")), None)
    if given["HTTPS_ONLY"] and plain:
        return (
            f"HTTPS_ONLY is on, but CSRF_TRUSTED_ORIGINS or SITE_URL names {plain}: begin it with https://."
        )
    return ""


def _rates_url(given: dict[str, Any]) -> str:
    address: str = given["RATES_URL"]
    fault = fault_of_rates_address(address=address) if address else ""
    return f"RATES_URL {fault}" if fault else ""
