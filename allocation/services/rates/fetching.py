"""Fetch exchange rates by the calendar, from where RATES_URL says, and keep what is new or corrected.

Whatever the other side does, this ends: it takes so many seconds and so many bytes at most, follows no redirect to
another kind of address, and stores all of a file or nothing.
"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from datetime import date, datetime
from email.message import Message
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    ProxyHandler,
    Request,
    build_opener,
    getproxies,
    url2pathname,
)

from django.conf import settings
from django.db.models import Max

from accounts.importing.errors import FileRefused
from accounts.importing.rates import MAX_BYTES, read_rate_bytes
from accounts.importing.rates_address import fault_of_rates_address
from accounts.models import ExchangeRate
from allocation.services.rates.loading import UnableToLoadRates, load_rates, new_rates

CHUNK = 64 * 1024
# What can pass by itself: too busy, too slow, broken for the moment.
CAN_PASS = frozenset({408, 425, 429, *range(500, 600)})


class UnableToFetchRates(ValueError):
    """No rates were stored, and trying again would not help; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for the next piece, how long in all, and for how many bytes."""

    piece_seconds: float = 20
    all_seconds: float = 120
    most_bytes: int = MAX_BYTES


PATIENCE = Patience()


def fetch_rates(*, on: date, at: datetime, url: str, patience: Patience = PATIENCE) -> str:
    """Fetch the file at `url` and store the rates that are new or differ; returns what came of it, as a sentence.

    An empty `url` fetches nothing and says so. Repeating it changes nothing. `at` is when it was asked for: the sentence
    is of the day `on`.

    Raises ConnectionError or TimeoutError for what can pass (no network, a busy server, a broken-off answer), and
    UnableToFetchRates for what cannot (a wrong address, a file that is none of rates). Neither stores anything.
    """
    if not url:
        return f"RATES_URL is not set, so nothing was fetched. {_newest(on)}"
    fault = fault_of_rates_address(address=url)
    if fault:
        raise UnableToFetchRates(f"RATES_URL {fault}")
    base = settings.BASE_CURRENCY
    data = _of_file(url, patience) if urlsplit(url).scheme == "file" else _of_server(url, patience)
    try:
        rates = read_rate_bytes(data=data, name="file of rates", base=base)
        if not rates:
            raise UnableToFetchRates("The file that was fetched holds no rates: look at RATES_URL.")
        new = new_rates(rates=rates, base=base)
        if new:
            load_rates(rates=new, base=base)
    except (FileRefused, UnableToLoadRates) as refused:
        raise UnableToFetchRates(f"What was fetched was refused. {refused}") from refused
    count = f"{len(new):,} rate{'' if len(new) == 1 else 's'} new or corrected" if new else "Nothing new"
    return f"{count}. {_newest(on)}"


def _newest(on: date) -> str:
    """How old the newest rate is."""
    newest = ExchangeRate.objects.filter(base=settings.BASE_CURRENCY).aggregate(newest=Max("day"))["newest"]
    if newest is None:
        return "There is no exchange rate."
    age = (on - newest).days
    if age <= 0:
        return f"The newest rate is of {newest:%d %b %Y}."
    return f"The newest rate is of {newest:%d %b %Y}, {age:,} day{'' if age == 1 else 's'} old."


def _of_file(url: str, patience: Patience) -> bytes:
    path = Path(url2pathname(urlsplit(url).path))
    try:
        if not path.is_file():  # a pipe or a device would be waited for without end
            raise UnableToFetchRates("RATES_URL names a file that is not there.")
        with path.open("rb") as file:
            data = file.read(patience.most_bytes + 1)
    except OSError as error:
        raise UnableToFetchRates(f"The file of RATES_URL cannot be read: {error.strerror}.") from error
    return _within(data, patience)


def _within(data: bytes, patience: Patience) -> bytes:
    if len(data) > patience.most_bytes:
        raise UnableToFetchRates(
            f"What RATES_URL gives is larger than {patience.most_bytes:,} bytes: no file of rates is."
        )
    return data


class _SameKindOnly(HTTPRedirectHandler):
    """Follows a redirect to an address that RATES_URL could name itself, and that is as well protected."""

    max_redirections = 3

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> Request | None:
        if fault_of_rates_address(address=newurl) or urlsplit(newurl).scheme != req.type:
            raise UnableToFetchRates("RATES_URL leads to another kind of address: name the final one.")
        followed: Request | None = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
        return followed


def _of_server(url: str, patience: Patience) -> bytes:
    """The body of the answer, whole. Every fault is one of the three that `fetch_rates` names."""
    # A proxy is for the way out; the loopback is asked directly.
    proxies = {kind: at for kind, at in getproxies().items() if kind == "https"}
    opener = build_opener(
        _SameKindOnly, ProxyHandler(proxies), HTTPSHandler(context=ssl.create_default_context())
    )
    ends = time.monotonic() + patience.all_seconds
    ask = Request(url, headers={"User-Agent": "cstiers", "Accept-Encoding": "identity"})  # noqa: S310  (checked above)
    host = urlsplit(url).hostname
    try:
        with opener.open(ask, timeout=patience.piece_seconds) as answer:
            return _body(answer, patience, ends)
    except HTTPError as error:
        if error.code in CAN_PASS:
            raise ConnectionError(f"{host} answered {error.code}; it is tried again.") from error
        raise UnableToFetchRates(f"{host} answered {error.code}: look at RATES_URL.") from error
    except (OSError, HTTPException) as error:
        raise _named(error, host) from error


def _named(error: Exception, host: str | None) -> Exception:
    """The fault as one that can pass or one that cannot."""
    reason: Any = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return UnableToFetchRates(
            f"{host} does not prove that it is {host}: its certificate is not valid here."
        )
    if isinstance(reason, TimeoutError):
        return TimeoutError(f"{host} took too long; it is tried again.")
    return ConnectionError(f"{host} could not be asked ({type(reason).__name__}); it is tried again.")


def _body(answer: HTTPResponse, patience: Patience, ends: float) -> bytes:
    """Piece by piece: a server that gives a byte a second never takes too long for one of them."""
    said = answer.headers.get("Content-Length", "")
    found = bytearray()
    while piece := answer.read1(CHUNK):
        found += piece
        _within(bytes(found) if len(found) > patience.most_bytes else b"", patience)
        if time.monotonic() > ends:
            raise TimeoutError
    if said.isdecimal() and len(found) < int(said):
        raise ConnectionResetError
    return bytes(found)
