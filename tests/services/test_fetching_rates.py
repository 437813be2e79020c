"""Rates are fetched from a real server: whatever it does, the fetching ends, and stores a whole file or nothing."""

import contextlib
import http.server
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from accounts.importing.rates_address import fault_of_rates_address
from accounts.models import ExchangeRate
from allocation.services.rates import UnableToFetchRates, fetch_rates
from allocation.services.rates.fetching import Patience
from tests.factories import CLOCK, TODAY

pytestmark = pytest.mark.django_db

GOOD = b"date,currency,rate\n2026-11-20,EUR,0.8\n2026-11-20,GBP,0.75\n2026-11-19,EUR,0.81\n"
QUICK = Patience(piece_seconds=0.5, all_seconds=1, most_bytes=10_000)


@pytest.fixture
def server() -> Iterator[SimpleNamespace]:
    """`.url`; `.answer` is what a request is answered with (a function of the handler)."""
    held = SimpleNamespace(answer=good, asked=[])

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            held.asked.append(self.path)
            with contextlib.suppress(OSError):  # the other side gave up, which is what is tried
                held.answer(self)

        def log_message(self, *args: Any) -> None:
            """Nothing on the terminal of the tests."""

    found = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.daemon_threads = True
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    held.host = f"127.0.0.1:{found.server_port}"
    held.url = f"http://{held.host}/rates.csv"
    yield held
    found.shutdown()
    found.server_close()
    thread.join()


def say(handler: Any, code: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(code)
    for name, value in ({"Content_Length": str(len(body))} | headers).items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def good(handler: Any) -> None:
    say(handler, 200, GOOD)


def fetch(url: str, patience: Patience = QUICK) -> str:
    return fetch_rates(**CLOCK, url=url, patience=patience)


def stored() -> dict[tuple[str, date], Decimal]:
    return {(row.currency, row.day): row.rate for row in ExchangeRate.objects.all()}


def test_what_the_server_gives_is_kept_and_the_age_of_the_newest_is_told(server: SimpleNamespace) -> None:
    assert fetch(server.url) == "3 rates new or corrected. The newest rate is of 20 Nov 2026, 2 days old."
    assert stored()["EUR", date(2026, 11, 20)] == Decimal("0.8")


def test_fetching_again_changes_nothing_and_a_correction_is_taken(server: SimpleNamespace) -> None:
    fetch(server.url)
    before = stored()
    assert fetch(server.url).startswith("Nothing new. ")
    assert stored() == before
    server.answer = lambda handler: say(handler, 200, GOOD.replace(b"0.75", b"0.76"))
    assert fetch(server.url).startswith("1 rate new or corrected. ")
    assert stored()["GBP", date(2026, 11, 20)] == Decimal("0.76")


def test_a_number_of_many_digits_is_no_correction_of_itself(server: SimpleNamespace) -> None:
    """SQLite keeps fifteen digits of it."""
    text = b"date,currency,rate\n2026-11-20,IDR,16432.123456789012\n"
    server.answer = lambda handler: say(handler, 200, text)
    assert fetch(server.url).startswith("1 rate ")
    assert fetch(server.url).startswith("Nothing new")


def test_without_an_address_nothing_is_fetched_and_the_sentence_says_how_old_the_newest_is() -> None:
    assert fetch("") == "RATES_URL is not set, so nothing was fetched. There is no exchange rate."
    ExchangeRate.objects.create(currency="EUR", day=TODAY - timedelta(days=40), rate="0.9", base="USD")
    assert "13 Oct 2026, 40 days old." in fetch("")


def truncated(handler: Any) -> None:
    say(handler, 200, GOOD, Content_Length=str(len(GOOD) + 50))


def truncated_chunks(handler: Any) -> None:
    handler.protocol_version = "HTTP/1.1"
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(GOOD), GOOD))  # and no last chunk


def hung_up(handler: Any) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def silent(handler: Any) -> None:
    time.sleep(1.5)


def silent_in_the_middle(handler: Any) -> None:
    say(handler, 200, GOOD[:30], Content_Length=str(len(GOOD)))
    time.sleep(1.5)


def dripping(handler: Any) -> None:
    """A byte now and then: no single wait is too long."""
    handler.send_response(200)
    handler.end_headers()
    for byte in GOOD * 3:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (truncated, ConnectionError),
        (truncated_chunks, ConnectionError),
        (hung_up, ConnectionError),
        (lambda handler: say(handler, 500), ConnectionError),
        (lambda handler: say(handler, 503), ConnectionError),
        (lambda handler: say(handler, 429), ConnectionError),
        (silent, TimeoutError),
        (silent_in_the_middle, TimeoutError),
        (dripping, TimeoutError),
    ],
)
def test_what_can_pass_is_said_to_be_tried_again_and_stores_nothing(
    server: SimpleNamespace, answer: Callable[[Any], None], error: type[Exception]
) -> None:
    server.answer = answer
    began = time.monotonic()
    with pytest.raises(error, match="tried again"):
        fetch(server.url)
    assert time.monotonic() - began < 4
    assert stored() == {}


def test_a_server_that_is_not_there_can_come_back() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConnectionError, match=r"127\.0\.0\.1 could not be asked"):
        fetch(f"http://127.0.0.1:{port}/")


def endless(handler: Any) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(1000):
        handler.wfile.write(b"x" * 65536)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda handler: say(handler, 404), "answered 404: look at RATES_URL"),
        (lambda handler: say(handler, 403), "answered 403"),
        (lambda handler: say(handler, 200, b"x" * 10_001), "larger than 10,000 bytes"),
        (endless, "larger than 10,000 bytes"),
        (lambda handler: say(handler, 200, b"<html>Sign in</html>"), "This is no file of rates"),
        (lambda handler: say(handler, 200, b""), "This is no file of rates"),
        (lambda handler: say(handler, 200, b"date,currency,rate\n"), "holds no rates"),
        (lambda handler: say(handler, 200, bytes(range(256))), "not UTF-8"),
        (lambda handler: say(handler, 200, b"PK\x03\x04" + b"x" * 500), "cannot be unzipped"),
        (lambda handler: say(handler, 200, GOOD + b"2026-11-18,EUR,-1\n"), "Line 5: “-1” is no rate"),
        (lambda handler: say(handler, 302, Location="file:///etc/passwd"), "answered 302: look at RATES_URL"),
        (lambda handler: say(handler, 302, Location="http://example.com/"), "another kind of address"),
        (lambda handler: say(handler, 302, Location="ftp://127.0.0.1/"), "another kind of address"),
    ],
)
def test_what_cannot_pass_is_refused_with_a_sentence_and_stores_nothing(
    server: SimpleNamespace, answer: Callable[[Any], None], words: str
) -> None:
    server.answer = answer
    with pytest.raises(UnableToFetchRates, match=words):
        fetch(server.url)
    assert stored() == {}


def test_a_redirect_of_the_same_kind_is_followed_and_one_without_end_is_not(server: SimpleNamespace) -> None:
    def moved(handler: Any) -> None:
        good(handler) if handler.path == "/new" else say(handler, 302, Location="/new")

    server.answer = moved
    assert fetch(server.url).startswith("3 rates")
    server.answer = lambda handler: say(handler, 302, Location=f"/{len(server.asked)}")
    with pytest.raises(UnableToFetchRates, match="answered 302"):
        fetch(server.url)


def test_rates_of_another_base_are_refused(server: SimpleNamespace) -> None:
    ExchangeRate.objects.create(currency="USD", day=TODAY, rate="1.1", base="EUR")
    with pytest.raises(UnableToFetchRates, match="base currency EUR"):
        fetch(server.url)


def test_a_file_of_this_machine_is_read(tmp_path: Path) -> None:
    file = tmp_path / "rates of today.csv"
    file.write_bytes(GOOD)
    assert fetch(file.as_uri()).startswith("3 rates")


def test_a_file_that_is_missing_too_large_or_no_file_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UnableToFetchRates, match="not there"):
        fetch((tmp_path / "none.csv").as_uri())
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * 10_001)
    with pytest.raises(UnableToFetchRates, match="larger than"):
        fetch(large.as_uri())
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnableToFetchRates, match="not there"):
        fetch((tmp_path / "pipe").as_uri())


@pytest.mark.parametrize(
    "address",
    [
        "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.zip",
        "https://rates.example.com:8443/x?key=1",
        "file:///srv/rates.csv",
        "file://localhost/srv/rates.csv",
        "http://localhost:8000/x",
        "http://[::1]/x",
        "http://127.8.8.8/x",
    ],
)
def test_an_address_that_may_be_asked(address: str) -> None:
    assert fault_of_rates_address(address=address) == ""


@pytest.mark.parametrize(
    "address",
    [
        "http://rates.example.com/x",  # others could change it on its way
        "http://127.0.0.1.example.com/x",
        "http://localhost.example.com/x",
        "ftp://rates.example.com/x",
        "rates.csv",
        "/srv/rates.csv",
        "file:rates.csv",
        "file://server/share/rates.csv",
        "https:///x",
        "https://user:secret@rates.example.com/",
        "https://user@rates.example.com/",
        "https://[::1/",
        "https://rates.example.com:99999/",
        "https://rates.example.com/a b",
        "https://rates.example.com/a\nb",
        "data:text/csv,x",
    ],
)
def test_an_address_that_may_not(address: str) -> None:
    fault = fault_of_rates_address(address=address)
    assert fault.endswith(".")
    assert "secret" not in fault
    with pytest.raises(UnableToFetchRates, match="RATES_URL "):
        fetch(address)
