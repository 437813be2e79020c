"""Twenty people in an embedded installation while its worker computes, applies, plans and imports: nobody is locked out.

Real processes on SQLite: the site as `cstiers.embedded` starts it, one worker with its timetable, twenty signed-in people
who read and write. `CSTIERS_ROUNDS` at 50 or more (`make prove`) takes the full figures.
"""

import json
import random
import re
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.crowd import FULL, SIZE, SMALL, Company, Console, company
from tests.faults.visitor import Answer, Visitor, crowd_at_work, share

CUSTOMERS = IMPORTED = SIZE
EDITED = (
    200  # customers whose facts people edit; the file names the others, or it would be refused as out of date
)
PEOPLE = 20
SEED = 20261127
LONGEST_ANSWER = 20.0  # seconds, on a machine that has much else to do
LONGEST_HOLD = 10.0  # half of what a writer waits for its turn

pytestmark = pytest.mark.usefixtures("only_on_sqlite")

WHO = """
from django.contrib.auth.models import Group
from accounts import roles
password = ops.password
for number in range(3):
    one = User.objects.create(email=f"ops{number}@demo.example", name=f"Ops {number}", password=password, is_staff=True)
    one.groups.add(Group.objects.get(name=roles.OPS))
role = lambda name: list(User.objects.filter(groups__name=name).order_by("pk").values_list("email", flat=True))
books = {}
for customer in Customer.objects.filter(csm__isnull=False).order_by("pk").values("pk", "csm__user__email"):
    books.setdefault(customer["csm__user__email"], []).append(customer["pk"])
from accounts.models import Tier
tell(
    ops=role(roles.OPS)[:4], managers=role(roles.MANAGER)[:4], csms=[one for one in role(roles.CSM) if books.get(one)][:12], books=books,
    customers=list(Customer.objects.order_by("pk").values_list("pk", flat=True)[:{edited}]),
    kinds=list(GoalKind.objects.order_by("pk").values_list("pk", flat=True)),
    tiers=list(Tier.objects.order_by("pk").values_list("pk", flat=True)),
    today=timezone.localdate().isoformat(), later=(timezone.localdate() + timedelta(days=90)).isoformat(),
)
"""

# What the worker does meanwhile; each line tells what became of it.
WORK = """
def told(what, row):
    tell(what=what, status=row.status, message=row.message, after=round(time.monotonic() - began, 1))

began = time.monotonic()

rows = ["external_id,name,arr,currency,health"]
for key, name, arr, currency in Customer.objects.order_by("pk").values_list("external_id", "name", "arr", "currency")[{edited}:]:
    rows.append(f'{{key}},"{{name}}",{{(arr or 0) * 3}},{{currency}},{{hash(key) % 90}}')
rows += [f"CROWD-{{number}},Crowd {{number}},{{1000 + number}},USD,50" for number in range({imported} + 1 - len(rows))]
run = queue_run(); wait(run, "proposed", "awaiting_approval"); told("run proposed", run)
accept(run); wait(run, "applied"); told("run applied", run)
batch = receive("\\n".join(rows)); wait(batch, "staged"); batch = confirm(batch)
wait(batch, "applied", "staged"); told("import", batch)
plan = planning.queue_plan(as_of=timezone.localdate(), seed=1, actor=ops); ring(propose_book_plan, plan_id=plan.pk)
wait(plan, "computing", "proposed", "awaiting_approval"); time.sleep({planned})
if BookPlan.objects.get(pk=plan.pk).status == "computing":
    planning.stop_plan(plan_id=plan.pk, actor=ops, at=timezone.now())
wait(plan, "proposed", "awaiting_approval"); told("plan", plan)
retiering.ask_to_undo_run(run_id=run.pk, actor=ops, at=timezone.now()); ring(undo_retier_run, run_id=run.pk)
wait(run, "undone"); told("run undone", run)
"""


def people(office: Company, console: Console) -> tuple[list[Visitor], dict[Visitor, list], dict]:
    """Four of ops, four managers, twelve CSMs, signed in, with what each of them does."""
    (who,) = console.told(WHO.replace("{edited}", str(EDITED)))
    address = office.processes.address
    ops, managers, csms = (
        [Visitor(address, email) for email in who[role]] for role in ("ops", "managers", "csms")
    )
    steps = {
        one: [
            read_as_ops,
            read_as_ops,
            edits(who),
            opens_goal(who, who["customers"]),
            closes_goal(who["customers"]),
        ]
        for one in ops
    }
    steps |= {one: [read_as_manager, read_as_manager, opens_goal(who, who["customers"])] for one in managers}
    for one in csms:
        book = who["books"][one.email]
        steps[one] = [
            read_as_csm(book),
            read_as_csm(book),
            opens_goal(who, book),
            closes_goal(book),
            asks(who, book),
        ]
    everybody = [*ops, *managers, *csms]
    assert len(everybody) == PEOPLE
    for one in everybody:
        one.sign_in()
    return everybody, steps, who


def read_as_ops(one: Visitor, chance: random.Random) -> None:
    pages = [
        "/",
        "/customers/",
        "/runs/",
        "/plans/",
        "/balance/",
        "/books/",
        "/admin/",
        "/admin/accounts/customer/",
        "/overrides/report/",
    ]
    one.see(chance.choice(pages))


def read_as_manager(one: Visitor, chance: random.Random) -> None:
    one.see(chance.choice(["/", "/approvals/", "/customers/", "/balance/", "/books/", "/runs/"]))


def read_as_csm(book: list[int]):
    return lambda one, chance: one.see(
        chance.choice(["/", "/book/", "/customers/", f"/customers/{chance.choice(book)}/"])
    )


def opens_goal(who: dict, customers: list[int]):
    def step(one: Visitor, chance: random.Random) -> None:
        kind = str(chance.choice(who["kinds"]))
        one.send(
            f"/customers/{chance.choice(customers)}/goals/", ("kind", kind), ("owner", ""), ("words", "crowd")
        )

    return step


def closes_goal(customers: list[int]):
    def step(one: Visitor, chance: random.Random) -> None:
        page = one.see(f"/customers/{chance.choice(customers)}/")
        found = re.search(r"/goals/\d+/close/", page.text)
        if found:
            one.send(found.group())

    return step


def asks(who: dict, book: list[int]):
    def step(one: Visitor, chance: random.Random) -> None:
        one.send(
            f"/customers/{chance.choice(book)}/override/",
            ("tier", str(chance.choice(who["tiers"]))),
            ("reason_kind", "risk"),
            ("words", "Their sponsor leaves; we want to be close by."),
            ("starts_on", who["today"]),
            ("expires_on", who["later"]),
        )

    return step


def edits(who: dict):
    def step(one: Visitor, chance: random.Random) -> None:
        path = f"/admin/accounts/customer/{chance.choice(who['customers'])}/change/"
        form = one.form_of(one.see(path), "customer_form")
        form["health"] = str(chance.randrange(100))
        one.send(path, *form.items())

    return step


def told_of(visitors: list[Visitor], since: dict[Visitor, int]) -> list[Answer]:
    return [answer for one in visitors for answer in one.answers[since[one] :]]


def report(title: str, answers: list[Answer]) -> None:
    took = [answer.seconds for answer in answers]
    kinds = Counter(answer.what.split()[0] for answer in answers)
    print(
        f"{title}: {len(answers)} answers ({kinds['GET']} GET, {kinds['POST']} POST) of {PEOPLE} people, seed {SEED}: "
        f"p50 {share(took, 0.5):.2f} s, p95 {share(took, 0.95):.2f} s, longest {max(took, default=0):.2f} s; "
        f"statuses {dict(Counter(answer.status for answer in answers))}"
    )


def test_twenty_people_and_a_working_worker_never_see_that_the_database_is_locked(tmp_path: Path) -> None:
    folder = tmp_path / "crowd"
    with company(folder, customers=CUSTOMERS, embedded=True, settings="tests.rig.timed_settings") as office:
        office.begin()
        console = office.console()
        visitors, steps, _ = people(office, console)
        idle = {one: len(one.answers) for one in visitors}
        home = threading.Event()
        threads = crowd_at_work(visitors, steps, until=home, seed=SEED, pause=1.5)
        time.sleep(20 if FULL else 4)
        quiet = told_of(visitors, idle)
        busy = {one: len(one.answers) for one in visitors}
        began = time.monotonic()
        said = console.told(WORK.format(imported=IMPORTED, edited=EDITED, planned=30 if FULL else 1))
        worked = time.monotonic() - began
        home.set()
        for thread in threads:
            thread.join(60)
        beside = told_of(visitors, busy)
        locks = [lock for lock in office.locks() if lock["who"] != "console.py"]
        (end,) = console.told(
            "from tests.oracle import faults\n"
            "tell(faults=faults(), goals=Goal.objects.filter(words='crowd').count())"
        )
        logs = office.logs()
    report("No task running", quiet)
    report(f"Beside run, import, plan and undo ({worked:.0f} s, {CUSTOMERS} customers)", beside)
    ratio = share([one.seconds for one in beside], 0.95) / share([one.seconds for one in quiet], 0.95)
    edited = [
        one
        for one in (*quiet, *beside)
        if one.what.startswith("POST /admin/accounts/customer/") and "/change/" not in one.address
    ]
    longest = sorted(locks, key=lambda lock: -lock["held"])[:3]
    print(
        f"p95 beside the worker / without: {ratio:.1f}; {end['goals']} goals opened, {len(edited)} customers edited by people"
    )
    print(
        f"write lock: {len(locks)} times, longest held {[(lock['held'], lock['who'], lock['where']) for lock in longest]}, "
        f"longest wait {max(lock['waited'] for lock in locks):.2f} s"
    )
    print(json.dumps(said))
    bad = [(answer.what, answer.status, answer.text[-300:]) for answer in (*quiet, *beside) if answer.is_bad]
    assert bad == []
    assert "database is locked" not in logs
    assert end["faults"] == []
    became = {one["what"]: one["status"] for one in said}
    assert (became["import"], became["run applied"], became["run undone"]) == ("applied", "applied", "undone")
    assert max(answer.seconds for answer in beside) < LONGEST_ANSWER
    assert max(lock["held"] for lock in locks) < LONGEST_HOLD
    assert end["goals"] > 0
    assert edited


@pytest.mark.proof
def test_control_with_the_database_as_django_comes_people_and_worker_are_locked_out(tmp_path: Path) -> None:
    """Deferred transactions and a fifth of a second of patience: the same crowd beside runs."""
    settings = "tests.rig.careless_settings"
    with company(tmp_path / "careless", customers=SMALL, embedded=True, settings=settings) as office:
        office.begin()
        console = office.console()
        visitors, steps, _ = people(office, console)
        before = {one: len(one.answers) for one in visitors}
        home = threading.Event()
        threads = crowd_at_work(visitors, steps, until=home, seed=SEED, pause=0.3)
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            # The test's own console must wait its turn in every case.
            console.told(
                "import contextlib; from django.db import OperationalError\n"
                "with contextlib.suppress(OperationalError, retiering.UnableToQueueRun):\n    queue_run()"
            )
            time.sleep(1)
            refused = [one for one in told_of(visitors, before) if one.is_bad]
            if len(refused) >= 3 and "database is locked" in office.logs():
                break
        home.set()
        for thread in threads:
            thread.join(60)
        answers = told_of(visitors, before)
        locked = office.logs().count("database is locked")
    bad = Counter(answer.status for answer in answers if answer.is_bad)
    print(
        f"Control: {dict(bad)} of {len(answers)} answers, {locked} lines of log say that the database is locked"
    )
    assert bad
    assert locked
