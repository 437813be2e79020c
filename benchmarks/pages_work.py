"""The child of the pages benchmark: companies of several sizes, each in a process and database of its own, asked in turn."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.filled import installed
from benchmarks.isolation import Emit, clock

OPS = "bench-ops@cstiers.example"
MARKED = ", all sheets marked"
EDITED = ", one customer edited"
WAIT = 600.0  # seconds that one page may take
READ_WHOLE = 1_000_000
WORD = "ma"  # a short word of which many customers have one, as people search first
Asked = tuple[str, str]


def work(job: Mapping[str, Any], emit: Emit) -> dict[str, Any]:
    """``pages``: name → size → (seconds, processor seconds) a round, and statements. ``faults``: what did not answer 200."""
    context = get_context("spawn")
    sites = {}
    for place in job["places"]:
        here, there = context.Pipe()
        process = context.Process(target=serve, args=(dict(place), there), daemon=True)
        process.start()
        there.close()
        sites[str(place["customers"])] = (process, here)
    pages: dict[str, dict[str, dict[str, Any]]] = {}
    faults: list[str] = []
    try:
        addresses = {size: _told(pipe) for size, (_, pipe) in sites.items()}
        with clock(emit):
            for name in next(iter(addresses.values())):
                found = pages.setdefault(name, {})
                # The first round is not counted: what is loaded once is no part of a page.
                for turn in range(job["rounds"] + 1):
                    for size, (_, pipe) in sites.items():
                        pipe.send((name,))
                        _note(found.setdefault(size, {"times": []}), _told(pipe), turn)
                faults.extend(f"{name} at {size}: {said['status']}" for size, said in found.items() if said["status"] != 200)  # fmt: skip
    finally:
        for process, pipe in sites.values():
            pipe.send(None)
            process.join(10)
    return {"pages": pages, "faults": faults}


def _told(pipe: Connection) -> Any:
    if not pipe.poll(WAIT):
        raise TimeoutError(f"A page took more than {WAIT:.0f} s.")
    return pipe.recv()


def _note(found: dict[str, Any], told: Mapping[str, Any], turn: int) -> None:
    found["status"], found["statements"], found["bytes"] = told["status"], told["statements"], told["bytes"]
    if turn:
        found["times"].append((told["seconds"], told["cpu"]))


def serve(place: dict[str, Any], pipe: Connection) -> None:
    """One site: tells its addresses, then answers each name it is sent with what the page took, until None comes."""
    installed(place)
    from django.contrib.auth import get_user_model
    from django.test import Client

    from accounts.roles import OPS as ROLE
    from allocation.services.figures import write_sheets

    write_sheets()
    _tidy()
    user, _ = get_user_model().objects.get_or_create(email=OPS, defaults={"name": "Bench", "is_staff": True})
    user.groups.set(_groups([ROLE]))
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    addresses = dict(pages_of(place["largest"]))
    pipe.send(list(addresses))
    marked = False
    while (asked := pipe.recv()) is not None:
        if asked[0].endswith(EDITED):
            _edit_one()
        if asked[0].endswith(MARKED):
            _mark_all()
        elif marked:
            write_sheets()
        marked = asked[0].endswith(MARKED)
        pipe.send(taken(client, addresses[asked[0]]))


def _groups(names: Sequence[str]) -> Any:
    from django.contrib.auth.models import Group

    return Group.objects.filter(name__in=names)


def _tidy() -> None:
    """What PostgreSQL does by itself within a minute, and the private server has switched off."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")


def _mark_all() -> None:
    """As a run leaves them that moved customers of every sheet."""
    from allocation.models import FigureMark, FigureSheet

    FigureMark.objects.bulk_create(
        FigureMark(number=number) for number in FigureSheet.objects.values_list("number", flat=True)
    )


def _edit_one() -> None:
    """As a person does between two looks."""
    from django.db.models import F

    from accounts.models import Customer

    first = Customer.objects.filter(arr__isnull=False).order_by("pk").values("pk")[:1]
    Customer.objects.filter(pk__in=first).update(arr=F("arr") + 1)


def taken(client: Any, address: str) -> dict[str, Any]:
    """One request in process: middleware, session, user, template."""
    from django.db import connection

    statements: list[str] = []

    def counted(execute: Any, sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    begun, cpu = time.perf_counter(), time.process_time()
    with connection.execute_wrapper(counted):
        response = client.get(address)
        length = len(response.content)
    return {
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - cpu,
        "status": response.status_code,
        "statements": len(statements),
        "bytes": length,
    }


def pages_of(size: int) -> list[Asked]:
    """What is asked, by name, where the largest company has so many customers. A last page is the last that can be paged to."""
    from django.urls import reverse

    from accounts.models import CSM, Customer, Region, Team, Tier, Vertical
    from accounts.selectors.paging import COUNTED
    from allocation.models import RetierRun

    listed, people = reverse("admin:accounts_customer_changelist"), reverse("customers")
    tier, vertical = (
        Tier.objects.filter(retired=False).order_by("rank")[0],
        Vertical.objects.order_by("name")[0],
    )
    region, team = Region.objects.order_by("name")[0], Team.objects.order_by("name")[0]
    csm = CSM.objects.filter(customers__isnull=False).order_by("name", "pk")[0]
    exact = Customer.objects.order_by("pk").values_list("external_id", flat=True)[7]
    run = RetierRun.objects.order_by("pk")[0].pk
    filters = {
        "tier": f"tier={tier.pk}",
        "status": "status__exact=active",
        "team": f"csm_team={team.pk}",
        "vertical": f"vertical={vertical.pk}",
        "region": f"region={region.pk}",
        "health": "health=poor",
        "renewal": "renewal=90",
        "missing": "gap=csm",
    }
    return [
        ("admin list", listed),
        ("admin list, page 2", f"{listed}?p=2"),
        ("admin list, last page", f"{listed}?p={min(COUNTED, Customer.objects.count()) // 50}"),
        *((f"admin list by {name}", f"{listed}?{query}") for name, query in filters.items()),
        ("admin search, a word", f"{listed}?q={WORD}"),
        ("admin search, an id", f"{listed}?q={exact}"),
        ("customers", people),
        ("customers, page 2", f"{people}?page=2"),
        ("customers, last page", f"{people}?page=1000000"),
        ("customers by tier", f"{people}?tier={tier.pk}"),
        ("customers of a CSM", f"{people}?csm={csm.pk}"),
        ("customers at risk", f"{people}?risk=yes"),
        ("customers by ARR", f"{people}?sort=-arr"),
        ("customers by renewal", f"{people}?sort=renewal"),
        ("search, a word", f"{people}?q={WORD}"),
        ("search, an id", f"{people}?q={exact}"),
        ("search, nothing found", f"{people}?q=qqxzzq"),
        ("home", reverse("home")),
        ("balance", reverse("balance")),
        (f"balance{EDITED}", reverse("balance")),
        (f"balance{MARKED}", reverse("balance")),
        ("balance by CSM", reverse("balance") + "?by=csms"),
        ("balance of a team", reverse("balance") + f"?team={team.pk}"),
        ("books", reverse("books")),
        ("pyramid, concentration, risk", reverse("pyramid")),
        (f"pyramid{EDITED}", reverse("pyramid")),
        (f"pyramid{MARKED}", reverse("pyramid")),
        ("pyramid of a vertical", reverse("pyramid") + f"?vertical={vertical.pk}"),
        # Reads everybody, as a plan does: at a million a minute a page.
        *([("headcount", reverse("headcount"))] if size < READ_WHOLE else []),
        ("runs", reverse("runs")),
        ("a run and its rows", reverse("run", args=[run]) + "?show=first"),
        ("approvals", reverse("approvals")),
    ]
