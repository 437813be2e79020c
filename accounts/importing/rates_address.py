"""Where exchange rates may be fetched from. Settings are checked by it, so it imports nothing of Django."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

USE = "give an address that begins with https://, or file:///path/of/the/file"


def fault_of_rates_address(*, address: str) -> str:
    """What is wrong with the address, as the end of a sentence that begins with what holds it; empty when nothing is.

    The address itself is never repeated: it may hold a key.
    """
    try:
        parts = urlsplit(address)
        _ = parts.port  # asked for its error
    except ValueError:
        return f"cannot be read: {USE}."
    if any(char.isspace() or not char.isprintable() for char in address):
        return f"holds a space or a line break: {USE}."
    if parts.username is not None or parts.password is not None:
        return f"names a user or a password, which would stand in logs: {USE}."
    return _fault_of_parts(parts)


def _fault_of_parts(parts: SplitResult) -> str:
    if parts.scheme == "file":
        here = parts.netloc in ("", "localhost") and parts.path.startswith("/")
        return "" if here else "names no file of this machine: write file:///path/of/the/file."
    if not parts.hostname:
        return f"names no host: {USE}."
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname)):
        return ""
    return f"is not protected on its way: {USE}."


def is_loopback(host: str) -> bool:
    """This machine, by name or number."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
