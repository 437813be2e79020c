"""The child of the benchmark of a book's page: a company with a book of 40 and one of 500, asked for in process, in turn."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from benchmarks.filled import fill, installed
from benchmarks.isolation import Emit, clock

HELLO, SHELL, BOOK, LARGE = "hello", "empty page", "book of 40", "book of 500, page of 50"
SIZES = {BOOK: 40, LARGE: 500}
SHOWN = {BOOK: 40, LARGE: 50}
HELD = timedelta(days=200)  # since when they have their books
BATCH = 10
Times = dict[str, list[tuple[float, float]]]


def work(job: Mapping[str, Any], emit: Emit) -> dict[str, Any]:
    """``times`` by page, (seconds, processor seconds) a request and round, taken in turn; ``in_a_row``: each page some times in a
    row, which an easy page gains most by; ``statements`` and ``kilobytes`` of one answer each."""
    installed(job)
    fill(customers=job["customers"], csms=job["csms"], seed=job["seed"])
    pages = _pages(seed=job["seed"])
    statements = {
        name: _statements(*page) for name, page in pages.items()
    }  # and so each was asked for before
    faults = [fault for name, shown in SHOWN.items() for fault in _faults(name, shown, *pages[name])]
    times: Times = {}
    in_a_row: Times = {}
    with clock(emit):
        for _ in range(job["rounds"]):
            for found, batch in ((times, 1), (in_a_row, BATCH)):
                for name, spent in _round(pages, requests=job["requests"], batch=batch).items():
                    found.setdefault(name, []).append(spent)
    sizes = {name: len(client.get(address).content) / 1000 for name, (client, address) in pages.items()}
    return {
        "times": times,
        "in_a_row": in_a_row,
        "statements": statements,
        "kilobytes": sizes,
        "faults": faults,
    }


def _pages(*, seed: int) -> dict[str, tuple[Any, str]]:
    """Who opens which address."""
    from django.conf import settings
    from django.db import connection
    from django.utils import timezone

    from accounts.models import CSM
    from allocation.services.demo_touches import imagine_past_touches
    from allocation.services.touches import plan_touches

    settings.ROOT_URLCONF = "benchmarks.hello"
    settings.ALLOWED_HOSTS = ["testserver"]
    today = timezone.localdate()
    csms = dict(zip(SIZES, CSM.objects.people().filter(user__isnull=False).order_by("pk"), strict=False))
    _give_books(csms, since=today - HELD)
    plan_touches(on=today)
    imagine_past_touches(on=today, seed=seed)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as an installation does by itself
    small, large = (_signed_in(csms[name].user) for name in (BOOK, LARGE))
    return {
        HELLO: (small, "/hello/"),
        SHELL: (small, "/hello/shell/"),
        BOOK: (small, "/book/"),
        LARGE: (large, "/book/"),
    }


def _give_books(csms: Mapping[str, Any], *, since: date) -> None:
    """So many customers each, taken from all over the company, and no more."""
    from accounts.models import Customer

    names = list(csms)
    Customer.objects.filter(csm__in=csms.values()).update(csm=None, csm_since=None)
    served = list(Customer.objects.active().order_by("external_id").values_list("pk", flat=True))
    step = len(served) // sum(SIZES.values())
    for name in names:
        before = sum(SIZES[one] for one in names[: names.index(name)])
        theirs = served[before * step : (before + SIZES[name]) * step : step]
        Customer.objects.filter(pk__in=theirs).update(csm=csms[name], csm_since=since)


def _signed_in(user: Any) -> Any:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[1])
    return client


def _statements(client: Any, address: str) -> int:
    """Of a request for a page that was asked for before: all, with those for session and user."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.get(address)
    with CaptureQueriesContext(connection) as found:
        client.get(address)
    return len(found)


def _faults(name: str, shown: int, client: Any, address: str) -> list[str]:
    answer = client.get(address)
    rows = answer.content.decode().count('<tr id="row-')
    if answer.status_code != 200 or rows != shown:
        return [f"{name}: answered {answer.status_code} with {rows} rows instead of {shown}."]
    return []


def _round(
    pages: Mapping[str, tuple[Any, str]], *, requests: int, batch: int
) -> dict[str, tuple[float, float]]:
    """Seconds and processor seconds of a request to each page, on average; the pages in turn, ``batch`` requests each, so that
    whatever else the machine does meanwhile is the same for all.
    """
    spent = {name: [0.0, 0.0] for name in pages}
    turns = max(requests // batch, 1)
    gc.collect()
    for _ in range(turns):
        for name, (client, address) in pages.items():
            begun, cpu = time.perf_counter(), time.process_time()
            for _ in range(batch):
                client.get(address)
            spent[name][0] += time.perf_counter() - begun
            spent[name][1] += time.process_time() - cpu
    return {name: (seconds / turns / batch, cpu / turns / batch) for name, (seconds, cpu) in spent.items()}
