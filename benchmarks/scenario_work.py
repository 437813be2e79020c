"""The child of the scenario benchmark: a company in a database of its own, dry runs and scenarios taken in turn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.isolation import Emit, clock

DRY_RUN, NOTHING, PLAN, ANEW = "plain dry run", "nothing changed", "plan", "books planned anew"
ANOTHER_ARR = 20  # each so many-th customer's ARR has changed since the last run


def work(job: Mapping[str, Any], emit: Emit) -> dict[str, Any]:
    """``times`` by what was done, (seconds, processor seconds) a round; ``faults`` where answers differ."""
    with TemporaryDirectory(prefix="cstiers-bench-") as folder:
        os.environ["VAR_DIR"] = folder
        os.environ.pop("DATABASE_URL", None)  # a database of its own, never that of an installation
        os.environ["DJANGO_SETTINGS_MODULE"] = "cstiers.settings"
        import django

        django.setup()
        return _measured(job, emit)


def _measured(job: Mapping[str, Any], emit: Emit) -> dict[str, Any]:
    from django.utils import timezone

    today = timezone.localdate()
    _company(job["customers"], job["csms"], today)
    done: dict[str, Callable[[], Any]] = {DRY_RUN: lambda: _dry_run(today)}
    done[PLAN] = lambda: _plan(today)
    for name, definition in job["scenarios"].items():
        done[name] = lambda definition=definition: _scenario(definition, today)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in done}
    said: dict[str, Any] = {}
    for one in done.values():
        one()  # once before, so that nobody pays for what is loaded once
    with clock(emit):
        for _ in range(job["rounds"]):
            for name, one in done.items():
                begun, cpu = time.perf_counter(), time.process_time()
                said[name] = one()
                times[name].append((time.perf_counter() - begun, time.process_time() - cpu))
    dry, plain = said[DRY_RUN], said[NOTHING]
    faults = [
        f"{key} of a scenario that changes nothing are {plain[key]}, of the dry run {dry[key]}."
        for key in ("tiers", "moves")
        if plain[key] != dry[key]
    ]
    return {"times": times, "faults": faults}


def _company(customers: int, csms: int, today: date) -> None:
    """The demonstration company under the three-axis playbook, in tiers; since then some of the ARR has changed."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db.models import F
    from django.utils import timezone

    from accounts.models import Customer
    from allocation.services.demo import seed_demo
    from allocation.services.playbooks import load_playbook
    from allocation.services.retiering import apply_run, propose_run, queue_run

    call_command("migrate", verbosity=0)
    seed_demo(customers=customers, csms=csms, seed=1, today=today, base_currency=settings.BASE_CURRENCY)
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    before = today - timedelta(days=1)
    run = queue_run(as_of=before, at=timezone.now())
    propose_run(run_id=run.pk, owner="bench")
    apply_run(run_id=run.pk, owner="bench", at=timezone.now(), on=before)
    some = Customer.objects.alias(turn=F("pk") % ANOTHER_ARR).filter(turn=0, arr__isnull=False)
    some.update(arr=F("arr") * 3)
    Customer.objects.filter(pk__gt=0).alias(turn=F("pk") % 2).filter(turn=0).update(wished_engagement="mid")


def _dry_run(today: date) -> dict[str, Any]:
    """As `retier` without --apply: a run is asked for and computed, and its proposal stays."""
    from django.utils import timezone

    from allocation.models import RetierRun
    from allocation.services.retiering import propose_run, queue_run

    run = queue_run(as_of=today, at=timezone.now())
    propose_run(run_id=run.pk, owner="bench")
    summary: dict[str, Any] = RetierRun.objects.values_list("summary", flat=True).get(pk=run.pk)
    return summary


def _plan(today: date) -> dict[str, Any]:
    """As `plan_books` without --apply; put away afterwards, so that the next can be asked for."""
    from django.utils import timezone

    from allocation.models import BookPlan
    from allocation.services import planning

    asked = planning.queue_plan(as_of=today, seed=1, actor=None)
    planning.propose_plan(plan_id=asked.pk, owner="bench", on=today, at=timezone.now())
    summary: dict[str, Any] = BookPlan.objects.values_list("summary", flat=True).get(pk=asked.pk)
    planning.discard_plan(plan_id=asked.pk, actor=None)
    return summary


def _scenario(definition: Mapping[str, Any], today: date) -> dict[str, Any]:
    """As the page does: a scenario is asked for and computed, and its answer kept."""
    from django.utils import timezone

    from allocation.models import Scenario
    from allocation.services.scenarios import ask_scenario, compute_scenario

    asked = ask_scenario(
        name="Bench", words="", definition=definition, actor=None, at=timezone.now(), on=today
    )
    compute_scenario(scenario_id=asked.pk, owner="bench", on=today)
    result: dict[str, Any] = Scenario.objects.values_list("result", flat=True).get(pk=asked.pk)
    return result
