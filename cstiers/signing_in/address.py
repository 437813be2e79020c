"""From where a request comes, as far as it can be trusted."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest

# Where no address is known (a socket of the machine itself): one place for all such requests.
NOWHERE = "0.0.0.0"  # noqa: S104  (a value to count by, nothing listens on it)
HOUSEHOLD_BITS = 64  # who has one IPv6 address has all of its /64


def client_address(request: HttpRequest) -> str:
    """The address to count by: of the client as the outermost trusted proxy saw it.

    `X-Forwarded-For` is believed for as many entries from its right end as there are trusted proxies
    (`TRUSTED_PROXIES`), since each of them appends who called it; what stands further left a stranger wrote.
    With fewer entries than that the request came past a proxy, and its own address counts.
    """
    said = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.TRUSTED_PROXIES else ""
    hops = [hop.strip() for hop in said.split(",") if hop.strip()]
    direct = request.META.get("REMOTE_ADDR") or ""
    if not settings.TRUSTED_PROXIES or len(hops) < settings.TRUSTED_PROXIES:
        return counted(direct)
    return counted(hops[-settings.TRUSTED_PROXIES])


def counted(words: str) -> str:
    """An address in the form that is counted: IPv6 as its /64, a port taken off, `NOWHERE` for what is none."""
    found = _address(words)
    if found is None:
        return NOWHERE
    if isinstance(found, IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((found, HOUSEHOLD_BITS), strict=False).network_address)


def _address(words: str) -> IPv4Address | IPv6Address | None:
    """Some proxies add the port: 192.0.2.7:4711, [2001:db8::1]:4711."""
    bare = words.partition("]")[0].lstrip("[") if words.startswith("[") else words
    for form in (bare, bare.rpartition(":")[0]):
        try:
            return ip_address(form.partition("%")[0])
        except ValueError:
            continue
    return None
